/*
 * test_launcher_scale.c - how many consumers there should be, on simulated loads. The simulated line has
 * arrivals at random (or even ones), a queue, and consumers that need a time for each item, a while to
 * start, and cores that they share.
 */
#include "src/launcher/scale.h"

#include <math.h>
#include <stdlib.h>

#include "tests/unit/check.h"

#define TICK_NS UINT64_C(250000000)
#define TICK_S 0.25

struct line {
	struct scale scale;
	double rate;			/* arrivals a second */
	double work_s;			/* for each item */
	double cores;			/* 0: the work is waiting, and needs none */
	double room;			/* of the ring; 0: no limit */
	bool is_even;
	unsigned lost;

	uint64_t now_ns;
	double arrived, done, starved_s, queue;
	uint64_t full;
	unsigned consumers, changes;
	unsigned turns;			/* changes in the other direction than the one before */
	bool went_up;
	unsigned least, most;		/* since forget() */
	enum scale_reason reason;	/* of the last change */
	uint64_t seed;
};

static struct line line_of(unsigned min, unsigned max, double rate, double work_s)
{
	struct line line = { .rate = rate, .work_s = work_s, .consumers = min, .seed = 42,
			     .now_ns = UINT64_MAX / 2 };

	scale_init(&line.scale, min, max);
	return line;
}

static double random01(struct line *line)
{
	line->seed = line->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (double)(line->seed >> 33) / 2147483648.0;
}

/* Roughly Poisson: a normal number of the same mean and variance. */
static double arrivals(struct line *line)
{
	double mean = line->rate * TICK_S, sum = 0;

	if (line->is_even)
		return mean;
	for (int i = 0; i < 12; i++)
		sum += random01(line);
	sum = mean + (sum - 6) * sqrt(mean);
	return sum > 0 ? floor(sum) : 0;
}

static void forget(struct line *line)
{
	line->changes = line->turns = 0;
	line->least = line->most = line->consumers;
}

static double service_s(const struct line *line)
{
	double share = line->cores > 0 ? line->consumers / line->cores : 1;

	return line->work_s * (share > 1 ? share : 1);
}

static void flow(struct line *line)
{
	double came = arrivals(line), could = line->consumers * TICK_S / service_s(line), did;

	if (line->room > 0 && line->queue + came > line->room) {
		came = line->room - line->queue;
		line->full++;
	}
	line->arrived += came;
	line->queue += came;
	did = line->queue < could ? line->queue : could;
	line->queue -= did;
	line->done += did;
	line->starved_s += line->consumers * TICK_S - did * service_s(line);
	line->now_ns += TICK_NS;
}

static void tick(struct line *line)
{
	struct scale_reading reading;
	struct scale_verdict verdict;

	flow(line);
	reading = (struct scale_reading){
		.now_ns = line->now_ns, .arrived = (uint64_t)line->arrived, .done = (uint64_t)line->done,
		.starved_ns = (uint64_t)(line->starved_s * 1e9), .full = line->full,
		.waiting = (uint64_t)line->queue, .consumers = line->consumers,
	};
	verdict = scale_decide(&line->scale, &reading, line->lost);
	assert_int_equal(verdict.consumers == line->consumers, verdict.reason == SCALE_STAY);
	assert_true(verdict.consumers <= line->scale.max);
	if (verdict.consumers == line->consumers)
		return;
	if (getenv("VERBOSE"))
		print_message("%6.2f s: %u -> %u, reason %d: %.1f/s arrive, %.1f/s done, %.3f s each, %.1f busy, "
			      "%.0f wait\n", (double)(line->now_ns - UINT64_MAX / 2) / 1e9, line->consumers,
			      verdict.consumers, verdict.reason, verdict.arrivals_per_s, verdict.done_per_s,
			      verdict.work_s, verdict.busy, line->queue);
	line->turns += line->went_up != (verdict.consumers > line->consumers);
	line->went_up = verdict.consumers > line->consumers;
	line->consumers = verdict.consumers;
	line->reason = verdict.reason;
	line->changes++;
	line->least = line->consumers < line->least ? line->consumers : line->least;
	line->most = line->consumers > line->most ? line->consumers : line->most;
}

static void live(struct line *line, double for_s)
{
	for (double s = 0; s < for_s; s += TICK_S)
		tick(line);
}

/* ---------------------------------------------------------------- the loads */

static void a_steady_load_settles_at_what_keeps_up(void **state)
{
	static const struct { double rate, work_s; unsigned from, to, changes; } cases[] = {
		{ 200, 0.020, 4, 5, 4 }, { 200, 0.0205, 5, 5, 0 }, { 400, 0.020, 8, 10, 12 },
		{ 50, 0.001, 1, 1, 0 }, { 1000, 0.030, 30, 36, 30 },
		{ 10, 1.0, 8, 18, 200 },	/* few long items at random are bursts in themselves */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct line line = line_of(1, 64, cases[i].rate, cases[i].work_s);

		live(&line, 60);
		forget(&line);
		live(&line, 600);
		assert_in_range(line.least, cases[i].from, cases[i].to);
		assert_in_range(line.most, cases[i].from, cases[i].to);
		assert_in_range(line.changes, 0, cases[i].changes);
		assert_true(line.queue * cases[i].work_s / line.consumers < 2);
	}
}

static void an_even_load_is_left_alone_for_a_day(void **state)
{
	struct line line = line_of(1, 16, 200, 0.020);

	(void)state;
	line.is_even = true;
	live(&line, 30);
	forget(&line);
	live(&line, 86400);
	assert_int_equal(line.changes, 0);
	assert_in_range(line.consumers, 4, 5);
}

