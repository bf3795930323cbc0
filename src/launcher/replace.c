/*
 * replace.c - workers are replaced one by one (HUP), without a pause in the work: a consumer goes when
 * its heir is in the ring, so that even a lone one leaves no gap. A producer goes first, since its heir
 * takes up its place in the input; what it has published bridges the gap.
 */
#include "src/launcher/run.h"

#include <event2/event.h>

#include "src/base/diag.h"

/* How often is looked whether the heir is there. */
#define LOOK_NS UINT64_C(10000000)

static void next(struct supervisor *sv);

static struct worker *find_due(struct supervisor *sv)
{
	for (size_t i = 0; i < sv->crew.count; i++) {
		struct worker *worker = &sv->crew.workers[i];

		if (worker->is_due && worker->state == WORKER_RUNNING && !worker->was_told)
			return worker;
		worker->is_due = false;
	}
	return NULL;
}

/* ---------------------------------------------------------------- consumers: the heir comes first */

static bool is_attached(struct supervisor *sv, const struct worker *worker)
{
	struct ring_member member;

	for (uint32_t i = 1; i <= ring_member_limit(sv->ring); i++)
		if (ring_member(sv->ring, i, &member) == 1 && member.pid == worker->pid)
			return true;
	return false;
}

/* An heir that dies at once would leave nobody: then the old ones stay. */
static void give_over(struct supervisor *sv)
{
	diag_warn("%s has not come up: the others are not replaced", sv->heir->name);
	for (size_t i = 0; i < sv->crew.count; i++)
		sv->crew.workers[i].is_due = false;
	sv->leaving = sv->heir = NULL;
}

static void on_look(evutil_socket_t fd, short what, void *context)
{
	struct supervisor *sv = context;

	(void)fd;
	(void)what;
	if (sv->state != RUNNING || sv->leaving->state != WORKER_RUNNING) {
		sv->leaving = sv->heir = NULL;
		next(sv);
	} else if (sv->heir->state != WORKER_RUNNING) {
		give_over(sv);
	} else if (is_attached(sv, sv->heir)) {
		worker_tell(sv->leaving, SIGUSR1);
		sv->leaving = sv->heir = NULL;
		next(sv);
	} else {
		run_arm(sv->handover, LOOK_NS);
	}
}

static bool start_heir(struct supervisor *sv, struct worker *old)
{
	struct worker *heir;

	if (!sv->handover)
		sv->handover = evtimer_new(sv->base, on_look, sv);
	heir = sv->handover ? keeper_add(sv, old->team) : NULL;
	if (!heir)
		return false;
	sv->leaving = old;
	sv->heir = heir;
	keeper_start(sv, heir);
	run_arm(sv->handover, LOOK_NS);
	return true;
}

/* ---------------------------------------------------------------- one by one */

/* The keeper starts a successor at its end, and calls us again. */
static void send_first(struct worker *old)
{
	old->is_replaced = true;
	worker_tell(old, old->side == SIDE_CONSUMER ? SIGUSR1 : SIGTERM);
}

static void next(struct supervisor *sv)
{
	struct worker *old = sv->state == RUNNING ? find_due(sv) : NULL;

	if (!old)
		return;
	old->is_due = false;
	if (old->side == SIDE_PRODUCER || !start_heir(sv, old))
		send_first(old);
}

void replace_next(struct supervisor *sv)
{
	if (sv->leaving)
		return;
	for (size_t i = 0; i < sv->crew.count; i++)
		if (sv->crew.workers[i].is_replaced)
			return;
	next(sv);
}

void replace_all(struct supervisor *sv)
{
	for (size_t i = 0; i < sv->crew.count; i++) {
		struct worker *worker = &sv->crew.workers[i];

		worker->is_due = worker->side == SIDE_CONSUMER || worker->team->input.can_go_back;
	}
	replace_next(sv);
}
