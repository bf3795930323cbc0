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

/* Bytes that are copied in less than a microsecond: so long items of a batch have one time. */
#define COPIED_MAX 4096u

/* Give up a slot that was reserved and will not be published. */
static void give_up(struct ring *ring, uint32_t slot, uint64_t word)
{
	shared_u64 *at = &ring->segment->words[slot];

	if (!slot_move(at, word, slot_given_up(word)) && !MISTAKE(revoked_kept))
		(void)slot_move(at, slot_revoked(word), slot_given_up(word));
	wait_wake(&ring->segment->header->free);
}

/* Items that the cells had no room for must be told before the next one: the order is promised. */
static bool hint_leftover(struct ring *ring)
{
	if (ring->has_unhinted)
		ring->has_unhinted = !recover_hint_all(ring->segment, ring->index);
	return !ring->has_unhinted;
}

/* Field by field: a compiler clears so many bytes by an instruction that takes longer than a swap. */
FOR_EITHER void begin_item(const struct ring *ring, struct ring_item *item, const struct taken *claimed)
{
	item->data = segment_data(ring->segment, claimed->slot);
	item->len = ring->segment->at.item_max;
	item->id = 0;
	item->mark = 0;
	item->published_ns = 0;
	item->taken_ns = 0;
	item->deliveries = 0;
	item->failures = 0;
	item->given_back = 0;
	item->lane = ring->lane;
	item->records = 1;
	item->is_parcel = false;
	item->slot = claimed->slot;
	item->word = claimed->word;
}

FOR_EITHER enum ring_result attempt(struct ring *ring, struct lot *lot, uint32_t max)
{
	struct segment *segment = ring->segment;
	uint32_t reach = segment->at.slots;

	if (ring->is_spinning && reach > REACH_SPINNING)
		reach = REACH_SPINNING;
	if (flags_mode(segment))
		return RING_CLOSED;
	if (!hint_leftover(ring))
		return RING_TIMEOUT;
	lot->n = max == 1 ? hints_claim(segment, ring->index, &ring->cursor, reach, lot->taken) :
		 hints_claim_all(segment, ring->index, &ring->cursor, reach, lot->taken, max);
	if (lot->n == 0)
		return RING_TIMEOUT;
	/* seq_cst: after the claims' swaps; pairs with the raising of the flag before its pass. */
	if (!MISTAKE(claim_without_look) && flags_mode(segment)) {
		for (uint32_t i = 0; i < lot->n; i++)
			give_up(ring, lot->taken[i].slot, lot->taken[i].word);
		return RING_CLOSED;
	}
	return RING_OK;
}

static enum ring_result attempt_one(struct ring *ring, struct lot *lot)
{
	return attempt(ring, lot, 1);
}

static enum ring_result attempt_all(struct ring *ring, struct lot *lot)
{
	return attempt(ring, lot, lot->max);
}

/* Claim up to `max`. */
FOR_EITHER enum ring_result claim(struct ring *ring, struct lot *lot, uint32_t max, int timeout_ms)
{
	enum ring_result result;

	lot_begin(lot, max);
	result = attempt(ring, lot, max);
	return result == RING_OK ? result :
	       handle_wait_on(ring, WAITING_FREE, max == 1 ? attempt_one : attempt_all, lot, timeout_ms, result);
}

enum ring_result ring_reserve(struct ring *ring, struct ring_item *item, int timeout_ms)
{
	struct lot lot;
	enum ring_result result;

