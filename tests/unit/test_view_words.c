/* test_view_words.c - the words that the views have for states and roles. */
#include "src/view/words.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void test_state_of_a_ring_follows_flag_members_and_items(void **state)
{
	static const struct {
		enum ring_stop_mode stop;
		uint32_t living, producers, writing;
		uint64_t left;
		const char *expected;
	} cases[] = {
		{ .stop = RING_STOP_NONE, .living = 1, .expected = "running" },
		{ .stop = RING_STOP_NONE, .living = 1, .left = 3, .expected = "running" },
		{ .stop = RING_STOP_NONE, .expected = "idle" },
		{ .stop = RING_STOP_NONE, .left = 3, .expected = "idle" },
		{ .stop = RING_STOP_SOFT, .living = 2, .left = 3, .expected = "draining" },
		{ .stop = RING_STOP_STRICT, .living = 2, .left = 3, .expected = "draining" },
		{ .stop = RING_STOP_SOFT, .living = 2, .producers = 1, .expected = "draining" },
		{ .stop = RING_STOP_SOFT, .living = 2, .writing = 1, .expected = "draining" },
		{ .stop = RING_STOP_SOFT, .living = 2, .expected = "drained" },
		{ .stop = RING_STOP_SOFT, .expected = "drained" },
		{ .stop = RING_STOP_NOW, .expected = "drained" },
		{ .stop = RING_STOP_NOW, .living = 2, .left = 3, .expected = "stopped" },
		{ .stop = RING_STOP_SOFT, .left = 3, .expected = "stopped" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct reading reading = {
			.stats = { .stop = cases[i].stop, .left = cases[i].left,
				   .writing = cases[i].writing },
			.living = cases[i].living,
			.producers = cases[i].producers,
		};

		assert_string_equal(words_ring_state(&reading), cases[i].expected);
	}
}

static void test_roles_are_a_set(void **state)
{
	char buffer[WORDS_ROLES_MAX];

	(void)state;
	assert_string_equal(words_roles(buffer, RING_OBSERVER), "observer");
	assert_string_equal(words_roles(buffer, RING_CONSUMER), "consumer");
	assert_string_equal(words_roles(buffer, RING_LAUNCHER | RING_HOLDER), "launcher+holder");
	assert_string_equal(words_roles(buffer, RING_PRODUCER | RING_CONSUMER | RING_LAUNCHER |
					RING_HOLDER),
			    "producer+consumer+launcher+holder");
}

static void test_values_out_of_range_have_a_word(void **state)
{
	(void)state;
	assert_string_equal(words_slot_state((enum ring_slot_state)99), "unknown");
	assert_string_equal(words_stop_mode((enum ring_stop_mode)99), "unknown");
	assert_string_equal(words_stop_cause((enum ring_stop_cause)99), "unknown");
	assert_string_equal(words_unsound(EIO), "unknown");
}

static void test_stop_modes_have_the_names_that_options_take(void **state)
{
	(void)state;
	assert_string_equal(words_stop_mode(RING_STOP_NONE), "none");
	for (unsigned i = 0; words_stop_choices[i] != NULL; i++)
		assert_string_equal(words_stop_mode(RING_STOP_SOFT + i), words_stop_choices[i]);
	assert_string_equal(words_stop_mode(RING_STOP_STRICT), "strict");
	assert_string_equal(words_stop_mode(RING_STOP_NOW), "now");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_state_of_a_ring_follows_flag_members_and_items),
		cmocka_unit_test(test_roles_are_a_set),
		cmocka_unit_test(test_values_out_of_range_have_a_word),
		cmocka_unit_test(test_stop_modes_have_the_names_that_options_take),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
