/* crew.c - see crew.h. */
#include "src/launcher/crew.h"

#include <errno.h>
#include <stdlib.h>

int crew_init(struct crew *crew, const struct teams *teams, size_t size)
{
	*crew = (struct crew){ .teams = teams, .size = size };
	crew->workers = calloc(crew->size, sizeof(*crew->workers));
	return crew->workers ? 0 : -1;
}

void crew_free(struct crew *crew)
{
	for (size_t i = 0; i < crew->count; i++)
		worker_free(&crew->workers[i]);
	free(crew->workers);
}

/* *number is what a new one of its side gets. */
static struct worker *find_gone(const struct crew *crew, const struct team *team, unsigned *number)
{
	*number = 1;
	for (size_t i = 0; i < crew->count; i++) {
		if (crew->workers[i].team == team && crew->workers[i].state == WORKER_GONE)
			return &crew->workers[i];
		if (crew->workers[i].side == team->side)
			++*number;
	}
	return NULL;
}

struct worker *crew_add(struct crew *crew, const struct team *team)
{
	unsigned number;
	struct worker *worker = find_gone(crew, team, &number);

	if (worker) {
		worker->state = WORKER_WAITING;
		return worker;
	}
	if (crew->count == crew->size) {
		errno = EMLINK;
		return NULL;
	}
	worker = &crew->workers[crew->count];
	if (worker_init(worker, team, number) < 0)
		return NULL;
	crew->count++;
	return worker;
}

struct worker *crew_find(const struct crew *crew, pid_t pid)
{
	for (size_t i = 0; i < crew->count; i++)
		if (crew->workers[i].state == WORKER_RUNNING && crew->workers[i].pid == pid)
			return &crew->workers[i];
	return NULL;
}

size_t crew_count(const struct crew *crew, enum side side)
{
	size_t n = 0;

	for (size_t i = 0; i < crew->count; i++)
		if (crew->workers[i].side == side && crew->workers[i].state != WORKER_GONE)
			n++;
	return n;
}
