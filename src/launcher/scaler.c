/*
 * scaler.c - as many consumers as keep up: reads the ring's counters, has scale.c decide, and adds
 * consumers or lets some go after the item in their hands. Says each decision, and why.
 */
#include "src/launcher/run.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>

#include "src/base/diag.h"
#include "src/base/quantity.h"
#include "src/launcher/scale.h"

struct scaler {
	struct scale scale;
	const struct team *team;
	unsigned consumers;		/* now, since: */
	uint64_t since_ns;
	uint64_t held_ns[];		/* for each number up to the maximum: how long there were so many */
};

static const struct team *scaled_team(const struct teams *teams)
{
	for (size_t i = 0; i < teams->count; i++)
		if (teams->list[i].side == SIDE_CONSUMER && settings_are_scaled(teams->list[i].orders.settings))
			return &teams->list[i];
	return NULL;
}

int scaler_begin(struct supervisor *sv)
{
	const struct team *team = scaled_team(sv->teams);
	const struct settings *settings = team ? team->orders.settings : NULL;

	if (!team)
		return 0;
	sv->scaler = calloc(1, sizeof(*sv->scaler) + (settings->consumers_max + 1) * sizeof(uint64_t));
	if (!sv->scaler)
		return -1;
	sv->scaler->team = team;
	sv->scaler->since_ns = ring_now_ns();
	scale_init(&sv->scaler->scale, (unsigned)settings->consumers_min, (unsigned)settings->consumers_max);
	return 0;
}

/* ---------------------------------------------------------------- looking */

static unsigned count(const struct supervisor *sv, const struct team *team)
{
	unsigned n = 0;

	for (size_t i = 0; i < sv->crew.count; i++) {
		const struct worker *worker = &sv->crew.workers[i];

		n += worker->team == team && worker->state != WORKER_GONE && !worker->was_told;
	}
	return n;
}

/* Beyond the maximum there may be some by USR1, until the next look. */
static void note_held(struct scaler *scaler, uint64_t now_ns, unsigned consumers)
{
	if (scaler->consumers <= scaler->scale.max)
		scaler->held_ns[scaler->consumers] += now_ns - scaler->since_ns;
	scaler->since_ns = now_ns;
	scaler->consumers = consumers;
}

static int read_line(struct supervisor *sv, struct scale_reading *reading)
{
	struct ring_stats stats;

	if (ring_stats(sv->ring, &stats) < 0)
		return -1;
	*reading = (struct scale_reading){
		.now_ns = ring_now_ns(),
		.arrived = stats.published + stats.redelivered,
		.done = stats.acked + stats.dead + stats.redelivered,
		.starved_ns = stats.starved_ns,
		.full = stats.full,
		.waiting = stats.ready,
		.consumers = count(sv, sv->scaler->team),
	};
	return 0;
}

/* ---------------------------------------------------------------- saying why */

static void explain(char *text, size_t size, const struct scale_verdict *verdict,
		    const struct scale_reading *reading)
{
	char work[16];

	quantity_show_duration(work, sizeof(work), (uint64_t)(verdict->work_s * 1e9));
	switch (verdict->reason) {
	case SCALE_STAY:
	case SCALE_ARRIVALS:
	case SCALE_IDLE:
		snprintf(text, size, "%.1f items/s of %s each keep %.1f busy", verdict->arrivals_per_s, work,
			 verdict->busy);
		return;
	case SCALE_BACKLOG:
		snprintf(text, size, "%llu items wait, %.1f/s of %s each come",
			 (unsigned long long)reading->waiting, verdict->arrivals_per_s, work);
		return;
	case SCALE_FULL:
		snprintf(text, size, "all are busy, and producers wait for room");
		return;
	case SCALE_NO_GAIN:
		snprintf(text, size, "the last step up gained nothing, %.1f items/s are done",
			 verdict->done_per_s);
		return;
	case SCALE_BOUNDS:
		snprintf(text, size, "as --consumers allows");
		return;
	}
}

static void say(const struct scale_verdict *verdict, const struct scale_reading *reading)
{
	char why[128] = "";

	explain(why, sizeof(why), verdict, reading);
	diag_info("consumers: %u, before %u: %s", verdict->consumers, reading->consumers, why);
}

/* ---------------------------------------------------------------- changing */

static bool add(struct supervisor *sv)
{
	struct worker *worker = keeper_add(sv, sv->scaler->team);

	if (worker)
		keeper_start(sv, worker);
	return worker != NULL;
}

static void change(struct supervisor *sv, unsigned from, unsigned to)
{
	bool could = true;

	for (; could && from < to; from++)
		could = add(sv);
	for (; could && from > to; from--)
		could = keeper_drop(sv, sv->scaler->team) != NULL;
}

/* Once the line drains, consumers leave by themselves; more may still be of use. */
void scaler_look(struct supervisor *sv)
{
	struct scale_reading reading;
	struct scale_verdict verdict;

	if (!sv->scaler || sv->leaving || sv->state > DRAINING || sv->report->is_damaged)
		return;
	if (read_line(sv, &reading) < 0)
		return;
	if (sv->state == DRAINING && reading.waiting == 0)
		return;
	note_held(sv->scaler, reading.now_ns, reading.consumers);
	verdict = scale_decide(&sv->scaler->scale, &reading, sv->lost_consumers);
	if (verdict.reason == SCALE_STAY || (sv->state == DRAINING && verdict.consumers < reading.consumers))
		return;
	say(&verdict, &reading);
	change(sv, reading.consumers, verdict.consumers);
}

/* ---------------------------------------------------------------- the end */

/* Consumers of sections whose number is fixed. */
static unsigned count_others(const struct supervisor *sv)
{
	uint64_t n = 0;

	for (size_t i = 0; i < sv->teams->count; i++)
		if (sv->teams->list[i].side == SIDE_CONSUMER && &sv->teams->list[i] != sv->scaler->team)
			n += sv->teams->list[i].count;
	return (unsigned)n;
}

void scaler_end(struct supervisor *sv)
{
	struct scaler *scaler = sv->scaler;
	unsigned best = 0;

	if (!scaler)
		return;
	note_held(scaler, ring_now_ns(), scaler->consumers);
	for (unsigned n = 1; n <= scaler->scale.max; n++)
		if (best == 0 || scaler->held_ns[n] > scaler->held_ns[best])
			best = n;
	sv->report->balanced_at = best + count_others(sv);
	free(scaler);
	sv->scaler = NULL;
}
