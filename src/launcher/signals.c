/* signals.c - what each signal to the launcher does. */
#include "src/launcher/run.h"

#include <event2/event.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/base/diag.h"
#include "src/launcher/kin.h"

/* Workers are the guard's children. Ours are the guard itself, and strangers: orphans that a killed guard
   left, and as process 1 those of everybody. */
static void reap(struct supervisor *sv, int signal)
{
	pid_t pid;

	(void)signal;
	while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
		guarding_note_child(sv, pid);
}

/* ---------------------------------------------------------------- stopping and pausing */

/* The first drains, the second stops, the third kills. */
static void stop(struct supervisor *sv, int signal)
{
	const char *name = sigabbrev_np(signal);

	sv->stops++;
	if (sv->state == RUNNING)
		diag_info("SIG%s: no more is published, what there is is drained", name);
	else if (sv->state == DRAINING && sv->stops == 1)
		diag_info("SIG%s: the line is draining; once more to stop it at once", name);
	if (sv->stops > 1 && sv->state < DONE)
		sv->report->ended_by = signal;
	ring_stop(sv->ring, RING_STOP_SOFT, RING_CAUSE_USER);
	if (sv->stops == 1)
		course_drain(sv, RING_CAUSE_USER);
	else if (sv->stops == 2)
		course_stop(sv, RING_CAUSE_USER);
	else
		course_kill(sv, RING_CAUSE_USER);
	sv->forsakes_output = sv->stops > 2;
}

static void quit(struct supervisor *sv, int signal)
{
	if (sv->state < DONE)
		sv->report->ended_by = signal;
	sv->forsakes_output = true;
	course_kill(sv, RING_CAUSE_USER);
}

/* The whole line stands still with the launcher, and goes on with it. */
static void pause_line(struct supervisor *sv, int signal)
{
	(void)signal;
	kin_signal(guard_pid(sv->guard), SIGSTOP);
	view_suspend(sv->view);
	raise(SIGSTOP);
	view_resume(sv->view);
	kin_signal(guard_pid(sv->guard), SIGCONT);
}

/* ---------------------------------------------------------------- other workers */

static void replace(struct supervisor *sv, int signal)
{
	(void)signal;
	for (size_t i = 0; i < sv->teams->count; i++) {
		const struct team *team = &sv->teams->list[i];

		if (team->side == SIDE_PRODUCER && team->count > 0 && !team->input.can_go_back)
			diag_warn("SIGHUP: producers are not replaced, their input can't be read again");
	}
	replace_all(sv);
}

/* The last that is named. */
static const struct team *consumers_team(const struct supervisor *sv)
{
	return &sv->teams->list[sv->teams->count - 1];
}

static void add_consumer(struct supervisor *sv, int signal)
{
	struct worker *worker = sv->state < STOPPING ? keeper_add(sv, consumers_team(sv)) : NULL;

	(void)signal;
	if (!worker) {
		diag_warn("SIGUSR1: no room for another consumer");
		return;
	}
	keeper_start(sv, worker);
	diag_info("SIGUSR1: one consumer more, %zu now", crew_count(&sv->crew, SIDE_CONSUMER));
}

/* The last of those who were not asked to go already; it finishes its item first. */
static void drop_consumer(struct supervisor *sv, int signal)
{
	struct worker *last = NULL;
	size_t n = 0;

	(void)signal;
	for (size_t i = 0; i < sv->crew.count; i++) {
		struct worker *worker = &sv->crew.workers[i];

		if (worker->side == SIDE_CONSUMER && worker->state == WORKER_RUNNING &&
		    !worker->was_told) {
			last = worker;
			n++;
		}
	}
	if (n < 2) {
		diag_warn("SIGUSR2: the last consumer stays");
		return;
	}
	worker_tell(last, SIGUSR1);
	diag_info("SIGUSR2: one consumer fewer, %zu now", n - 1);
}

/* ---------------------------------------------------------------- which signal does what */

static const struct {
	int signal;
	void (*react)(struct supervisor *sv, int signal);
} reactions[] = {
	{ .signal = SIGCHLD, .react = reap },
	{ .signal = SIGINT, .react = stop },
	{ .signal = SIGTERM, .react = stop },
	{ .signal = SIGQUIT, .react = quit },
	{ .signal = SIGTSTP, .react = pause_line },
	{ .signal = SIGHUP, .react = replace },
	{ .signal = SIGUSR1, .react = add_consumer },
	{ .signal = SIGUSR2, .react = drop_consumer },
};
#define REACTIONS (sizeof(reactions) / sizeof(reactions[0]))

static void on_signal(evutil_socket_t signal, short what, void *context)
{
	struct supervisor *sv = context;

	(void)what;
	for (size_t i = 0; i < REACTIONS; i++)
		if (reactions[i].signal == signal)
			reactions[i].react(sv, signal);
	course_review(sv);
}

int signals_listen(struct supervisor *sv)
{
	for (size_t i = 0; i < REACTIONS; i++) {
		int signal = reactions[i].signal;

		sv->signals[signal] = evsignal_new(sv->base, signal, on_signal, sv);
		if (!sv->signals[signal] || evsignal_add(sv->signals[signal], NULL) < 0)
			return -1;
	}
	return signal(SIGPIPE, SIG_IGN) == SIG_ERR ? -1 : 0;
}
