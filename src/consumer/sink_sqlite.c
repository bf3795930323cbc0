/*
 * sink_sqlite.c - items become rows of an SQLite file, a batch in one transaction, and are acked when it
 * is committed.
 *
 * SQLite lets one write at a time, and those that find it busy look again after a sleep. So that several
 * consumers don't sleep while the file is free, they queue for their turn: a flock(2) on the file, for
 * which the kernel wakes the next at once, and which the death of its holder gives up. Items are read
 * and made rows before it.
 */
#include "src/consumer/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "shm/ring.h"
#include "src/base/diag.h"
#include "src/base/exitcode.h"
#include "src/consumer/settle.h"
#include "src/consumer/sink_sqlite_store.h"
#include "src/consumer/storage.h"
#include "src/consumer/writable.h"

struct sqlite_sink {
	struct storage_target target;
	struct sqlite_store store;
	struct ring *ring;
	int turn_fd;		/* the file, for flock(2) only; -1: not open */
	struct storage_row rows[STORAGE_BATCH];
};

/* ------------------------------------------------------------------ opening */

/* SQLite says so only when it reads, and would make a database of an empty file. */
static int check_magic(const char *path)
{
	static const char magic[16] = "SQLite format 3";
	char head[sizeof(magic)];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, head, sizeof(head));
	char shown[256];

	if (fd >= 0)
		close(fd);
	if (n <= 0 || ((size_t)n == sizeof(head) && memcmp(head, magic, sizeof(magic)) == 0))
		return EXIT_OK;
	diag_error("cannot store in \"%s\": it is no SQLite database",
		   diag_quote(shown, sizeof(shown), path, strlen(path)));
	return EXIT_BAD_DATA;
}

static int check_file(const char *path)
{
	char shown[256];
	int code;

	if (!*path || strchr(path, '?')) {
		diag_error("--sink sqlite:\"%s\": expected FILE or FILE?table=TABLE",
			   diag_quote(shown, sizeof(shown), path, strlen(path)));
		return EXIT_BAD_USAGE;
	}
	code = writable_check("--sink sqlite", path);
	return code == EXIT_OK ? check_magic(path) : code;
}

static int sqlite_open(const struct sink_request *request, void **state)
{
	struct sqlite_sink *sink = calloc(1, sizeof(*sink));
	int code;

	if (!sink) {
		diag_error("no memory for a sink");
		return EXIT_SYSTEM;
	}
	*state = sink;
	/* One thread: locks and counts of memory would only cost. They fail when it has been begun, and then
	   nothing is lost. */
	sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	sink->turn_fd = -1;
	sink->store.target = &sink->target;
	code = storage_target_read(&sink->target, "sqlite", request->arg);
	return code == EXIT_OK ? check_file(sink->target.place) : code;
}

/* ------------------------------------------------------------------ turns */

static bool take_turn(struct sqlite_sink *sink)
{
	while (flock(sink->turn_fd, LOCK_EX) < 0 && errno == EINTR)
		if (storage_is_called_off(sink->ring))
			return false;
	return !storage_is_called_off(sink->ring);
}

static void end_turn(struct sqlite_sink *sink)
{
	flock(sink->turn_fd, LOCK_UN);
}

/* Within the turn: of all consumers that would meet the fault only one says so. */
static int give_up(struct sqlite_sink *sink, enum storage_fault fault)
{
	const char *file = sink->target.place;
	char shown[256];

	diag_error("cannot store in \"%s\": %s; items stay in ring \"%s\"",
		   diag_quote(shown, sizeof(shown), file, strlen(file)), sink->store.why,
		   ring_name(sink->ring));
	return fault == FAULT_OTHER ? storage_exit_code(fault) : storage_stop_line(sink->ring, fault);
}

/* One attempt at `n` rows, or with none at opening the file. */
static enum storage_fault attempt(struct sqlite_sink *sink, size_t n)
{
	char identity[STORAGE_IDENTITY_MAX];

	if (n > 0)
		return sqlite_store_rows(&sink->store, sink->rows, n);
	if (storage_identity(sink->ring, identity) != EXIT_OK)
		return FAULT_OTHER;
	return sqlite_store_open(&sink->store, ring_name(sink->ring), identity);
}

/*
 * Attempts until one succeeds. EXIT_OK, with *done false when it was called off before; else the exit
 * code, after saying why. Somebody else may have the file locked, who is not in the queue.
 */
static int insist(struct sqlite_sink *sink, size_t n, bool *done)
{
	struct storage_patience patience = { .attempts = 0 };
	enum storage_fault fault = FAULT_BUSY;
	int code = EXIT_OK;

	*done = false;
	while (take_turn(sink)) {
		fault = attempt(sink, n);
		if (fault != FAULT_NONE && fault != FAULT_BUSY)
			code = give_up(sink, fault);
		end_turn(sink);
		*done = fault == FAULT_NONE;
		if (fault != FAULT_BUSY ||
		    !storage_wait(&patience, sink->ring, sink->target.place, sink->store.why))
			break;
	}
	return code;
}

/* ------------------------------------------------------------------ the contract's calls */

static int sqlite_start(void *state, struct ring *ring)
{
	struct sqlite_sink *sink = state;
	const char *file = sink->target.place;
	char shown[256];
	bool done;

	sink->ring = ring;
	sink->turn_fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (sink->turn_fd < 0) {
		diag_error("cannot open \"%s\": %m", diag_quote(shown, sizeof(shown), file, strlen(file)));
		return storage_stop_line(ring, FAULT_FULL);
	}
	return insist(sink, 0, &done);
}

static int sqlite_handle(void *state, struct settler *settler, struct ring_item *items, size_t n)
{
	struct sqlite_sink *sink = state;
	bool done;
	int code;

	storage_rows(sink->rows, items, n);
	code = insist(sink, n, &done);
	if (!done)
		return code;
	return storage_settle(settler, sink->rows, n, sink->target.table);
}

/* The file is closed for SQLite first: closing any descriptor of it gives up the locks of this process. */
static void sqlite_close(void *state)
{
	struct sqlite_sink *sink = state;

	sqlite_store_close(&sink->store);
	if (sink->ring)
		diag_verbose("stored %llu rows; %llu items were there already or had no place",
			     (unsigned long long)sink->store.stored, (unsigned long long)sink->store.known);
	if (sink->turn_fd >= 0)
		close(sink->turn_fd);
	storage_target_free(&sink->target);
	free(sink);
}

const struct sink sink_sqlite = {
	.name = "sqlite",
	.arg = "FILE[?table=T]",
	.help = "rows of an SQLite file, each item once; invoices get columns of their own",
	.batch = STORAGE_BATCH,
	.linger_ns = STORAGE_LINGER_NS,
	.arg_needed = true,
	.open = sqlite_open,
	.start = sqlite_start,
	.handle = sqlite_handle,
	.close = sqlite_close,
};
