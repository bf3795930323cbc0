/*
 * produce.c - the producer's calls: reserve, publish, cancel, put, marks and tickets, dropping.
 */
#include "shm/handle.h"

#include "shm/failpoint.h"
#include "shm/flags.h"
#include "shm/hints.h"
#include "shm/lanes.h"
#include "shm/members.h"
#include "shm/parcel.h"
#include "shm/probe.h"
#include "shm/recover.h"
#include "shm/slot.h"

#include <errno.h>
#include <string.h>

/* Ids a producer fetches at once, so that the counter's line is not everybody's at every item: a guess. */
#define ID_LOT 64

/* Give up a slot that was reserved and will not be published. */
static void give_up(struct ring *ring, struct ring_item *item)
{
	shared_u64 *word = &ring->segment->words[item->slot];

	if (!slot_move(word, item->word, slot_given_up(item->word)) && !MISTAKE(revoked_kept))
		(void)slot_move(word, slot_revoked(item->word), slot_given_up(item->word));
	item->word = 0;
	wait_wake(&ring->segment->header->free);
}

/* Items that the cells had no room for must be told before the next one: the order is promised. */
static bool hint_leftover(struct ring *ring)
{
	if (ring->has_unhinted)
		ring->has_unhinted = !recover_hint_all(ring->segment, ring->index);
	return !ring->has_unhinted;
}

static enum ring_result attempt_reserve(struct ring *ring, struct ring_item *item)
{
	struct segment *segment = ring->segment;

	if (flags_mode(segment))
		return RING_CLOSED;
	if (!hint_leftover(ring) ||
	    !hints_claim(segment, ring->index, &ring->cursor, &item->slot, &item->word))
		return RING_TIMEOUT;
	/* seq_cst: after the claim's swap; pairs with the raising of the flag before its pass. */
	if (!MISTAKE(claim_without_look) && flags_mode(segment)) {
		give_up(ring, item);
		return RING_CLOSED;
	}
	return RING_OK;
}

enum ring_result ring_reserve(struct ring *ring, struct ring_item *item, int timeout_ms)
{
	enum ring_result result;

	why_clear();
	if (!(ring->roles & RING_PRODUCER))
		return handle_error(EPERM);
	*item = (struct ring_item){ .lane = ring->lane, .records = 1 };
	result = handle_wait(ring, WAITING_FREE, attempt_reserve, item, timeout_ms);
	if (result == RING_OK) {
		item->data = segment_data(ring->segment, item->slot);
		item->len = ring->segment->at.item_max;
	}
	return result;
}

/* DEAD to WRITING: what the slot says of the item stays true as long as the word stands. */
static enum ring_result take_up(struct ring *ring, uint32_t index, uint64_t id, struct ring_item *item)
{
	uint64_t word = atomic_load(&ring->segment->words[index]);
	uint64_t taken = slot_taken_up(word, ring->index);
	int damaged;

	*item = (struct ring_item){ .slot = index, .lane = ring->lane };
	if (slot_state(word) != SLOT_DEAD)
		return RING_TIMEOUT;
	damaged = parcel_read(ring->segment, item);
	if ((!damaged && item->id != id) || !slot_move(&ring->segment->words[index], word, taken)) {
		why_clear();
		return RING_TIMEOUT;
	}
	item->word = taken;
	if (!damaged)
		return RING_OK;
	give_up(ring, item);
	return handle_error(EBADMSG);
}

enum ring_result ring_reserve_dead(struct ring *ring, uint32_t slot, uint64_t id, struct ring_item *item)
{
	enum ring_result result;

	why_clear();
	if (!(ring->roles & RING_PRODUCER))
		return handle_error(EPERM);
	if (slot >= ring->segment->at.slots)
		return handle_error(EINVAL);
	if (flags_mode(ring->segment))
		return RING_CLOSED;
	if (!hint_leftover(ring))
		return RING_TIMEOUT;
	result = take_up(ring, slot, id, item);
	/* seq_cst, as in attempt_reserve(). */
	if (result == RING_OK && flags_mode(ring->segment)) {
		give_up(ring, item);
		return RING_CLOSED;
	}
	return result;
}

