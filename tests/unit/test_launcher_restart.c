/* test_launcher_restart.c - when a worker is started again: policies, limits, delays, over years. */
#include "src/base/exitcode.h"
#include "src/launcher/restart.h"
#include "tests/unit/check.h"

#define MS UINT64_C(1000000)
#define S (1000 * MS)
#define DAY (86400 * S)

static const struct restart_rules usual = {
	.policy = RESTART_ON_FAILURE,
	.limit = 5,
	.window_ns = 60 * S,
	.backoff = { .kind = BACKOFF_EXP, .min_ns = 100 * MS, .max_ns = 10 * S },
};

/* A worker whose every run ends alike, and the clock it lives by. */
struct life {
	struct restart_rules rules;
	struct restart_history history;
	struct restart_run run;
	uint64_t now_ns, lives_ns, delay_ns;
	double random01;
};

static struct life life_of(const struct restart_rules *rules, enum ending ending, uint64_t lives_ns)
{
	struct life life = {
		.rules = *rules,
		.run = { .ending = ending },
		.now_ns = 1000 * DAY,
		.lives_ns = lives_ns,
		.random01 = 0.999999,
	};

	assert_int_equal(restart_history_create(&life.history, rules), 0);
	return life;
}

static enum restart_verdict live(struct life *life)
{
	enum restart_verdict verdict;

	life->run.started_ns = life->now_ns;
	life->now_ns += life->lives_ns;
	life->run.ended_ns = life->now_ns;
	verdict = restart_decide(&life->rules, &life->history, &life->run, life->random01,
				 &life->delay_ns);
	if (verdict == RESTART_AGAIN)
		life->now_ns += life->delay_ns;
	return verdict;
}

/* Restarts until it is given up; at most `most`. */
static unsigned restarts(struct life *life, unsigned most)
{
	unsigned n = 0;

	while (n < most && live(life) == RESTART_AGAIN)
		n++;
	return n;
}

static void policies_decide_by_the_kind_of_end(void **state)
{
	static const struct {
		enum restart_policy policy;
		enum ending ending;
		enum restart_verdict verdict;
	} cases[] = {
		{ RESTART_ON_FAILURE, ENDING_GOOD, RESTART_DONE },
		{ RESTART_ON_FAILURE, ENDING_BAD, RESTART_AGAIN },
		{ RESTART_ON_FAILURE, ENDING_FINAL, RESTART_GIVE_UP },
		{ RESTART_ALWAYS, ENDING_GOOD, RESTART_AGAIN },
		{ RESTART_ALWAYS, ENDING_BAD, RESTART_AGAIN },
		{ RESTART_ALWAYS, ENDING_FINAL, RESTART_GIVE_UP },
		{ RESTART_NEVER, ENDING_GOOD, RESTART_DONE },
		{ RESTART_NEVER, ENDING_BAD, RESTART_GIVE_UP },
		{ RESTART_NEVER, ENDING_FINAL, RESTART_GIVE_UP },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct restart_rules rules = usual;
		struct life life;

		rules.policy = (int)cases[i].policy;
		life = life_of(&rules, cases[i].ending, S);
		if (live(&life) != cases[i].verdict)
			fail_msg("case %zu", i);
		restart_history_free(&life.history);
	}
}

static void each_exit_code_has_its_ending(void **state)
{
	(void)state;
	for (int code = 0; code < 256; code++) {
		enum ending expected = ENDING_BAD;

		switch (code) {
		case 0:
		case EXIT_ITEMS_DEAD:
		case EXIT_ITEM_STOPPED:
			expected = ENDING_GOOD;
			break;
		case EXIT_BAD_USAGE:
		case EXIT_BAD_DATA:
		case EXIT_NO_INPUT:
		case EXIT_INTERNAL:
		case EXIT_CANT_CREATE:
		case EXIT_NO_PERMISSION:
		case EXIT_CANT_RUN:
		case EXIT_NOT_FOUND:
			expected = ENDING_FINAL;
			break;
		}
		if (restart_ending(false, code) != expected)
			fail_msg("consumer, exit code %d", code);
		if (code == EXIT_ITEMS_LEFT)
			expected = ENDING_FINAL;
		if (restart_ending(true, code) != expected)
			fail_msg("producer, exit code %d", code);
	}
}

static void a_worker_that_crashes_at_once_is_given_up_after_the_limit(void **state)
{
	struct life life = life_of(&usual, ENDING_BAD, MS);

	(void)state;
	assert_int_equal(restarts(&life, 1000), 5);
	restart_history_free(&life.history);
}

