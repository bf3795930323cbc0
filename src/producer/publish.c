/*
 * publish.c - see publish.h. A record is in the source's buffer when its slot is reserved, and is
 * copied once. A signal or the stop flag ends the loop between two records, or while it waits.
 */
#include "src/producer/publish.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shm/ring.h"
#include "src/base/diag.h"
#include "src/base/exitcode.h"
#include "src/base/interrupt.h"

#define BUSY_MS 10	/* how long to wait for a slot when even the oldest items are in somebody's hands */

/* A step's exit code, or: */
enum { GO_ON = -1 };

/* Asked to leave: by the stop flag, which is how a line ends, or by a signal. */
static bool is_over(const struct publisher *publisher)
{
	return interrupt_wants_leave() || ring_stopped(publisher->ring) != RING_STOP_NONE;
}

static int leave(const struct publisher *publisher)
{
	if (ring_stopped(publisher->ring) != RING_STOP_NONE || interrupt_signal() == 0)
		return EXIT_OK;
	return EXIT_BY_SIGNAL + interrupt_signal();
}

static void rest(const struct publisher *publisher)
{
	const struct pace *pace = &publisher->settings->pace;
	double random01 = pace->chance > 0 ? arc4random() / 4294967296.0 : 0;
	uint64_t pause = pace_next_ns(pace, random01), until, now;

	if (pause == 0)
		return;
	until = ring_now_ns() + pause;
	while ((now = ring_now_ns()) < until && !is_over(publisher))
		interrupt_nap(until - now);
}

/* ------------------------------------------------------------------ one record */

static int refuse_length(const struct publisher *publisher, const struct record *record)
{
	return source_refuse_length(publisher->settings->source, record,
				    publisher->published + publisher->dropped + 1,
				    ring_item_max(publisher->ring));
}

/* Make room by dropping the oldest items; when all are in hands, wait for one. */
static enum ring_result reserve_dropping(struct ring *ring, struct ring_item *item)
{
	enum ring_result result = ring_reserve(ring, item, 0);

	while (result == RING_TIMEOUT) {
		result = ring_drop_oldest(ring);
		if (result == RING_OK || result == RING_TIMEOUT)
			result = ring_reserve(ring, item, result == RING_OK ? 0 : BUSY_MS);
	}
	return result;
}

static enum ring_result reserve(const struct publisher *publisher, struct ring_item *item)
{
	const struct when_full *policy = &publisher->settings->when_full;

	if (policy->kind == WHEN_FULL_DROP_OLDEST)
		return reserve_dropping(publisher->ring, item);
	return ring_reserve(publisher->ring, item, policy->timeout_ms);
}

static int stays_full(struct publisher *publisher, const struct record *record)
{
	if (publisher->settings->when_full.kind == WHEN_FULL_DROP_NEWEST) {
		ring_count_dropped(publisher->ring, record->mark);
		publisher->dropped++;
		return GO_ON;
	}
	diag_error("ring \"%s\" is full (%u slots) after %llu items (--when-full)",
		   ring_name(publisher->ring), ring_slots(publisher->ring),
		   (unsigned long long)publisher->published);
	return EXIT_ITEMS_LEFT;
}

static int fail(const struct publisher *publisher)
{
	return diag_ring_error("publish into", ring_name(publisher->ring), ring_why());
}

static int fill(struct publisher *publisher, struct ring_item *item, const struct record *record)
{
	memcpy(item->data, record->data, record->len);
	item->len = record->len;
	item->mark = record->mark;
	item->is_parcel = record->run > 0;
	item->records = item->is_parcel ? record->run : 1;
	switch (ring_publish(publisher->ring, item)) {
	case RING_OK:
		publisher->published += item->records;
		return GO_ON;
	case RING_CLOSED:
		return leave(publisher);
	default:
		return fail(publisher);
	}
}

static int publish_record(struct publisher *publisher, const struct record *record)
{
	struct ring_item item;

	if (record->len > ring_item_max(publisher->ring))
		return refuse_length(publisher, record);
	for (;;) {
		switch (reserve(publisher, &item)) {
		case RING_OK:
			return fill(publisher, &item, record);
		case RING_TIMEOUT:
			return stays_full(publisher, record);
		case RING_CLOSED:
		case RING_DRAINED:
			return leave(publisher);
		case RING_ERROR:
			if (errno != EINTR)
				return fail(publisher);
			if (is_over(publisher))
				return leave(publisher);
		}
	}
}

/* ------------------------------------------------------------------ all of them */

static bool has_enough(const struct publisher *publisher)
{
	uint64_t wanted = publisher->settings->items;

	return wanted != 0 && publisher->published + publisher->dropped >= wanted;
}

/* A pause is for each item, and so is a choice of which to drop. */
static bool may_run(const struct publisher *publisher)
{
	const struct settings *settings = publisher->settings;

	return ring_terminator(publisher->ring) >= 0 && settings->source->next_run &&
	       settings->pace.every_ns == 0 && settings->pace.extra_ns == 0 &&
	       settings->when_full.kind != WHEN_FULL_DROP_NEWEST &&
	       settings->when_full.kind != WHEN_FULL_DROP_OLDEST;
}

/* How many records to publish at once. */
static uint32_t run_length(struct publisher *publisher)
{
	uint64_t wanted = publisher->settings->items, left;
	uint32_t run = RING_RECORDS_MAX;

	if (!may_run(publisher))
		return 1;
	if (publisher->run < RING_RECORDS_MAX && ring_is_starved(publisher->ring))
		run = publisher->run = publisher->run ? 2 * publisher->run : 1;
	left = wanted ? wanted - publisher->published - publisher->dropped : RING_RECORDS_MAX;
	return run < left ? run : (uint32_t)left;
}

static enum source_result next_records(struct publisher *publisher, void *source,
				       struct record *record, int *code)
{
	const struct source *from = publisher->settings->source;
	uint32_t run = run_length(publisher);

	if (run == 1)
		return from->next(source, record, code);
	return from->next_run(source, (char)ring_terminator(publisher->ring), run, record, code);
}

static int next_step(struct publisher *publisher, void *source)
{
	struct record record;
	int code = EXIT_OK;

	switch (next_records(publisher, source, &record, &code)) {
	case SOURCE_RECORD:
		code = publish_record(publisher, &record);
		if (code == GO_ON)
			rest(publisher);
		return code;
	case SOURCE_WAIT:
		publisher->run = 0;
		return is_over(publisher) ? leave(publisher) : GO_ON;
	case SOURCE_END:
		return EXIT_OK;
	case SOURCE_FAILED:
		return code;
	}
	return EXIT_INTERNAL;
}

int publish_all(struct publisher *publisher, void *source)
{
	int code = GO_ON;

	while (code == GO_ON) {
		if (interrupt_wants_leave())
			return leave(publisher);
		if (has_enough(publisher))
			return EXIT_OK;
		code = next_step(publisher, source);
	}
	return code;
}

int publish_hold(struct publisher *publisher)
{
	while (!is_over(publisher))
		interrupt_nap(UINT64_MAX);
	return leave(publisher);
}
