/* test_histogram.c - times in buckets: how exact they are, and who counts what. */
#include "tests/unit/plain_ring.h"

#include "shm/histogram.h"
#include "shm/recover.h"

static struct plain_ring *plain;
static struct ring producer, consumer, other;

static int set_up(void **state)
{
	(void)state;
	plain = plain_make(8, 16, 4, FIRST_LATE);
	producer = plain_join(plain, 1, RING_PRODUCER);
	consumer = plain_join(plain, 2, RING_CONSUMER);
	other = plain_join(plain, 3, RING_CONSUMER);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	plain_free(plain);
	return 0;
}

static void every_time_is_in_the_bucket_whose_bounds_hold_it(void **state)
{
	(void)state;
	for (unsigned bits = 0; bits < 42; bits++) {
		for (uint64_t part = 0; part < 64; part++) {
			uint64_t ns = (UINT64_C(1) << bits) + (part << bits) / 64;
			unsigned i = histogram_bucket(ns);

			assert_true(ns < ring_bucket_end_ns(i));
			assert_true(i == 0 || ns >= ring_bucket_end_ns(i - 1));
		}
	}
	assert_int_equal(histogram_bucket(0), 0);
	assert_int_equal(histogram_bucket((UINT64_C(1) << 42) - 1), RING_BUCKETS - 1);
}

static void what_is_too_long_is_in_the_last_bucket(void **state)
{
	(void)state;
	assert_int_equal(histogram_bucket(UINT64_C(1) << 42), RING_BUCKETS - 1);
	assert_int_equal(histogram_bucket(UINT64_MAX), RING_BUCKETS - 1);
}

/* Any time from 2 us up, alone in a histogram, is its own median but for less than 5 %. */
static void a_time_is_known_to_within_five_percent(void **state)
{
	(void)state;
	for (uint64_t ns = 2048; ns < UINT64_C(1) << 41; ns += ns / 37) {
		struct ring_histogram one = { .count = 1 };
		uint64_t median;

		one.bucket[histogram_bucket(ns)] = 1;
		median = ring_quantile_ns(&one, 0.5);
		assert_true(median * 100 > ns * 95 && median * 100 < ns * 105);
	}
}

static void quantiles_grow_from_the_least_to_the_most(void **state)
{
	struct ring_histogram h = { .count = 0 };

	(void)state;
	assert_int_equal(ring_quantile_ns(&h, 0.5), 0);
	h.bucket[10] = 90;
	h.bucket[200] = 10;
	h.count = 100;
	assert_true(ring_quantile_ns(&h, 0) < ring_bucket_end_ns(10));
	assert_true(ring_quantile_ns(&h, 0.9) < ring_bucket_end_ns(10));
	assert_true(ring_quantile_ns(&h, 0.91) > ring_bucket_end_ns(199));
	assert_true(ring_quantile_ns(&h, 1) < ring_bucket_end_ns(200));
}

static struct ring_histogram waits, works;

static void work_off(struct ring *by, bool ack)
{
	struct ring_item item;

	plain_publish(&producer, 1);
	assert_int_equal(plain_take(by, &item), 1);
	if (ack)
		assert_int_equal(ring_ack(by, &item), 0);
	else
		assert_int_equal(ring_dead(by, &item, 1), 0);
	handle_tell_times(by, 0);
	ring_times(&producer, &waits, &works);
}

static void a_first_delivery_counts_a_wait_and_an_ack_counts_work(void **state)
{
	struct ring_item item;

	(void)state;
	ring_times(&producer, &waits, &works);
	assert_int_equal(waits.count + works.count, 0);
	work_off(&consumer, true);
	assert_int_equal(waits.count, 1);
	assert_int_equal(works.count, 1);
	work_off(&other, false);
	assert_int_equal(waits.count, 2);
	assert_int_equal(works.count, 1);
	plain_publish(&producer, 3);
	assert_int_equal(plain_take(&consumer, &item), 3);
	assert_int_equal(ring_give_back(&consumer, &item, 0, true), 0);
	assert_int_equal(plain_take(&other, &item), 3);
	handle_tell_times(&consumer, 0);
	handle_tell_times(&other, 0);
	ring_times(&producer, &waits, &works);
	assert_int_equal(waits.count, 3);
}

static void work_off_untold(struct ring_item *item)
{
	consumer.times_due_ns = UINT64_MAX;
	plain_publish(&producer, 1);
	assert_int_equal(plain_take(&consumer, item), 1);
	assert_int_equal(ring_ack(&consumer, item), 0);
}

static void times_are_told_every_so_often(void **state)
{
	struct ring_item item;

	(void)state;
	work_off_untold(&item);
	ring_times(&producer, &waits, &works);
	assert_int_equal(waits.count + works.count, 0);
	ring_times(&consumer, &waits, &works);
	assert_int_equal(waits.count, 1);
	assert_int_equal(works.count, 1);
	consumer.times_due_ns = 0;
	plain_publish(&producer, 2);
	assert_int_equal(plain_take(&consumer, &item), 2);
	ring_times(&producer, &waits, &works);
	assert_int_equal(waits.count, 2);
	assert_int_equal(works.count, 1);
	ring_times(&consumer, &waits, &works);
	assert_int_equal(waits.count, 2);
	consumer.times_due_ns = 0;
	assert_int_equal(ring_ack(&consumer, &item), 0);
	ring_times(&producer, &waits, &works);
	assert_int_equal(works.count, 2);
	assert_true(waits.sum_ns > 0);
}

/* It may be the last for a long time. */
static void a_take_that_finds_nothing_tells_times_too(void **state)
{
	struct ring_item item;

	(void)state;
	work_off_untold(&item);
	assert_int_equal(ring_take(&consumer, &item, 0), RING_TIMEOUT);
	ring_times(&producer, &waits, &works);
	assert_int_equal(waits.count + works.count, 0);
	consumer.times_due_ns = 0;
	assert_int_equal(ring_take(&consumer, &item, 0), RING_TIMEOUT);
	ring_times(&producer, &waits, &works);
	assert_int_equal(waits.count + works.count, 2);
}

static void the_times_of_members_that_left_are_kept(void **state)
{
	(void)state;
	work_off(&consumer, true);
	recover_leave(&plain->segment, consumer.index);
	ring_times(&producer, &waits, &works);
	assert_int_equal(waits.count, 1);
	assert_int_equal(works.count, 1);
	assert_true(waits.sum_ns > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_time_is_in_the_bucket_whose_bounds_hold_it),
		cmocka_unit_test(what_is_too_long_is_in_the_last_bucket),
		cmocka_unit_test(a_time_is_known_to_within_five_percent),
		cmocka_unit_test(quantiles_grow_from_the_least_to_the_most),
		cmocka_unit_test_setup_teardown(a_first_delivery_counts_a_wait_and_an_ack_counts_work,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(times_are_told_every_so_often, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_take_that_finds_nothing_tells_times_too,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_times_of_members_that_left_are_kept,
						set_up, tear_down),
	};

	return cmocka_run_group_tests_name("histogram", tests, NULL, NULL);
}
