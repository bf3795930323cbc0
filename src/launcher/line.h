/*
 * line.h - the ring of a run: made, joined or taken up at the beginning, removed or left to somebody
 * else at the end.
 */
#ifndef SHMLINE_LAUNCHER_LINE_H
#define SHMLINE_LAUNCHER_LINE_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/ring.h"
#include "src/launcher/settings.h"

struct line {
	struct ring *ring;
	char name[RING_NAME_MAX + 1];
	bool has_own_name;	/* nobody gave it one: it goes with the run if nothing is left in it */
};

/* The ring's name: the one that was asked for, or one of its own. */
void line_choose_name(struct line *line, const struct settings *settings);

/*
 * Open the ring of that name: a new one; one on which others work already, if no launcher does; or with
 * --resume the one that an earlier launcher left. 0, or an exit code, and why has been said.
 */
int line_open(struct line *line, const struct settings *settings);

/* Leave the ring, and remove it if it is drained and nobody wants it any more. `left` items are in
   it: then say how to go on with them. */
void line_close(struct line *line, const struct settings *settings, uint64_t left);

/* Leave a damaged ring. One that was made for this run alone is of no use to anybody: it is removed. */
void line_abandon(struct line *line);

#endif
