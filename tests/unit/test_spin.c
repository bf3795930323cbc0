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

/* Or who is answered late after a stream would go on waiting for its whole pause. */
static void one_item_alone_halves_the_pause_whenever_it_is_found(void **state)
{
	struct spin spin = begin();
	struct spin_turn turn;
	uint32_t last = spin.pause;

	(void)state;
	turn = spin_begin(&spin);
	turn.looks = 3;
	spin_learn(&spin, &turn, SPIN_ONE);
	assert_int_equal(spin.pause, last / 2);
	turn.is_after_waking = true;
	spin_learn(&spin, &turn, SPIN_ONE);
	assert_int_equal(spin.pause, last / 4);
	for (int i = 0; i < MANY; i++)
		spin_learn(&spin, &turn, SPIN_ONE);
	assert_true(spin.pause > 0);
}

/* Of many times the shortest: somebody else may have the processor meanwhile. */
static void no_pause_is_longer_than_what_is_left(void **state)
{
	uint64_t least = UINT64_MAX;

	(void)state;
	for (int i = 0; i < MANY; i++) {
		struct spin_turn turn = { .pause = TICKS_LONG, .left = TICKS_SHORT };
		uint64_t began = spin_ticks(), took;

		spin_pause(&turn);
		took = spin_ticks() - began;
		least = took < least ? took : least;
		assert_int_equal(turn.left, 0);
	}
	assert_in_range(least, TICKS_SHORT, TICKS_LONG - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_has_the_processor_for_itself_looks_before_it_is_given_away),
		cmocka_unit_test(where_others_want_it_they_get_it_first),
		cmocka_unit_test(in_a_stream_looking_comes_first_whoever_wants_the_processor),
		cmocka_unit_test(who_got_it_for_long_and_for_nothing_does_not_get_it_again_soon),
		cmocka_unit_test(a_short_pause_is_doubled_and_a_long_one_grows_by_little),
		cmocka_unit_test(one_item_alone_halves_the_pause_whenever_it_is_found),
		cmocka_unit_test(no_pause_is_longer_than_what_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
