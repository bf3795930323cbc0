/* publish.h - from a source into the ring, item by item, until one of the two ends it. */
#ifndef SHMLINE_PUBLISH_H
#define SHMLINE_PUBLISH_H

#include <stdint.h>

#include "src/producer/settings.h"

struct ring;

struct publisher {
	struct ring *ring;
	const struct settings *settings;
	uint64_t published, dropped;
};

/* Returns the exit code, after saying what went wrong. */
int publish_all(struct publisher *publisher, void *source);

/* Wait for a signal or the stop flag, publishing nothing. Returns the exit code. */
int publish_hold(struct publisher *publisher);

#endif
