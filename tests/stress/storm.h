/*
 * storm.h - what the processes of the storm share outside the ring: who they are, what the run is at,
 * and the ledger (storm_ledger.h). It lies in memory that the driver maps before it forks, so that
 * what a process wrote stays when it is killed.
 */
#ifndef SHMLINE_STORM_H
#define SHMLINE_STORM_H

#include "shm/ring.h"

#include <stdatomic.h>
#include <sys/types.h>

enum { PRODUCERS = 4, CONSUMERS = 4, WORKERS = PRODUCERS + CONSUMERS + 1, LAUNCHER = WORKERS - 1 };

#define LIVES_MAX (1u << 22)		/* processes of one run: far more than can be started in a day */
#define ITEMS_MAX (1u << 22)		/* of one producer in one round; then it rests */
#define BATCH_MAX 8

/* A round: one ring, from its making to its removal. Written by the driver before it begins. */
struct round {
	unsigned number;
	char ring[64];
	uint32_t slots, item_max, batch;
	uint32_t producer_rest, consumer_rest;	/* one pause in so many items; 0: none */
	enum ring_stop_mode mode;		/* how it is ended */
};

/* A process of the line. `life` numbers them through the run, from 1; 0: nobody. */
struct worker {
	_Atomic pid_t pid;
	atomic_uint life;
	atomic_uint at_risk;	/* items that a take under way may give without the ledger's knowing */
	atomic_ulong progress;	/* publishes and ends of items that it saw through */
};

struct arena {
	struct round round;
	struct worker workers[WORKERS];

	atomic_bool is_ending;	/* the launcher raises the stop flag */
	atomic_bool is_shut;	/* it has: in mode strict or now nothing is published any more */
	atomic_bool is_over;	/* the launcher may leave */
	atomic_bool is_drained;	/* a consumer was told so, with the flag up */

	atomic_uint violations;
	atomic_uint unseen;	/* deliveries that only a later delivery's count tells of */

	struct tally {		/* of the ledger's producer p */
		atomic_uint intended;	/* last item whose publish was begun */
		atomic_uint confirmed;	/* last item known to have been accepted */
		atomic_uint first_taken;	/* last item known to have been taken for the first time */
	} tallies[PRODUCERS];
	atomic_uchar was_killed[LIVES_MAX];	/* set before the signal is sent */
	atomic_ullong ledger[PRODUCERS][ITEMS_MAX];
};

/* What a worker is; number from 1 on its side. */
struct place { struct arena *arena; unsigned worker, number, life; uint64_t seed; };

/* The whole life of a process; returns its exit code. 0: the ring told it to end. */
enum { STORM_FAILED = 1, STORM_LEFT = 3 };	/* after a violation; of its own accord */

int storm_produce(const struct place *place);
int storm_consume(const struct place *place);
int storm_launch(const struct place *place);

/* One line on standard error, and the run has failed. */
void violation(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Everything about a ring that nobody moves any more, to standard error. */
void storm_dump(const struct arena *arena);

#endif
