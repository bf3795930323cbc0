/*
 * sink_postgres.c - items become rows of a PostgreSQL database, a batch in one transaction, and are acked
 * when it is committed. A server that goes away is waited for; what was not committed, or may have been,
 * is sent again.
 */
#include "src/consumer/sink.h"

#include "src/base/diag.h"
#include "src/base/exitcode.h"

#ifdef WITH_POSTGRES

#include <stdlib.h>
#include <string.h>

#include "shm/ring.h"
#include "src/consumer/settle.h"
#include "src/consumer/sink_postgres_store.h"
#include "src/consumer/storage.h"

#define PLACE "PostgreSQL"	/* how to connect may have a password in it */

struct postgres_sink {
	struct storage_target target;
	struct postgres_store store;
	struct ring *ring;
	char identity[STORAGE_IDENTITY_MAX];
	struct storage_row rows[STORAGE_BATCH];
};

/* ------------------------------------------------------------------ opening */

static int check_conninfo(const char *conninfo)
{
	char *why = NULL;
	bool is_valid = postgres_conninfo_is_valid(conninfo, &why);

	if (!is_valid)
		diag_error("--sink postgres: expected how to connect, as host=/run/postgresql dbname=x or "
			   "postgresql://host/x: %.*s", why ? (int)strcspn(why, "\n") : 9,
			   why ? why : "no memory");
	PQfreemem(why);
	return is_valid ? EXIT_OK : EXIT_BAD_USAGE;
}

/* By hand, or in the launcher's check before a run, a server that is not there is a mistake. One that is
   not there when a consumer is started again will come back. */
static int connect_first(struct postgres_sink *sink)
{
	enum storage_fault fault = postgres_store_connect(&sink->store);

	if (fault == FAULT_NONE)
		return EXIT_OK;
	diag_error("cannot connect to " PLACE ": %s", sink->store.why);
	return storage_exit_code(fault);
}

static int postgres_open(const struct sink_request *request, void **state)
{
	struct postgres_sink *sink;
	int code;

	if (libpq_load() < 0)
		return EXIT_SYSTEM;
	sink = calloc(1, sizeof(*sink));
	if (!sink) {
		diag_error("no memory for a sink");
		return EXIT_SYSTEM;
	}
	*state = sink;
	sink->store.target = &sink->target;
	code = storage_target_read(&sink->target, "postgres", request->arg);
	if (code == EXIT_OK)
		code = check_conninfo(sink->target.place);
	return code == EXIT_OK && request->number == 0 ? connect_first(sink) : code;
}

/* ------------------------------------------------------------------ attempts */

/* Others who meet the fault after us have been stopped. */
static int give_up(struct postgres_sink *sink, enum storage_fault fault)
{
	if (storage_is_called_off(sink->ring))
		return EXIT_OK;
	diag_error("cannot store in " PLACE ": %s; items stay in ring \"%s\"", sink->store.why,
		   ring_name(sink->ring));
	return fault == FAULT_OTHER || fault == FAULT_REFUSED ? storage_exit_code(fault)
							      : storage_stop_line(sink->ring, fault);
}

/* One attempt at `n` rows, which may be none. */
static enum storage_fault attempt(struct postgres_sink *sink, size_t n)
{
	enum storage_fault fault = postgres_store_open(&sink->store, sink->ring, sink->identity);

	return fault == FAULT_NONE && n > 0 ? postgres_store_rows(&sink->store, sink->ring, sink->rows, n)
					    : fault;
}

/* Attempts until one succeeds. EXIT_OK, with *done false when it was called off before; else the exit
   code, after saying why. */
static int insist(struct postgres_sink *sink, size_t n, bool *done)
{
	struct storage_patience patience = { .attempts = 0 };
	enum storage_fault fault;

	do {
		fault = attempt(sink, n);
		*done = fault == FAULT_NONE;
	} while (fault == FAULT_BUSY && storage_wait(&patience, sink->ring, PLACE, sink->store.why));
	return fault == FAULT_NONE || fault == FAULT_BUSY ? EXIT_OK : give_up(sink, fault);
}

/* ------------------------------------------------------------------ the contract's calls */

static int postgres_start(void *state, struct ring *ring)
{
	struct postgres_sink *sink = state;
	bool done;
	int code;

	sink->ring = ring;
	code = storage_identity(ring, sink->identity);
	return code == EXIT_OK ? insist(sink, 0, &done) : code;
}

static int postgres_handle(void *state, struct settler *settler, struct ring_item *items, size_t n)
{
	struct postgres_sink *sink = state;
	bool done;
	int code;

	storage_rows(sink->rows, items, n);
	code = insist(sink, n, &done);
	return done ? storage_settle(settler, sink->rows, n, sink->target.table) : code;
}

static void postgres_close(void *state)
{
	struct postgres_sink *sink = state;

	postgres_store_close(&sink->store);
	if (sink->ring)
		diag_verbose("stored %llu rows; %llu items were there already or had no place",
			     (unsigned long long)sink->store.stored, (unsigned long long)sink->store.known);
	storage_target_free(&sink->target);
	free(sink);
}

#else

static int postgres_open(const struct sink_request *request, void **state)
{
	(void)request;
	(void)state;
	diag_error("--sink postgres: this consumer was built without libpq (make POSTGRES=yes)");
	return EXIT_BAD_USAGE;
}

#define postgres_start NULL
#define postgres_handle NULL
#define postgres_close NULL
#define STORAGE_BATCH 1
#define STORAGE_LINGER_NS 0

#endif

const struct sink sink_postgres = {
	.name = "postgres",
	.arg = "CONNINFO[?table=T]",
	.help = "the same in a PostgreSQL database",
	.batch = STORAGE_BATCH,
	.linger_ns = STORAGE_LINGER_NS,
	.arg_needed = true,
	.open = postgres_open,
	.start = postgres_start,
	.handle = postgres_handle,
	.close = postgres_close,
};
