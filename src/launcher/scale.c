/* scale.c - see scale.h. The times are guesses, tried on the loads of the unit test and of bench/. */
#include "src/launcher/scale.h"

#include <math.h>
#include <string.h>

#define NS_PER_S UINT64_C(1000000000)

/* Measured over: at least so long, and longer while fewer items than that were done. */
#define WINDOW_NS (2 * NS_PER_S)
#define WINDOW_ITEMS 50

/* Between two steps, so that the first shows; and until a step up is judged. */
#define STEP_NS (1 * NS_PER_S)
#define TRIAL_NS (3 * NS_PER_S)
#define STEP_FACTOR 3		/* to so many times as many at most */
#define TRIAL_STEP 1.25		/* a smaller step gains less than the measurements' noise */
#define CEILING_NS (30 * NS_PER_S)

/* A step up by which not even this share of what it promised was gained is taken back. */
#define GAIN_MIN 0.25

/* What has piled up is worked off in so many seconds, if it is more than half a second's work. */
#define WORK_OFF_S 4.0
#define BACKLOG_S 0.5

/* Room over what is needed exactly: to go up, and to stay. The gap between them is the hysteresis. */
#define ROOM_UP 1.05
#define ROOM_STAY 1.15

/* Share of their time that consumers work when all are busy. */
#define SATURATED 0.95

/* Readings in a row that must ask for more. */
#define PRESSED_MIN 2

/* Readings before anything is known. */
#define READINGS_MIN 3

void scale_init(struct scale *scale, unsigned min, unsigned max)
{
	memset(scale, 0, sizeof(*scale));
	scale->min = min;
	scale->max = max;
}

/* ---------------------------------------------------------------- measuring */

static unsigned at(const struct scale *scale, unsigned age)
{
	return (scale->next + SCALE_READINGS - 1 - age) % SCALE_READINGS;
}

static double seconds(uint64_t ns)
{
	return (double)ns / (double)NS_PER_S;
}

/* Time that consumers worked since the reading before. They report waits when those end, so a piece of
   it may be told too late: never less than nothing, and never more than there was. */
static double busy_since(const struct scale_reading *before, const struct scale_reading *now)
{
	double all = seconds(now->now_ns - before->now_ns) * (before->consumers + now->consumers) / 2;

	return all - seconds(now->starved_ns - before->starved_ns);
}

static void note(struct scale *scale, const struct scale_reading *reading)
{
	double busy_s = 0;

	if (scale->count > 0)
		busy_s = scale->busy_s[at(scale, 0)] + busy_since(&scale->readings[at(scale, 0)], reading);
	scale->readings[scale->next] = *reading;
	scale->busy_s[scale->next] = busy_s;
	scale->next = (scale->next + 1) % SCALE_READINGS;
	if (scale->count < SCALE_READINGS)
		scale->count++;
}

/* The reading to compare the last one with. */
static unsigned window_start(const struct scale *scale)
{
	const struct scale_reading *now = &scale->readings[at(scale, 0)];
	unsigned age = 1;

	while (age + 1 < scale->count) {
		const struct scale_reading *then = &scale->readings[at(scale, age)];

		if (now->now_ns - then->now_ns >= WINDOW_NS && now->done - then->done >= WINDOW_ITEMS)
			break;
		age++;
	}
	return at(scale, age);
}

/* An item that is still being worked on has taken at least as long as it has until now. */
static void measure_work(struct scale *scale, double busy_s, uint64_t done)
{
	double work_s = busy_s > 0 ? busy_s / (double)(done > 0 ? done : 1) : 0;

	if (scale->work_s == 0 || (done == 0 && work_s > scale->work_s))
		scale->work_s = work_s;
	else if (done > 0)
		scale->work_s += (work_s - scale->work_s) / 3;
}

static void measure(struct scale *scale, struct scale_verdict *verdict)
{
	unsigned last = at(scale, 0), first = window_start(scale);
	const struct scale_reading *now = &scale->readings[last], *then = &scale->readings[first];
	double elapsed_s = seconds(now->now_ns - then->now_ns);
	double busy_s = scale->busy_s[last] - scale->busy_s[first];

	measure_work(scale, busy_s, now->done - then->done);
	verdict->arrivals_per_s = (double)(now->arrived - then->arrived) / elapsed_s;
	verdict->done_per_s = (double)(now->done - then->done) / elapsed_s;
	verdict->work_s = scale->work_s;
	verdict->used = busy_s / elapsed_s;
	verdict->busy = verdict->arrivals_per_s * scale->work_s;
}

/* ---------------------------------------------------------------- what is needed */

static unsigned whole(double consumers)
{
	return consumers >= 1e6 ? 1000000 : (unsigned)ceil(consumers);
}

/* All are busy: what they get done is what they can. */
static bool is_saturated(const struct scale *scale, const struct scale_verdict *verdict)
{
	return verdict->used > SATURATED * scale->readings[at(scale, 0)].consumers;
}

static bool producers_wait(const struct scale *scale)
{
	return scale->readings[at(scale, 0)].full > scale->readings[at(scale, 1)].full;
}

