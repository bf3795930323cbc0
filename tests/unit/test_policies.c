/* test_policies.c - pauses, backoffs and what to do when full: how they are typed and what they say. */
#include "src/base/backoff.h"
#include "src/base/pace.h"
#include "src/base/whenfull.h"
#include "tests/unit/check.h"

#define MS UINT64_C(1000000)
#define S (1000 * MS)

static void a_pace_is_one_pause_or_two(void **state)
{
	struct pace pace;

	(void)state;
	assert_int_equal(pace_parse("10ms", &pace), 0);
	assert_int_equal(pace.every_ns, 10 * MS);
	assert_int_equal(pace.extra_ns, 0);
	assert_float_equal(pace.chance, 0, 0);

	assert_int_equal(pace_parse("0+2s@1%", &pace), 0);
	assert_int_equal(pace.every_ns, 0);
	assert_int_equal(pace.extra_ns, 2 * S);
	assert_float_equal(pace.chance, 0.01, 1e-12);
}

static void what_is_no_pace_is_refused(void **state)
{
	static const char *const bad[] = {
		"", "x", "+", "1s+", "1s+2s", "1s+2s@", "1s+@0.5", "+2s@0.5", "1s+2s@2", "1s@0.5",
		"1s+2s@0.5@0.5", "1s+2s+3s@0.5", "-1s", "600000d",
	};
	struct pace pace = { .every_ns = 42 };

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		if (pace_parse(bad[i], &pace) == 0)
			fail_msg("\"%s\" was accepted", bad[i]);
	assert_int_equal(pace.every_ns, 42);
}

static void the_second_pause_comes_with_its_probability(void **state)
{
	const struct pace pace = { .every_ns = 5, .extra_ns = 100, .chance = 0.25 };
	const struct pace never = { .every_ns = 5, .extra_ns = 100, .chance = 0 };
	const struct pace always = { .every_ns = 5, .extra_ns = 100, .chance = 1 };

	(void)state;
	assert_int_equal(pace_next_ns(&pace, 0.0), 105);
	assert_int_equal(pace_next_ns(&pace, 0.2499), 105);
	assert_int_equal(pace_next_ns(&pace, 0.25), 5);
	assert_int_equal(pace_next_ns(&never, 0.0), 5);
	assert_int_equal(pace_next_ns(&always, 0.9999999), 105);
}

static void a_constant_backoff_does_not_change(void **state)
{
	struct backoff backoff;

	(void)state;
	assert_int_equal(backoff_parse("const:3s", &backoff), 0);
	assert_int_equal(backoff_delay_ns(&backoff, 0, 0), 3 * S);
	assert_int_equal(backoff_delay_ns(&backoff, 1000, 0.99), 3 * S);
}

static void an_exponential_backoff_doubles_up_to_its_limit(void **state)
{
	struct backoff backoff;

	(void)state;
	assert_int_equal(backoff_parse("exp:100ms..30s", &backoff), 0);
	assert_int_equal(backoff_delay_ns(&backoff, 0, 0.5), 50 * MS);
	assert_int_equal(backoff_delay_ns(&backoff, 1, 0.5), 100 * MS);
	assert_int_equal(backoff_delay_ns(&backoff, 8, 0.5), 12800 * MS);
	assert_int_equal(backoff_delay_ns(&backoff, 9, 0.5), 15 * S);
	assert_int_equal(backoff_delay_ns(&backoff, 63, 0.5), 15 * S);
	assert_int_equal(backoff_delay_ns(&backoff, 64, 0.5), 15 * S);
	assert_int_equal(backoff_delay_ns(&backoff, UINT32_MAX, 0.5), 15 * S);
}

