/*
 * killpoints_calls.c - the public calls as the victim makes them: one table. Filling an item's bytes is
 * part of the call, as it is between reserve and publish in a program.
 */
#include "killpoints.h"

#include <errno.h>
#include <string.h>

static void finished(struct order *order, enum ring_result result, unsigned done)
{
	order->result = result;
	order->error = result == RING_ERROR ? errno : 0;
	order->done = result == RING_OK ? done : 0;
}

static void finished_int(struct order *order, int failed, unsigned done)
{
	finished(order, failed ? RING_ERROR : RING_OK, done);
}

/* ------------------------------------------------------------------ producing */

static void reserve_for(struct ring *ring, struct order *order, int timeout_ms)
{
	finished(order, ring_reserve(ring, &order->me.items[0], timeout_ms), 0);
	order->me.held = order->result == RING_OK;
}

static void run_reserve(struct ring *ring, struct order *order)
{
	reserve_for(ring, order, 0);
}

static void run_reserve_sleep(struct ring *ring, struct order *order)
{
	reserve_for(ring, order, order->nap_ms);
}

static void run_publish(struct ring *ring, struct order *order)
{
	struct ring_item *item = &order->me.items[0];

	memcpy(item->data, &order->payload, sizeof(order->payload));
	item->len = sizeof(order->payload);
	item->mark = order->me.ticket ? order->me.ticket : order->payload;
	finished(order, ring_publish(ring, item), 1);
	order->me.held = 0;
	order->me.ticket = 0;
}

static void fill_parcel(struct ring_item *item, uint64_t payload, uint32_t records)
{
	unsigned char *to = item->data;

	for (uint32_t i = 0; i < records; i++, payload++, to += RECORD_SIZE) {
		memcpy(to, &payload, sizeof(payload));
		to[RECORD_SIZE - 1] = TERMINATOR;
	}
	item->len = (size_t)records * RECORD_SIZE;
	item->records = records;
	item->is_parcel = true;
}

static void run_publish_parcel(struct ring *ring, struct order *order)
{
	struct ring_item *item = &order->me.items[0];

	fill_parcel(item, order->payload, RECORDS);
	item->mark = order->payload + RECORDS - 1;
	finished(order, ring_publish(ring, item), RECORDS);
	order->me.held = 0;
}

static void run_put_parcel(struct ring *ring, struct order *order)
{
	struct ring_item item;
	enum ring_result result = ring_reserve(ring, &item, 0);

	if (result == RING_OK) {
		fill_parcel(&item, order->payload, RECORDS);
		result = ring_publish(ring, &item);
	}
	finished(order, result, RECORDS);
}

static void run_cancel(struct ring *ring, struct order *order)
{
	ring_cancel(ring, &order->me.items[0]);
	finished(order, RING_OK, 0);
	order->me.held = 0;
}

static void run_put(struct ring *ring, struct order *order)
{
	finished(order, ring_put(ring, &order->payload, sizeof(order->payload), 0), 1);
}

static void run_put_looking(struct ring *ring, struct order *order)
{
	ring->looked_round_ns = 0;
	run_put(ring, order);
}

static void run_put_batch(struct ring *ring, struct order *order)
{
	uint64_t payloads[HAND_MAX] = { order->payload, order->payload + 1 };
	struct iovec batch[HAND_MAX] = { { &payloads[0], sizeof(uint64_t) },
					 { &payloads[1], sizeof(uint64_t) } };
	size_t done;

	finished(order, ring_put_marked(ring, batch, order->tickets ? NULL : payloads, HAND_MAX, &done, 0), 0);
	order->done = (unsigned)done;
}

static void run_ticket(struct ring *ring, struct order *order)
{
	finished(order, ring_ticket(ring, order->tickets, &order->me.ticket), 0);
}

/* Of a parcel, what had been done with is not in it any more: the books say how many were left. */
static void run_drop_oldest(struct ring *ring, struct order *order)
{
	uint64_t before = atomic_load(&ring->me->count[COUNT_DROPPED]);
	enum ring_result result = ring_drop_oldest(ring);

	finished(order, result, (unsigned)(atomic_load(&ring->me->count[COUNT_DROPPED]) - before));
}

