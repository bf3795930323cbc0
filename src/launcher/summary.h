/*
 * summary.h - the account of a run: are the books right, how did it end, what is the exit code. Said
 * in lines, or as JSON.
 */
#ifndef SHMLINE_LAUNCHER_SUMMARY_H
#define SHMLINE_LAUNCHER_SUMMARY_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/ring.h"
#include "src/launcher/settings.h"

/* How a run went, as the supervisor saw it. */
struct report {
	bool is_damaged;		/* the ring: its counters say nothing */
	int failure;			/* the worst code of what ended for good; 0: none */
	bool gave_up;			/* a worker is not started again */
	int ended_by;			/* signal that ended it before it was drained; 0: none */
	unsigned restarts;
	unsigned balanced_at;		/* consumers for the longest time; 0: their number was given */
	uint64_t started_ns, ended_ns;
	uint64_t drained_from_ns;	/* from then on nothing was made; 0: there was no such moment */
	struct ring_stats stats;	/* when all was over */
};

/* Read the counters when all is over, and compare the two sides' books. What doesn't agree is said,
   and the report says that the ring is damaged. */
void summary_take_stock(struct report *report, struct ring *ring);

int summary_exit_code(const struct report *report);

/* Say it: the last line is the books. 0, or -1 when the JSON can't be written. */
int summary_print(const struct report *report, const struct settings *settings, const char *ring);

#endif
