/*
 * supervisor.h - the run: starts the workers, keeps them going, ends them.
 */
#ifndef SHMLINE_LAUNCHER_SUPERVISOR_H
#define SHMLINE_LAUNCHER_SUPERVISOR_H

#include "src/launcher/line.h"
#include "src/launcher/settings.h"
#include "src/launcher/summary.h"
#include "src/launcher/team.h"

struct supervisor;
struct view;
struct listener;

/* Who looks on; NULL where there is none. */
struct views {
	struct view *view;
	struct listener *listener;
};

/* Everything that can fail before there is a ring; from here on signals are heard. NULL after saying
   why. */
struct supervisor *supervisor_create(const struct settings *settings, const struct teams *teams);

/* Run the line to its end, whatever that is. */
void supervisor_run(struct supervisor *supervisor, struct ring *ring, struct report *report,
		    const struct views *views);

void supervisor_free(struct supervisor *supervisor);

#endif
