/*
 * cell.h - private: what a cell of the order says: in which lap it was filled, and of which slot it tells,
 * ready in which generation. Pure.
 */
#ifndef SHMLINE_CELL_H
#define SHMLINE_CELL_H

#include "shm/segment.h"
#include "shm/slot.h"

/* Its generation, and how often it came back: who takes it again needs the hint that was given then, or hints
   that are used up would stay good. */
static inline uint64_t hint_tag(uint64_t word)
{
	return slot_gen(word) << 3 | (slot_returns(word) & 7);
}

/* A cell: lap:22 | tag, low bits:22 | slot:20. Laps compare by difference. */
#define SLOT_BITS 20
#define PART_BITS 22
#define PART_MASK ((UINT64_C(1) << PART_BITS) - 1)

static_assert(RING_SLOTS_MAX == 1u << SLOT_BITS, "a slot's number fits its bits");

static inline uint64_t cell_make(uint64_t lap, uint64_t tag, uint32_t index)
{
	return (lap & PART_MASK) << (SLOT_BITS + PART_BITS) | (tag & PART_MASK) << SLOT_BITS | index;
}

static inline uint32_t cell_slot(uint64_t cell) { return (uint32_t)(cell & (RING_SLOTS_MAX - 1)); }
static inline uint64_t cell_tag(uint64_t cell) { return cell >> SLOT_BITS & PART_MASK; }

/* Was the cell filled in this lap? */
static inline bool cell_is_of(uint64_t cell, uint64_t lap)
{
	return cell >> (SLOT_BITS + PART_BITS) == (lap & PART_MASK);
}

/* Were both filled in the same lap? */
static inline bool cell_is_as(uint64_t cell, uint64_t other)
{
	return (cell ^ other) >> (SLOT_BITS + PART_BITS) == 0;
}

/* Was the cell filled in a lap before this one? */
static inline bool cell_is_behind(uint64_t cell, uint64_t lap)
{
	return ((cell >> (SLOT_BITS + PART_BITS)) - lap) >> (PART_BITS - 1) & 1;
}

static inline shared_u64 *cell_at(const struct segment *segment, uint64_t position)
{
	return &segment->cells[position & (segment->at.cells - 1)];
}

static inline uint64_t lap_of(const struct segment *segment, uint64_t position)
{
	return position >> segment->at.cell_shift;
}

/* Does the hint lead to a slot that is ready, and was it given for that? */
static inline bool is_current(uint64_t cell, uint64_t word)
{
	return slot_state(word) == SLOT_READY && (hint_tag(word) & PART_MASK) == cell_tag(cell);
}

#endif
