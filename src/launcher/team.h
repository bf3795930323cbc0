/*
 * team.h - workers that are alike: one side of the line, or a part of it with settings of its own.
 */
#ifndef SHMLINE_LAUNCHER_TEAM_H
#define SHMLINE_LAUNCHER_TEAM_H

#include <stddef.h>
#include <stdint.h>

#include "src/launcher/input.h"
#include "src/launcher/orders.h"
#include "src/launcher/settings.h"

struct team {
	enum side side;
	const char *name;	/* its workers are "NAME 1", "NAME 2", ... */
	unsigned line;		/* of its section in the file; 0: it has none */
	uint64_t count;		/* workers at the start */
	struct settings settings;
	struct orders orders;	/* made of these settings */
	struct input input;	/* of producers */
};

/* All of a run, producers first. */
struct teams {
	struct team *list;
	size_t count;
};

/* The sections of a file, and for a side that has none the settings themselves. 0, or -1 without memory. */
int teams_init(struct teams *teams, const struct orders *orders);
void teams_free(struct teams *teams);

/* The environment of its workers: ours, and what its settings add. free() it; the words are not its own.
   NULL without memory. */
char **team_environment(const struct team *team);

/* What their producers read. 0, or an exit code, and why has been said. */
int teams_open_input(struct teams *teams);
void teams_close_input(struct teams *teams);

#endif
