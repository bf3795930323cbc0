/*
 * consume.c - the consumer's calls: take, ack, give back, declare dead.
 */
#include "shm/handle.h"

#include "shm/failpoint.h"
#include "shm/flags.h"
#include "shm/hints.h"
#include "shm/histogram.h"
#include "shm/lanes.h"
#include "shm/members.h"
#include "shm/parcel.h"
#include "shm/probe.h"
#include "shm/recover.h"
#include "shm/slot.h"

#include <errno.h>

/* Producers were here, or the flag is up, and there are none now and nothing is left. */
static bool sees_the_end(struct ring *ring)
{
	struct header *header = ring->segment->header;

	if (!atomic_load(&header->stop) &&
	    (!atomic_load(&header->ending) ||
	     atomic_load(&header->producers_ever) == ring->producers_before))
		return false;
	return flags_is_drained(ring->segment);
}

/* What a take does beside taking, now and then. */
static void do_duties(struct ring *ring, uint64_t now_ns)
{
	handle_tell_times(ring, now_ns);
	if (now_ns - ring->looked_round_ns > WAIT_SLICE_NS)
		handle_look_round(ring, now_ns);
}

/* Where the lines of an item end that are fetched and given on as written, in bytes from the slot's
   beginning; within the slot, whatever the item says. */
FOR_EITHER size_t lines_end(const struct segment *segment, const struct ring_item *item)
{
	size_t end = sizeof(struct slot) + segment->at.data_at + item->len;

	return end < segment->at.lines ? end : segment->at.lines;
}

/* The first lines of its slot are here already, or on their way. */
static void fetch_lines(const struct segment *segment, const struct ring_item *item)
{
	const unsigned char *slot = (const unsigned char *)segment_slot(segment, item->slot);
	size_t end = lines_end(segment, item);

	for (size_t at = 2 * LINE; at < end; at += LINE)
		fetch_to_write(slot + at);
}

/* Copy what the slot says, checked; the item is this member's now. */
FOR_EITHER enum ring_result fill_item(struct ring *ring, struct ring_item *item, const struct taken *taken,
				      uint64_t now_ns)
{
	struct slot *slot = segment_slot(ring->segment, taken->slot);
	uint32_t records;
	int damaged;

	item->slot = taken->slot;
	item->word = taken->word;
	damaged = parcel_read(ring->segment, item);
	if (item->len > LINE)
		fetch_lines(ring->segment, item);
	item->mark = atomic_load_explicit(&slot->mark, memory_order_relaxed) & ~MARK_IS_TICKET;
	item->lane = atomic_load_explicit(&slot->lane, memory_order_relaxed);
	item->failures = atomic_load_explicit(&slot->failures, memory_order_relaxed);
	item->given_back = atomic_load_explicit(&slot->given_back, memory_order_relaxed);
	item->published_ns = atomic_load_explicit(&slot->published_ns, memory_order_relaxed);
	item->deliveries = slot_deliveries(item->word);
	item->taken_ns = now_ns;
	if (item->taken_ns < item->published_ns)
		item->taken_ns = item->published_ns;	/* two clocks' readings, a microsecond apart */
	atomic_store_explicit(&slot->when_ns, item->taken_ns, memory_order_relaxed);
	records = item->records;
	member_count(ring->me, COUNT_TAKEN, records);
	PROBE3(take, ring->segment->name, item->id, item->deliveries);
	if (item->deliveries > 1) {
		member_count(ring->me, COUNT_REDELIVERED, records);
		PROBE3(redelivery, ring->segment->name, item->id, item->deliveries);
	} else {
		histogram_count(&ring->wait, item->taken_ns - item->published_ns, records);
	}
	return damaged ? RING_ERROR : RING_OK;
}

