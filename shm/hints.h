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

#include "shm/cell.h"

enum hint_result { HINT_OK, HINT_NONE, HINT_BROKEN };

/* A slot that is a member's, and its word; or that it has made ready. */
struct taken {
	uint32_t slot;
	uint64_t word;
};

/* Tell of n slots that were made ready, in this order. Returns of how many it told: when there is no room
   (or no end of it), fewer; the words of the others must keep their owner, so that a sweep tells of them
   later. */
uint32_t hints_push_all(struct segment *segment, const struct taken *ready, uint32_t n);

/* Take up to `max` of the oldest ready slots for member `me`. HINT_OK: *n of them, one at least. HINT_NONE:
   there is none. HINT_BROKEN: the cells are damaged. */
enum hint_result hints_take_all(struct segment *segment, uint32_t me, struct taken *taken, uint32_t max,
				uint32_t *n);

/* Claim up to `max` free slots for member `me` among the `reach` from *cursor on; how many. */
uint32_t hints_claim_all(struct segment *segment, uint32_t me, uint32_t *cursor, uint32_t reach,
			 struct taken *claimed, uint32_t max);

/* Is there something to take? May say so in vain. */
bool hints_any(struct segment *segment);

/* Has the cell that is n further on than the next to be taken been filled? */
bool hints_reach(struct segment *segment, uint32_t n);

/* Set is_told[slot] for each ready slot to which a hint leads. Only for a ring at rest. */
void hints_mark(const struct segment *segment, bool *is_told);

/* Is that slot (counted round the ring) free? */
bool hints_is_free(const struct segment *segment, uint32_t index);

/* ------------------------------------------------------------------ one at a time
 *
 * Nearly always the next cell, or slot, is the one: then these are as short as can be. Else the calls above
 * look further.
 */

/* What is taken or claimed is fetched so many items ahead. */
#define FETCH_AHEAD 2

/* Where to begin to walk: what everybody was told, or further where this process has been. */
static inline uint64_t hints_begin_at(uint64_t told, shared_u64 *seen)
{
	uint64_t at = atomic_load_explicit(seen, memory_order_relaxed);

	return (int64_t)(told - at) > 0 ? told : at;
}

/* Move head or tail forward, over cells that the caller has seen done with. */
static inline uint64_t hints_tell(shared_u64 *position, uint64_t to)
{
	uint64_t at = atomic_load(position);

	while ((int64_t)(to - at) > 0 && !atomic_compare_exchange_weak(position, &at, to))
		;
	return to;
}

/* This process has been as far as `at`; all were told `told`. */
static inline void hints_went_on(const struct segment *segment, shared_u64 *seen, uint64_t at,
				 shared_u64 *position, uint64_t told)
{
	atomic_store_explicit(seen, at, memory_order_relaxed);
	if (at - told >= segment->at.lag)
		(void)hints_tell(position, at);
}

/* A slot's head and the first of its bytes. */
static inline void hints_fetch_slot(const struct segment *segment, uint32_t index)
{
	const unsigned char *slot = (const unsigned char *)segment_slot(segment, index);

	fetch_to_write(slot);
	fetch_to_write(slot + LINE);
}

#define CELLS_LINE (LINE / sizeof(shared_u64))

/* The cells that will tell of the n slots that are claimed now, while the items are filled in. */
FOR_EITHER void hints_fetch_cells(const struct segment *segment, uint32_t n)
{
	uint64_t at = atomic_load_explicit(&segment->walk.filled, memory_order_relaxed), last = at + n - 1;

	for (; n > 1 && at / CELLS_LINE < last / CELLS_LINE; at += CELLS_LINE)
		fetch_to_write(cell_at(segment, at));
	fetch_to_write(cell_at(segment, last));
}

/*
 * The hint at `at` is used. A line that was only read is still shared with whoever wrote it, which some
 * processors take several times as long to write again as one that another has written: so the last cell
 * of each line is written as it is.
 */
