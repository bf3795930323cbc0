/*
 * verb_watch_storage_read.h - private to verb_watch_storage.c: reading the file in which consumers store,
 * what is new since the last time. Nothing is locked for who writes.
 */
#ifndef SHMLINE_RINGCTL_VERB_WATCH_STORAGE_READ_H
#define SHMLINE_RINGCTL_VERB_WATCH_STORAGE_READ_H

#include "shm/ring.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

struct storage_file {
	const char *path;
	const char *table;	/* NULL: invoices, or items when there are none */
	sqlite3 *db;
	const char *found;	/* the table; NULL: none so far */
	bool has_issued;	/* it has the time when each row was issued */
	sqlite3_int64 last;	/* rowid of the last row that was read */
	uint64_t rows;		/* in all */
};

/* Rows of which a first reading looks at the times: the latest. */
#define STORAGE_FIRST_ROWS 100000

/* What is new. */
struct storage_news {
	uint64_t rows;			/* whose times were read */
	uint64_t first_ns, last_ns;	/* stored, by the wall clock */
	struct ring_histogram lag;	/* issued to stored; empty when the table does not say */
};

/* Exit codes, after saying why. */
int storage_file_open(struct storage_file *file);
int storage_file_read(struct storage_file *file, struct storage_news *news);
void storage_file_close(struct storage_file *file);

/* Count a time. */
void storage_count(struct ring_histogram *histogram, uint64_t ns);

#endif
