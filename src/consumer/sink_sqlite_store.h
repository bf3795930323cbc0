/*
 * sink_sqlite_store.h - private to sink_sqlite*: one connection to the file, its tables, and a
 * transaction of rows. Calls return a fault, after noting why; nothing here waits for a busy database.
 */
#ifndef SHMLINE_SINK_SQLITE_STORE_H
#define SHMLINE_SINK_SQLITE_STORE_H

#include <sqlite3.h>

#include "src/consumer/storage.h"

/* Rows of one INSERT, when there are so many: half the time of as many single ones. More gain nothing. */
#define SQLITE_MANY 16

struct sqlite_table {
	const char *name;		/* NULL: not looked at in this connection, or lost by a rollback */
	enum storage_form form;
	sqlite3_stmt *insert, *insert_many;	/* a row; SQLITE_MANY rows */
};

struct sqlite_store {
	const struct storage_target *target;
	sqlite3 *db;
	int64_t ring;			/* its number in the table of rings */
	struct sqlite_table tables[STORAGE_FORMS];	/* a table that was named is the first */
	uint64_t stored, known;		/* rows; items that were there already */
	char why[256];			/* of the last fault */
};

/* Open the file, or make it, and enter the ring in it. Once more after a fault is allowed. */
enum storage_fault sqlite_store_open(struct sqlite_store *store, const char *ring, const char *identity);
void sqlite_store_close(struct sqlite_store *store);

/* All rows or none; which are misfits is said in them. */
enum storage_fault sqlite_store_rows(struct sqlite_store *store, struct storage_row *rows, size_t n);

#endif
