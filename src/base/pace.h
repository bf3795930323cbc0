/*
 * pace.h - how long to pause between items: DURATION, or DURATION+DURATION@P for a second pause with
 * probability P (a bursty source, an unsteady sink).
 */
#ifndef SHMLINE_PACE_H
#define SHMLINE_PACE_H

#include <stdint.h>

struct pace {
	uint64_t every_ns;	/* after each item */
	uint64_t extra_ns;	/* and now and then */
	double chance;		/* probability of extra_ns, 0 to 1 */
};

#define PACE_EXPECTED "DURATION or DURATION+DURATION@PROBABILITY, as 10ms or 5ms+2s@1%"

/* 0, or -1 when `text` is not a pace (then *pace is untouched). */
int pace_parse(const char *text, struct pace *pace);

/* The pause after this item, for a random number from 0 up to but not including 1. */
uint64_t pace_next_ns(const struct pace *pace, double random01);

#endif