static void a_doubled_rate_is_followed_within_ten_seconds(void **state)
{
	struct line line = line_of(1, 64, 200, 0.020);

	(void)state;
	live(&line, 60);
	line.rate = 400;
	live(&line, 10);
	assert_in_range(line.consumers, 8, 12);
	live(&line, 60);
	forget(&line);
	live(&line, 120);
	assert_in_range(line.least, 8, 10);
	assert_in_range(line.most, 8, 10);
	line.rate = 200;
	live(&line, 60);
	assert_in_range(line.consumers, 4, 6);
}

static void what_has_piled_up_is_worked_off(void **state)
{
	struct line line = line_of(1, 32, 0, 0.1);

	(void)state;
	line.queue = line.arrived = 1000;	/* 100 s of work for one */
	live(&line, 30);
	assert_true(line.queue == 0);
	live(&line, 30);
	assert_int_equal(line.consumers, 1);
	assert_int_equal(line.reason, SCALE_IDLE);
}

static void long_items_count_before_the_first_is_done(void **state)
{
	struct line line = line_of(1, 32, 0, 60);

	(void)state;
	line.queue = line.arrived = 100;
	live(&line, 40);
	assert_true(line.consumers > 8);
}

/* Two seconds on, three off: what the bursts need stays, and there is no step with each. */
static void bursts_keep_what_they_need(void **state)
{
	struct line line = line_of(1, 64, 0, 0.020);

	(void)state;
	for (int i = 0; i < 100; i++) {
		if (i == 10)
			forget(&line);
		line.rate = 500;
		live(&line, 2);
		line.rate = 0;
		live(&line, 3);
	}
	assert_true(line.changes < 10);
	assert_true(line.least >= 4);
	assert_true(line.queue < 200);
}

/* A wave of a minute is followed, up and down, a few steps each. */
static void a_slow_wave_is_followed_without_flapping(void **state)
{
	struct line line = line_of(1, 64, 0, 0.020);

	(void)state;
	for (int second = 0; second < 1200; second++) {
		line.rate = 300 + 200 * sin(second * 2 * M_PI / 60);
		live(&line, 1);
		if (second == 120)
			forget(&line);
	}
	assert_true(line.most >= 10 && line.most <= 16);
	assert_true(line.least <= 8);
	assert_true(line.turns < 18 * 5);	/* two a wave, and some by chance */
}

static void fast_oscillation_does_not_flap(void **state)
{
	struct line line = line_of(1, 64, 0, 0.020);

	(void)state;
	for (int i = 0; i < 600; i++) {
		line.rate = i % 2 ? 350 : 50;
		live(&line, 1);
		if (i == 60)
			forget(&line);
	}
	assert_true(line.changes <= 6);
	assert_true(line.most - line.least <= 3);
}

/* Work that takes cores: with two of them, more than two or three consumers are of no use. */
static void a_step_that_gains_nothing_is_taken_back(void **state)
{
	struct line line = line_of(1, 64, 1000, 0.010);
	uint64_t above = 0;

	(void)state;
	line.cores = 2;
	line.room = 1000;
	live(&line, 60);
	for (int i = 0; i < 1200; i++) {
		live(&line, TICK_S);
		above += line.consumers > 4;
	}
	assert_true(above < 300);	/* it tries now and then */
	assert_in_range(line.consumers, 1, 9);
}

static void a_full_ring_asks_for_more(void **state)
{
	struct line line = line_of(1, 64, 1000, 0.020);

	(void)state;
	line.room = 640;
	live(&line, 30);
	assert_in_range(line.consumers, 18, 30);
}

/* Consumers are given up one by one: those are not replaced, and the rest stays in use. */
static void the_lost_are_not_replaced(void **state)
{
	struct line line = line_of(2, 8, 1000, 0.020);

	(void)state;
	live(&line, 30);
	assert_int_equal(line.consumers, 8);
	for (line.lost = 1; line.lost <= 8; line.lost++) {
		line.consumers--;
		live(&line, 20);
		assert_in_range(line.consumers, 0, 8 - line.lost);
		if (line.lost < 5)
			assert_true(line.consumers >= 2);
	}
	assert_int_equal(line.consumers, 0);
}

static void the_bounds_hold_from_the_start(void **state)
{
	struct line line = line_of(3, 5, 0, 0.020);

	(void)state;
	line.consumers = 1;		/* two were lost on the way, not given up */
	tick(&line);
	assert_int_equal(line.consumers, 3);
	assert_int_equal(line.reason, SCALE_BOUNDS);
	line.rate = 10000;
	live(&line, 60);
	assert_int_equal(line.consumers, 5);
	line.rate = line.queue = 0;
	live(&line, 60);
	assert_int_equal(line.consumers, 3);
}

static void nothing_at_all_changes_nothing(void **state)
{
	struct line line = line_of(1, 64, 0, 0.020);

	(void)state;
	live(&line, 86400);
	assert_int_equal(line.changes, 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_steady_load_settles_at_what_keeps_up),
		cmocka_unit_test(an_even_load_is_left_alone_for_a_day),
		cmocka_unit_test(a_doubled_rate_is_followed_within_ten_seconds),
		cmocka_unit_test(what_has_piled_up_is_worked_off),
		cmocka_unit_test(long_items_count_before_the_first_is_done),
		cmocka_unit_test(bursts_keep_what_they_need),
		cmocka_unit_test(a_slow_wave_is_followed_without_flapping),
		cmocka_unit_test(fast_oscillation_does_not_flap),
		cmocka_unit_test(a_step_that_gains_nothing_is_taken_back),
		cmocka_unit_test(a_full_ring_asks_for_more),
		cmocka_unit_test(the_lost_are_not_replaced),
		cmocka_unit_test(the_bounds_hold_from_the_start),
		cmocka_unit_test(nothing_at_all_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
