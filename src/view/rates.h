/*
 * rates.h - private to the views: what changed between two readings of a ring, a second. Pure.
 */
#ifndef SHMLINE_VIEW_RATES_H
#define SHMLINE_VIEW_RATES_H

#include "shm/ring.h"

struct rates {
	double published, acked, redelivered, dead, dropped, full;	/* a second */
	double blocked, starved;	/* members that waited, on average: 1.5 is one and a half */
};

/* `then` NULL: since the ring was made. A counter that went back counts as unchanged. */
struct rates rates_between(const struct ring_stats *then, const struct ring_stats *now,
			   double seconds);

#endif
