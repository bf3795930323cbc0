/*
 * ipc.h - what ipc.c measures: ways to hand items from processes to processes. Each file ipc_*.c has
 * some transports, apart from ipc_channel.c, ipc_run.c and ipc_ping.c (the processes), ipc_cases.c
 * (which cases there are, and who takes part), ipc_report.c (tables and JSON) and ipc_server.c.
 */
#ifndef SHMLINE_BENCH_IPC_H
#define SHMLINE_BENCH_IPC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { END_PRODUCER, END_CONSUMER };

/* One way to hand items on, in one shape. Made before the processes are forked. */
struct channel {
	const struct transport *transport;
	unsigned producers, consumers, slots;
	unsigned batch;		/* items a call, for those that can; 0: one */
	unsigned work_ns[2];	/* what each side does for each item besides */
	size_t len;		/* of every item: a multiple of 8 */
	void *shared;		/* memory of all, of transport->shared_size() bytes, zeroed */
	int fds[2];		/* the transport's; closed after the run if not -1 */
	int id;
	pid_t server;
	char name[40];		/* unique, for what needs one */
	char folder[64];	/* of a server or of sockets, if the transport has made one */
};

/* Items that an end has gathered, or got and not yet handed on. */
struct many {
	unsigned at, n;
	unsigned char *items;
};

/* One process's end of it. */
struct end {
	struct channel *channel;
	int side;
	unsigned number;	/* on its side, from 0; the producer behind the last puts the end marks */
	void *own;		/* the transport's */
	void *buffer;		/* len bytes, for those that copy */
	struct many many;	/* for those that gather */
};

/* How a consumer learns that nothing more will come. */
enum ending {
	ENDS_WITH_MARK,		/* an item numbered 0 for each consumer, behind all others */
	ENDS_DRAINED,		/* begin_get() gives NULL */
	/* NULL whenever none came for SILENT_MS, since items may overtake each other. Producers stay until all
	   is there: who closes a socket drops what has not gone out (nng), or what a consumer that lags
	   has not read (ZeroMQ). */
	ENDS_SILENT,
};
enum { SILENT_MS = 50 };

/*
 * All calls end the process with a message when they can't do what they should. With channel->batch,
 * those that have `batches` gather so many items before they go out and get so many at once: see
 * GATHERS.
 */
struct transport {
	const char *name, *note;
	const char *absent;	/* why it is not there; then nothing else is set */
	const char *program;	/* that it needs, in PATH or /usr/sbin */
	bool batches;
	enum ending ending;
	size_t (*shared_size)(const struct channel *channel);
	void (*make)(struct channel *channel);
	void (*join)(struct end *end);
	void *(*begin_put)(struct end *end);		/* where to write the item */
	void (*end_put)(struct end *end);
	const void *(*begin_get)(struct end *end);	/* waits for an item */
	void (*end_get)(struct end *end);
	void (*put_all)(struct end *end);		/* end->many */
	void (*get_some)(struct end *end);		/* waits for at least one, fills end->many */
	void (*leave)(struct end *end);			/* put_all() comes before it */
	void (*unmake)(struct channel *channel);
};

/* For those that gather: end->many stands between, and goes in and out as a whole. */
#define GATHERS(put, get) .batches = true, .begin_put = many_begin_put, .end_put = many_end_put, \
	.put_all = (put), .begin_get = many_begin_get, .end_get = many_end_get, .get_some = (get)
void *many_begin_put(struct end *end);
void many_end_put(struct end *end);
const void *many_begin_get(struct end *end);
void many_end_get(struct end *end);
void *many_item(struct end *end, unsigned i);

extern const struct transport
	transport_shmline,
	transport_textbook, transport_two_semaphores, transport_condition, transport_robust,
	transport_pipe, transport_seqpacket, transport_posix_mq, transport_sysv_msg,
	transport_vyukov, transport_vyukov_futex, transport_ck, transport_spsc, transport_rte,
	transport_boost, transport_zmq, transport_nng,
	transport_beanstalkd, transport_redis_lists, transport_redis_streams, transport_nats;

/* ------------------------------------------------------------------ cases: ipc_cases.c */

enum { PEERS_MAX = 24 };

struct bench_case {
	const char *name;
	struct channel shape;
	const struct transport *peers[PEERS_MAX];	/* the textbook among them, but for jobs */
	bool is_quick;
};

extern const struct bench_case cases[];
extern const size_t cases_n;
extern const struct transport *const ping_peers[PEERS_MAX];

/* ------------------------------------------------------------------ runs: ipc_run.c, ipc_ping.c */

/* From the best to the worst. Stalled: it had to be ended. Failed: an item was lost, came twice or changed,
   or a process ended as it should not. */
enum outcome { ENDED_WELL, STALLED, FAILED };

struct result {
	enum outcome outcome;
	uint64_t items;
	double items_s;			/* millions of items a second */
	double cpu_us;			/* processor time an item, of all processes */
};

struct result ipc_run(const struct transport *transport, const struct channel *shape, unsigned ms);

/* Round trips of one item and back, in nanoseconds, sorted; the pause is between two of them. */
enum outcome ipc_ping(const struct transport *transport, const struct channel *shape, unsigned pause_us,
		      double *ns, unsigned n);

void open_channel(struct channel *channel, const struct transport *transport, const struct channel *shape,
		  const char *suffix);
void close_channel(struct channel *channel);
void *map_shared(size_t size);
/* The worst of their ends. None is left. */
enum outcome wait_for_all(const pid_t *pids, unsigned n, uint64_t until_ns);
void enter(struct end *end);
void leave(struct end *end);
void nap(unsigned us);
uint64_t now_ns(void);

/* ------------------------------------------------------------------ tables: ipc_report.c */

enum { ROUNDS_MAX = 9 };

/* One transport's runs in one case, in their order. */
struct series {
	double items_s[ROUNDS_MAX], cpu_us[ROUNDS_MAX];
	unsigned n, failed, stalled;
};

struct middle {
	double median, min, max;
};

struct middle middle_of(const double *values, unsigned n);

void report_machine(FILE *json);
/* What share of the processors others had since the first call. */
void report_others(FILE *json);
/* all: of each of the case's peers. */
void report_case(FILE *json, const struct bench_case *it, const struct series *all);
void report_pings_head(bool is_asleep);
/* ns: of all rounds, sorted; p50 and p99 are each round's. */
void report_pings(FILE *json, bool is_asleep, const char *name, const double *ns, unsigned n,
		  const double *p50, const double *p99, unsigned rounds);

/* ------------------------------------------------------------------ for transports */

/* Why it can't take part; NULL: it can. */
const char *why_absent(const struct transport *transport);

/* Memory for one item, for those that copy. */
void *buffer_of(struct end *end);

/* Memory, zeroed. */
void *new_memory(size_t size);

/* The number of items a call: 1 or channel->batch. */
unsigned batch_of(const struct end *end);

__attribute__((noreturn, format(printf, 1, 2)))
void give_up(const char *format, ...);

#ifdef __cplusplus
}
#endif

#endif
