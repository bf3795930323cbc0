/*
 * hand.h - the items that a COMMAND has been given and not answered, oldest first, and where in its
 * input each ends. Pure: settling them is the caller's business.
 */
#ifndef SHMLINE_HAND_H
#define SHMLINE_HAND_H

#include <stddef.h>
#include <stdint.h>

#include "shm/ring.h"

struct held {
	struct ring_item item;
	uint64_t from, to;	/* its bytes in COMMAND's input, counted since COMMAND began */
};

struct hand {
	struct held *ring;	/* the oldest is at `first`, `count` of them go round */
	size_t size, first, count;
};

/* Room for `size` items. 0, or -1 without memory. */
int hand_init(struct hand *hand, size_t size);
void hand_free(struct hand *hand);

/* The i-th oldest, i below count. */
struct held *hand_at(const struct hand *hand, size_t i);

/* A new youngest, for which there must be room; it is nowhere in COMMAND's input yet. */
struct held *hand_add(struct hand *hand, const struct ring_item *item);

/* The oldest is settled. */
void hand_drop(struct hand *hand);

/* How many of the oldest COMMAND has read something of, or all of, when it has read `bytes`. */
size_t hand_touched(const struct hand *hand, uint64_t bytes);
size_t hand_read(const struct hand *hand, uint64_t bytes);

#endif