	result = ring->roles & RING_PRODUCER ? claim(ring, &lot, 1, timeout_ms) : handle_error(EPERM);
	if (result == RING_OK)
		begin_item(ring, item, lot.taken);
	else
		*item = (struct ring_item){ 0 };
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
	give_up(ring, index, taken);
	item->word = 0;
	errno = EBADMSG;
	return RING_ERROR;
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
		give_up(ring, slot, item->word);
		item->word = 0;
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

/* A dead letter keeps what its slot says of it: its id, and that it was taken before. */
static bool is_taken_up(const struct ring_item *item)
{
	return slot_returns(item->word) > 0;
}

/* Says of the item what nobody reads before it is accepted. */
FOR_EITHER void fill_slot(struct ring *ring, struct ring_item *item, uint64_t now_ns)
{
	struct slot *slot = segment_slot(ring->segment, item->slot);

	if (!is_taken_up(item)) {
		item->id = next_ids(ring, item->records);
		atomic_store_explicit(&slot->id, item->id, memory_order_relaxed);
		atomic_store_explicit(&slot->when_ns, 0, memory_order_relaxed);
	}
	item->published_ns = now_ns;
	atomic_store_explicit(&slot->published_ns, now_ns, memory_order_relaxed);
	atomic_store_explicit(&slot->mark, raw_mark(ring, item->mark), memory_order_relaxed);
	parcel_write(ring->segment, item, is_taken_up(item));
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
	if (is_revoked)
		give_up(ring, item->slot, item->word);
	item->word = 0;
	return is_revoked ? RING_CLOSED : handle_error(EBADMSG);
}

/* The item is accepted, or not; whoever finds us dead or stopped afterwards does what is left to do. */
FOR_EITHER enum ring_result accept(struct ring *ring, struct ring_item *item)
{
	struct segment *segment = ring->segment;
	uint64_t published = slot_published(item->word, item->records);

	if (MISTAKE(wake_before_publish))
		wait_wake(&segment->header->ready);
	if (!MISTAKE(no_journal))
		journal_begin(ring->me, COUNT_PUBLISHED, item->slot, slot_gen(item->word), item->records);
	if (!slot_move(&segment->words[item->slot], item->word, published))
		return publish_refused(ring, item);
	item->word = published;
	journal_done(ring->me, COUNT_PUBLISHED, item->records);
	member_count(ring->me, COUNT_BYTES, item->len - (item->is_parcel ? item->records : 0));
	PROBE3(publish, segment->name, item->id, item->len);
	if (item->mark)
		lanes_advance(segment, ring->lane, raw_mark(ring, item->mark));
	return RING_OK;
}

/* Hints for n items, one at least, that were accepted one after the other; and they are out of our hands. */
FOR_EITHER void tell(struct ring *ring, struct ring_item *items, uint32_t n)
{
	struct segment *segment = ring->segment;
	const struct ring_item *last = &items[n - 1];
	struct taken ready[LOT_MAX];

	for (uint32_t i = 0; i < n; i++) {
		ready[i] = (struct taken){ .slot = items[i].slot, .word = items[i].word };
		items[i].word = 0;
	}
	if (MISTAKE(told_before_hint))
		atomic_store(&ring->me->told, last->id);
	ring->has_unhinted = !hint_leftover(ring) ||
			     !(n == 1 ? hints_push(segment, ready->slot, ready->word) :
			       hints_push_all(segment, ready, n) == n);
	if (!ring->has_unhinted)	/* release: after the hints; pairs with who finds us dead */
		atomic_store_explicit(&ring->me->told, last->id, memory_order_release);
	if (!MISTAKE(wake_before_publish))
		wait_wake(&segment->header->ready);
	if (last->published_ns - ring->looked_round_ns > WAIT_SLICE_NS)
		handle_look_round(ring, last->published_ns);
}

/* Its id is not the latest, so its owner is what says that it is untold. */
static void tell_again(struct ring *ring, struct ring_item *item)
{
	ring->has_unhinted = !hint_leftover(ring) || !recover_hint(ring->segment, item->slot, item->word);
	item->word = 0;
}

enum ring_result ring_publish(struct ring *ring, struct ring_item *item)
{
	bool was_dead = is_taken_up(item);
	enum ring_result result;

	if (!handle_owns(ring, item, SLOT_WRITING))
		return handle_error(EINVAL);
	/* Before anything is written: a copy of an item that was published already names a slot that may be
	   somebody else's by now. */
	if (atomic_load_explicit(&ring->segment->words[item->slot], memory_order_relaxed) != item->word)
		return publish_refused(ring, item);
	if (item->len > ring->segment->at.item_max)
		return handle_error(EMSGSIZE);
	if (!parcel_is_sound(ring->segment, item, was_dead))
		return handle_error(EINVAL);
	fill_slot(ring, item, handle_now(ring));
	result = accept(ring, item);
	if (result != RING_OK)
		return result;
	if (was_dead)
		tell_again(ring, item);
	else
		tell(ring, item, 1);
	return RING_OK;
}

void ring_cancel(struct ring *ring, struct ring_item *item)
{
	if (!handle_owns(ring, item, SLOT_WRITING))
		return;
	give_up(ring, item->slot, item->word);
	item->word = 0;
}

/* What becomes of a slot that was claimed for a copy: only what the steps behind look at. */
FOR_EITHER void fill_item(struct ring *ring, struct ring_item *item, const struct taken *claimed,
			  const struct iovec *from, uint64_t mark, uint64_t now_ns)
{
	item->slot = claimed->slot;
	item->word = claimed->word;
	item->len = from->iov_len;
	item->mark = mark;
	item->records = 1;
	item->is_parcel = false;
	if (item->len)
		memcpy(segment_data(ring->segment, item->slot), from->iov_base, item->len);
	fill_slot(ring, item, now_ns);
}

/*
 * Publish as many of the first n as there is room for at once, one at least: how many, in *done. All are
 * filled in before the first is accepted: each swap waits for what was written before it, and lines
 * that another processor has come faster together than one by one.
 */
static enum ring_result put_some(struct ring *ring, const struct iovec *from, const uint64_t *marks,
				 uint32_t n, uint32_t *done, int timeout_ms)
{
	struct ring_item items[LOT_MAX];
	struct lot lot;
	enum ring_result result;
	uint32_t accepted = 0;
	uint64_t now_ns = 0;
	size_t copied = 0;	/* since the clock was read */

	*done = 0;
	result = claim(ring, &lot, n, timeout_ms);
	if (result != RING_OK)
		return result;
	for (uint32_t i = 0; i < lot.n; i++) {
		copied += from[i].iov_len;
		if (now_ns == 0 || copied > COPIED_MAX) {
			now_ns = handle_now(ring);
			copied = 0;
		}
		fill_item(ring, &items[i], &lot.taken[i], &from[i], marks ? marks[i] : 0, now_ns);
	}
	for (; accepted < lot.n && result == RING_OK; accepted += result == RING_OK)
		/* Behind the flag one item may come, as from who puts one by one. */
		result = accepted > 0 && flags_mode(ring->segment) ? RING_CLOSED : accept(ring, &items[accepted]);
	for (uint32_t i = accepted; i < lot.n; i++)
		if (items[i].word)	/* else it was refused, and is given up already */
			give_up(ring, items[i].slot, items[i].word);
	*done = accepted;
	if (accepted > 0)
		tell(ring, items, accepted);
	return result;
}

enum ring_result ring_put(struct ring *ring, const void *data, size_t len, int timeout_ms)
{
	struct iovec from = { .iov_base = (void *)(uintptr_t)data, .iov_len = len };
	struct ring_item item;
	struct lot lot;
	enum ring_result result;