/* The first of n ids in a row. What is left of a lot that is too small is nobody's. */
static uint64_t next_ids(struct ring *ring, uint32_t n)
{
	uint64_t first;

	if (ring->id_end - ring->id < n) {
		uint32_t lot = n > ID_LOT ? n : ID_LOT;

		ring->id = atomic_fetch_add(&ring->segment->header->next_id, lot);
		ring->id_end = ring->id + lot;
		if (MISTAKE(same_lot_for_all))
			atomic_store(&ring->segment->header->next_id, ring->id);
	}
	first = ring->id;
	ring->id += n;
	return first;
}

static uint64_t raw_mark(struct ring *ring, uint64_t mark)
{
	return mark && mark == ring->ticket ? mark | MARK_IS_TICKET : mark & ~MARK_IS_TICKET;
}

/* A dead letter that was taken up keeps its id. */
static bool was_dead(const struct ring_item *item)
{
	return slot_returns(item->word) != 0;
}

static void fill_slot(struct ring *ring, struct slot *slot, struct ring_item *item)
{
	if (!was_dead(item)) {
		item->id = next_ids(ring, item->records);
		atomic_store_explicit(&slot->id, item->id, memory_order_relaxed);
	}
	item->published_ns = handle_now(ring);
	atomic_store_explicit(&slot->published_ns, item->published_ns, memory_order_relaxed);
	atomic_store_explicit(&slot->mark, raw_mark(ring, item->mark), memory_order_relaxed);
	parcel_write(ring->segment, item, was_dead(item));
	atomic_store_explicit(&slot->lane, (uint16_t)ring->lane, memory_order_relaxed);
	atomic_store_explicit(&slot->failures, 0, memory_order_relaxed);
	atomic_store_explicit(&slot->given_back, 0, memory_order_relaxed);
}

/* The swap was lost: to a strict stop, or to somebody who damages the ring. */
static enum ring_result publish_refused(struct ring *ring, struct ring_item *item)
{
	bool is_revoked = atomic_load(&ring->segment->words[item->slot]) == slot_revoked(item->word);

	if (!MISTAKE(journal_not_voided))
		journal_void(ring->me);
	if (!is_revoked)
		return handle_error(EBADMSG);
	give_up(ring, item);
	return RING_CLOSED;
}

enum ring_result ring_publish(struct ring *ring, struct ring_item *item)
{
	struct segment *segment = ring->segment;
	uint64_t published = slot_published(item->word, item->records);

	why_clear();
	if (!handle_owns(ring, item, SLOT_WRITING))
		return handle_error(EINVAL);
	if (item->len > segment->at.item_max)
		return handle_error(EMSGSIZE);
	if (!parcel_is_sound(segment, item, was_dead(item)))
		return handle_error(EINVAL);
	fill_slot(ring, segment_slot(segment, item->slot), item);
	if (MISTAKE(wake_before_publish))
		wait_wake(&segment->header->ready);
	if (!MISTAKE(no_journal))
		journal_begin(ring->me, COUNT_PUBLISHED, item->slot, slot_gen(item->word), item->records);
	if (!slot_move(&segment->words[item->slot], item->word, published))
		return publish_refused(ring, item);

	/* Accepted. What follows are hints: whoever finds us dead or stopped here gives them again. */
	journal_done(ring->me, COUNT_PUBLISHED, item->records);
	member_count(ring->me, COUNT_BYTES, item->len - (item->is_parcel ? item->records : 0));
	PROBE3(publish, segment->name, item->id, item->len);
	if (item->mark)
		lanes_advance(segment, ring->lane, raw_mark(ring, item->mark));
	ring->has_unhinted = !hint_leftover(ring) || !recover_hint(segment, item->slot, published);
	item->word = 0;
	if (item->published_ns - ring->looked_round_ns > WAIT_SLICE_NS)
		handle_look_round(ring, item->published_ns);
	return RING_OK;
}

