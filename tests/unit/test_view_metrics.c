/* test_view_metrics.c - a ring's numbers as JSON and as Prometheus reads them; their last seconds. */
#include "src/view/history.h"
#include "src/view/metrics.h"
#include "tests/unit/check.h"

#include <stdlib.h>
#include <string.h>

static char *text_of(const struct reading *reading, const struct ring_histogram *times)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	if (reading)
		metrics_text(out, reading);
	if (times)
		metrics_times_text(out, "wait_seconds", "Help.", times);
	assert_int_equal(fclose(out), 0);
	return text;
}

static void counters_and_gauges_have_help_type_and_value(void **state)
{
	const struct reading reading = {
		.stats = { .published = 12, .blocked_ns = 1500000000, .slots = 8 }, .consumers = 3,
	};
	char *text = text_of(&reading, NULL);

	(void)state;
	assert_non_null(strstr(text, "# TYPE shmline_published_total counter\nshmline_published_total 12\n"));
	assert_non_null(strstr(text, "\nshmline_blocked_seconds_total 1.500000000\n"));
	assert_non_null(strstr(text, "# TYPE shmline_slots gauge\nshmline_slots 8\n"));
	assert_non_null(strstr(text, "\nshmline_consumers 3\n"));
	assert_null(strstr(text, "stop_published"));
	free(text);
}

static void a_histogram_counts_up_to_each_bound(void **state)
{
	struct ring_histogram times = { .count = 6, .sum_ns = 2000000000 };
	char *text;

	(void)state;
	times.bucket[0] = 3;	/* below 4.096 us */
	times.bucket[32] = 2;	/* 4.096 us itself is beyond that bound */
	times.bucket[RING_BUCKETS - 1] = 1;
	text = text_of(NULL, &times);
	assert_non_null(strstr(text, "_bucket{le=\"0.000004096\"} 3\n"));
	assert_non_null(strstr(text, "_bucket{le=\"0.000008192\"} 5\n"));
	assert_non_null(strstr(text, "_bucket{le=\"68.719476736\"} 5\n"));
	assert_non_null(strstr(text, "_bucket{le=\"+Inf\"} 6\n"));
	assert_non_null(strstr(text, "wait_seconds_sum 2.000000000\nshmline_wait_seconds_count 6\n"));
	free(text);
}

static void json_has_the_same_names(void **state)
{
	const struct reading reading = { .stats = { .dead = 4, .oldest_ns = 250000000 }, .producers = 2 };
	json_t *object = json_object();

	(void)state;
	assert_int_equal(metrics_json(object, &reading), 0);
	assert_int_equal(json_integer_value(json_object_get(object, "dead_total")), 4);
	assert_int_equal(json_integer_value(json_object_get(object, "producers")), 2);
	assert_float_equal(json_real_value(json_object_get(object, "oldest_seconds")), 0.25, 1e-9);
	json_decref(object);
}

#define S UINT64_C(1000000000)

static void look(struct history *history, struct snapshot *snapshot, uint64_t at_ns, uint64_t published)
{
	snapshot->reading.now_ns = at_ns;
	snapshot->reading.stats.published = published;
	snapshot->workers[0].done = published;
	history_note(history, snapshot);
}

static void history_has_a_sample_a_second_and_rates_of_workers(void **state)
{
	struct view_worker worker = { .index = 1, .pid = 10 };
	struct snapshot snapshot = { .workers = &worker, .n_workers = 1 };
	struct history history = { .n = 0 };

	(void)state;
	snapshot.reading.stats.created_ns = 5;
	look(&history, &snapshot, 10 * S, 100);
	assert_int_equal(history.n, 0);
	look(&history, &snapshot, 10 * S + S / 4, 200);
	assert_int_equal(history.n, 0);
	look(&history, &snapshot, 12 * S, 500);
	assert_int_equal(history.n, 1);
	assert_float_equal(history.samples[0].published, 200.0, 1e-3);
	assert_float_equal(worker.rate, 200.0, 1e-9);
	look(&history, &snapshot, 12 * S + S / 4, 501);
	assert_float_equal(worker.rate, 200.0, 1e-9);
	/* A worker that was started again begins at nothing. */
	worker.pid = 11;
	look(&history, &snapshot, 13 * S, 7);
	assert_float_equal(worker.rate, 7.0, 1e-9);
	for (unsigned i = 0; i < 2 * HISTORY_SAMPLES; i++)
		look(&history, &snapshot, (14 + i) * S, 600 + i);
	assert_int_equal(history.n, HISTORY_SAMPLES);
	/* So does a ring of the same name that was made anew. */
	snapshot.reading.stats.created_ns = 6;
	look(&history, &snapshot, 1000 * S, 1);
	assert_int_equal(history.n, 0);
	history_free(&history);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counters_and_gauges_have_help_type_and_value),
		cmocka_unit_test(a_histogram_counts_up_to_each_bound),
		cmocka_unit_test(json_has_the_same_names),
		cmocka_unit_test(history_has_a_sample_a_second_and_rates_of_workers),
	};

	return cmocka_run_group_tests_name("view metrics", tests, NULL, NULL);
}