FOR_EITHER enum ring_result attempt(struct ring *ring, struct lot *lot, uint32_t max)
{
	struct segment *segment = ring->segment;
	uint64_t due = atomic_load(&segment->header->next_due);
	enum hint_result result;

	if (flags_mode(segment) == RING_STOP_NOW)
		return RING_CLOSED;
	if (due != UINT64_MAX && ring_now_ns() >= due)
		recover_promote(segment, ring->index, ring_now_ns());
	lot->n = 1;
	result = max == 1 ? hints_take(segment, ring->index, lot->taken) :
		 hints_take_all(segment, ring->index, lot->taken, max, &lot->n);
	if (result == HINT_NONE)
		return sees_the_end(ring) ? RING_DRAINED : RING_TIMEOUT;
	return result == HINT_BROKEN ? handle_order_broken() : RING_OK;
}

static enum ring_result attempt_one(struct ring *ring, struct lot *lot)
{
	return attempt(ring, lot, 1);
}

static enum ring_result attempt_all(struct ring *ring, struct lot *lot)
{
	return attempt(ring, lot, lot->max);
}

/* Up to `max`. now_ns: the clock's reading if it has just been read, else 0. */
FOR_EITHER enum ring_result take(struct ring *ring, struct ring_item *items, struct lot *lot, uint32_t max,
				 int timeout_ms, uint64_t now_ns)
{
	enum ring_result result;

	if (!(ring->roles & RING_CONSUMER)) {
		*items = (struct ring_item){ 0 };
		return handle_error(EPERM);
	}
	lot_begin(lot, max);
	result = attempt(ring, lot, max);
	if (result != RING_OK) {
		result = handle_wait_on(ring, WAITING_READY, max == 1 ? attempt_one : attempt_all, lot,
					timeout_ms, result);
		now_ns = 0;
	}
	if (result != RING_OK) {
		*items = (struct ring_item){ 0 };
		return result;
	}
	if (now_ns == 0)
		now_ns = handle_now(ring);
	for (uint32_t i = 0; i < (max == 1 ? 1 : lot->n) && result == RING_OK; i++)
		result = fill_item(ring, &items[i], &lot->taken[i], now_ns);
	if (result == RING_OK && now_ns >= ring->times_due_ns)
		do_duties(ring, now_ns);
	return result;
}

FOR_EITHER enum ring_result take_one(struct ring *ring, struct ring_item *item, int timeout_ms,
				     uint64_t now_ns)
{
	struct lot lot;

	return take(ring, item, &lot, 1, timeout_ms, now_ns);
}

enum ring_result ring_take(struct ring *ring, struct ring_item *item, int timeout_ms)
{
	return take_one(ring, item, timeout_ms, 0);
}

enum ring_result ring_take_batch(struct ring *ring, struct ring_item *items, size_t max,
				 size_t *taken, int timeout_ms)
{
	enum ring_result result = RING_OK;
	struct lot lot;

	for (*taken = 0; *taken < max;) {
		uint32_t n = max - *taken < LOT_MAX ? (uint32_t)(max - *taken) : LOT_MAX;

		result = take(ring, items + *taken, &lot, n, *taken == 0 ? timeout_ms : 0, 0);
		if (result != RING_OK)
			break;
		*taken += lot.n;
		if (lot.n < lot.max)
			break;
	}
	return *taken > 0 && result != RING_ERROR ? RING_OK : result;
}

/*
 * Write each line of the item again, with what it holds. A line that was only read is still shared with
 * whoever wrote it, and some processors take several times as long to give it to its next writer than one
 * that was written: it is the next producer's swap that would wait for that.
 */
FOR_EITHER void own_lines(const struct segment *segment, const struct ring_item *item)
{
	volatile unsigned char *slot = (volatile unsigned char *)segment_slot(segment, item->slot);
	size_t end = lines_end(segment, item);

	for (size_t at = LINE; at < end; at += LINE)
		slot[at] = slot[at];
}

