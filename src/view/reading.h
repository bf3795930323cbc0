/*
 * reading.h - private to the views: one look at a ring from outside: its counters, and who of its
 * members lives.
 */
#ifndef SHMLINE_VIEW_READING_H
#define SHMLINE_VIEW_READING_H

#include "shm/ring.h"

#include <stdint.h>

struct reading {
	struct ring_stats stats;
	uint64_t now_ns;
	uint32_t living;		/* members, whatever their roles */
	uint32_t producers, consumers, holders;	/* of those living */
	uint32_t dead;			/* members that died and are not recovered yet */
	pid_t launcher;			/* 0: none that lives */
};

/* Read an open ring. 0, or -1 with errno EBADMSG. */
int reading_take(struct ring *ring, struct reading *reading);

/* The same in two steps, for who wants the members too. */
int reading_begin(struct ring *ring, struct reading *reading);
void reading_count_member(struct reading *reading, const struct ring_member *member);

/* From one time to a later one; 0 when it is not later: another process wrote one of them. */
uint64_t reading_between_ns(uint64_t from_ns, uint64_t to_ns);

#endif
