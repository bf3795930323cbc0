/* test_launcher_verdict.c - the exit code of a run, also when several things went wrong. */
#include "src/launcher/verdict.h"

#include "src/base/exitcode.h"
#include "tests/unit/check.h"

static void each_outcome_has_its_code(void **state)
{
	static const struct {
		struct outcome outcome;
		int code;
	} cases[] = {
		{ { .is_unsound = false }, 0 },
		{ { .dead = 1 }, EXIT_ITEMS_DEAD },
		{ { .item_stopped = true }, EXIT_ITEM_STOPPED },
		{ { .left = 1 }, EXIT_ITEMS_LEFT },
		{ { .failure = EXIT_ITEMS_LEFT }, EXIT_ITEMS_LEFT },
		{ { .gave_up = true }, EXIT_GAVE_UP },
		{ { .failure = EXIT_NOT_FOUND }, EXIT_NOT_FOUND },
		{ { .failure = EXIT_NO_INPUT }, EXIT_NO_INPUT },
		{ { .is_unsound = true }, EXIT_INTERNAL },
		{ { .ended_by = 15 }, 143 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_int_equal(verdict_exit_code(&cases[i].outcome), cases[i].code);
}

/* Take away the cause that ranks highest, and the next one speaks. */
static void the_gravest_speaks_first(void **state)
{
	struct outcome outcome = {
		.is_unsound = true, .failure = EXIT_BAD_USAGE, .gave_up = true, .left = 1,
		.item_stopped = true, .dead = 1, .ended_by = 2,
	};

	(void)state;
	assert_int_equal(verdict_exit_code(&outcome), EXIT_INTERNAL);
	outcome.is_unsound = false;
	assert_int_equal(verdict_exit_code(&outcome), EXIT_BAD_USAGE);
	outcome.failure = EXIT_ITEMS_LEFT;
	assert_int_equal(verdict_exit_code(&outcome), EXIT_GAVE_UP);
	outcome.gave_up = false;
	assert_int_equal(verdict_exit_code(&outcome), EXIT_ITEMS_LEFT);
	outcome.failure = 0;
	outcome.left = 0;
	assert_int_equal(verdict_exit_code(&outcome), EXIT_ITEM_STOPPED);
	outcome.item_stopped = false;
	assert_int_equal(verdict_exit_code(&outcome), EXIT_ITEMS_DEAD);
	outcome.dead = 0;
	assert_int_equal(verdict_exit_code(&outcome), 130);
}

static void of_two_failures_the_one_that_says_more_counts(void **state)
{
	(void)state;
	assert_int_equal(verdict_worse(0, 0), 0);
	assert_int_equal(verdict_worse(0, EXIT_IO), EXIT_IO);
	assert_int_equal(verdict_worse(EXIT_IO, 0), EXIT_IO);
	assert_int_equal(verdict_worse(EXIT_IO, EXIT_NOT_FOUND), EXIT_NOT_FOUND);
	assert_int_equal(verdict_worse(EXIT_NOT_FOUND, EXIT_IO), EXIT_NOT_FOUND);
	assert_int_equal(verdict_worse(EXIT_ITEMS_LEFT, EXIT_BAD_DATA), EXIT_BAD_DATA);
	assert_int_equal(verdict_worse(99, EXIT_ITEMS_LEFT), EXIT_ITEMS_LEFT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_outcome_has_its_code),
		cmocka_unit_test(the_gravest_speaks_first),
		cmocka_unit_test(of_two_failures_the_one_that_says_more_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
