/*
 * snapshot.h - private to the views: all that a view shows of a line, read in one go. What only a
 * launcher knows (restarts, workers that have not started) it adds itself.
 */
#ifndef SHMLINE_VIEW_SNAPSHOT_H
#define SHMLINE_VIEW_SNAPSHOT_H

#include "src/view/reading.h"

#include <stdbool.h>
#include <stddef.h>

/* One that works for the line: a member of the ring, or a worker that a launcher will start. */
struct view_worker {
	char name[24];			/* "consumer 3" */
	char state[12];			/* "working", "idle", "dead", ... */
	char note[RING_NOTE_MAX * 4];	/* what it says of itself, made printable */
	uint32_t index;			/* of the member; 0: it is not attached */
	unsigned roles, number;
	pid_t pid;
	uint64_t started_ns;
	uint64_t done;			/* published or acked since it attached */
	uint64_t dead;
	uint64_t blocked_ns;		/* waited for a slot or an item */
	uint64_t item, held_ns;		/* which it has held the longest, and for how long; 0: none */
	uint32_t holding;
	unsigned restarts;
	double rate;			/* done a second, by history.c */
};

struct snapshot {
	struct reading reading;
	struct ring_histogram wait, work;
	struct view_worker *workers;
	size_t n_workers, room;
	uint64_t cost_ns;		/* of reading it */
	bool knows_restarts;
};

/* Read an open ring. 0, or -1 with errno EBADMSG or ENOMEM. */
int snapshot_take(struct ring *ring, struct snapshot *snapshot);

/* A worker more, all zeroes; NULL when memory is out. */
struct view_worker *snapshot_add(struct snapshot *snapshot);

/* The attached worker with these roles and number, or NULL. */
struct view_worker *snapshot_find(const struct snapshot *snapshot, unsigned role, unsigned number);

void snapshot_free(struct snapshot *snapshot);

#endif
