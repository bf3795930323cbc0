/*
 * lanes.h - private: what each producer made, kept for its successor: marks and tickets.
 */
#ifndef SHMLINE_LANES_H
#define SHMLINE_LANES_H

#include "shm/segment.h"

#define LANE_NONE UINT32_MAX

/* Own a lane: with a number that one or none; without, one whose ticket was left unused, else any. */
uint32_t lanes_acquire(struct segment *segment, uint32_t me, unsigned number);
/* Who owns the lane of that number; 0: nobody. */
uint64_t lanes_owner(const struct segment *segment, unsigned number);
void lanes_release(struct segment *segment, uint32_t me);	/* all that member `me` owns */

/* In a slot's mark: the mark is a ticket. The two are counted apart, so that a lane can serve both. */
#define MARK_IS_TICKET (UINT64_C(1) << 63)

/* An item with this mark was accepted on the lane. Anybody may say so, as often as he likes. */
void lanes_advance(struct segment *segment, uint32_t lane, uint64_t mark);

/* See ring_ticket(). *lane may become another. */
enum ring_result lanes_ticket(struct segment *segment, uint32_t me, uint32_t *lane, uint64_t limit,
			      uint64_t *ticket);

/* Complete what the last taker of a ticket may have left undone. */
void lanes_help_ticket(struct segment *segment);
uint64_t lanes_tickets(const struct segment *segment);

#endif
