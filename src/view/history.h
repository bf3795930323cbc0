/*
 * history.h - private to the views: what a line did in the last minutes, a sample a second.
 */
#ifndef SHMLINE_VIEW_HISTORY_H
#define SHMLINE_VIEW_HISTORY_H

#include "src/view/rates.h"
#include "src/view/snapshot.h"

#define HISTORY_SAMPLES 120

struct sample {
	float published, acked;		/* a second */
	uint32_t ready, in_flight, delayed;
};

struct history {
	struct sample samples[HISTORY_SAMPLES];	/* the newest is the last of n */
	size_t n;
	struct rates rates;		/* over about the last second */
	struct ring_stats last;
	uint64_t last_ns;
	struct history_worker {
		uint32_t index;
		pid_t pid;
		uint64_t done;
		double rate;
	} *workers;
	size_t n_workers;
};

/* Note a snapshot, and set its workers' rates. A ring that was made anew begins anew. */
void history_note(struct history *history, struct snapshot *snapshot);

void history_free(struct history *history);

#endif