static inline void hints_own_cells(const struct segment *segment, uint64_t at, uint64_t cell)
{
	if (at % CELLS_LINE == CELLS_LINE - 1)
		(void)atomic_compare_exchange_strong(cell_at(segment, at), &cell, cell);
}

/* An item that will be taken soon, if it is there, is on its way meanwhile. `now`: the cell of what is taken
   now. At the end of a lap it may be a hint that is used up, whose lines come for nothing. */
static inline void hints_fetch_item(const struct segment *segment, uint64_t now, uint64_t position,
				    bool and_word)
{
	uint64_t cell = atomic_load_explicit(cell_at(segment, position), memory_order_relaxed);

	if (cell_is_as(cell, now) && cell_slot(cell) < segment->at.slots) {
		if (and_word)
			fetch_to_write(&segment->words[cell_slot(cell)]);
		hints_fetch_slot(segment, cell_slot(cell));
	}
}

FOR_EITHER bool hints_push(struct segment *segment, uint32_t slot, uint64_t word)
{
	shared_u64 *tail = &segment->header->tail;
	uint64_t told = atomic_load(tail), at = hints_begin_at(told, &segment->walk.filled);
	uint64_t lap = lap_of(segment, at), cell = atomic_load(cell_at(segment, at));

	/* Head was there or further on when this process looked last, so there is room. */
	if (cell_is_of(cell, lap - 1) &&
	    at - atomic_load_explicit(&segment->walk.head, memory_order_relaxed) < segment->at.cells &&
	    atomic_compare_exchange_strong(cell_at(segment, at), &cell, cell_make(lap, hint_tag(word), slot))) {
		hints_went_on(segment, &segment->walk.filled, at + 1, tail, told);
		return true;
	}
	return hints_push_all(segment, &(struct taken){ .slot = slot, .word = word }, 1) == 1;
}

FOR_EITHER enum hint_result hints_take(struct segment *segment, uint32_t me, struct taken *taken)
{
	shared_u64 *head = &segment->header->head;
	uint64_t told = atomic_load(head), at = hints_begin_at(told, &segment->walk.done);
	uint64_t cell = atomic_load(cell_at(segment, at)), word;
	uint32_t n, index = cell_slot(cell);

	if (!MISTAKE(head_before_slot) && cell_is_of(cell, lap_of(segment, at)) && index < segment->at.slots) {
		hints_fetch_slot(segment, index);	/* while the word comes */
		word = atomic_load(&segment->words[index]);
		*taken = (struct taken){ .slot = index, .word = slot_taken(word, me) };
		hints_fetch_item(segment, cell, at + FETCH_AHEAD, true);
		if (is_current(cell, word) && slot_move(&segment->words[index], word, taken->word)) {
			hints_own_cells(segment, at, cell);
			hints_went_on(segment, &segment->walk.done, at + 1, head, told);
			return HINT_OK;
		}
	}
	return hints_take_all(segment, me, taken, 1, &n);
}

FOR_EITHER bool hints_claim(struct segment *segment, uint32_t me, uint32_t *cursor, uint32_t reach,
			    struct taken *claimed)
{
	uint32_t slots = segment->at.slots, at = *cursor;
	uint64_t found = atomic_load(&segment->words[at]);	/* seq_cst as in hints_claim_all() */

	*claimed = (struct taken){ .slot = at, .word = slot_claimed(found, me) };
	if (slot_state(found) != SLOT_FREE || !slot_move(&segment->words[at], found, claimed->word))
		return hints_claim_all(segment, me, cursor, reach, claimed, 1) == 1;
	*cursor = at + 1 < slots ? at + 1 : 0;
	at = at + FETCH_AHEAD < slots ? at + FETCH_AHEAD : 0;
	if (slot_state(atomic_load_explicit(&segment->words[at], memory_order_relaxed)) == SLOT_FREE)
		hints_fetch_slot(segment, at);
	hints_fetch_cells(segment, 1);
	return true;
}

#endif