/* The item that it would have been has the next mark. */
static void run_count_dropped(struct ring *ring, struct order *order)
{
	ring_count_dropped(ring, order->payload);
	finished(order, RING_OK, 1);
}

/* The first dead letter, put back as an item of its own, so that the record need not know the dead. */
static void run_put_back(struct ring *ring, struct order *order)
{
	struct ring_item item;
	struct ring_view view;

	finished(order, RING_TIMEOUT, 0);
	for (uint32_t slot = 0; slot < ring_slots(ring); slot++) {
		if (ring_look(ring, slot, &view, NULL, 0) != 1 || view.state != RING_SLOT_DEAD ||
		    ring_reserve_dead(ring, slot, view.id, &item) != RING_OK)
			continue;
		if (item.is_parcel) {
			fill_parcel(&item, order->payload, item.records);
		} else {
			memcpy(item.data, &order->payload, sizeof(order->payload));
			item.len = sizeof(order->payload);
		}
		finished(order, ring_publish(ring, &item), item.records);
		return;
	}
}

/* ------------------------------------------------------------------ consuming */

static void took(struct order *order, unsigned n)
{
	order->done = 0;
	for (unsigned i = 0; i < n; i++) {
		order->me.payload[i] = payload_of(&order->me.items[i], 0);
		order->done += order->me.items[i].records;
	}
	order->me.held = n;
}

static void take_for(struct ring *ring, struct order *order, int timeout_ms)
{
	finished(order, ring_take(ring, &order->me.items[0], timeout_ms), 1);
	took(order, order->done);
}

static void run_take(struct ring *ring, struct order *order)
{
	take_for(ring, order, 0);
}

static void run_take_sleep(struct ring *ring, struct order *order)
{
	take_for(ring, order, order->nap_ms);
}

static void run_take_batch(struct ring *ring, struct order *order)
{
	size_t taken;

	finished(order, ring_take_batch(ring, order->me.items, HAND_MAX, &taken, 0), 0);
	took(order, (unsigned)taken);
}

/* The item taken last ends. */
static struct ring_item *last(struct order *order)
{
	return &order->me.items[--order->me.held];
}

static void run_ack(struct ring *ring, struct order *order)
{
	struct ring_item *item = last(order);
	unsigned records = item->records;

	finished_int(order, ring_ack(ring, item), records);
}

/* The only item in hand is acked, whether or not there is a next one. */
static void run_next(struct ring *ring, struct order *order)
{
	struct ring_item *item = &order->me.items[0];
	unsigned acked = item->records;

	finished(order, ring_next(ring, item, 0), 0);
	took(order, order->result == RING_OK);
	if (order->result != RING_ERROR)
		order->done += acked;
}

/* The first record that is left; the others stay in hand. */
static void run_ack_part(struct ring *ring, struct order *order)
{
	unsigned n = order->me.held - 1;

	finished_int(order, ring_ack_records(ring, &order->me.items[n], 1, RECORD_SIZE), 1);
	order->me.payload[n] = payload_of(&order->me.items[n], 0);
}

static void run_give_back(struct ring *ring, struct order *order)
{
	finished_int(order, ring_give_back(ring, last(order), 0, true), 0);
}

static void run_give_back_later(struct ring *ring, struct order *order)
{
	finished_int(order, ring_give_back(ring, last(order), 3600 * 1000, false), 0);
}

static void run_dead(struct ring *ring, struct order *order)
{
	struct ring_item *item = last(order);
	unsigned records = item->records;

	finished_int(order, ring_dead(ring, item, 7), records);
}

static void run_count_unconfirmed(struct ring *ring, struct order *order)
{
	ring_count_unconfirmed(ring, 1);
	finished(order, RING_OK, 0);
}

/* ------------------------------------------------------------------ the line */

static void run_stop_soft(struct ring *ring, struct order *order)
{
	ring_stop(ring, RING_STOP_SOFT, RING_CAUSE_END);
	finished(order, RING_OK, 0);
}

static void run_stop_strict(struct ring *ring, struct order *order)
{
	ring_stop(ring, RING_STOP_STRICT, RING_CAUSE_ITEM);
	finished(order, RING_OK, 0);
}

