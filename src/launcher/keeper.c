/*
 * keeper.c - a worker's life from the launcher's side: its start, its end, what it held going back to
 * the ring, and its next start. Whether there is one is decided by restart.c and the state of the run.
 */
#include "src/launcher/run.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/child.h"
#include "src/base/diag.h"
#include "src/base/quantity.h"
#include "src/launcher/verdict.h"

/* The kernel gives up a dead worker's proof of life before it reports the death, unless something that
   shared its memory, a child between fork and exec, ends a moment later. Then we look again. */
#define LOOK_AGAIN_NS UINT64_C(5000000)
#define LOOK_LIMIT_NS UINT64_C(1000000000)

static void settle(struct supervisor *sv, struct worker *worker);

/* ---------------------------------------------------------------- starting */

/* The first start must succeed, or the line is not what was asked for. */
static void note_start_failure(struct worker *worker, uint64_t now_ns)
{
	bool is_first = worker->run.started_ns == 0;

	worker->exit_code = child_exit_code(errno);
	diag_error("cannot start %s (%s): %s", worker->name,
		   worker->team->orders.programs[worker->side], strerror(errno));
	worker->run = (struct restart_run){
		.ending = is_first ? ENDING_FINAL : ENDING_BAD,
		.started_ns = now_ns,
		.ended_ns = now_ns,
	};
	worker->was_told = false;
	worker->state = WORKER_DEAD;
}

void keeper_start(struct supervisor *sv, struct worker *worker)
{
	int in = worker->side == SIDE_PRODUCER ? worker->team->input.fd : sv->null_fd;
	uint64_t now_ns = ring_now_ns();

	if (worker_start(worker, sv->guard, sv->logs, in, now_ns) == 0)
		return;
	if (errno == EPIPE) {
		guarding_renew(sv);
		if (worker_start(worker, sv->guard, sv->logs, in, now_ns) == 0)
			return;
	}
	note_start_failure(worker, now_ns);
	settle(sv, worker);
}

/* ---------------------------------------------------------------- started again, or not */

/* Is there still work for one that has ended? The line may have moved on since it started. */
static bool is_wanted(struct supervisor *sv, const struct worker *worker)
{
	if (worker->was_told && !worker->is_replaced)
		return false;
	if (sv->state == RUNNING)
		return true;
	return sv->state == DRAINING && worker->side == SIDE_CONSUMER &&
	       worker->run.ending != ENDING_GOOD && !ring_is_drained(sv->ring);
}

static void give_up(struct supervisor *sv, struct worker *worker)
{
	const struct restart_rules *rules = &worker->team->orders.settings->restart;

	worker->state = WORKER_GONE;
	if (sv->settings->on_giveup == GIVEUP_STOP)
		course_drain(sv, RING_CAUSE_FAILURE);
	if (worker->run.ending == ENDING_FINAL) {
		sv->report->failure = verdict_worse(sv->report->failure, worker->exit_code);
		return;
	}
	sv->report->gave_up = true;
	sv->lost_consumers += worker->side == SIDE_CONSUMER;
	if (rules->policy == RESTART_NEVER)
		diag_warn("%s is given up, since --restart is never", worker->name);
	else
		diag_warn("%s is given up after %u restarts within --restart-limit", worker->name,
			  rules->limit);
}

static void start_later(struct supervisor *sv, struct worker *worker, uint64_t delay_ns)
{
	char delay[16];

	if (worker->side == SIDE_PRODUCER && !worker->team->input.can_go_back)
		diag_warn("%s starts again; what it had read and not published is lost", worker->name);
	diag_verbose("%s starts again in %s", worker->name,
		     quantity_show_duration(delay, sizeof(delay), delay_ns));
	sv->report->restarts++;
	worker->restarts++;
	worker->state = WORKER_WAITING;
	run_arm(worker->timer, delay_ns);
}

static void decide(struct supervisor *sv, struct worker *worker)
{
	double random01 = arc4random() / 4294967296.0;
	uint64_t delay_ns;

	switch (restart_decide(&worker->team->orders.settings->restart, &worker->history, &worker->run, random01,
			       &delay_ns)) {
	case RESTART_AGAIN:
		start_later(sv, worker, delay_ns);
		return;
	case RESTART_DONE:
		worker->state = WORKER_GONE;
		/* Where producers come from outside, it is a consumer that sees that they have left. */
		if (sv->settings->producers == 0)
			course_drain(sv, RING_CAUSE_END);
		return;
	case RESTART_GIVE_UP:
		give_up(sv, worker);
		return;
	}
}

