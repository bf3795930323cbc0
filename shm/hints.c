/*
 * hints.c - the order of the ready slots, and the search for free ones.
 */
#include "shm/hints.h"

#include "shm/failpoint.h"
#include "shm/slot.h"

/* More turns than contention can explain (in each somebody else got on), tens of milliseconds: a guess. */
#ifndef TURNS_MAX	/* a fuzzer has less patience */
#define TURNS_MAX (1u << 20)
#endif

/* The cells are full: step over the hint at the head if it is stale. true: there may be room now. */
static bool make_room(struct segment *segment, uint64_t head)
{
	uint64_t cell = atomic_load(cell_at(segment, head));
	uint32_t index = cell_slot(cell);

	if (!cell_is_of(cell, lap_of(segment, head)))
		return true;	/* head has moved */
	if (index < segment->at.slots && is_current(cell, atomic_load(&segment->words[index])))
		return false;
	(void)hints_tell(&segment->header->head, head + 1);
	return true;
}

/* Room for one more? Head's own line is the consumers': it is read only when it must have moved. */
static bool has_room(struct segment *segment, uint64_t tail, uint64_t *head)
{
	*head = atomic_load_explicit(&segment->walk.head, memory_order_relaxed);
	if ((int64_t)(tail - *head) < (int64_t)segment->at.cells)
		return true;
	*head = atomic_load(&segment->header->head);
	atomic_store_explicit(&segment->walk.head, *head, memory_order_relaxed);
	return (int64_t)(tail - *head) < (int64_t)segment->at.cells;
}

uint32_t hints_push_all(struct segment *segment, const struct taken *ready, uint32_t n)
{
	struct header *header = segment->header;
	uint64_t told = atomic_load(&header->tail), at = hints_begin_at(told, &segment->walk.filled), head;
	uint32_t pushed = 0;

	for (uint32_t turn = 0; pushed < n && turn < TURNS_MAX; turn++) {
		uint64_t lap = lap_of(segment, at), cell = atomic_load(cell_at(segment, at));

		if (cell_is_of(cell, lap)) {
			at += !MISTAKE(tail_not_helped);
		} else if (!cell_is_of(cell, lap - 1)) {	/* more than a lap behind; or, damaged, ahead */
			at = told = atomic_load(&header->tail);
		} else if (!has_room(segment, at, &head)) {
			if (!make_room(segment, head))
				break;
		} else if (atomic_compare_exchange_strong(cell_at(segment, at), &cell,
							  cell_make(lap, hint_tag(ready[pushed].word),
								    ready[pushed].slot))) {
			at++;
			pushed++;
		}
		if (at - told >= segment->at.lag)
			told = hints_tell(&header->tail, at);
	}
	atomic_store_explicit(&segment->walk.filled, at, memory_order_relaxed);
	return pushed;
}

enum hint_result hints_take_all(struct segment *segment, uint32_t me, struct taken *taken, uint32_t max,
				uint32_t *n)
{
	struct header *header = segment->header;
	uint64_t told = atomic_load(&header->head), at = hints_begin_at(told, &segment->walk.done);
	enum hint_result result = HINT_OK;
	uint32_t got = 0;

	for (uint32_t turn = 0; got < max && result == HINT_OK; turn++) {
		uint64_t lap = lap_of(segment, at), cell = atomic_load(cell_at(segment, at)), word;
		uint32_t index = cell_slot(cell);

		if (!cell_is_of(cell, lap)) {
			if (cell_is_behind(cell, lap))
				result = HINT_NONE;
			else	/* laps behind; or, damaged, ahead */
				at = told = atomic_load(&header->head);
		} else if (index >= segment->at.slots) {
			result = HINT_BROKEN;
		} else {
			hints_fetch_slot(segment, index);	/* while the word comes */
			word = atomic_load(&segment->words[index]);
			if (!is_current(cell, word)) {
				at++;
			} else {
				hints_fetch_item(segment, cell, at + FETCH_AHEAD, false);
				if (MISTAKE(head_before_slot))
					(void)hints_tell(&header->head, at + 1);
				/* The slot first, the position second: killed between the two, the slot is in
				   dead hands, which recovery sees, and the hint is stale. */
				taken[got] = (struct taken){ .slot = index, .word = slot_taken(word, me) };
				if (slot_move(&segment->words[index], word, taken[got].word)) {
					hints_own_cells(segment, at, cell);
					got++;
					at++;
				}
			}
		}
		if (turn >= TURNS_MAX)
			result = HINT_BROKEN;
		if (at - told >= segment->at.lag)
			told = hints_tell(&header->head, at);
	}
	/* Whoever finds nothing leaves nothing for others to step over. */
	if (result == HINT_NONE)
		(void)hints_tell(&header->head, at);
	atomic_store_explicit(&segment->walk.done, at, memory_order_relaxed);
	*n = got;
	return got > 0 ? HINT_OK : result;
}

bool hints_any(struct segment *segment)
{
	uint64_t at = hints_begin_at(atomic_load(&segment->header->head), &segment->walk.done);

	for (uint32_t n = 0; n < segment->at.cells; n++) {
		uint64_t cell = atomic_load(cell_at(segment, at + n));

		if (cell_is_behind(cell, lap_of(segment, at + n)))
			break;
		if (!cell_is_of(cell, lap_of(segment, at + n)) || cell_slot(cell) >= segment->at.slots ||
		    is_current(cell, atomic_load(&segment->words[cell_slot(cell)])))
			return true;
	}
	return false;
}

bool hints_reach(struct segment *segment, uint32_t n)
{
	uint64_t at = hints_begin_at(atomic_load(&segment->header->head), &segment->walk.done) + n;

	return cell_is_of(atomic_load(cell_at(segment, at)), lap_of(segment, at));
}

void hints_mark(const struct segment *segment, bool *is_told)
{
	uint64_t head = atomic_load(&segment->header->head);

	for (uint32_t n = 0; n < segment->at.cells; n++) {
		uint64_t cell = atomic_load(cell_at(segment, head + n));
		uint32_t index = cell_slot(cell);

		if (!cell_is_of(cell, lap_of(segment, head + n)))
			return;
		if (index < segment->at.slots && is_current(cell, atomic_load(&segment->words[index])))
			is_told[index] = true;
	}
}

bool hints_is_free(const struct segment *segment, uint32_t index)
{
	return slot_state(atomic_load(&segment->words[index % segment->at.slots])) == SLOT_FREE;
}

uint32_t hints_claim_all(struct segment *segment, uint32_t me, uint32_t *cursor, uint32_t reach,
			 struct taken *claimed, uint32_t max)
{
	uint32_t slots = segment->at.slots, at = *cursor, got = 0;

	for (uint32_t n = 0; n < reach && got < max; n++) {
		/* seq_cst: after wait_ask() the whole round must be read later than `wanted` was
		   raised; pairs with the swap to FREE and the look in wait_wake() after it. */
		uint64_t found = atomic_load(&segment->words[at]);

		if (slot_state(found) == SLOT_FREE) {
			claimed[got] = (struct taken){ .slot = at, .word = slot_claimed(found, me) };
			if (slot_move(&segment->words[at], found, claimed[got].word)) {
				got++;
				hints_fetch_slot(segment, at);
			}
		}
		at = at + 1 < slots ? at + 1 : 0;
	}
	if (got > 0) {	/* else the cursor stays: what has been in use longest is freed first */
		*cursor = at;
		hints_fetch_cells(segment, got);
	}
	return got;
}