static void run_stop_now(struct ring *ring, struct order *order)
{
	ring_stop(ring, RING_STOP_NOW, RING_CAUSE_USER);
	finished(order, RING_OK, 0);
}

static void run_recover(struct ring *ring, struct order *order)
{
	finished(order, ring_recover(ring, 0) < 0 ? RING_ERROR : RING_OK, 0);
}

static void run_sweep(struct ring *ring, struct order *order)
{
	ring_sweep(ring);
	finished(order, RING_OK, 0);
}

static void run_let_go(struct ring *ring, struct order *order)
{
	ring_hold(ring, false);
	finished(order, RING_OK, 0);
}

static void open_as(struct order *order, unsigned roles, unsigned number)
{
	order->opened = ring_open(order->ring_name, roles, number);
	finished(order, order->opened ? RING_OK : RING_ERROR, 0);
}

static void run_open_producer(struct ring *ring, struct order *order)
{
	(void)ring;
	open_as(order, RING_PRODUCER, order->number);
}

static void run_open_consumer(struct ring *ring, struct order *order)
{
	(void)ring;
	open_as(order, RING_CONSUMER | RING_PARCELS, 0);
}

static void run_close(struct ring *ring, struct order *order)
{
	ring_close(ring);
	finished(order, RING_OK, 0);
	order->me.held = 0;
}

static void run_close_last(struct ring *ring, struct order *order)
{
	(void)ring_close_last(ring);
	finished(order, RING_OK, 0);
	order->me.held = 0;
}