static void a_limit_of_none_gives_up_at_once(void **state)
{
	struct restart_rules rules = usual;
	struct life life;

	(void)state;
	rules.limit = 0;
	life = life_of(&rules, ENDING_BAD, 100 * S);
	assert_int_equal(restarts(&life, 1000), 0);
	restart_history_free(&life.history);
}

static void one_that_crashes_every_eleven_seconds_goes_on_for_years(void **state)
{
	struct life life = life_of(&usual, ENDING_BAD, 11 * S);
	const unsigned three_years = 3 * 365 * 86400 / 11;

	(void)state;
	assert_int_equal(restarts(&life, three_years), three_years);
	assert_true(life.now_ns > 1000 * DAY + 3 * 365 * DAY - DAY);
	restart_history_free(&life.history);
}

/* Nine seconds are not healthy: six restarts fit into the minute, five are allowed. */
static void one_that_crashes_every_nine_seconds_is_given_up(void **state)
{
	struct restart_rules rules = usual;
	struct life life;

	(void)state;
	rules.backoff = (struct backoff){ .kind = BACKOFF_CONST, .min_ns = 0 };
	life = life_of(&rules, ENDING_BAD, 9 * S);
	assert_int_equal(restarts(&life, 1000), 5);
	restart_history_free(&life.history);
}

static void the_window_slides(void **state)
{
	struct restart_rules rules = usual;
	struct life life;

	(void)state;
	rules.backoff = (struct backoff){ .kind = BACKOFF_CONST, .min_ns = 0 };
	rules.limit = 3;
	rules.window_ns = 10 * S;
	/* Restarts at 4, 8, 12; at 16 the one at 4 is 12 s old. */
	life = life_of(&rules, ENDING_BAD, 4 * S);
	assert_int_equal(restarts(&life, 100000), 100000);
	/* At 3, 6, 9; at 12 the one at 3 is still inside. */
	life.lives_ns = 3 * S;
	assert_true(restarts(&life, 100000) <= 3);
	restart_history_free(&life.history);
}

static void delays_grow_while_it_fails_and_fall_back_after_a_healthy_run(void **state)
{
	struct restart_rules rules = usual;
	struct life life;
	uint64_t before = 0;

	(void)state;
	rules.limit = 100;
	life = life_of(&rules, ENDING_BAD, MS);
	for (unsigned i = 0; i < 8; i++) {
		assert_int_equal(live(&life), RESTART_AGAIN);
		assert_true(life.delay_ns > before);
		before = life.delay_ns;
	}
	assert_true(before > 9 * S);
	life.lives_ns = 10 * S;
	live(&life);
	assert_true(life.delay_ns <= 100 * MS);
	restart_history_free(&life.history);
}

static void progress_resets_the_delay_but_not_the_count(void **state)
{
	struct life life = life_of(&usual, ENDING_BAD, MS);

	(void)state;
	life.run.made_progress = true;
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(live(&life), RESTART_AGAIN);
		assert_true(life.delay_ns <= 100 * MS);
	}
	assert_int_equal(live(&life), RESTART_GIVE_UP);
	restart_history_free(&life.history);
}

static void limits_are_read_whole(void **state)
{
	static const char *const bad[] = { "",     "5",   "/",   "5/",      "/60s", "-1/60s",
					   "5/0s", "5/x", "x/5", "10001/1s", "5/60s/", " 5/60s" };
	struct restart_rules rules = usual;

	(void)state;
	assert_int_equal(restart_limit_parse("10000/1d", &rules), 0);
	assert_int_equal(rules.limit, 10000);
	assert_int_equal(rules.window_ns, DAY);
	assert_int_equal(restart_limit_parse("0/5", &rules), 0);
	assert_int_equal(rules.limit, 0);
	assert_int_equal(rules.window_ns, 5 * S);
	for (size_t i = 0; i < COUNT(bad); i++)
		if (restart_limit_parse(bad[i], &rules) == 0)
			fail_msg("\"%s\" was accepted", bad[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(policies_decide_by_the_kind_of_end),
		cmocka_unit_test(each_exit_code_has_its_ending),
		cmocka_unit_test(a_worker_that_crashes_at_once_is_given_up_after_the_limit),
		cmocka_unit_test(a_limit_of_none_gives_up_at_once),
		cmocka_unit_test(one_that_crashes_every_eleven_seconds_goes_on_for_years),
		cmocka_unit_test(one_that_crashes_every_nine_seconds_is_given_up),
		cmocka_unit_test(the_window_slides),
		cmocka_unit_test(delays_grow_while_it_fails_and_fall_back_after_a_healthy_run),
		cmocka_unit_test(progress_resets_the_delay_but_not_the_count),
		cmocka_unit_test(limits_are_read_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
