/*
 * storage.h - what the sinks that store items in a database share: where to, which ring an item is of,
 * what row becomes of it, and how they wait, or give up, when the database can't take it.
 *
 * An item is stored and known again by its ring and its id, in the same transaction; it is acked after
 * the commit. Whoever is killed in between leaves an item that is delivered again, and found stored.
 */
#ifndef SHMLINE_STORAGE_H
#define SHMLINE_STORAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/ring.h"
#include "src/base/invoice.h"

struct settler;

/* A transaction: so many items, or those of so long. Measured: beyond some hundred rows a commit costs
   nothing beside them; the time is a guess at what nobody notices. */
#define STORAGE_BATCH 1024
#define STORAGE_LINGER_NS UINT64_C(20000000)

#define STORAGE_TABLE_MAX 63	/* bytes of a table's name: PostgreSQL's limit */

/* ------------------------------------------------------------------ where to */

struct storage_target {
	char *place;				/* the file, or how to connect */
	char table[STORAGE_TABLE_MAX + 1];	/* empty: invoices, and items for what is none */
};

/*
 * "PLACE" or "PLACE?table=T". Returns EXIT_OK, or an exit code after saying why; `sink` is its name.
 * The place is freed by storage_target_free().
 */
int storage_target_read(struct storage_target *target, const char *sink, const char *arg);
void storage_target_free(struct storage_target *target);

/* Letters, digits and underscores, no digit in front; not a name that a database keeps for itself. */
bool storage_table_is_valid(const char *name);

/* ------------------------------------------------------------------ which ring */

/*
 * Ids begin again in another ring, of the same name too. This text is the same for all of a ring's life
 * and no other's: the boot of the machine, and the nanosecond in it when the ring was made.
 */
#define STORAGE_IDENTITY_MAX 64

/* EXIT_OK, or an exit code after saying why. */
int storage_identity(struct ring *ring, char identity[STORAGE_IDENTITY_MAX]);

/* ------------------------------------------------------------------ rows */

enum storage_form { FORM_INVOICES, FORM_ITEMS, STORAGE_FORMS };

struct storage_row {
	struct ring_item *item;
	enum storage_form form;
	struct invoice invoice;		/* of FORM_INVOICES */
	bool is_misfit;			/* the table has no place for it: it is dead, not stored */
};

void storage_rows(struct storage_row *rows, struct ring_item *items, size_t n);

/* After the commit: the items of the rows are done, misfits dead. As sink.handle(). */
int storage_settle(struct settler *settler, const struct storage_row *rows, size_t n, const char *table);

/* Now, as a row has it. */
const char *storage_now(char text[INVOICE_TIME_MAX]);

/* ------------------------------------------------------------------ when it does not work */

enum storage_fault {
	FAULT_NONE,
	FAULT_BUSY,	/* it may work by and by */
	FAULT_FULL,	/* no room, or no leave to write: people must do something */
	FAULT_DATA,	/* not such a database or table: likewise */
	FAULT_REFUSED,	/* a server does not let us in: perhaps next time */
	FAULT_OTHER,
};

/* The exit code of a fault that is not waited out. */
int storage_exit_code(enum storage_fault fault);

/* No more is taken by anybody: what is in the ring stays there until the fault is mended. Returns the
   exit code. */
int storage_stop_line(struct ring *ring, enum storage_fault fault);

/* Is it no use to wait, since this consumer, or the line, is told to stop? */
bool storage_is_called_off(struct ring *ring);

/* One wait for something that is busy. Starts as zeroes. */
struct storage_patience {
	unsigned attempts;
	uint64_t since_ns;
	bool has_told;
};

/* Wait before the next attempt, longer each time. false: called off. Says once, after a while, what is
   waited for: "FILE: database is locked". */
bool storage_wait(struct storage_patience *patience, struct ring *ring, const char *place, const char *why);

#endif
