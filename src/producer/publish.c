/*
 * publish.c - see publish.h. A record is in the source's buffer when its slot is reserved, and is
 * copied once. A signal or the stop flag ends the loop between two records, or while it waits.
 */
#include "src/producer/publish.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "shm/ring.h"
#include "src/base/diag.h"
#include "src/base/exitcode.h"
#include "src/base/interrupt.h"

#define MANY 32		/* records that are published at once, each in its slot: more gain nothing */
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

/* ------------------------------------------------------------------ several */

/* What became of a call that published `done` of them: GO_ON, or the exit code. */
static int after_some(struct publisher *publisher, enum ring_result result, size_t done,
		      const struct record *next)
{
	publisher->published += done;
	switch (result) {
	case RING_OK:
		return GO_ON;
	case RING_TIMEOUT:
		return done > 0 ? GO_ON : stays_full(publisher, next);
	case RING_CLOSED:
	case RING_DRAINED:
		return leave(publisher);
	case RING_ERROR:
		break;
	}
	if (errno != EINTR)
		return fail(publisher);
	return is_over(publisher) ? leave(publisher) : GO_ON;
}

/* Each in a slot of its own, none of them too long. */
static int publish_several(struct publisher *publisher, const struct record *records, size_t n)
{
	struct iovec items[MANY];
	uint64_t marks[MANY];
	int code = GO_ON;

	for (size_t i = 0; i < n; i++) {
		items[i] = (struct iovec){ (void *)(uintptr_t)records[i].data, records[i].len };
		marks[i] = records[i].mark;
	}
	for (size_t at = 0, done; at < n && code == GO_ON; at += done) {
		enum ring_result result = ring_put_marked(publisher->ring, items + at, marks + at, n - at,
							  &done, publisher->settings->when_full.timeout_ms);

		code = after_some(publisher, result, done, &records[at]);
	}
	return code;
}

/* ------------------------------------------------------------------ all of them */

static bool has_enough(const struct publisher *publisher)
{
	uint64_t wanted = publisher->settings->items;

	return wanted != 0 && publisher->published + publisher->dropped >= wanted;
}

/* A pause is for each item, and so is a choice of which to drop. */
static bool may_gather(const struct settings *settings)
{
	return settings->pace.every_ns == 0 && settings->pace.extra_ns == 0 &&
	       settings->when_full.kind != WHEN_FULL_DROP_NEWEST &&
	       settings->when_full.kind != WHEN_FULL_DROP_OLDEST;
}

/* How many records may go into one parcel; 1: none into any. */
static uint32_t parcel_length(struct publisher *publisher)
{
	uint32_t run = RING_RECORDS_MAX;

	if (ring_terminator(publisher->ring) < 0 || !publisher->settings->source->next_run)
		return 1;
	if (publisher->run < RING_RECORDS_MAX && ring_is_starved(publisher->ring))
		run = publisher->run = publisher->run ? 2 * publisher->run : 1;
	return run;
}

static enum source_result next_records(struct publisher *publisher, void *source,
				       struct record *records, uint32_t *n, int *code)
{
	const struct settings *settings = publisher->settings;
	const struct source *from = settings->source;
	uint64_t left = UINT64_MAX;
	uint32_t most = 1;

	if (settings->items != 0)
		left = settings->items - publisher->published - publisher->dropped;
	if (may_gather(settings))
		most = parcel_length(publisher);
	*n = 1;
	if (most > 1 && left > 1)
		return from->next_run(source, (char)ring_terminator(publisher->ring),
				      left < most ? (uint32_t)left : most, records, code);
	if (may_gather(settings) && ring_terminator(publisher->ring) < 0 && from->next_many)
		return from->next_many(source, records, left < MANY ? (uint32_t)left : MANY, n, code);
	return from->next(source, records, code);
}

static int next_step(struct publisher *publisher, void *source)
{
	struct record records[MANY];
	int code = EXIT_OK;
	uint32_t n;

	switch (next_records(publisher, source, records, &n, &code)) {
	case SOURCE_RECORD:
		if (n > 1)
			return publish_several(publisher, records, n);
		code = publish_record(publisher, &records[0]);
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
