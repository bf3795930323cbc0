/*
 * guarding.c - the guard of a run: begun, renewed when it is killed, and ended with all that workers
 * left. What it says of workers goes to keeper.c.
 */
#include "src/launcher/run.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "src/base/diag.h"
#include "src/base/exitcode.h"
#include "src/launcher/kin.h"

/* Returns -1 when the guard is gone. */
static int note_ends(struct supervisor *sv, struct guard *guard)
{
	struct guard_end end;
	int result;

	while ((result = guard_next_end(guard, &end)) > 0) {
		struct worker *worker = crew_find(&sv->crew, end.pid);

		if (worker && worker->guard == guard)
			keeper_end(sv, worker, &end);
	}
	return result;
}

static void on_end(evutil_socket_t fd, short what, void *context)
{
	struct supervisor *sv = context;
	int result = note_ends(sv, sv->guard);

	(void)fd;
	(void)what;
	if (result < 0 && sv->state < DONE)
		guarding_renew(sv);
	else if (result < 0)
		event_del(sv->ends);
	course_review(sv);
}

int guarding_begin(struct supervisor *sv)
{
	sv->guard = guard_open(sv->teams);
	if (!sv->guard) {
		diag_error("cannot start the guard: %s", strerror(errno));
		return -1;
	}
	sv->ends = event_new(sv->base, guard_fd(sv->guard), EV_READ | EV_PERSIST, on_end, sv);
	return sv->ends && event_add(sv->ends, NULL) == 0 ? 0 : -1;
}

void guarding_renew(struct supervisor *sv)
{
	struct guard *gone = sv->guard;
	const size_t count = sv->crew.count;

	sv->has_lost_guard = true;
	diag_warn("the guard was killed, and the workers with it: they start again");
	event_free(sv->ends);
	sv->ends = NULL;
	if (guarding_begin(sv) < 0)
		exit(EXIT_SYSTEM);
	note_ends(sv, gone);	/* what it had told before is as true as ever */
	for (size_t i = 0; i < count; i++) {
		struct worker *worker = &sv->crew.workers[i];
		const struct guard_end end = { .pid = worker->pid, .code = CLD_KILLED, .status = SIGKILL };

		if (worker->state == WORKER_RUNNING && worker->guard == gone)
			keeper_end(sv, worker, &end);
	}
	guard_close(gone);
}

/* ---------------------------------------------------------------- children that are no workers */

static bool is_spared(pid_t child, const void *context)
{
	const struct supervisor *sv = context;

	return kin_is_inherited(child) || (!sv->guard_is_gone && child == guard_pid(sv->guard));
}

void guarding_note_child(struct supervisor *sv, pid_t pid)
{
	if (pid == guard_pid(sv->guard) && sv->state == DONE)
		sv->guard_is_gone = true;
	else if (pid == guard_pid(sv->guard))
		guarding_renew(sv);
	/* Its orphans came to us, and theirs come as they die. */
	if (sv->has_lost_guard)
		kin_kill_children(is_spared, sv);
}

bool guarding_end(struct supervisor *sv)
{
	guard_dismiss(sv->guard);
	return kin_kill_children(is_spared, sv) == 0 && sv->guard_is_gone;
}
