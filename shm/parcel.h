/*
 * parcel.h - private: a slot that holds several records, and how many of them are left. Its word is moved
 * as every slot's; what stands here is about its contents.
 *
 *	| record T | record T | record T | record T |		T: the ring's terminator
 *	 <- done with: progress -> <- what an item in hand shows, and what comes back ->
 */
#ifndef SHMLINE_PARCEL_H
#define SHMLINE_PARCEL_H

#include "shm/segment.h"

/* Only of a ring that has parcels. */
static inline struct parcel *parcel_of(const struct segment *segment, uint32_t index)
{
	return (struct parcel *)(void *)segment_slot(segment, index)->data;
}

static inline uint64_t parcel_progress(uint32_t records, uint32_t bytes)
{
	return records | (uint64_t)bytes << 32;
}

/* Records of the slot that are done with. */
static inline uint32_t parcel_done(const struct segment *segment, uint32_t index)
{
	return (uint32_t)atomic_load(&parcel_of(segment, index)->progress);
}

/* Items that a slot in any state of holding some still stands for: 1, if it is no parcel. True as long as
   its word stays. */
uint32_t parcel_left(const struct segment *segment, uint32_t index);

/* What the calls below do where there may be parcels. */
int parcel_read_records(const struct segment *segment, struct ring_item *item);
bool parcel_records_are_sound(const struct segment *segment, const struct ring_item *item, bool was_dead);
size_t parcel_write_records(const struct segment *segment, const struct ring_item *item, bool was_dead);

/* Show in `item` what is left in its slot: its bytes, its id, how many records. 0, or -1 with EBADMSG when
   the slot says what can't be. */
static inline int parcel_read(const struct segment *segment, struct ring_item *item)
{
	struct slot *slot = segment_slot(segment, item->slot);

	item->data = segment_data(segment, item->slot);
	item->len = atomic_load_explicit(&slot->len, memory_order_relaxed);
	item->id = atomic_load_explicit(&slot->id, memory_order_relaxed);
	item->records = 1;
	item->is_parcel = false;
	if (item->len <= segment->at.item_max && !segment->at.has_parcels)
		return 0;
	return parcel_read_records(segment, item);
}

/* May it be published here? Its length has been checked. `was_dead`: a dead letter that was taken up. */
static inline bool parcel_is_sound(const struct segment *segment, const struct ring_item *item, bool was_dead)
{
	return segment->at.has_parcels ? parcel_records_are_sound(segment, item, was_dead) :
	       item->records == 1 && !item->is_parcel;
}

/* In WRITING: the slot's length and records are those of the item, behind what a dead letter that was taken
   up has done with. */
static inline void parcel_write(const struct segment *segment, const struct ring_item *item, bool was_dead)
{
	size_t done = segment->at.has_parcels ? parcel_write_records(segment, item, was_dead) : 0;

	atomic_store_explicit(&segment_slot(segment, item->slot)->len, (uint32_t)(done + item->len),
			      memory_order_relaxed);
}

/* Could n records of so many bytes, but not all, be the first that are left of it? */
bool parcel_can_advance(const struct segment *segment, const struct ring_item *item, uint32_t n,
			size_t bytes);

/* In READING: n more records, of so many bytes, are done with. */
void parcel_advance(const struct segment *segment, uint32_t index, uint32_t n, size_t bytes);

#endif