	if (!(ring->roles & RING_PRODUCER))
		return handle_error(EPERM);
	if (len > ring->segment->at.item_max)
		return handle_error(EMSGSIZE);
	result = claim(ring, &lot, 1, timeout_ms);
	if (result != RING_OK)
		return result;
	fill_item(ring, &item, lot.taken, &from, 0, handle_now(ring));
	result = accept(ring, &item);
	if (result == RING_OK)
		tell(ring, &item, 1);
	return result;
}

static uint32_t count_fitting(const struct ring *ring, const struct iovec *items, size_t n)
{
	uint32_t fit = 0;

	while (fit < n && fit < LOT_MAX && items[fit].iov_len <= ring->segment->at.item_max)
		fit++;
	return fit;
}

enum ring_result ring_put_marked(struct ring *ring, const struct iovec *items, const uint64_t *marks,
				 size_t n, size_t *done, int timeout_ms)
{
	uint64_t deadline = timeout_ms > 0 ? ring_now_ns() + (uint64_t)timeout_ms * 1000000 : 0;

	why_clear();
	*done = 0;
	if (!(ring->roles & RING_PRODUCER))
		return handle_error(EPERM);
	while (*done < n) {
		uint32_t fit = count_fitting(ring, items + *done, n - *done), put;
		enum ring_result result;

		if (fit == 0)
			return handle_error(EMSGSIZE);
		result = put_some(ring, items + *done, marks ? marks + *done : NULL, fit, &put,
				  *done ? handle_remaining_ms(timeout_ms, deadline) : timeout_ms);
		*done += put;
		if (result != RING_OK)
			return result;
	}
	return RING_OK;
}

enum ring_result ring_put_batch(struct ring *ring, const struct iovec *items, size_t n, size_t *done,
				int timeout_ms)
{
	return ring_put_marked(ring, items, NULL, n, done, timeout_ms);
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
	struct taken oldest;
	struct slot *slot;
	uint32_t items;

	why_clear();
	if (!(ring->roles & RING_PRODUCER))
		return handle_error(EPERM);
	switch (hints_take(segment, ring->index, &oldest)) {
	case HINT_NONE:
		return RING_TIMEOUT;
	case HINT_BROKEN:
		return handle_order_broken();
	case HINT_OK:
		break;
	}
	slot = segment_slot(segment, oldest.slot);
	lanes_advance(segment, atomic_load(&slot->lane), atomic_load(&slot->mark));
	items = parcel_left(segment, oldest.slot);
	journal_begin(ring->me, COUNT_DROPPED, oldest.slot, slot_gen(oldest.word), items);
	if (!slot_move(&segment->words[oldest.slot], oldest.word, slot_freed(oldest.word))) {
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
	if (raw != 0 && ring->lane < ring->segment->at.members && !MISTAKE(refusal_without_intent))
		journal_begin_drop(ring->me, ring->lane, raw);
	else
		journal_void(ring->me);
	lanes_advance(ring->segment, ring->lane, raw);
	journal_done(ring->me, COUNT_REFUSED, 1);
}
