/* summary.c - see summary.h. */
#include "src/launcher/summary.h"

#include <errno.h>
#include <jansson.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/base/diag.h"
#include "src/base/lineio.h"
#include "src/base/quantity.h"
#include "src/launcher/slower.h"
#include "src/launcher/verdict.h"

#define NS_PER_S 1e9

#define SLOWER_MIN_NS UINT64_C(1000000000)

typedef unsigned long long number;

static const char *const slower_names[] = {
	[SLOWER_NEITHER] = "neither",
	[SLOWER_PRODUCERS] = "producer",
	[SLOWER_CONSUMERS] = "consumer",
};

/* ---------------------------------------------------------------- are the books right */

static bool agree(const char *what, uint64_t slots, uint64_t sides)
{
	if (slots == sides)
		return true;
	diag_error("the books don't balance: %s %llu by the slots, %llu by the members' counters", what,
		   (number)slots, (number)sides);
	return false;
}

static bool books_agree(const struct ring_stats *stats, struct ring *ring)
{
	struct ring_books books;
	uint64_t gone = stats->acked + stats->dead + stats->dropped;
	bool result;

	ring_books(ring, &books);
	result = agree("published", stats->published, books.published);
	result = agree("acked", stats->acked, books.acked) && result;
	result = agree("dead", stats->dead, books.dead) && result;
	result = agree("dropped", stats->dropped, books.dropped) && result;
	if (stats->published == gone + stats->left)
		return result;
	diag_error("the books don't balance: published %llu, accounted for %llu", (number)stats->published,
		   (number)(gone + stats->left));
	return false;
}

void summary_take_stock(struct report *report, struct ring *ring)
{
	struct ring_stats *stats = &report->stats;

	if (ring_recover(ring, 0) < 0 || ring_stats(ring, stats) < 0) {
		diag_ring_error("read", ring_name(ring), ring_why());
		report->is_damaged = true;
		return;
	}
	/* While others work on it the two sides are never read at the same moment. */
	if (stats->producers + stats->consumers == 0 && !books_agree(stats, ring))
		report->is_damaged = true;
}

int summary_exit_code(const struct report *report)
{
	const struct outcome outcome = {
		.is_unsound = report->is_damaged,
		.failure = report->failure,
		.gave_up = report->gave_up,
		.left = report->stats.left,
		.dead = report->stats.dead,
		.item_stopped = report->stats.stop_cause == RING_CAUSE_ITEM,
		.ended_by = report->ended_by,
	};

	return verdict_exit_code(&outcome);
}

/* ---------------------------------------------------------------- in lines */

static const char *reason(const struct report *report)
{
	static const char *const causes[] = {
		[RING_CAUSE_NONE] = "the producers have made all there is",
		[RING_CAUSE_END] = "the producers have made all there is",
		[RING_CAUSE_ITEM] = "an item raised the stop flag",
		[RING_CAUSE_USER] = "stopped from outside",
		[RING_CAUSE_FAILURE] = "a part of the line can't go on",
	};
	unsigned cause = report->stats.stop_cause;

	return cause < sizeof(causes) / sizeof(causes[0]) ? causes[cause] : "an unknown cause";
}

static void print_balance(const struct report *report, const struct settings *settings)
{
	if (report->balanced_at > 0)
		diag_info("balanced at %llu producer%s : %u consumer%s", (number)settings->producers,
			  settings->producers == 1 ? "" : "s", report->balanced_at,
			  report->balanced_at == 1 ? "" : "s");
}

/* Of a run whose counters are its own, with as many workers from its beginning to its end; in a short one
   they had hardly started. */
static bool find_slower(const struct report *report, const struct settings *settings, struct slower *slower)
{
	const struct ring_stats *stats = &report->stats;
	const struct side_time producers = {
		.workers = settings->producers,
		.lasted_ns = report->drained_from_ns - report->started_ns,
		.waited_ns = stats->blocked_ns,
	}, consumers = {
		.workers = settings->consumers,
		.lasted_ns = report->ended_ns - report->started_ns,
		.waited_ns = stats->starved_ns,
	};

	if (settings->resume || producers.workers == 0 || consumers.workers == 0 ||
	    settings->consumers_max > 0 || report->drained_from_ns == 0 || consumers.lasted_ns < SLOWER_MIN_NS)
		return false;
	*slower = slower_of(&producers, &consumers);
	return true;
}

