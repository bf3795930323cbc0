/*
 * settle.c - see settle.h. What an item causes beside its own end comes first (the stop flag, its
 * letter): who is killed in between leaves an item that is delivered again, not one without effect.
 */
#include "src/consumer/settle.h"

#include <stdlib.h>

#include "src/base/diag.h"
#include "src/base/exitcode.h"
#include "src/base/widget.h"
#include "src/consumer/letters.h"

#define NS_PER_MS UINT64_C(1000000)

static double random01(void)
{
	return arc4random() / 4294967296.0;
}

/* The library said that the item was in our hands; that it no longer is can only be damage. */
static int finish(struct settler *settler, struct ring_item *item, int result, uint64_t *count)
{
	if (result < 0)
		return diag_ring_error("settle an item of", ring_name(settler->ring), ring_why());
	item->data = NULL;
	*count += item->records;
	return EXIT_OK;
}

static int ack(struct settler *settler, struct ring_item *item)
{
	return finish(settler, item, ring_ack(settler->ring, item), &settler->acked);
}

static int give_back(struct settler *settler, struct ring_item *item, uint64_t delay_ns, bool failed)
{
	uint64_t delay_ms = (delay_ns + NS_PER_MS - 1) / NS_PER_MS;
	uint32_t delay = delay_ms < UINT32_MAX ? (uint32_t)delay_ms : UINT32_MAX;

	return finish(settler, item, ring_give_back(settler->ring, item, delay, failed),
		      &settler->returned);
}

/* As the shell says it: 128 and the signal's number. */
static uint32_t reason_of(const struct outcome *outcome)
{
	return (uint32_t)(outcome->signal ? EXIT_BY_SIGNAL + outcome->signal : outcome->code);
}

int settle_dead(struct settler *settler, struct ring_item *item, const struct outcome *outcome)
{
	int code = letters_write(settler->letters, item, outcome);

	if (code != EXIT_OK)
		return code;
	return finish(settler, item, ring_dead(settler->ring, item, reason_of(outcome)),
		      &settler->dead);
}

int settle_poison(struct settler *settler, struct ring_item *item)
{
	static const struct outcome poison = {
		.code = EXIT_GAVE_UP, .cause = "its consumers died with it (--max-deliveries)",
	};

	return settle_dead(settler, item, &poison);
}

void settle_raise_flag(struct settler *settler, const struct ring_item *item)
{
	if (settler->stop == RING_STOP_NONE)
		return;
	ring_stop(settler->ring, settler->stop, RING_CAUSE_ITEM);
	settler->raised_flag = true;
	diag_verbose("item %llu raised the stop flag", (unsigned long long)item->id);
}

static bool is_broken_widget(const struct ring_item *item)
{
	struct widget widget;

	return widget_parse(item->data, item->len, &widget) && widget.is_broken;
}

/* A broken widget that stops the line has done its duty; one that is ignored is dead. */
int settle_done(struct settler *settler, struct ring_item *item)
{
	static const struct outcome broken = { .code = ITEM_STOP, .cause = "a broken widget" };

	if (!is_broken_widget(item))
		return ack(settler, item);
	if (settler->stop == RING_STOP_NONE)
		return settle_dead(settler, item, &broken);
	settle_raise_flag(settler, item);
	return ack(settler, item);
}

int settle_outcome(struct settler *settler, struct ring_item *item, const struct outcome *outcome)
{
	enum verdict verdict = verdict_of_run(&settler->rules, outcome->code, outcome->signal,
					      item->failures);
	uint64_t delay_ns;

	switch (verdict) {
	case VERDICT_ACK:
		return ack(settler, item);
	case VERDICT_RETRY:
		delay_ns = verdict_delay_ns(&settler->rules, verdict, item->failures, random01());
		return give_back(settler, item, delay_ns, true);
	case VERDICT_LATER:
		delay_ns = verdict_delay_ns(&settler->rules, verdict,
					    item->given_back - item->failures, random01());
		return give_back(settler, item, delay_ns, false);
	case VERDICT_STOP:
		settle_raise_flag(settler, item);
		return settle_dead(settler, item, outcome);
	case VERDICT_DEAD:
		return settle_dead(settler, item, outcome);
	}
	return EXIT_INTERNAL;
}

int settle_good(struct settler *settler, struct ring_item *items, size_t n)
{
	int result = ring_ack_batch(settler->ring, items, n);

	/* As far as it came. */
	for (size_t i = 0; i < n && items[i].word == 0; i++) {
		items[i].data = NULL;
		settler->acked += items[i].records;
	}
	if (result == 0)
		return EXIT_OK;
	return diag_ring_error("settle an item of", ring_name(settler->ring), ring_why());
}

int settle_records(struct settler *settler, struct ring_item *item, uint32_t n, size_t bytes)
{
	if (ring_ack_records(settler->ring, item, n, bytes) < 0)
		return diag_ring_error("settle an item of", ring_name(settler->ring), ring_why());
	settler->acked += n;
	return EXIT_OK;
}

int settle_return(struct settler *settler, struct ring_item *item)
{
	return give_back(settler, item, 0, false);
}

void settle_let_go(struct settler *settler)
{
	if (!settler->holds_open || ring_stopped(settler->ring) == RING_STOP_NONE)
		return;
	ring_hold(settler->ring, false);
	settler->holds_open = false;
}

int settle_forced_out(const struct settler *settler)
{
	void (*say)(const char *, ...) DIAG_PRINTF(1, 2) =
		settler->is_launched ? diag_verbose : diag_info;
	struct ring_stats stats;

	if (ring_stats(settler->ring, &stats) == 0 && stats.left == 0)
		return EXIT_OK;
	say("ring \"%s\" was stopped with items left in it", ring_name(settler->ring));
	return EXIT_ITEMS_LEFT;
}

bool settle_is_pending(const struct ring_item *item)
{
	return item->data != NULL;
}
