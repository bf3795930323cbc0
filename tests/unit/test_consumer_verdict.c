/* test_consumer_verdict.c - exit codes, retries and deaths decide what becomes of an item. */
#include "src/consumer/verdict.h"
#include "tests/unit/check.h"

#include <signal.h>

#define S UINT64_C(1000000000)

static void an_exit_code_has_its_meaning(void **state)
{
	static const struct {
		int code, signal;
		uint32_t failures;
		uint64_t retries;
		enum verdict verdict;
	} cases[] = {
		{ .code = 0, .verdict = VERDICT_ACK },
		{ .code = 65, .retries = 9, .verdict = VERDICT_DEAD },
		{ .code = 75, .verdict = VERDICT_LATER },
		{ .code = 75, .failures = 9, .verdict = VERDICT_LATER },
		{ .code = 255, .retries = 9, .verdict = VERDICT_STOP },
		{ .code = 1, .verdict = VERDICT_DEAD },
		{ .code = 1, .retries = 1, .verdict = VERDICT_RETRY },
		{ .code = 1, .failures = 1, .retries = 1, .verdict = VERDICT_DEAD },
		{ .code = 1, .failures = 2, .retries = 3, .verdict = VERDICT_RETRY },
		{ .code = 127, .verdict = VERDICT_DEAD },
		{ .code = 254, .retries = 1, .verdict = VERDICT_RETRY },
		{ .signal = SIGSEGV, .verdict = VERDICT_DEAD },
		{ .signal = SIGKILL, .retries = 2, .failures = 1, .verdict = VERDICT_RETRY },
		{ .code = 0, .signal = SIGTERM, .verdict = VERDICT_DEAD },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct rules rules = { .retries = cases[i].retries };
		enum verdict verdict = verdict_of_run(&rules, cases[i].code, cases[i].signal,
						      cases[i].failures);

		if (verdict != cases[i].verdict)
			fail_msg("case %zu: %d, expected %d", i, (int)verdict,
				 (int)cases[i].verdict);
	}
}

static void only_deliveries_that_killed_a_consumer_count_as_poison(void **state)
{
	const struct rules rules = { .max_deliveries = 2 };

	(void)state;
	assert_false(verdict_is_poison(&rules, 1, 0));
	assert_false(verdict_is_poison(&rules, 2, 0));
	assert_true(verdict_is_poison(&rules, 3, 0));
	assert_false(verdict_is_poison(&rules, 100, 99));
	assert_false(verdict_is_poison(&rules, 100, 98));
	assert_true(verdict_is_poison(&rules, 100, 97));
	assert_false(verdict_is_poison(&rules, 4095, 70000));
}

/* The first death of an item that was not alone may have been another's doing. */
static void where_hands_are_shared_one_death_is_not_enough(void **state)
{
	const struct rules alone = { .max_deliveries = 1 };
	const struct rules shared = { .max_deliveries = 1, .shares_hands = true };
	const struct rules patient = { .max_deliveries = 3, .shares_hands = true };

	(void)state;
	assert_true(verdict_is_poison(&alone, 2, 0));
	assert_false(verdict_is_poison(&shared, 2, 0));
	assert_true(verdict_is_poison(&shared, 3, 0));
	assert_false(verdict_is_poison(&patient, 3, 0));
	assert_true(verdict_is_poison(&patient, 4, 0));
}

static void a_retry_is_at_once_unless_there_is_a_backoff(void **state)
{
	const struct rules none = { .retries = 1 };
	const struct rules backoff = {
		.has_backoff = true,
		.backoff = { .kind = BACKOFF_EXP, .min_ns = S, .max_ns = 8 * S },
	};

	(void)state;
	assert_int_equal(verdict_delay_ns(&none, VERDICT_RETRY, 0, 0.5), 0);
	assert_int_equal(verdict_delay_ns(&none, VERDICT_LATER, 0, 0.5), S);
	assert_int_equal(verdict_delay_ns(&backoff, VERDICT_RETRY, 0, 0.5), S / 2);
	assert_int_equal(verdict_delay_ns(&backoff, VERDICT_RETRY, 2, 0.5), 2 * S);
	assert_int_equal(verdict_delay_ns(&backoff, VERDICT_LATER, 9, 0.5), 4 * S);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_exit_code_has_its_meaning),
		cmocka_unit_test(only_deliveries_that_killed_a_consumer_count_as_poison),
		cmocka_unit_test(where_hands_are_shared_one_death_is_not_enough),
		cmocka_unit_test(a_retry_is_at_once_unless_there_is_a_backoff),
	};

	return cmocka_run_group_tests_name("consumer verdict", tests, NULL, NULL);
}