static void print_slower(const struct report *report, const struct settings *settings)
{
	char producer[16], consumer[16];
	struct slower slower;

	if (!find_slower(report, settings, &slower))
		return;
	quantity_show_duration(producer, sizeof(producer), slower.producer_ns);
	quantity_show_duration(consumer, sizeof(consumer), slower.consumer_ns);
	if (slower.side == SLOWER_NEITHER)
		diag_info("the sides match: a producer worked %s, a consumer %s", producer, consumer);
	else
		diag_info("%ss are the slower side, %.1f times: a producer worked %s, a consumer %s",
			  slower_names[slower.side], slower.times, producer, consumer);
}

static void print_lines(const struct report *report, void (*say)(const char *, ...))
{
	const struct ring_stats *stats = &report->stats;
	char elapsed[16];

	quantity_show_duration(elapsed, sizeof(elapsed), report->ended_ns - report->started_ns);
	diag_info("%s; %s, %u restarts, %llu redeliveries", reason(report), elapsed, report->restarts,
		  (number)stats->redelivered);
	if (stats->unconfirmed > 0)
		diag_warn("of those acked, %llu were given to a COMMAND that did not confirm them",
			  (number)stats->unconfirmed);
	say("published %llu = acked %llu + dead %llu + dropped %llu + left %llu", (number)stats->published,
	    (number)stats->acked, (number)stats->dead, (number)stats->dropped, (number)stats->left);
}

/* ---------------------------------------------------------------- as JSON */

/* The metrics' names without their prefix. */
static const struct {
	const char *name;
	size_t field;
} counters[] = {
#define COUNTER(json, member) { .name = json, .field = offsetof(struct ring_stats, member) }
	COUNTER("published_total", published), COUNTER("acked_total", acked),
	COUNTER("dead_total", dead),           COUNTER("dropped_total", dropped),
	COUNTER("left", left),                 COUNTER("redelivered_total", redelivered),
	COUNTER("full_total", full),           COUNTER("unconfirmed", unconfirmed),
#undef COUNTER
};

static void add_slower(json_t *object, const struct report *report, const struct settings *settings)
{
	struct slower slower;

	if (!object || !find_slower(report, settings, &slower))
		return;
	json_object_set_new(object, "slower_side", json_string(slower_names[slower.side]));
	json_object_set_new(object, "slower_times", json_real(slower.times));
}

static void add_balance(json_t *object, const struct report *report)
{
	if (object && report->balanced_at > 0)
		json_object_set_new(object, "consumers_balanced", json_integer(report->balanced_at));
}

static json_t *to_json(const struct report *report, const struct settings *settings, const char *ring)
{
	const struct ring_stats *stats = &report->stats;
	json_t *object = json_pack(
		"{s:s, s:i, s:s, s:f, s:f, s:i, s:i, s:i}", "ring", ring, "exit_code",
		summary_exit_code(report), "reason", reason(report), "elapsed_seconds",
		(double)(report->ended_ns - report->started_ns) / NS_PER_S, "blocked_seconds_total",
		(double)stats->blocked_ns / NS_PER_S, "restarts_total", (int)report->restarts, "slots",
		(int)stats->slots, "high_water", (int)stats->high_water);

	for (size_t i = 0; object && i < sizeof(counters) / sizeof(counters[0]); i++) {
		const uint64_t *value = (const void *)((const char *)stats + counters[i].field);

		json_object_set_new(object, counters[i].name, json_integer((json_int_t)*value));
	}
	add_balance(object, report);
	add_slower(object, report, settings);
	return object;
}

static int print_json(const struct report *report, const struct settings *settings, const char *ring)
{
	json_t *object = to_json(report, settings, ring);
	char *text = object ? json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
	int result = -1;

	if (!text)
		errno = ENOMEM;
	else if (write_all(STDOUT_FILENO, text, strlen(text)) == 0)
		result = write_all(STDOUT_FILENO, "\n", 1);
	free(text);
	json_decref(object);
	return result;
}

int summary_print(const struct report *report, const struct settings *settings, const char *ring)
{
	int result = settings->json ? print_json(report, settings, ring) : 0;

	if (result < 0)
		diag_error("cannot write to standard output: %s", strerror(errno));
	/* The books are the last line of every run; a quiet one has only failures to tell. */
	print_balance(report, settings);
	print_slower(report, settings);
	print_lines(report, summary_exit_code(report) ? diag_error : diag_info);
	return result;
}