/* One whose failure stops the line raises the flag itself, and may have been told to end since. */
static bool has_failed_for_good(struct supervisor *sv, const struct worker *worker)
{
	return worker->run.ending == ENDING_FINAL &&
	       (!worker->was_told || ring_stop_cause(sv->ring) == RING_CAUSE_FAILURE);
}

/* Its items are back in the ring: what becomes of the worker? */
static void settle(struct supervisor *sv, struct worker *worker)
{
	bool goes_on = is_wanted(sv, worker), was_replaced = worker->is_replaced;

	worker->is_replaced = false;
	if (goes_on && was_replaced)
		keeper_start(sv, worker);
	else if (goes_on)
		decide(sv, worker);
	else if (has_failed_for_good(sv, worker))
		give_up(sv, worker);
	else
		worker->state = WORKER_GONE;
	if (was_replaced)
		replace_next(sv);
	course_review(sv);
}

/* ---------------------------------------------------------------- ending */

static bool find_member(struct ring *ring, pid_t pid, struct ring_member *member)
{
	for (uint32_t i = 1; i <= ring_member_limit(ring); i++)
		if (ring_member(ring, i, member) == 1 && member->pid == pid)
			return true;
	return false;
}

/* Put back what it held, once the kernel has given it up. */
static void recover(struct supervisor *sv, struct worker *worker)
{
	struct ring_member member;
	uint64_t since_ns = ring_now_ns() - worker->run.ended_ns;

	if (ring_recover(sv->ring, worker->pid) < 0 && errno == EBADMSG)
		course_note_damage(sv);
	else if (since_ns < LOOK_LIMIT_NS && find_member(sv->ring, worker->pid, &member))
		run_arm(worker->timer, LOOK_AGAIN_NS);
	else
		settle(sv, worker);
	if (sv->report->is_damaged)
		worker->state = WORKER_GONE;
}

void keeper_end(struct supervisor *sv, struct worker *worker, const struct guard_end *end)
{
	struct ring_member member;

	evtimer_del(worker->timer);
	worker_end(worker, end, ring_now_ns());
	if (worker->run.ending != ENDING_GOOD && find_member(sv->ring, worker->pid, &member))
		worker->run.made_progress = member.acked + member.published > 0;
	recover(sv, worker);
}

/* ---------------------------------------------------------------- a worker's timer */

static void on_timer(evutil_socket_t fd, short what, void *context)
{
	struct worker *worker = context;
	struct supervisor *sv = worker->supervisor;

	(void)fd;
	(void)what;
	switch (worker->state) {
	case WORKER_WAITING:
		keeper_start(sv, worker);
		return;
	case WORKER_RUNNING:
		diag_warn("%s has not ended within --kill-after of TERM: killed", worker->name);
		worker_kill(worker);
		return;
	case WORKER_DEAD:
		recover(sv, worker);
		return;
	case WORKER_GONE:
		return;
	}
}

struct worker *keeper_add(struct supervisor *sv, const struct team *team)
{
	struct worker *worker = crew_add(&sv->crew, team);

	if (!worker || worker->timer)
		return worker;
	worker->supervisor = sv;
	worker->timer = evtimer_new(sv->base, on_timer, worker);
	if (!worker->timer) {
		worker->state = WORKER_GONE;
		errno = ENOMEM;
		return NULL;
	}
	return worker;
}

struct worker *keeper_drop(struct supervisor *sv, const struct team *team)
{
	for (size_t i = sv->crew.count; i-- > 0;) {
		struct worker *worker = &sv->crew.workers[i];

		if (worker->team != team || worker->was_told || worker->state == WORKER_GONE)
			continue;
		if (worker->state == WORKER_RUNNING)
			worker_tell(worker, SIGUSR1);
		else if (worker->state == WORKER_WAITING)
			worker->state = WORKER_GONE;
		else
			continue;
		return worker;
	}
	return NULL;
}
