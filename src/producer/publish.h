/*
 * publish.h - from a source into the ring, item by item, until one of the two ends it. Records that the
 * source has read already are put together, each in its slot: what a slot says of deliveries, delays and
 * death is one item's. In a ring with parcels, whose consumers need none of that, they share a slot: all
 * that fit, when consumers have other work. When they wait, the first goes alone, and if they still do
 * twice as many each time: so a record never waits for another, and what is there is shared out.
 */
#ifndef SHMLINE_PUBLISH_H
#define SHMLINE_PUBLISH_H

#include <stdint.h>

#include "src/producer/settings.h"

struct ring;

struct publisher {
	struct ring *ring;
	const struct settings *settings;
	uint64_t published, dropped;
	uint32_t run;		/* records that are published at once, when consumers wait; 0: one */
};

/* Returns the exit code, after saying what went wrong. */
int publish_all(struct publisher *publisher, void *source);

/* Wait for a signal or the stop flag, publishing nothing. Returns the exit code. */
int publish_hold(struct publisher *publisher);

#endif
