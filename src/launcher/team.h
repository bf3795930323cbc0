/*
 * team.h - workers that are alike: one side of the line, or a part of it with settings of its own.
 */
#ifndef SHMLINE_LAUNCHER_TEAM_H
#define SHMLINE_LAUNCHER_TEAM_H

#include <stddef.h>
#include <stdint.h>

#include "src/launcher/orders.h"
#include "src/launcher/settings.h"

struct team {
	enum side side;
	const char *name;	/* its workers are "NAME 1", "NAME 2", ... */
	uint64_t count;		/* workers at the start */
	struct orders orders;	/* its settings are the team's */
};

/* All of a run, producers first. */
struct teams {
	struct team *list;
	size_t count;
};

/* The teams of a command line: its producers and its consumers. 0, or -1 without memory. */
int teams_init(struct teams *teams, const struct orders *orders);
void teams_free(struct teams *teams);

#endif
