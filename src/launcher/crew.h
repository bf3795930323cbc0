/*
 * crew.h - all workers of a run, producers first. What becomes of each is supervisor.c's decision.
 */
#ifndef SHMLINE_LAUNCHER_CREW_H
#define SHMLINE_LAUNCHER_CREW_H

#include <stddef.h>
#include <sys/types.h>

#include "src/launcher/worker.h"

struct crew {
	struct worker *workers;		/* as many as the ring has room for */
	size_t count, size;
	const struct teams *teams;
};

/* 0, or -1 without memory. */
int crew_init(struct crew *crew, const struct teams *teams, size_t size);
void crew_free(struct crew *crew);

/* One more worker of this team: one who is gone comes back, else a new one. NULL with errno,
   EMLINK when the ring has no room for more. */
struct worker *crew_add(struct crew *crew, const struct team *team);

/* NULL: it is none of ours. */
struct worker *crew_find(const struct crew *crew, pid_t pid);

/* Those who are not gone. */
size_t crew_count(const struct crew *crew, enum side side);

#endif
