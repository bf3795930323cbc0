/* view_look.c - one look at the line, for all views: the ring, and what the launcher knows of its workers. */
#include "src/launcher/view.h"

#include <stdio.h>
#include <string.h>

#include "src/launcher/run.h"

/* A look may cost a fiftieth of a core: of a ring with a million slots there are fewer. */
#define COST_SHARE 50

static struct view_worker *find_by_pid(const struct snapshot *snapshot, pid_t pid)
{
	for (size_t i = 0; i < snapshot->n_workers; i++)
		if (snapshot->workers[i].pid == pid)
			return &snapshot->workers[i];
	return NULL;
}

/* It is not attached: it waits for its start, or has just begun or ended. */
static struct view_worker *add_detached(struct snapshot *snapshot, const struct worker *worker)
{
	struct view_worker *row = snapshot_add(snapshot);

	if (!row)
		return NULL;
	row->roles = worker->side == SIDE_PRODUCER ? RING_PRODUCER : RING_CONSUMER;
	row->number = worker->number;
	row->pid = worker->state == WORKER_RUNNING ? worker->pid : 0;
	(void)snprintf(row->state, sizeof(row->state), "%s",
		       worker->state == WORKER_RUNNING ? "starting" : "restart");
	return row;
}

static void add_worker(struct snapshot *snapshot, const struct worker *worker)
{
	struct view_worker *row = NULL;

	if (worker->state == WORKER_GONE)
		return;
	if (worker->state == WORKER_RUNNING)
		row = find_by_pid(snapshot, worker->pid);
	if (!row)
		row = add_detached(snapshot, worker);
	if (!row)
		return;
	row->restarts = worker->restarts;
	(void)snprintf(row->name, sizeof(row->name), "%.23s", worker->name);
}

static int take(struct supervisor *sv, struct view_look *look)
{
	struct snapshot *snapshot = &look->snapshot;

	if (sv->report->is_damaged || snapshot_take(sv->ring, snapshot) < 0)
		return -1;
	for (size_t i = 0; i < sv->crew.count; i++)
		add_worker(snapshot, &sv->crew.workers[i]);
	snapshot->knows_restarts = true;
	history_note(&look->history, snapshot);
	look->serial++;
	return 0;
}

struct view_look *view_look(struct supervisor *sv)
{
	struct view_look *look = &sv->look;
	uint64_t now_ns = ring_now_ns();
	uint64_t rest_ns;

	if (now_ns < look->next_ns)
		return look;
	if (take(sv, look) < 0)
		return NULL;
	rest_ns = look->snapshot.cost_ns * COST_SHARE;
	/* A little less than a frame, so that the next frame has a look of its own. */
	look->next_ns = now_ns + (rest_ns > VIEW_FRAME_NS / 2 ? rest_ns : VIEW_FRAME_NS / 2);
	return look;
}

void view_look_free(struct view_look *look)
{
	snapshot_free(&look->snapshot);
	history_free(&look->history);
}
