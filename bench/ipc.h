/*
 * ipc.h - what ipc.c measures: ways to hand items from processes to processes. Each file ipc_*.c has some.
 */
#ifndef SHMLINE_BENCH_IPC_H
#define SHMLINE_BENCH_IPC_H

#include <stdbool.h>
#include <stddef.h>

enum { END_PRODUCER, END_CONSUMER };

/* One way to hand items on, in one shape. Made before the processes are forked. */
struct channel {
	const struct transport *transport;
	unsigned producers, consumers, slots;
	size_t len;		/* of every item */
	void *shared;		/* memory of all, of transport->shared_size() bytes, zeroed */
	int fds[2];		/* the transport's; closed after the run if not -1 */
	int id;
	char name[64];		/* unique, for what needs one */
};

/* One process's end of it. */
struct end {
	struct channel *channel;
	int side;
	unsigned number;	/* on its side, from 0; the producer behind the last puts the end marks */
	void *own;		/* the transport's */
	void *buffer;		/* len bytes, for those that copy */
};

/* All calls end the process with a message when they can't do what they should. */
struct transport {
	const char *name, *note;
	const char *absent;	/* why it is not built; then nothing else is set */
	bool is_one_to_one;	/* several on a side can't use it */
	bool spins;		/* a process that is not running may hold up all others */
	size_t len_max;		/* 0: any */
	size_t (*shared_size)(const struct channel *channel);
	void (*make)(struct channel *channel);
	void (*join)(struct end *end);
	void *(*begin_put)(struct end *end);		/* where to write the item */
	void (*end_put)(struct end *end);
	const void *(*begin_get)(struct end *end);	/* waits for an item */
	void (*end_get)(struct end *end);
	void (*unmake)(struct channel *channel);
};

extern const struct transport
	transport_shmline,
	transport_textbook, transport_two_semaphores, transport_condition, transport_robust,
	transport_pipe, transport_seqpacket, transport_posix_mq, transport_sysv_msg,
	transport_vyukov, transport_vyukov_futex, transport_ck;

/* What a run came to. */
struct result {
	bool is_good, is_stalled;	/* every item came once and whole; it was ended after some seconds */
	double items_s;			/* millions of items a second */
	double cpu_us;			/* processor time an item, of all processes */
};

struct result ipc_run(const struct transport *transport, const struct channel *shape, unsigned ms);

/* Round trips of one item and back, in nanoseconds, sorted; the pause is between two of them. false: stalled. */
bool ipc_ping(const struct transport *transport, const struct channel *shape, unsigned pause_us,
	      double *ns, unsigned n);

/* Memory for one item, for those that copy. */
void *buffer_of(struct end *end);

__attribute__((noreturn, format(printf, 1, 2)))
void give_up(const char *format, ...);

#endif
