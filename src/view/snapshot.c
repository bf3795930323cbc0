/*
 * snapshot.c - see snapshot.h. Members know how many items they hold; which ones is in the slots, so one
 * pass over them finds for each the item it has held the longest.
 */
#include "src/view/snapshot.h"

#include "src/base/diag.h"
#include "src/view/words.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct view_worker *snapshot_add(struct snapshot *snapshot)
{
	if (snapshot->n_workers == snapshot->room) {
		size_t room = snapshot->room ? 2 * snapshot->room : 16;
		struct view_worker *grown = reallocarray(snapshot->workers, room, sizeof(*grown));

		if (grown == NULL)
			return NULL;
		snapshot->workers = grown;
		snapshot->room = room;
	}
	memset(&snapshot->workers[snapshot->n_workers], 0, sizeof(struct view_worker));
	return &snapshot->workers[snapshot->n_workers++];
}

struct view_worker *snapshot_find(const struct snapshot *snapshot, unsigned role, unsigned number)
{
	for (size_t i = 0; i < snapshot->n_workers; i++) {
		struct view_worker *worker = &snapshot->workers[i];

		if (worker->index && (worker->roles & role) && worker->number == number)
			return worker;
	}
	return NULL;
}

void snapshot_free(struct snapshot *snapshot)
{
	free(snapshot->workers);
	memset(snapshot, 0, sizeof(*snapshot));
}

static const char *state_of(const struct ring_member *member)
{
	if (!member->is_alive)
		return "dead";
	return member->holding > 0 ? "working" : "idle";
}

static void fill_worker(struct view_worker *worker, const struct ring_member *member)
{
	bool is_producer = (member->roles & RING_PRODUCER) != 0;
	char roles[WORDS_ROLES_MAX];

	if (member->number > 0)
		(void)snprintf(worker->name, sizeof(worker->name), "%.12s %u",
			       words_roles(roles, member->roles), member->number);
	else
		(void)snprintf(worker->name, sizeof(worker->name), "%.23s",
			       words_roles(roles, member->roles));
	(void)snprintf(worker->state, sizeof(worker->state), "%s", state_of(member));
	(void)diag_quote(worker->note, sizeof(worker->note), member->note,
			 strnlen(member->note, sizeof(member->note)));
	worker->index = member->index;
	worker->roles = member->roles;
	worker->number = member->number;
	worker->pid = member->pid;
	worker->started_ns = member->started_ns;
	worker->done = is_producer ? member->published : member->acked;
	worker->dead = member->dead;
	worker->blocked_ns = is_producer ? member->blocked_ns : member->starved_ns;
	worker->holding = member->holding;
}

/* Launchers and other holders are no workers: the title line has them. */
static int read_members(struct ring *ring, struct snapshot *snapshot)
{
	for (uint32_t i = 1; i <= ring_member_limit(ring); i++) {
		struct ring_member member;
		struct view_worker *worker;
		int found = ring_member(ring, i, &member);

		if (found == -1)
			return -1;
		if (found == 0)
			continue;
		reading_count_member(&snapshot->reading, &member);
		if (!(member.roles & (RING_PRODUCER | RING_CONSUMER)))
			continue;
		worker = snapshot_add(snapshot);
		if (worker == NULL)
			return -1;
		fill_worker(worker, &member);
	}
	return 0;
}

static void note_held(struct snapshot *snapshot, const struct ring_view *view)
{
	uint64_t held_ns = reading_between_ns(view->since_ns, snapshot->reading.now_ns);

	for (size_t i = 0; i < snapshot->n_workers; i++) {
		struct view_worker *worker = &snapshot->workers[i];

		if (worker->index == view->owner && (worker->item == 0 || held_ns > worker->held_ns)) {
			worker->item = view->id;
			worker->held_ns = held_ns;
		}
	}
}

static void read_held(struct ring *ring, struct snapshot *snapshot)
{
	uint32_t left = snapshot->reading.stats.in_flight;

	for (uint32_t slot = 0; slot < ring_slots(ring) && left > 0; slot++) {
		struct ring_view view;

		if (ring_look(ring, slot, &view, NULL, 0) != 1 || view.state != RING_SLOT_IN_FLIGHT)
			continue;
		note_held(snapshot, &view);
		left--;
	}
}

int snapshot_take(struct ring *ring, struct snapshot *snapshot)
{
	uint64_t began_ns = ring_now_ns();

	snapshot->n_workers = 0;
	if (reading_begin(ring, &snapshot->reading) == -1 || read_members(ring, snapshot) == -1)
		return -1;
	read_held(ring, snapshot);
	ring_times(ring, &snapshot->wait, &snapshot->work);
	snapshot->cost_ns = ring_now_ns() - began_ns;
	return 0;
}
