/* test_launcher_slower.c - the slower side is the one that worked longer for the same items. */
#include "src/launcher/slower.h"
#include "tests/unit/check.h"

static void the_side_that_worked_longer_is_the_slower_one(void **state)
{
	static const struct {
		struct side_time producers, consumers;
		enum slower_side side;
		double times;
	} cases[] = {
		/* Two producers waited three quarters of their time, consumers did not. */
		{ .producers = { .workers = 2, .lasted_ns = 1000, .waited_ns = 1500 },
		  .consumers = { .workers = 4, .lasted_ns = 1000 }, .side = SLOWER_CONSUMERS, .times = 4 },
		{ .producers = { .workers = 1, .lasted_ns = 1000 },
		  .consumers = { .workers = 2, .lasted_ns = 1000, .waited_ns = 1000 },
		  .side = SLOWER_PRODUCERS, .times = 2 },
		/* All fitted into the ring: producers never waited, and were done long before. */
		{ .producers = { .workers = 1, .lasted_ns = 100 },
		  .consumers = { .workers = 1, .lasted_ns = 1000 }, .side = SLOWER_CONSUMERS, .times = 10 },
		{ .producers = { .workers = 3, .lasted_ns = 1000, .waited_ns = 30 },
		  .consumers = { .workers = 3, .lasted_ns = 1000, .waited_ns = 90 },
		  .side = SLOWER_NEITHER, .times = 1.0206 },
		/* Counters that are beyond the time. */
		{ .producers = { .workers = 1, .lasted_ns = 10, .waited_ns = 20 },
		  .consumers = { .workers = 1, .lasted_ns = 10, .waited_ns = 10 },
		  .side = SLOWER_NEITHER, .times = 1 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct slower slower = slower_of(&cases[i].producers, &cases[i].consumers);

		assert_int_equal(slower.side, cases[i].side);
		assert_float_equal(slower.times, cases[i].times, 0.001);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_side_that_worked_longer_is_the_slower_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
