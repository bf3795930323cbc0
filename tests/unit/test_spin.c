/* test_spin.c - what a wait learns of looking, and of giving its processor away. */
#include "tests/unit/check.h"

#include "shm/spin.h"

enum { TICKS_SHORT = 100, TICKS_OTHERS = 50000, TICKS_LONG = 5000000, MANY = 1000 };

/* One that has several processors, whatever this machine has. */
static struct spin begin(void)
{
	struct spin spin;

	spin_init(&spin);
	spin.budget = 10000;
	return spin;
}

static bool looks_first(struct spin *spin)
{
	return spin_begin(spin).left > 0;
}

static void who_has_the_processor_for_itself_looks_before_it_is_given_away(void **state)
{
	struct spin spin = begin();

	(void)state;
	assert_true(looks_first(&spin));
	(void)spin_learn_yield(&spin, TICKS_SHORT, 0);
	assert_true(looks_first(&spin));
}

static void where_others_want_it_they_get_it_first(void **state)
{
	struct spin spin = begin();

	(void)state;
	(void)spin_learn_yield(&spin, TICKS_OTHERS, 1);
	assert_false(looks_first(&spin));
	(void)spin_learn_yield(&spin, TICKS_SHORT, 0);
	assert_true(looks_first(&spin));
}

static void in_a_stream_looking_comes_first_whoever_wants_the_processor(void **state)
{
	struct spin spin = begin();

	(void)state;
	(void)spin_learn_yield(&spin, TICKS_OTHERS, MANY);
	spin_saw(&spin, SPIN_MUCH);
	assert_true(looks_first(&spin));
	spin_saw(&spin, SPIN_FEW);
	assert_true(looks_first(&spin));
	spin_saw(&spin, SPIN_ONE);
	assert_false(looks_first(&spin));
}

static void who_got_it_for_long_and_for_nothing_does_not_get_it_again_soon(void **state)
{
	struct spin spin = begin();

	(void)state;
	assert_true(spin_yields(&spin) > 0);
	assert_true(spin_learn_yield(&spin, TICKS_LONG, MANY));
	assert_true(spin_yields(&spin) > 0);
	assert_false(spin_learn_yield(&spin, TICKS_LONG, 0));
	assert_int_equal(spin_yields(&spin), 0);
	assert_true(looks_first(&spin));
}

/* A wait whose first look found so much. */
static uint32_t pause_after(struct spin *spin, enum spin_found found)
{
	struct spin_turn turn = spin_begin(spin);

	turn.looks = 1;
	turn.is_trial = false;
	spin_learn(spin, &turn, found);
	return spin->pause;
}

static void a_short_pause_is_doubled_and_a_long_one_grows_by_little(void **state)
{
	struct spin spin = begin();
	uint32_t last = spin.pause, before;

	(void)state;
	assert_int_equal(pause_after(&spin, SPIN_MUCH), 2 * last);
	do {
		before = last;
		last = spin.pause;
	} while (pause_after(&spin, SPIN_MUCH) > last);
	assert_in_range(last, before + 1, before + before / 4);
	assert_in_range(pause_after(&spin, SPIN_MOST), last - last / 4, last - 1);
	assert_int_equal(pause_after(&spin, SPIN_FEW), spin.pause);
	last = spin.pause;
	assert_int_equal(pause_after(&spin, SPIN_ONE), last - last / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_has_the_processor_for_itself_looks_before_it_is_given_away),
		cmocka_unit_test(where_others_want_it_they_get_it_first),
		cmocka_unit_test(in_a_stream_looking_comes_first_whoever_wants_the_processor),
		cmocka_unit_test(who_got_it_for_long_and_for_nothing_does_not_get_it_again_soon),
		cmocka_unit_test(a_short_pause_is_doubled_and_a_long_one_grows_by_little),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
