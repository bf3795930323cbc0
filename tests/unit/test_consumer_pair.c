/* test_consumer_pair.c - when a consumer and its COMMAND share one processor. */
#include "src/consumer/pair.h"
#include "tests/unit/check.h"

#define US UINT64_C(1000)
#define MS UINT64_C(1000000)
#define S UINT64_C(1000000000)

static struct pair pair;
static uint64_t now;

static int set_up(void **state)
{
	(void)state;
	pair = (struct pair){ 0 };
	now = 5 * S;
	return 0;
}

/* Turns of so many answers that take so long, until there is a move; PAIR_STAY when there is none in n. */
static enum pair_move turns(unsigned n, uint64_t answers, uint64_t took_ns)
{
	enum pair_move move = PAIR_STAY;

	for (; n > 0 && move == PAIR_STAY; n--) {
		now += took_ns;
		move = pair_answered(&pair, answers, took_ns, now);
	}
	return move;
}

static enum pair_move answers(unsigned n, uint64_t took_ns)
{
	return turns(n, 1, took_ns);
}

static void quick_answers_bring_them_together(void **state)
{
	(void)state;
	assert_int_equal(answers(63, 20 * US), PAIR_STAY);
	assert_int_equal(answers(1, 20 * US), PAIR_JOIN);
	assert_true(pair.is_together);
}

static void answers_that_take_their_time_do_not(void **state)
{
	(void)state;
	assert_int_equal(answers(1000, 150 * US), PAIR_STAY);
	assert_int_equal(answers(1000, 5 * MS), PAIR_STAY);
	assert_false(pair.is_together);
}

static void they_stay_together_while_it_is_quicker(void **state)
{
	(void)state;
	assert_int_equal(answers(64, 20 * US), PAIR_JOIN);
	assert_int_equal(answers(10000, 10 * US), PAIR_STAY);
	assert_true(pair.is_together);
}

/* Once a second it is compared again: one round apart, and together again at once. */
static void it_is_compared_again(void **state)
{
	uint64_t began;

	(void)state;
	assert_int_equal(answers(64, 20 * US), PAIR_JOIN);
	began = now;
	assert_int_equal(answers(1000000, 10 * US), PAIR_PART);
	assert_in_range(now - began, S, S + 2 * MS);
	assert_int_equal(answers(64, 20 * US), PAIR_JOIN);
	assert_int_equal(answers(64, 19 * US), PAIR_PART);
}

/* Longer and longer, but not for ever. */
static void a_try_in_vain_is_followed_by_a_rest(void **state)
{
	uint64_t rest = S;

	(void)state;
	assert_int_equal(answers(64, 20 * US), PAIR_JOIN);
	for (int i = 0; i < 9; i++) {
		uint64_t began;

		assert_int_equal(answers(64, 20 * US), PAIR_PART);
		began = now;
		assert_int_equal(answers(10000000, 20 * US), PAIR_JOIN);
		assert_in_range(now - began, rest, rest + 2 * MS);
		rest = rest < 64 * S ? 2 * rest : 64 * S;
	}
	/* One that pays, and all is as at the beginning. */
	assert_int_equal(answers(64, 10 * US), PAIR_STAY);
	assert_int_equal(answers(64, 20 * US), PAIR_PART);
	assert_int_equal(answers(60000, 20 * US), PAIR_JOIN);
}

/* What counts is how long an answer takes: more may come at once, and take longer together. */
static void many_answers_at_once_count_each(void **state)
{
	(void)state;
	assert_int_equal(turns(64, 8, 20 * US), PAIR_JOIN);
	assert_int_equal(turns(64, 32, 60 * US), PAIR_STAY);
	assert_int_equal(turns(64, 4, 12 * US), PAIR_PART);
	assert_int_equal(turns(64, 100000, 40 * US), PAIR_STAY);	/* it rests */
}

static void a_pause_or_a_slow_answer_parts_them(void **state)
{
	(void)state;
	assert_int_equal(pair_pause(&pair), PAIR_STAY);
	assert_int_equal(answers(64, 20 * US), PAIR_JOIN);
	assert_int_equal(pair_pause(&pair), PAIR_PART);
	assert_int_equal(pair_pause(&pair), PAIR_STAY);
	assert_int_equal(answers(64, 20 * US), PAIR_JOIN);
	assert_int_equal(answers(1, 2 * MS), PAIR_PART);
	/* What was counted before a pause does not count. */
	assert_int_equal(answers(63, 20 * US), PAIR_STAY);
	assert_int_equal(pair_pause(&pair), PAIR_STAY);
	assert_int_equal(answers(63, 20 * US), PAIR_STAY);
	assert_int_equal(answers(1, 20 * US), PAIR_JOIN);
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(quick_answers_bring_them_together),
		TEST(answers_that_take_their_time_do_not),
		TEST(they_stay_together_while_it_is_quicker),
		TEST(it_is_compared_again),
		TEST(a_try_in_vain_is_followed_by_a_rest),
		TEST(many_answers_at_once_count_each),
		TEST(a_pause_or_a_slow_answer_parts_them),
	};

	return cmocka_run_group_tests_name("pair", tests, NULL, NULL);
}
