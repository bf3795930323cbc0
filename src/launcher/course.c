/* course.c - the states of a run: what leads from one to the next, and what is done on the way. */
#include "src/launcher/run.h"

#include <event2/event.h>

#include "src/base/diag.h"

/* A worker that has not started yet need not. KILL follows for one that doesn't go. */
static void tell_to_end(struct supervisor *sv, struct worker *worker)
{
	if (worker->state == WORKER_WAITING)
		worker->state = WORKER_GONE;
	worker->was_told = true;
	if (worker->state != WORKER_RUNNING)
		return;
	worker_tell(worker, SIGTERM);
	run_arm(worker->timer, sv->settings->kill_after_ns);
}

/*
 * Let the consumers finish. Producers that are still there are shut out; the flag alone is not enough,
 * they may be waiting for their input. When they have all left by themselves the flag stays down until
 * the ring is drained, so that an item can still raise it: the first cause is the one that is kept.
 */
void course_drain(struct supervisor *sv, enum ring_stop_cause cause)
{
	if (sv->state >= DRAINING)
		return;
	sv->state = DRAINING;
	sv->report->drained_from_ns = ring_now_ns();
	if (cause != RING_CAUSE_END)
		ring_stop(sv->ring, RING_STOP_SOFT, cause);
	ring_hold(sv->ring, false);
	for (size_t i = 0; i < sv->crew.count; i++)
		if (sv->crew.workers[i].side == SIDE_PRODUCER)
			tell_to_end(sv, &sv->crew.workers[i]);
	if (sv->settings->drain_timeout_ns != SETTING_NONE)
		run_arm(sv->drain_timer, sv->settings->drain_timeout_ns);
}

/* From now on nothing is published or taken, and what is in workers' hands goes back. */
void course_stop(struct supervisor *sv, enum ring_stop_cause cause)
{
	if (sv->state >= STOPPING)
		return;
	sv->state = STOPPING;
	ring_stop(sv->ring, RING_STOP_NOW, cause);
	ring_hold(sv->ring, false);
	for (size_t i = 0; i < sv->crew.count; i++)
		tell_to_end(sv, &sv->crew.workers[i]);
}

void course_kill(struct supervisor *sv, enum ring_stop_cause cause)
{
	if (sv->state >= KILLING)
		return;
	course_stop(sv, cause);
	sv->state = KILLING;
	for (size_t i = 0; i < sv->crew.count; i++)
		if (sv->crew.workers[i].state == WORKER_RUNNING)
			worker_kill(&sv->crew.workers[i]);
}

void course_note_damage(struct supervisor *sv)
{
	if (!sv->report->is_damaged)
		diag_ring_error("go on with", ring_name(sv->ring), ring_why());
	sv->report->is_damaged = true;
	course_kill(sv, RING_CAUSE_FAILURE);
}

/* An item may have raised the flag, or ringctl. */
static void follow_flag(struct supervisor *sv)
{
	enum ring_stop_mode mode = ring_stopped(sv->ring);

	if (mode != RING_STOP_NONE)
		course_drain(sv, ring_stop_cause(sv->ring));
	if (mode == RING_STOP_NOW)
		course_stop(sv, ring_stop_cause(sv->ring));
}

/* A side of which nobody is left ends the line. */
static void follow_sides(struct supervisor *sv)
{
	bool has_failed = sv->report->failure || sv->report->gave_up;

	if (sv->settings->producers > 0 && crew_count(&sv->crew, SIDE_PRODUCER) == 0)
		course_drain(sv, has_failed ? RING_CAUSE_FAILURE : RING_CAUSE_END);
	else if (sv->settings->consumers > 0 && crew_count(&sv->crew, SIDE_CONSUMER) == 0 &&
		 !ring_is_drained(sv->ring))
		course_drain(sv, RING_CAUSE_FAILURE);
}

/* A consumer that came when the last item was gone waits for producers to come, unless it is told. */
static void close_when_drained(struct supervisor *sv)
{
	if (ring_stopped(sv->ring) == RING_STOP_NONE && ring_is_drained(sv->ring))
		ring_stop(sv->ring, RING_STOP_SOFT, RING_CAUSE_END);
}

/* Others were here, and have drained what they had published. */
static bool others_are_done(struct supervisor *sv)
{
	struct ring_stats stats;

	if (!ring_is_drained(sv->ring))
		return false;
	return sv->state >= DRAINING || (ring_stats(sv->ring, &stats) == 0 && stats.published > 0);
}

/* Where no consumer is ours, the line ends when others have drained it. */
static bool is_over(struct supervisor *sv)
{
	if (crew_count(&sv->crew, SIDE_PRODUCER) + crew_count(&sv->crew, SIDE_CONSUMER) > 0)
		return false;
	return sv->settings->consumers > 0 || sv->state >= STOPPING || others_are_done(sv);
}

void course_review(struct supervisor *sv)
{
	if (sv->state < STOPPING)
		follow_flag(sv);
	if (sv->state == RUNNING)
		follow_sides(sv);
	if (sv->state == DRAINING)
		close_when_drained(sv);
	if (is_over(sv))
		sv->state = DONE;
}
