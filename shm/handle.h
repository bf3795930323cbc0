/*
 * handle.h - private: what one member knows privately, and how its calls wait.
 */
#ifndef SHMLINE_HANDLE_H
#define SHMLINE_HANDLE_H

#include "shm/segment.h"
#include "shm/wait.h"

struct ring {
	struct segment *segment;
	struct member *me;		/* NULL: an observer */
	void *anchor;			/* keeps the lock that proves this member's life */
	uint32_t index;
	unsigned roles;

	uint32_t lane;
	uint32_t cursor;		/* where the next search for a free slot begins */
	uint64_t id, id_end;		/* ids this producer may still give */
	uint64_t ticket;		/* the one it holds; 0 none */
	bool has_unhinted;		/* published, but the cells had no room to say so */

	uint64_t producers_before;	/* of producers_ever, those that don't count as "were here" */
	uint64_t now_ns, now_ticks;	/* the clock's last reading, and the processor's counter then */
	uint64_t looked_round_ns;	/* when it last did the duties of a line without launcher */
};

/* One attempt at what a call waits for: RING_TIMEOUT means "not yet". */
typedef enum ring_result handle_attempt(struct ring *ring, struct ring_item *item);

/* Attempt until it gives another result than RING_TIMEOUT or the time is over; sleeps in between. */
enum ring_result handle_wait(struct ring *ring, enum waiting_for what, handle_attempt *attempt,
			     struct ring_item *item, int timeout_ms);

/* What is left of a time-out that ends at deadline_ns; -1 and 0 stay. */
int handle_remaining_ms(int timeout_ms, uint64_t deadline_ns);

/* Once a second, if nobody else has: recover the dead, sweep. */
void handle_look_round(struct ring *ring, uint64_t now_ns);

/* ring_now_ns() to about a microsecond, for the times of items. */
uint64_t handle_now(struct ring *ring);

/* RING_ERROR with this errno. */
enum ring_result handle_error(int error);

/* An item that a call was given: the slot it names is this member's, in this state. */
bool handle_owns(const struct ring *ring, const struct ring_item *item, unsigned state);

/* After the last item of a draining line is gone, its other consumers must hear of it. */
void handle_tell_if_drained(struct ring *ring);

#endif
