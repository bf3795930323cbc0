/* lasting.h - what a COMMAND that outlives its items is started with: its words, and its environment. */
#ifndef SHMLINE_LASTING_H
#define SHMLINE_LASTING_H

#include "src/consumer/command.h"
#include "src/consumer/environment.h"

struct ring;
struct sink_request;

struct lasting {
	struct command_line line;
	struct environment environment;
};

/* Is COMMAND there to be run? 0, or an exit code after saying why. */
int lasting_check(const struct sink_request *request);

/* The ring is there: 0, or an exit code after saying why. */
int lasting_prepare(struct lasting *lasting, const struct sink_request *request, struct ring *ring);
void lasting_free(struct lasting *lasting);

/* It could not be started, for that errno: says so, and returns the exit code. */
int lasting_cannot_run(const char *name, int error);

#endif