static unsigned wanted(const struct scale *scale, struct scale_verdict *verdict)
{
	const struct scale_reading *now = &scale->readings[at(scale, 0)];
	double work_off_s = (double)now->waiting * scale->work_s / (now->consumers ? now->consumers : 1);
	double rate = verdict->arrivals_per_s;
	unsigned need;

	verdict->reason = SCALE_ARRIVALS;
	if (work_off_s > BACKLOG_S) {
		rate += (double)now->waiting / WORK_OFF_S;
		if (whole(rate * scale->work_s * ROOM_UP) > whole(verdict->busy * ROOM_UP))
			verdict->reason = SCALE_BACKLOG;
	}
	need = whole(rate * scale->work_s * ROOM_UP);
	/* What would arrive if there were room can't be seen. */
	if (producers_wait(scale) && is_saturated(scale, verdict) && need <= 2 * now->consumers) {
		need = 2 * now->consumers;
		verdict->reason = SCALE_FULL;
	}
	return need;
}

static unsigned remember_need(struct scale *scale, unsigned need)
{
	unsigned most = 0;

	scale->needs[scale->needs_next] = need;
	scale->needs_next = (scale->needs_next + 1) % SCALE_NEEDS;
	if (scale->needs_count < SCALE_NEEDS)
		scale->needs_count++;
	for (unsigned i = 0; i < scale->needs_count; i++)
		if (scale->needs[i] > most)
			most = scale->needs[i];
	return most;
}

/* ---------------------------------------------------------------- deciding */

static unsigned between(unsigned value, unsigned min, unsigned max)
{
	if (value > max)
		value = max;
	return value < min ? min : value;
}

/* The most that there may be now. */
static unsigned top(const struct scale *scale, unsigned lost)
{
	unsigned max = scale->max > lost ? scale->max - lost : 0;

	return scale->ceiling && scale->ceiling < max ? scale->ceiling : max;
}

static unsigned bottom(const struct scale *scale, unsigned lost)
{
	return between(scale->min, 0, top(scale, lost));
}

static void step(struct scale *scale, struct scale_verdict *verdict, unsigned to, enum scale_reason reason)
{
	const struct scale_reading *now = &scale->readings[at(scale, 0)];

	verdict->consumers = to;
	verdict->reason = reason;
	scale->changed_ns = now->now_ns;
	scale->pressed = 0;
	scale->trial.is_open = to >= now->consumers * TRIAL_STEP;
	if (!scale->trial.is_open)
		return;
	scale->trial.from = now->consumers;
	scale->trial.done_per_s = verdict->done_per_s;
}

/* true: the last step up was of no use. */
static bool judge_trial(struct scale *scale, const struct scale_verdict *verdict)
{
	const struct scale_reading *now = &scale->readings[at(scale, 0)];
	double promised, gained;

	if (!scale->trial.is_open || now->now_ns - scale->changed_ns < TRIAL_NS)
		return false;
	if (scale->readings[window_start(scale)].now_ns < scale->changed_ns + TRIAL_NS - WINDOW_NS &&
	    scale->count < SCALE_READINGS)
		return false;		/* too little was done since */
	scale->trial.is_open = false;
	if (!is_saturated(scale, verdict) || now->consumers <= scale->trial.from || scale->trial.done_per_s <= 0)
		return false;
	promised = (double)now->consumers / scale->trial.from - 1;
	gained = verdict->done_per_s / scale->trial.done_per_s - 1;
	return gained < GAIN_MIN * promised;
}

static void move(struct scale *scale, struct scale_verdict *verdict, unsigned lost)
{
	const struct scale_reading *now = &scale->readings[at(scale, 0)];
	unsigned need = wanted(scale, verdict), stay, most;
	bool may_step = scale->changed_ns == 0 || now->now_ns - scale->changed_ns >= STEP_NS;

	stay = whole(verdict->busy * ROOM_STAY);
	most = between(remember_need(scale, stay > need ? stay : need), bottom(scale, lost), top(scale, lost));
	need = between(need, bottom(scale, lost), top(scale, lost));
	if (need <= now->consumers) {
		scale->pressed = 0;
		if (most < now->consumers && scale->needs_count == SCALE_NEEDS && may_step)
			step(scale, verdict, most, SCALE_IDLE);
		return;
	}
	/* A step that is on trial has to show first. */
	if (++scale->pressed < PRESSED_MIN || !may_step || scale->trial.is_open)
		return;
	step(scale, verdict, between(need, 0, STEP_FACTOR * now->consumers), verdict->reason);
}

struct scale_verdict scale_decide(struct scale *scale, const struct scale_reading *reading, unsigned lost)
{
	struct scale_verdict verdict = { .consumers = reading->consumers };
	unsigned in_bounds;

	note(scale, reading);
	if (reading->now_ns >= scale->ceiling_until_ns)
		scale->ceiling = 0;
	in_bounds = between(reading->consumers, bottom(scale, lost),
			    scale->max > lost ? scale->max - lost : 0);
	if (in_bounds != reading->consumers) {
		step(scale, &verdict, in_bounds, SCALE_BOUNDS);
		return verdict;
	}
	if (scale->count < READINGS_MIN)
		return verdict;
	measure(scale, &verdict);
	if (judge_trial(scale, &verdict)) {
		scale->ceiling = scale->trial.from;
		scale->ceiling_until_ns = reading->now_ns + CEILING_NS;
		step(scale, &verdict, between(scale->ceiling, bottom(scale, lost), scale->max),
		     SCALE_NO_GAIN);
		return verdict;
	}
	move(scale, &verdict, lost);
	if (verdict.consumers == reading->consumers)
		verdict.reason = SCALE_STAY;
	return verdict;
}
