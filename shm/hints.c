/*
 * hints.c - the order of the ready slots, and the search for free ones.
 */
#include "shm/hints.h"

#include "shm/failpoint.h"
#include "shm/slot.h"

/* A cell: lap:22 | generation, low bits:22 | slot:20. Laps compare by difference. */
#define SLOT_BITS 20
#define PART_BITS 22
#define PART_MASK ((UINT64_C(1) << PART_BITS) - 1)

static_assert(RING_SLOTS_MAX == 1u << SLOT_BITS, "a slot's number fits its bits");

/* More turns than contention can explain (in each somebody else got on), tens of milliseconds: a guess. */
#ifndef TURNS_MAX	/* a fuzzer has less patience */
#define TURNS_MAX (1u << 20)
#endif

static uint64_t cell_make(uint64_t lap, uint64_t gen, uint32_t index)
{
	return (lap & PART_MASK) << (SLOT_BITS + PART_BITS) | (gen & PART_MASK) << SLOT_BITS | index;
}

static uint32_t cell_slot(uint64_t cell) { return (uint32_t)(cell & (RING_SLOTS_MAX - 1)); }
static uint64_t cell_gen(uint64_t cell) { return cell >> SLOT_BITS & PART_MASK; }

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

static void help_along(shared_u64 *position, uint64_t from)
{
	(void)atomic_compare_exchange_strong(position, &from, from + 1);
}

/* Does the hint lead to a slot that is ready, in the generation it speaks of? */
static bool is_current(uint64_t cell, uint64_t word)
{
	return slot_state(word) == SLOT_READY && (slot_gen(word) & PART_MASK) == cell_gen(cell);
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
	help_along(&segment->header->head, head);
	return true;
}

/* Room for one more? Head's own line is the consumers': it is read only when it must have moved. */
static bool has_room(struct segment *segment, uint64_t tail, uint64_t *head)
{
	*head = atomic_load_explicit(&segment->head_seen, memory_order_relaxed);
	if ((int64_t)(tail - *head) < (int64_t)segment->at.cells)
		return true;
	*head = atomic_load(&segment->header->head);
	atomic_store_explicit(&segment->head_seen, *head, memory_order_relaxed);
	return (int64_t)(tail - *head) < (int64_t)segment->at.cells;
}

bool hints_push(struct segment *segment, uint32_t index, uint64_t gen)
{
	struct header *header = segment->header;

	for (uint32_t turn = 0; turn < TURNS_MAX; turn++) {
		uint64_t tail = atomic_load(&header->tail);
		uint64_t lap = lap_of(segment, tail);
		uint64_t cell = atomic_load(cell_at(segment, tail));
		int64_t ahead = cell_ahead(cell, lap);
		uint64_t head;

		if (ahead == 0) {
			if (!MISTAKE(tail_not_helped))
				help_along(&header->tail, tail);
			continue;
		}
		if (ahead != -1)
			continue;	/* tail has moved */
		if (!has_room(segment, tail, &head)) {
			if (!make_room(segment, head))
				return false;
			continue;
		}
		if (atomic_compare_exchange_strong(cell_at(segment, tail), &cell,
						   cell_make(lap, gen, index))) {
			help_along(&header->tail, tail);
			return true;
		}
	}
	return false;
}

enum hint_result hints_take(struct segment *segment, uint32_t me, uint32_t *index, uint64_t *word)
{
	struct header *header = segment->header;

	for (uint32_t turn = 0; turn < TURNS_MAX; turn++) {
		uint64_t head = atomic_load(&header->head);
		uint64_t cell = atomic_load(cell_at(segment, head));
		int64_t ahead = cell_ahead(cell, lap_of(segment, head));

		if (ahead < 0 && atomic_load(&header->head) == head)
			return HINT_NONE;
		if (ahead != 0)
			continue;	/* head has moved */
		*index = cell_slot(cell);
		if (*index >= segment->at.slots)
			return HINT_BROKEN;
		*word = atomic_load(&segment->words[*index]);
		if (is_current(cell, *word)) {
			uint64_t taken = slot_taken(*word, me);

			if (MISTAKE(head_before_slot))
				help_along(&header->head, head);
			/* The slot first, the position second: killed between the two, the slot is in
			   dead hands, which recovery sees, and the hint is stale. */
			if (!slot_move(&segment->words[*index], *word, taken))
				continue;
			*word = taken;
			help_along(&header->head, head);
			return HINT_OK;
		}
		help_along(&header->head, head);
	}
	return HINT_BROKEN;
}

bool hints_any(struct segment *segment)
{
	uint64_t head = atomic_load(&segment->header->head);

	return cell_ahead(atomic_load(cell_at(segment, head)), lap_of(segment, head)) >= 0;
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

bool hints_claim(struct segment *segment, uint32_t me, uint32_t *cursor, uint32_t *index,
		 uint64_t *word)
{
	for (uint32_t n = 0; n < segment->at.slots; n++) {
		uint32_t at = *cursor;
		uint64_t found;

		*cursor = at + 1 < segment->at.slots ? at + 1 : 0;
		/* seq_cst: after wait_ask() the whole round must be read later than `wanted` was
		   raised; pairs with the swap to FREE and the look in wait_wake() after it. */
		found = atomic_load(&segment->words[at]);
		if (slot_state(found) != SLOT_FREE)
			continue;
		if (slot_move(&segment->words[at], found, slot_claimed(found, me))) {
			*index = at;
			*word = slot_claimed(found, me);
			return true;
		}
	}
	return false;
}
