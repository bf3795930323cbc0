/*
 * metrics.c - the table of a ring's numbers, and what is made of it.
 */
#include "src/view/metrics.h"

#include <stddef.h>
#include <string.h>

enum metric_kind { METRIC_U64, METRIC_U32, METRIC_NS };

struct metric {
	const char *name;
	const char *help;	/* NULL: in JSON only */
	enum metric_kind kind;
	size_t field;
};

#define STAT(member) .field = offsetof(struct reading, stats.member)

static const struct metric metrics[] = {
	{ .name = "published_total", .help = "Items that were accepted.", .kind = METRIC_U64,
	  STAT(published) },
	{ .name = "acked_total", .help = "Items that were worked off.", .kind = METRIC_U64, STAT(acked) },
	{ .name = "dead_total", .help = "Items that were declared dead.", .kind = METRIC_U64, STAT(dead) },
	{ .name = "dropped_total", .help = "Items that were dropped since the ring was full.",
	  .kind = METRIC_U64, STAT(dropped) },
	{ .name = "left", .help = "Items that stand in the ring.", .kind = METRIC_U64, STAT(left) },
	{ .name = "taken_total", .help = "Deliveries.", .kind = METRIC_U64, STAT(taken) },
	{ .name = "redelivered_total", .help = "Deliveries after an item's first.", .kind = METRIC_U64,
	  STAT(redelivered) },
	{ .name = "unconfirmed", .help = "Acked items that a stream's COMMAND has not confirmed.",
	  .kind = METRIC_U64, STAT(unconfirmed) },
	{ .name = "published_bytes_total", .help = "Bytes of the items that were accepted.",
	  .kind = METRIC_U64, STAT(bytes) },
	{ .name = "full_total", .help = "Publishes that found the ring full.", .kind = METRIC_U64,
	  STAT(full) },
	{ .name = "blocked_seconds_total", .help = "Time that producers waited for a free slot.",
	  .kind = METRIC_NS, STAT(blocked_ns) },
	{ .name = "starved_seconds_total", .help = "Time that consumers waited for an item.",
	  .kind = METRIC_NS, STAT(starved_ns) },
	{ .name = "slots", .help = "Items that the ring holds.", .kind = METRIC_U32, STAT(slots) },
	{ .name = "item_max_bytes", .help = "Longest item.", .kind = METRIC_U32, STAT(item_max) },
	{ .name = "size_bytes", .help = "Shared memory that the ring takes.", .kind = METRIC_U64,
	  STAT(size_bytes) },
	{ .name = "free", .help = "Slots that are free.", .kind = METRIC_U32, STAT(free) },
	{ .name = "writing", .help = "Slots that are being filled.", .kind = METRIC_U32, STAT(writing) },
	{ .name = "ready", .help = "Items that wait for a consumer.", .kind = METRIC_U32, STAT(ready) },
	{ .name = "delayed", .help = "Items that wait to be tried again.", .kind = METRIC_U32,
	  STAT(delayed) },
	{ .name = "in_flight", .help = "Items in consumers' hands.", .kind = METRIC_U32,
	  STAT(in_flight) },
	{ .name = "dead_kept", .help = "Dead items that are kept to be looked at.", .kind = METRIC_U32,
	  STAT(dead_kept) },
	{ .name = "high_water", .help = "The most items that ever stood in the ring.",
	  .kind = METRIC_U32, STAT(high_water) },
	{ .name = "oldest_seconds", .help = "Age of the oldest item that is ready.", .kind = METRIC_NS,
	  STAT(oldest_ns) },
	{ .name = "stop_published", .kind = METRIC_U64, STAT(stop_published) },
	{ .name = "producers", .help = "Producers that are attached.", .kind = METRIC_U32,
	  .field = offsetof(struct reading, producers) },
	{ .name = "consumers", .help = "Consumers that are attached.", .kind = METRIC_U32,
	  .field = offsetof(struct reading, consumers) },
};

#define METRICS (sizeof(metrics) / sizeof(metrics[0]))

static uint64_t value_of(const struct metric *metric, const struct reading *reading)
{
	const void *field = (const char *)reading + metric->field;

	return metric->kind == METRIC_U32 ? *(const uint32_t *)field : *(const uint64_t *)field;
}

/* ------------------------------------------------------------------ JSON */

int metrics_json(json_t *object, const struct reading *reading)
{
	int result = 0;

	for (size_t i = 0; i < METRICS; i++) {
		uint64_t value = value_of(&metrics[i], reading);

		result |= json_object_set_new(object, metrics[i].name,
					      metrics[i].kind == METRIC_NS
					      ? json_real((double)value / 1e9)
					      : json_integer((json_int_t)value));
	}
	return result;
}

json_t *metrics_times_json(const struct ring_histogram *histogram)
{
	return json_pack("{s:I, s:f, s:f, s:f, s:f, s:f}", "count", (json_int_t)histogram->count,
			 "sum", (double)histogram->sum_ns / 1e9,
			 "p50", (double)ring_quantile_ns(histogram, 0.5) / 1e9,
			 "p90", (double)ring_quantile_ns(histogram, 0.9) / 1e9,
			 "p99", (double)ring_quantile_ns(histogram, 0.99) / 1e9,
			 "max", (double)ring_quantile_ns(histogram, 1) / 1e9);
}

/* ------------------------------------------------------------------ Prometheus */

static bool is_counter(const char *name)
{
	const char *end = strrchr(name, '_');

	return end != NULL && strcmp(end, "_total") == 0;
}

void metrics_text(FILE *out, const struct reading *reading)
{
	for (size_t i = 0; i < METRICS; i++) {
		const struct metric *metric = &metrics[i];
		uint64_t value = value_of(metric, reading);

		if (metric->help == NULL)
			continue;
		fprintf(out, "# HELP shmline_%s %s\n# TYPE shmline_%s %s\n", metric->name, metric->help,
			metric->name, is_counter(metric->name) ? "counter" : "gauge");
		if (metric->kind == METRIC_NS)
			fprintf(out, "shmline_%s %.9f\n", metric->name, (double)value / 1e9);
		else
			fprintf(out, "shmline_%s %llu\n", metric->name, (unsigned long long)value);
	}
}

/* A bound that doubles each time, from 4 us to 69 s, is the end of a bucket of ours too. */
#define BOUND_FIRST_NS (UINT64_C(1) << 12)
#define BOUND_LAST_NS (UINT64_C(1) << 36)

void metrics_times_text(FILE *out, const char *name, const char *help,
			const struct ring_histogram *histogram)
{
	uint64_t below = 0;
	unsigned i = 0;

	fprintf(out, "# HELP shmline_%s %s\n# TYPE shmline_%s histogram\n", name, help, name);
	for (uint64_t bound = BOUND_FIRST_NS; bound <= BOUND_LAST_NS; bound *= 2) {
		while (i < RING_BUCKETS && ring_bucket_end_ns(i) <= bound)
			below += histogram->bucket[i++];
		fprintf(out, "shmline_%s_bucket{le=\"%.9f\"} %llu\n", name, (double)bound / 1e9,
			(unsigned long long)below);
	}
	fprintf(out, "shmline_%s_bucket{le=\"+Inf\"} %llu\nshmline_%s_sum %.9f\nshmline_%s_count %llu\n",
		name, (unsigned long long)histogram->count, name, (double)histogram->sum_ns / 1e9, name,
		(unsigned long long)histogram->count);
}
