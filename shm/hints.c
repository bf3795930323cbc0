/*
 * hints.c - the order of the ready slots, and the search for free ones.
 */
#include "shm/hints.h"

#include "shm/failpoint.h"
#include "shm/slot.h"

/* A cell: lap:22 | tag, low bits:22 | slot:20. Laps compare by difference. */
#define SLOT_BITS 20
#define PART_BITS 22
#define PART_MASK ((UINT64_C(1) << PART_BITS) - 1)

static_assert(RING_SLOTS_MAX == 1u << SLOT_BITS, "a slot's number fits its bits");

/* More turns than contention can explain (in each somebody else got on), tens of milliseconds: a guess. */
#ifndef TURNS_MAX	/* a fuzzer has less patience */
#define TURNS_MAX (1u << 20)
#endif

static uint64_t cell_make(uint64_t lap, uint64_t tag, uint32_t index)
{
	return (lap & PART_MASK) << (SLOT_BITS + PART_BITS) | (tag & PART_MASK) << SLOT_BITS | index;
}

static uint32_t cell_slot(uint64_t cell) { return (uint32_t)(cell & (RING_SLOTS_MAX - 1)); }
static uint64_t cell_tag(uint64_t cell) { return cell >> SLOT_BITS & PART_MASK; }

/* Laps that the cell is ahead of (> 0) or behind (< 0) position. */
static int64_t cell_ahead(uint64_t cell, uint64_t lap)
{
	uint64_t difference = ((cell >> (SLOT_BITS + PART_BITS)) - lap) & PART_MASK;

	return (int64_t)(difference << (64 - PART_BITS)) >> (64 - PART_BITS);
}

static shared_u64 *cell_at(const struct segment *segment, uint64_t position)
{
	return &segment->cells[position & (segment->at.cells - 1)];
}

static uint64_t lap_of(const struct segment *segment, uint64_t position)
{
	return position >> segment->at.cell_shift;
}

/* Of two positions the one further on. */
static uint64_t later(uint64_t a, uint64_t b)
{
	return (int64_t)(a - b) > 0 ? a : b;
}

/* Move head or tail forward, over cells that the caller has seen done with. */
static void tell(shared_u64 *position, uint64_t to)
{
	uint64_t at = atomic_load(position);

	while ((int64_t)(to - at) > 0 && !atomic_compare_exchange_weak(position, &at, to))
		;
}

/* Where to begin to walk: what everybody was told, or further where this process has been. */
static uint64_t begin_at(shared_u64 *told, shared_u64 *seen)
{
	return later(atomic_load(told), atomic_load_explicit(seen, memory_order_relaxed));
}

/* Does the hint lead to a slot that is ready, and was it given for that? */
static bool is_current(uint64_t cell, uint64_t word)
{
	return slot_state(word) == SLOT_READY && (hint_tag(word) & PART_MASK) == cell_tag(cell);
}

