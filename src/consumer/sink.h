/*
 * sink.h - the contract of a sink: where a consumer's items go. A new one is a file sink_NAME.c with a
 * `const struct sink`, and a line in sinks.c. A worker protocol (how COMMAND gets items) is a sink too:
 * worker_NAME.c, and a line in the other list of sinks.c.
 */
#ifndef SHMLINE_SINK_H
#define SHMLINE_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/consumer/command.h"

struct intake;
struct ring;
struct ring_item;
struct settler;

/* What the user asked for. It outlives the sink, which may point to it. */
struct sink_request {
	const char *arg;		/* of --sink KIND:ARG; NULL: none */
	char terminator;		/* of a record on standard output */
	struct command command;		/* workers: COMMAND, and how items get into it */
	uint64_t time_limit_ns;		/* for each item; 0: none */
	uint64_t kill_after_ns;		/* from TERM to KILL */
	size_t window;			/* items that a long-lived COMMAND may hold */
	size_t block;			/* bytes that a streaming one gets at once, about */
	const char *joblog;		/* file; NULL: none */
	bool keep_order;		/* results come in the order of the items */
	unsigned number;		/* this consumer's; 0: started by hand */
};

struct sink {
	const char *name;
	const char *arg;		/* what stands behind the colon, for help; NULL: nothing may */
	const char *help;		/* one clause */
	size_t batch;			/* items that it wants at once; 0: --batch says */
	uint64_t linger_ns;		/* how long it waits for a batch to fill; 0: it takes what is there */
	bool arg_needed;
	bool is_worker;			/* hands items to a COMMAND */
	bool takes_parcels;		/* several items in one slot (ring.h) */

	/*
	 * Check the request and get ready, creating nothing; the ring is not there yet. Returns 0, or
	 * an exit code after saying why. *state is NULL before; what it is set to is closed, also when
	 * the open failed.
	 */
	int (*open)(const struct sink_request *request, void **state);
	/* The ring is there. 0, or an exit code after saying why. */
	int (*start)(void *state, struct ring *ring);
	/*
	 * Deal with n items (at least 1), and tell the settler what became of each. 0, or the exit
	 * code with which the consumer must end, after saying why; items that it has not settled
	 * then go back to the ring.
	 */
	int (*handle)(void *state, struct settler *settler, struct ring_item *items, size_t n);
	/*
	 * For a sink that keeps items in hand between calls of handle: settle those whose time has come;
	 * `is_end`: give the others back. *kept says how many it still has. NULL: it keeps none. As handle.
	 */
	int (*look)(void *state, struct settler *settler, bool is_end, size_t *kept);
	/*
	 * Instead of handle, for a sink that works on items while others come: take them from `intake`
	 * until it says that there is no more, or until the consumer is asked to leave. Returns the
	 * consumer's exit code; nothing is in hand then.
	 */
	int (*work)(void *state, struct intake *intake);
	void (*close)(void *state);
};

extern const struct sink sink_log, sink_null, sink_stdout, sink_sqlite, sink_postgres;
extern const struct sink worker_exec, worker_lines, worker_nul, worker_len32, worker_stream;

/*
 * Find the sink that "KIND" or "KIND:ARG" names, and *arg (NULL: none). NULL when there is none or its
 * ARG is missing or too much; then *expected says what was expected. Both point to static memory or
 * into `text`.
 */
const struct sink *sink_find(const char *text, const char **arg, const char **expected);

/* The same for --worker PROTOCOL. */
const struct sink *worker_find(const char *text, const char **expected);

/* Every sink and worker with its help, a line each, for --help. */
const char *sink_list(void);
const char *worker_list(void);

#endif