/* The word moved from READING(me) to `to`, counted as `op`. */
FOR_EITHER int finish(struct ring *ring, struct ring_item *item, enum counter op, uint64_t to)
{
	struct segment *segment = ring->segment;
	struct slot *slot = segment_slot(segment, item->slot);
	uint64_t mark = atomic_load_explicit(&slot->mark, memory_order_relaxed);

	/* Before the slot is anybody else's: its producer may have died before it said so itself. */
	if (mark && !MISTAKE(ack_without_lane))
		lanes_advance(segment, atomic_load_explicit(&slot->lane, memory_order_relaxed), mark);
	journal_begin(ring->me, op, item->slot, slot_gen(item->word), item->records);
	if (MISTAKE(counted_before_swap))
		journal_done(ring->me, op, item->records);
	if (!slot_move(&segment->words[item->slot], item->word, to)) {
		journal_void(ring->me);
		(void)handle_error(EINVAL);
		return -1;
	}
	if (!MISTAKE(counted_before_swap))
		journal_done(ring->me, op, item->records);
	item->word = 0;
	return 0;
}

FOR_EITHER int check_in_hand(struct ring *ring, const struct ring_item *item)
{
	/* A copy of an item that is settled already says that it is ours; the slot may be somebody else's by now,
	   who must find nothing of ours in it. */
	if (handle_owns(ring, item, SLOT_READING) &&
	    atomic_load_explicit(&ring->segment->words[item->slot], memory_order_relaxed) == item->word)
		return 0;
	(void)handle_error(EINVAL);
	return -1;
}

FOR_EITHER void count_work(struct ring *ring, const struct ring_item *item, uint32_t records, uint64_t now_ns)
{
	histogram_count(&ring->work, now_ns > item->taken_ns ? now_ns - item->taken_ns : 0, records);
}

/* All but waking whom it matters to. */
FOR_EITHER int ack(struct ring *ring, struct ring_item *item, uint64_t now_ns)
{
	if (MISTAKE(wake_before_ack))
		wait_wake(&ring->segment->header->free);
	if (check_in_hand(ring, item))
		return -1;
	if (!MISTAKE(lines_written_late))
		own_lines(ring->segment, item);
	if (finish(ring, item, COUNT_ACKED, slot_freed(item->word)))
		return -1;
	if (MISTAKE(lines_written_late))
		own_lines(ring->segment, item);
	PROBE3(ack, ring->segment->name, item->id, item->deliveries);
	count_work(ring, item, item->records, now_ns);
	return 0;
}

/* Some were acked. */
FOR_EITHER void tell_acked(struct ring *ring, uint64_t now_ns)
{
	if (!MISTAKE(wake_before_ack))
		wait_wake(&ring->segment->header->free);
	handle_tell_if_drained(ring);
	if (now_ns >= ring->times_due_ns)
		handle_tell_times(ring, now_ns);
}

int ring_ack(struct ring *ring, struct ring_item *item)
{
	uint64_t now_ns = handle_now(ring);

	if (ack(ring, item, now_ns))
		return -1;
	tell_acked(ring, now_ns);
	return 0;
}

int ring_ack_batch(struct ring *ring, struct ring_item *items, size_t n)
{
	uint64_t now_ns = handle_now(ring);
	size_t acked = 0;

	while (acked < n && ack(ring, &items[acked], now_ns) == 0)
		acked++;
	if (acked > 0)
		tell_acked(ring, now_ns);
	if (acked == n)
		return 0;
	(void)handle_error(EINVAL);
	return -1;
}

enum ring_result ring_next(struct ring *ring, struct ring_item *item, int timeout_ms)
{
	uint64_t now_ns = handle_now(ring);
	enum ring_result result;

	if (item->word != 0) {
		if (ack(ring, item, now_ns))
			return RING_ERROR;
		tell_acked(ring, now_ns);
	}
	result = take_one(ring, item, timeout_ms, now_ns);
	if (result == RING_ERROR)	/* a damaged one: it was not handed out, and is not acked by the next call */
		*item = (struct ring_item){ 0 };
	return result;
}