/* The cells are full: step over the hint at the head if it is stale. true: there may be room now. */
static bool make_room(struct segment *segment, uint64_t head)
{
	uint64_t cell = atomic_load(cell_at(segment, head));
	uint32_t index = cell_slot(cell);

	if (cell_ahead(cell, lap_of(segment, head)) != 0)
		return true;	/* head has moved */
	if (index < segment->at.slots && is_current(cell, atomic_load(&segment->words[index])))
		return false;
	tell(&segment->header->head, head + 1);
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

uint32_t hints_push_all(struct segment *segment, const struct hint *hints, uint32_t n)
{
	struct header *header = segment->header;
	uint64_t told = atomic_load(&header->tail), at = begin_at(&header->tail, &segment->walk.filled), head;
	uint32_t pushed = 0;

	for (uint32_t turn = 0; pushed < n && turn < TURNS_MAX; turn++) {
		uint64_t lap = lap_of(segment, at);
		uint64_t cell = atomic_load(cell_at(segment, at));
		int64_t ahead = cell_ahead(cell, lap);

		if (at - told >= segment->at.lag) {
			tell(&header->tail, at);
			told = at;
		}
		if (ahead == 0) {
			at += !MISTAKE(tail_not_helped);
			continue;
		}
		if (ahead != -1) {	/* a lap behind; or, damaged, ahead */
			at = told = atomic_load(&header->tail);
			continue;
		}
		if (!has_room(segment, at, &head)) {
			if (!make_room(segment, head))
				break;
			continue;
		}
		if (atomic_compare_exchange_strong(cell_at(segment, at), &cell,
						   cell_make(lap, hints[pushed].tag, hints[pushed].slot))) {
			at++;
			pushed++;
		}
	}
	if (at - told >= segment->at.lag)
		tell(&header->tail, at);
	atomic_store_explicit(&segment->walk.filled, at, memory_order_relaxed);
	return pushed;
}

/* A slot's head and the first of its bytes. */
static void fetch_slot(const struct segment *segment, uint32_t index)
{
	const unsigned char *slot = (const unsigned char *)segment_slot(segment, index);

	fetch_to_write(slot);
	fetch_to_write(slot + LINE);
}

/* The item behind the one that is being taken, if it is there, is on its way meanwhile. */
static void fetch_next(const struct segment *segment, uint64_t position)
{
	uint64_t cell = atomic_load_explicit(cell_at(segment, position), memory_order_relaxed);

	if (cell_ahead(cell, lap_of(segment, position)) == 0 && cell_slot(cell) < segment->at.slots)
		fetch_slot(segment, cell_slot(cell));
}

enum hint_result hints_take_all(struct segment *segment, uint32_t me, struct taken *taken, uint32_t max,
				uint32_t *n)
{
	struct header *header = segment->header;
	uint64_t told = atomic_load(&header->head), at = begin_at(&header->head, &segment->walk.done);
	enum hint_result result = HINT_OK;

	*n = 0;
	for (uint32_t turn = 0; *n < max && result == HINT_OK; turn++) {
		uint64_t cell = atomic_load(cell_at(segment, at)), word, mine;
		int64_t ahead = cell_ahead(cell, lap_of(segment, at));
		uint32_t index = cell_slot(cell);

		/* While the word comes. */
		if (ahead == 0 && index < segment->at.slots)
			fetch_slot(segment, index);
		if (at - told >= segment->at.lag) {
			tell(&header->head, at);
			told = at;
		}
		if (ahead < 0) {
			result = HINT_NONE;
		} else if (ahead > 0) {		/* laps behind; or, damaged, ahead */
			at = told = atomic_load(&header->head);
		} else if (index >= segment->at.slots) {
			result = HINT_BROKEN;
		} else if (!is_current(cell, word = atomic_load(&segment->words[index]))) {
			at++;
		} else {
			fetch_next(segment, at + 1);
			if (MISTAKE(head_before_slot))
				tell(&header->head, at + 1);
			/* The slot first, the position second: killed between the two, the slot is in
			   dead hands, which recovery sees, and the hint is stale. */
			mine = slot_taken(word, me);
			if (slot_move(&segment->words[index], word, mine)) {
				taken[(*n)++] = (struct taken){ .slot = index, .word = mine };
				at++;
			}
		}
		if (turn >= TURNS_MAX)
			result = HINT_BROKEN;
	}
	/* Whoever finds nothing leaves nothing for others to step over. */
	if (result == HINT_NONE || at - told >= segment->at.lag)
		tell(&header->head, at);
	atomic_store_explicit(&segment->walk.done, at, memory_order_relaxed);
	return *n > 0 ? HINT_OK : result;
}

bool hints_any(struct segment *segment)
{
	uint64_t at = begin_at(&segment->header->head, &segment->walk.done);

	for (uint32_t n = 0; n < segment->at.cells; n++) {
		uint64_t cell = atomic_load(cell_at(segment, at + n));

		if (cell_ahead(cell, lap_of(segment, at + n)) < 0)
			break;
		if (cell_ahead(cell, lap_of(segment, at + n)) > 0 || cell_slot(cell) >= segment->at.slots ||
		    is_current(cell, atomic_load(&segment->words[cell_slot(cell)])))
			return true;
	}
	return false;
}

bool hints_reach(struct segment *segment, uint32_t n)
{
	uint64_t at = begin_at(&segment->header->head, &segment->walk.done) + n;

	return cell_ahead(atomic_load(cell_at(segment, at)), lap_of(segment, at)) == 0;
}

void hints_mark(const struct segment *segment, bool *is_told)
{
	uint64_t head = atomic_load(&segment->header->head);

	for (uint32_t n = 0; n < segment->at.cells; n++) {
		uint64_t cell = atomic_load(cell_at(segment, head + n));
		uint32_t index = cell_slot(cell);

		if (cell_ahead(cell, lap_of(segment, head + n)) != 0)
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
	uint32_t got = 0, begin = *cursor;

	for (uint32_t n = 0; n < reach && got < max; n++) {
		uint32_t at = *cursor;
		uint64_t found, mine;

		*cursor = at + 1 < segment->at.slots ? at + 1 : 0;
		/* seq_cst: after wait_ask() the whole round must be read later than `wanted` was
		   raised; pairs with the swap to FREE and the look in wait_wake() after it. */
		found = atomic_load(&segment->words[at]);
		if (slot_state(found) != SLOT_FREE)
			continue;
		mine = slot_claimed(found, me);
		if (slot_move(&segment->words[at], found, mine)) {
			claimed[got++] = (struct taken){ .slot = at, .word = mine };
			if (slot_state(atomic_load_explicit(&segment->words[*cursor],
							    memory_order_relaxed)) == SLOT_FREE)
				fetch_slot(segment, *cursor);
		}
	}
	if (got == 0)
		*cursor = begin;	/* what has been in use longest is freed first */
	else	/* the cell that will tell of it, while the item is filled in */
		fetch_to_write(cell_at(segment, atomic_load_explicit(&segment->walk.filled,
								     memory_order_relaxed)));
	return got;
}