static void jitter_spreads_over_the_whole_range(void **state)
{
	struct backoff backoff;

	(void)state;
	assert_int_equal(backoff_parse("exp:1s..8s", &backoff), 0);
	for (unsigned attempt = 0; attempt < 10; attempt++) {
		uint64_t ceiling = (attempt < 3 ? UINT64_C(1) << attempt : 8) * S;

		assert_int_equal(backoff_delay_ns(&backoff, attempt, 0), 0);
		assert_true(backoff_delay_ns(&backoff, attempt, 0.999999) < ceiling);
		assert_true(backoff_delay_ns(&backoff, attempt, 0.999999) > ceiling / 100 * 99);
	}
}

static void a_backoff_from_0_stays_0(void **state)
{
	struct backoff backoff;

	(void)state;
	assert_int_equal(backoff_parse("exp:0..8s", &backoff), 0);
	assert_int_equal(backoff_delay_ns(&backoff, 0, 0.99), 0);
	assert_int_equal(backoff_delay_ns(&backoff, 100, 0.99), 0);
}

static void what_is_no_backoff_is_refused(void **state)
{
	static const char *const bad[] = {
		"", "1s", "const", "const:", "const:x", "exp:", "exp:1s", "exp:1s..", "exp:..1s",
		"exp:2s..1s", "exp:1s...2s", "exp:1s..2s..3s", "linear:1s", "Const:1s", "const:-1s",
	};
	struct backoff backoff = { .min_ns = 42 };

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		if (backoff_parse(bad[i], &backoff) == 0)
			fail_msg("\"%s\" was accepted", bad[i]);
	assert_int_equal(backoff.min_ns, 42);
}

static void every_policy_for_a_full_ring_has_its_name(void **state)
{
	static const struct {
		const char *text;
		struct when_full policy;
	} good[] = {
		{ .text = "block", .policy = { .kind = WHEN_FULL_BLOCK, .timeout_ms = -1 } },
		{ .text = "block:2s", .policy = { .kind = WHEN_FULL_BLOCK, .timeout_ms = 2000 } },
		{ .text = "block:0", .policy = { .kind = WHEN_FULL_BLOCK, .timeout_ms = 0 } },
		{ .text = "block:1us", .policy = { .kind = WHEN_FULL_BLOCK, .timeout_ms = 1 } },
		{ .text = "fail", .policy = { .kind = WHEN_FULL_FAIL } },
		{ .text = "drop-newest", .policy = { .kind = WHEN_FULL_DROP_NEWEST } },
		{ .text = "drop-oldest", .policy = { .kind = WHEN_FULL_DROP_OLDEST } },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		struct when_full policy = { .timeout_ms = 42 };

		assert_int_equal(when_full_parse(good[i].text, &policy), 0);
		assert_int_equal(policy.kind, good[i].policy.kind);
		assert_int_equal(policy.timeout_ms, good[i].policy.timeout_ms);
	}
}

static void what_is_no_policy_is_refused(void **state)
{
	static const char *const bad[] = {
		"", "Block", "block:", "block:x", "block:-1s", "blocking", "fail:1s", "drop", "drop-",
		"drop-newest:1s", "block:100d",
	};
	struct when_full policy = { .timeout_ms = 42 };

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		if (when_full_parse(bad[i], &policy) == 0)
			fail_msg("\"%s\" was accepted", bad[i]);
	assert_int_equal(policy.timeout_ms, 42);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pace_is_one_pause_or_two),
		cmocka_unit_test(what_is_no_pace_is_refused),
		cmocka_unit_test(the_second_pause_comes_with_its_probability),
		cmocka_unit_test(a_constant_backoff_does_not_change),
		cmocka_unit_test(an_exponential_backoff_doubles_up_to_its_limit),
		cmocka_unit_test(jitter_spreads_over_the_whole_range),
		cmocka_unit_test(a_backoff_from_0_stays_0),
		cmocka_unit_test(what_is_no_backoff_is_refused),
		cmocka_unit_test(every_policy_for_a_full_ring_has_its_name),
		cmocka_unit_test(what_is_no_policy_is_refused),
	};

	return cmocka_run_group_tests_name("policies", tests, NULL, NULL);
}
