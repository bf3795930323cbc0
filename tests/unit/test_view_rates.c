/* test_view_rates.c - rates from two readings. */
#include "src/view/rates.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_rates_are_differences_a_second(void **state)
{
	const struct ring_stats then = { .published = 100, .acked = 90, .blocked_ns = 1000000000 };
	const struct ring_stats now = { .published = 300, .acked = 100, .dead = 1, .full = 4,
					.blocked_ns = 4000000000 };
	struct rates rates = rates_between(&then, &now, 2.0);

	(void)state;
	assert_float_equal(rates.published, 100.0, 1e-9);
	assert_float_equal(rates.acked, 5.0, 1e-9);
	assert_float_equal(rates.dead, 0.5, 1e-9);
	assert_float_equal(rates.full, 2.0, 1e-9);
	assert_float_equal(rates.dropped, 0.0, 1e-9);
	/* Three seconds of waiting in two: one and a half producers stood still. */
	assert_float_equal(rates.blocked, 1.5, 1e-9);
	assert_float_equal(rates.starved, 0.0, 1e-9);
}

static void test_first_line_is_since_the_ring_was_made(void **state)
{
	const struct ring_stats now = { .published = 500, .redelivered = 50 };
	struct rates rates = rates_between(NULL, &now, 10.0);

	(void)state;
	assert_float_equal(rates.published, 50.0, 1e-9);
	assert_float_equal(rates.redelivered, 5.0, 1e-9);
}

static void test_no_time_and_counters_that_went_back_give_zero(void **state)
{
	const struct ring_stats many = { .published = 500 }, few = { .published = 5 };

	(void)state;
	assert_float_equal(rates_between(&few, &many, 0.0).published, 0.0, 1e-9);
	assert_float_equal(rates_between(&many, &few, 1.0).published, 0.0, 1e-9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rates_are_differences_a_second),
		cmocka_unit_test(test_first_line_is_since_the_ring_was_made),
		cmocka_unit_test(test_no_time_and_counters_that_went_back_give_zero),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