void ring_cancel(struct ring *ring, struct ring_item *item)
{
	if (handle_owns(ring, item, SLOT_WRITING))
		give_up(ring, item);
}

enum ring_result ring_put(struct ring *ring, const void *data, size_t len, int timeout_ms)
{
	struct ring_item item;
	enum ring_result result;

	why_clear();
	if (len > ring->segment->at.item_max)
		return handle_error(EMSGSIZE);
	result = ring_reserve(ring, &item, timeout_ms);
	if (result != RING_OK)
		return result;
	if (len)
		memcpy(item.data, data, len);
	item.len = len;
	return ring_publish(ring, &item);
}

enum ring_result ring_put_batch(struct ring *ring, const struct iovec *items, size_t n,
				size_t *done, int timeout_ms)
{
	uint64_t deadline = timeout_ms > 0 ? ring_now_ns() + (uint64_t)timeout_ms * 1000000 : 0;

	for (*done = 0; *done < n; (*done)++) {
		const struct iovec *item = &items[*done];
		enum ring_result result = ring_put(ring, item->iov_base, item->iov_len,
						   handle_remaining_ms(timeout_ms, deadline));

		if (result != RING_OK)
			return result;
	}
	return RING_OK;
}

uint64_t ring_mark(const struct ring *ring)
{
	return ring->lane == LANE_NONE ? 0 : atomic_load(&ring->segment->lanes[ring->lane].mark);
}

enum ring_result ring_ticket(struct ring *ring, uint64_t limit, uint64_t *ticket)
{
	enum ring_result result;

	why_clear();
	if (!(ring->roles & RING_PRODUCER))
		return handle_error(EPERM);
	if (flags_mode(ring->segment))
		return RING_CLOSED;
	result = lanes_ticket(ring->segment, ring->index, &ring->lane, limit, ticket);
	if (result == RING_OK)
		ring->ticket = *ticket;
	return result == RING_ERROR ? handle_error(EBADMSG) : result;
}

enum ring_result ring_drop_oldest(struct ring *ring)
{
	struct segment *segment = ring->segment;
	uint32_t index, items;
	uint64_t word;

	why_clear();
	if (!(ring->roles & RING_PRODUCER))
		return handle_error(EPERM);
	switch (hints_take(segment, ring->index, &index, &word)) {
	case HINT_NONE:
		return RING_TIMEOUT;
	case HINT_BROKEN:
		return handle_error(EBADMSG);
	case HINT_OK:
		break;
	}
	lanes_advance(segment, atomic_load(&segment_slot(segment, index)->lane),
		      atomic_load(&segment_slot(segment, index)->mark));
	items = parcel_left(segment, index);
	journal_begin(ring->me, COUNT_DROPPED, index, slot_gen(word), items);
	if (!slot_move(&segment->words[index], word, slot_freed(word))) {
		journal_void(ring->me);
		return handle_error(EBADMSG);
	}
	journal_done(ring->me, COUNT_DROPPED, items);
	wait_wake(&segment->header->free);
	return RING_OK;
}

void ring_count_dropped(struct ring *ring, uint64_t mark)
{
	uint64_t raw = raw_mark(ring, mark ? mark : ring->ticket);

	if (!(ring->roles & RING_PRODUCER))
		return;
	/* What the lane says decides whether it was dropped; without a mark, the counter alone. */
	if (raw != 0 && ring->lane < ring->segment->at.members)
		journal_begin_drop(ring->me, ring->lane, raw);
	else
		journal_void(ring->me);
	lanes_advance(ring->segment, ring->lane, raw);
	journal_done(ring->me, COUNT_REFUSED, 1);
}
