/*
 * crew.h - all workers of a run, producers first. What becomes of each is supervisor.c's decision.
 */
#ifndef SHMLINE_LAUNCHER_CREW_H
#define SHMLINE_LAUNCHER_CREW_H

#include <stddef.h>
#include <sys/types.h>

#include "src/launcher/worker.h"

struct crew {
	struct worker *workers;		/* room for all that the ring has room for */
	size_t count, size;
	const struct orders *orders;
	const struct restart_rules *rules;
};

/* 0, or -1 without memory. */
int crew_init(struct crew *crew, const struct orders *orders);
void crew_free(struct crew *crew);

/* One more worker of this side: a consumer who is gone comes back, else a new one. NULL with errno,
   EMLINK when the ring has no room for more. */
struct worker *crew_add(struct crew *crew, enum side side);

/* NULL: it is none of ours. */
struct worker *crew_find(const struct crew *crew, pid_t pid);

/* Those who are not gone. */
size_t crew_count(const struct crew *crew, enum side side);

/* Is this the session of a worker that runs? */
bool crew_is_session(pid_t session, void *crew);

/* Of one that ran last time, and does not now? */
bool crew_was_session(const struct crew *crew, pid_t session);

#endif
