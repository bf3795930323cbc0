/*
 * parcel.c - see parcel.h.
 */
#include "shm/parcel.h"

#include <errno.h>

static uint32_t done_bytes(uint64_t progress)
{
	return (uint32_t)(progress >> 32);
}

uint32_t parcel_left(const struct segment *segment, uint32_t index)
{
	struct parcel *parcel;
	uint32_t records, done;

	if (!segment->at.has_parcels)
		return 1;
	parcel = parcel_of(segment, index);
	records = atomic_load(&parcel->records);
	done = (uint32_t)atomic_load(&parcel->progress);
	return records > done ? records - done : 1;
}

int parcel_read_records(const struct segment *segment, struct ring_item *item)
{
	struct parcel *parcel;
	uint32_t records;
	uint64_t progress;

	if (item->len > segment->at.item_max)
		return why(EBADMSG, "slot %u says it holds %zu bytes, %u fit", item->slot, item->len,
			   segment->at.item_max);
	parcel = parcel_of(segment, item->slot);
	records = atomic_load_explicit(&parcel->records, memory_order_relaxed);
	progress = atomic_load_explicit(&parcel->progress, memory_order_relaxed);
	if (records == 0)
		return 0;
	if (records > RING_RECORDS_MAX || (uint32_t)progress >= records ||
	    done_bytes(progress) >= item->len)
		return why(EBADMSG, "slot %u says that %u of %u records, %u of %zu bytes, are done with",
			   item->slot, (uint32_t)progress, records, done_bytes(progress), item->len);
	item->is_parcel = true;
	item->records = records - (uint32_t)progress;
	item->id += (uint32_t)progress;
	item->len -= done_bytes(progress);
	item->data = (unsigned char *)item->data + done_bytes(progress);
	return 0;
}

/* Does a record end so many bytes behind what is done with? */
static bool ends_at(const struct segment *segment, uint32_t index, uint64_t progress, size_t bytes)
{
	uint64_t at = done_bytes(progress) + (uint64_t)bytes;

	return at >= 1 && at <= segment->at.item_max &&
	       segment_data(segment, index)[at - 1] == segment->at.terminator;
}

bool parcel_records_are_sound(const struct segment *segment, const struct ring_item *item, bool was_dead)
{
	uint64_t progress = 0;

	/* A dead letter's bytes stand behind what was done with, if it is a parcel. */
	if (was_dead &&
	    item->is_parcel != (atomic_load(&parcel_of(segment, item->slot)->records) != 0))
		return false;
	if (!item->is_parcel)
		return item->records == 1;
	if (item->records < 1 || item->records > RING_RECORDS_MAX ||
	    item->len < item->records)
		return false;
	if (was_dead)
		progress = atomic_load(&parcel_of(segment, item->slot)->progress);
	return ends_at(segment, item->slot, progress, item->len);
}

bool parcel_can_advance(const struct segment *segment, const struct ring_item *item, uint32_t n,
			size_t bytes)
{
	return item->is_parcel && segment->at.has_parcels && n >= 1 && n < item->records && bytes >= n &&
	       bytes < item->len &&
	       ends_at(segment, item->slot, atomic_load(&parcel_of(segment, item->slot)->progress), bytes);
}

size_t parcel_write_records(const struct segment *segment, const struct ring_item *item, bool was_dead)
{
	struct parcel *parcel = parcel_of(segment, item->slot);
	uint64_t progress = 0;

	if (was_dead && item->is_parcel)
		progress = atomic_load_explicit(&parcel->progress, memory_order_relaxed);
	atomic_store_explicit(&parcel->records, item->is_parcel ? (uint32_t)progress + item->records : 0,
			      memory_order_relaxed);
	atomic_store_explicit(&parcel->progress, progress, memory_order_relaxed);
	return done_bytes(progress);
}

void parcel_advance(const struct segment *segment, uint32_t index, uint32_t n, size_t bytes)
{
	shared_u64 *progress = &parcel_of(segment, index)->progress;
	uint64_t old = atomic_load_explicit(progress, memory_order_relaxed);

	/* seq_cst: after the journal, before the counter; one store, so that a kill leaves no half of it. */
	atomic_store(progress, old + parcel_progress(n, (uint32_t)bytes));
}
