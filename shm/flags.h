/*
 * flags.h - private: the stop flag, and whether a ring is empty or drained.
 *
 * The flag's word: mode:2 | closing:1 | cause:4. Soft is up with one swap. Strict and now are raised in
 * two steps: closing (from here on no slot can be claimed: who claims reads the flag after its swap), then
 * a pass takes every slot that is reserved from its owner (WRITING to REVOKED: its publish loses its
 * swap), then the flag is up. An item published before the pass reached its slot was published before
 * the flag was up; none is after it. Whoever sees "closing" makes the pass too, so that nobody waits
 * for a raiser who was killed or stopped. Publishing pays nothing for this.
 */
#ifndef SHMLINE_FLAGS_H
#define SHMLINE_FLAGS_H

#include "shm/segment.h"

void flags_raise(struct segment *segment, enum ring_stop_mode mode, enum ring_stop_cause cause);
void flags_lower(struct segment *segment);

/* The mode that is up; completes the flag if it is closing. */
enum ring_stop_mode flags_mode(struct segment *segment);
/* The same without helping: for those who map read-only. */
enum ring_stop_mode flags_peek(const struct segment *segment, enum ring_stop_cause *cause);

/* Is every slot free, or kept dead? One pass: the truth only when no producer is attached. */
bool flags_is_empty(const struct segment *segment);

/* No producer and no holder is attached, and nothing is left. */
bool flags_is_drained(const struct segment *segment);

/* Items ever accepted: the sum of the generations. */
uint64_t flags_published(const struct segment *segment);

#endif