const struct call calls[CALLS] = {
	[CALL_RESERVE] = { .name = "reserve", .run = run_reserve, .role = RING_PRODUCER,
			   .leaves = HAND_RESERVED },
	[CALL_PUBLISH] = { .name = "publish", .run = run_publish, .role = RING_PRODUCER,
			   .needs = HAND_RESERVED, .effect = EFFECT_PUBLISH, .count = 1 },
	[CALL_CANCEL] = { .name = "cancel", .run = run_cancel, .role = RING_PRODUCER,
			  .needs = HAND_RESERVED },
	[CALL_PUT] = { .name = "put", .run = run_put, .role = RING_PRODUCER,
		       .effect = EFFECT_PUBLISH, .count = 1 },
	[CALL_PUT_BATCH] = { .name = "put_batch", .run = run_put_batch, .role = RING_PRODUCER,
			     .effect = EFFECT_PUBLISH, .count = HAND_MAX },
	[CALL_PUT_LOOKING] = { .name = "put_looking_round", .run = run_put_looking,
			       .role = RING_PRODUCER, .effect = EFFECT_PUBLISH, .count = 1, .weight = 2 },
	[CALL_RESERVE_SLEEP] = { .name = "reserve_asleep", .run = run_reserve_sleep,
				 .role = RING_PRODUCER, .leaves = HAND_RESERVED, .is_slow = true, .weight = 40 },
	[CALL_RESERVE_WOKEN] = { .name = "reserve_woken", .run = run_reserve_sleep,
				 .role = RING_PRODUCER, .leaves = HAND_RESERVED, .is_slow = true, .weight = 40, .event = EVENT_ACK },
	[CALL_TICKET] = { .name = "ticket", .run = run_ticket, .role = RING_PRODUCER },
	[CALL_DROP_OLDEST] = { .name = "drop_oldest", .run = run_drop_oldest,
			       .role = RING_PRODUCER, .effect = EFFECT_DROP, .count = 1 },
	[CALL_PUT_BACK] = { .name = "put_back", .run = run_put_back, .role = RING_PRODUCER,
			    .effect = EFFECT_PUBLISH, .count = 1 },
	[CALL_TAKE] = { .name = "take", .run = run_take, .role = RING_CONSUMER,
			.leaves = HAND_TAKEN, .effect = EFFECT_TAKE, .count = 1 },
	[CALL_TAKE_BATCH] = { .name = "take_batch", .run = run_take_batch, .role = RING_CONSUMER,
			      .leaves = HAND_TAKEN, .effect = EFFECT_TAKE, .count = HAND_MAX },
	[CALL_TAKE_SLEEP] = { .name = "take_asleep", .run = run_take_sleep, .role = RING_CONSUMER,
			      .leaves = HAND_TAKEN, .effect = EFFECT_TAKE, .count = 1, .is_slow = true, .weight = 40 },
	[CALL_TAKE_WOKEN] = { .name = "take_woken", .run = run_take_sleep, .role = RING_CONSUMER,
			      .leaves = HAND_TAKEN, .effect = EFFECT_TAKE, .count = 1, .is_slow = true, .weight = 40,
			      .event = EVENT_PUT },
	[CALL_ACK] = { .name = "ack", .run = run_ack, .role = RING_CONSUMER, .needs = HAND_TAKEN,
		       .effect = EFFECT_ACK, .count = 1 },
	[CALL_GIVE_BACK] = { .name = "give_back", .run = run_give_back, .role = RING_CONSUMER,
			     .needs = HAND_TAKEN },
	[CALL_GIVE_BACK_LATER] = { .name = "give_back_later", .run = run_give_back_later,
				   .role = RING_CONSUMER, .needs = HAND_TAKEN },
	[CALL_DEAD] = { .name = "dead", .run = run_dead, .role = RING_CONSUMER, .needs = HAND_TAKEN,
			.effect = EFFECT_DEAD, .count = 1 },
	[CALL_STOP_SOFT] = { .name = "stop_soft", .run = run_stop_soft, .any_hand = true },
	[CALL_STOP_STRICT] = { .name = "stop_strict", .run = run_stop_strict, .any_hand = true,
			       .shuts = true },
	[CALL_STOP_NOW] = { .name = "stop_now", .run = run_stop_now, .any_hand = true,
			    .shuts = true },
	[CALL_RECOVER] = { .name = "recover", .run = run_recover, .any_hand = true },
	[CALL_SWEEP] = { .name = "sweep", .run = run_sweep, .any_hand = true, .weight = 3 },
	[CALL_LET_GO] = { .name = "let_go", .run = run_let_go, .role = RING_HOLDER,
			  .any_hand = true },
	[CALL_OPEN_PRODUCER] = { .name = "open_producer", .run = run_open_producer,
				 .any_hand = true, .opens = true, .weight = 8 },
	[CALL_OPEN_CONSUMER] = { .name = "open_consumer", .run = run_open_consumer,
				 .any_hand = true, .opens = true, .weight = 8 },
	[CALL_CLOSE] = { .name = "close", .run = run_close, .any_hand = true, .leaves_ring = true },
	[CALL_CLOSE_LAST] = { .name = "close_last", .run = run_close_last, .any_hand = true,
			      .leaves_ring = true, .weight = 3 },
	[CALL_PUBLISH_PARCEL] = { .name = "publish_parcel", .run = run_publish_parcel,
				  .role = RING_PRODUCER, .needs = HAND_RESERVED,
				  .effect = EFFECT_PUBLISH, .count = RECORDS, .wants_parcels = true },
	[CALL_PUT_PARCEL] = { .name = "put_parcel", .run = run_put_parcel, .role = RING_PRODUCER,
			      .effect = EFFECT_PUBLISH, .count = RECORDS, .wants_parcels = true },
	[CALL_ACK_PART] = { .name = "ack_part", .run = run_ack_part, .role = RING_CONSUMER,
			    .needs = HAND_TAKEN, .leaves = HAND_TAKEN, .effect = EFFECT_ACK,
			    .count = 1, .wants_parcels = true },
	[CALL_NEXT] = { .name = "next", .run = run_next, .role = RING_CONSUMER, .needs = HAND_TAKEN,
			.leaves = HAND_TAKEN, .effect = EFFECT_ACK, .count = 1, .takes = 1 },
	[CALL_COUNT_DROPPED] = { .name = "count_dropped", .run = run_count_dropped,
				 .role = RING_PRODUCER, .effect = EFFECT_REFUSE, .count = 1 },
	[CALL_COUNT_UNCONFIRMED] = { .name = "count_unconfirmed", .run = run_count_unconfirmed,
				     .role = RING_CONSUMER, .needs = HAND_TAKEN, .leaves = HAND_TAKEN },
};
