/*
 * sink_postgres_store.h - private to sink_postgres*: one connection to a server, the tables there, and
 * a transaction of rows. Calls return a fault, after noting why; one that is lost is connected again by
 * postgres_store_open().
 */
#ifndef SHMLINE_SINK_POSTGRES_STORE_H
#define SHMLINE_SINK_POSTGRES_STORE_H

#include "src/consumer/libpq.h"
#include "src/consumer/storage.h"

struct postgres_table {
	bool is_ready;			/* there, and its INSERT prepared in this connection */
	enum storage_form form;
};

struct postgres_store {
	const struct storage_target *target;
	PGconn *connection;		/* NULL: none */
	char ring[24];			/* its number in the table of rings; empty: not entered */
	struct postgres_table tables[STORAGE_FORMS];	/* a table that was named is the first */
	uint64_t stored, known;		/* rows; items that were there already */
	char why[256];			/* of the last fault */
};

/* Is this how a connection can be written? *why is libpq's, for PQfreemem(). */
bool postgres_conninfo_is_valid(const char *conninfo, char **why);

/* Connect, if there is no connection. FAULT_REFUSED: a server is there, and doesn't let us in. */
enum storage_fault postgres_store_connect(struct postgres_store *store);

/* The same, and enter the ring. */
enum storage_fault postgres_store_open(struct postgres_store *store, struct ring *ring, const char *identity);
void postgres_store_close(struct postgres_store *store);

/* All rows or none; which are misfits is said in them. */
enum storage_fault postgres_store_rows(struct postgres_store *store, struct ring *ring,
				       struct storage_row *rows, size_t n);

#endif