/* The slot stays in our hands, and its word as it is: that its progress says so is the swap. */
static void ack_part(struct ring *ring, struct ring_item *item, uint32_t n, size_t bytes)
{
	uint32_t done = parcel_done(ring->segment, item->slot);

	if (!MISTAKE(progress_after_count))
		journal_begin_part(ring->me, item->slot, done + n, n);
	else
		journal_done(ring->me, COUNT_ACKED, n);
	parcel_advance(ring->segment, item->slot, n, bytes);
	if (!MISTAKE(progress_after_count))
		journal_done(ring->me, COUNT_ACKED, n);
	PROBE3(ack, ring->segment->name, item->id, item->deliveries);
	count_work(ring, item, n, handle_now(ring));
	item->id += n;
	item->records -= n;
	item->len -= bytes;
	item->data = (unsigned char *)item->data + bytes;
}

int ring_ack_records(struct ring *ring, struct ring_item *item, uint32_t n, size_t bytes)
{
	if (n == item->records && bytes == item->len)
		return ring_ack(ring, item);
	if (check_in_hand(ring, item))
		return -1;
	if (!parcel_can_advance(ring->segment, item, n, bytes)) {
		(void)handle_error(EINVAL);
		return -1;
	}
	ack_part(ring, item, n, bytes);
	return 0;
}

static int give_back_later(struct ring *ring, struct ring_item *item, uint32_t delay_ms)
{
	struct segment *segment = ring->segment;
	uint64_t due = ring_now_ns() + (uint64_t)delay_ms * 1000000;

	atomic_store(&segment_slot(segment, item->slot)->when_ns, due);
	if (!slot_move(&segment->words[item->slot], item->word,
		       slot_returned(item->word, SLOT_DELAYED, 0)))
		return -1;
	/* After the swap, or a promotion in between would find nothing and raise it for good. Killed
	   before it: recovery lowers it. */
	if (!MISTAKE(due_not_told))
		recover_due_at(segment, due);
	wait_wake(&segment->header->ready);	/* somebody must sleep no longer than until then */
	return 0;
}

static int give_back_now(struct ring *ring, struct ring_item *item)
{
	uint64_t returned = slot_returned(item->word, SLOT_READY, ring->index);

	if (!slot_move(&ring->segment->words[item->slot], item->word, returned))
		return -1;
	/* Without room for its hint it stays ours, and a sweep tells it later. */
	(void)recover_hint(ring->segment, item->slot, returned);
	return 0;
}

int ring_give_back(struct ring *ring, struct ring_item *item, uint32_t delay_ms, bool failed)
{
	struct slot *slot;
	int lost;

	if (check_in_hand(ring, item))
		return -1;
	slot = segment_slot(ring->segment, item->slot);
	if (failed && item->failures < UINT16_MAX)
		atomic_store(&slot->failures, (uint16_t)(item->failures + 1));
	atomic_store(&slot->given_back, item->given_back + 1);
	lost = delay_ms ? give_back_later(ring, item, delay_ms) : give_back_now(ring, item);
	if (lost)
		(void)handle_error(EINVAL);
	else
		item->word = 0;
	return lost;
}

int ring_dead(struct ring *ring, struct ring_item *item, uint32_t reason)
{
	struct slot *slot;

	if (check_in_hand(ring, item))
		return -1;
	slot = segment_slot(ring->segment, item->slot);
	atomic_store(&slot->when_ns, ring_now_ns());
	atomic_store(&slot->reason, reason);
	if (finish(ring, item, COUNT_DEAD, slot_buried(item->word)))
		return -1;
	recover_room_for_dead(ring->segment);
	handle_tell_if_drained(ring);
	return 0;
}

/* One writer at a time, as the counters have; a reader may see it a moment late. */
void ring_count_unconfirmed(struct ring *ring, int64_t n)
{
	uint64_t old = atomic_load_explicit(&ring->me->unconfirmed, memory_order_relaxed);

	atomic_store_explicit(&ring->me->unconfirmed, old + (uint64_t)n, memory_order_relaxed);
}
