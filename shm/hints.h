/*
 * hints.h - private: the order of the ready slots, and the search for free ones.
 *
 * The order is a ring of cells, each a hint "slot s, in its generation g". A hint may come late, twice, or
 * long after its slot has moved on: the slot's word decides. A cell belongs to position p when it
 * carries p's lap. Cells are filled in the order of positions, each by one swap; head and tail say where to
 * begin to look, and lag behind: they are moved forward by whoever comes by, in steps of some cells, so that
 * their lines are not everybody's at every item. Nobody waits for a process that stopped before it moved them
 * (the helping of Michael and Scott's queue, PODC 1996).
 */
#ifndef SHMLINE_HINTS_H
#define SHMLINE_HINTS_H

#include "shm/segment.h"
#include "shm/slot.h"

enum hint_result { HINT_OK, HINT_NONE, HINT_BROKEN };

/* A slot that became ready, and what tells that readiness from others. */
struct hint {
	uint32_t slot;
	uint64_t tag;
};

/* Its generation, and how often it came back: who takes it again needs the hint that was given then, or hints
   that are used up would stay good. */
static inline uint64_t hint_tag(uint64_t word)
{
	return slot_gen(word) << 3 | (slot_returns(word) & 7);
}

/* A slot that is a member's now, and its word. */
struct taken {
	uint32_t slot;
	uint64_t word;
};

/* Tell of n slots, in this order. Returns of how many it told: when there is no room (or no end of it),
   fewer; the words of the others must keep their owner, so that a sweep tells of them later. */
uint32_t hints_push_all(struct segment *segment, const struct hint *hints, uint32_t n);

/* Take up to `max` of the oldest ready slots for member `me`. HINT_OK: *n of them, one at least. HINT_NONE:
   there is none. HINT_BROKEN: the cells are damaged. */
enum hint_result hints_take_all(struct segment *segment, uint32_t me, struct taken *taken, uint32_t max,
				uint32_t *n);

static inline bool hints_push(struct segment *segment, uint32_t slot, uint64_t tag)
{
	return hints_push_all(segment, &(struct hint){ .slot = slot, .tag = tag }, 1) == 1;
}

static inline enum hint_result hints_take(struct segment *segment, uint32_t me, struct taken *taken)
{
	uint32_t n;

	return hints_take_all(segment, me, taken, 1, &n);
}

/* Is there something to take? May say so in vain. */
bool hints_any(struct segment *segment);

/* Has the cell that is n further on than the next to be taken been filled? */
bool hints_reach(struct segment *segment, uint32_t n);

/* Set is_told[slot] for each ready slot to which a hint leads. Only for a ring at rest. */
void hints_mark(const struct segment *segment, bool *is_told);

/* Is that slot (counted round the ring) free? */
bool hints_is_free(const struct segment *segment, uint32_t index);

/* Claim up to `max` free slots for member `me` among the `reach` from *cursor on; how many. */
uint32_t hints_claim_all(struct segment *segment, uint32_t me, uint32_t *cursor, uint32_t reach,
			 struct taken *claimed, uint32_t max);

#endif
