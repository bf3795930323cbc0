/*
 * hints.h - private: the order of the ready slots, and the search for free ones.
 *
 * The order is a ring of cells, each a hint "slot s, generation g". A hint may come late, twice, or
 * long after its slot has moved on: the slot's word decides. A cell belongs to position p when it
 * carries p's lap; head and tail are moved by whoever comes by. Non-blocking in the manner of Michael and
 * Scott's queue (PODC 1996): a filled cell whose tail was not moved is helped along, so nobody waits
 * for a process that stopped between the two.
 */
#ifndef SHMLINE_HINTS_H
#define SHMLINE_HINTS_H

#include "shm/segment.h"

enum hint_result { HINT_OK, HINT_NONE, HINT_BROKEN };

/* Tell that slot `index` became ready with that generation. false: no room (or no end of it); the word
   must keep its owner, so that a sweep tells it later. */
bool hints_push(struct segment *segment, uint32_t index, uint64_t gen);

/* Take the oldest ready slot for member `me`; *word is its word then. HINT_NONE: there is none.
   HINT_BROKEN: the cells are damaged. */
enum hint_result hints_take(struct segment *segment, uint32_t me, uint32_t *index, uint64_t *word);

/* Is there a hint at the head (valid or not)? */
bool hints_any(struct segment *segment);

/* Set is_told[slot] for each ready slot to which a hint leads. Only for a ring at rest. */
void hints_mark(const struct segment *segment, bool *is_told);

/* Claim a free slot for member `me`, looking from *cursor on, once round. */
bool hints_claim(struct segment *segment, uint32_t me, uint32_t *cursor, uint32_t *index,
		 uint64_t *word);

#endif
