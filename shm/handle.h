/*
 * handle.h - private: what one member knows privately, and how its calls wait.
 */
#ifndef SHMLINE_HANDLE_H
#define SHMLINE_HANDLE_H

#include "shm/hints.h"
#include "shm/histogram.h"
#include "shm/segment.h"
#include "shm/spin.h"
#include "shm/wait.h"

/* Items that one attempt claims or takes at most: what is in hand at once, and on its stack. */
#define LOT_MAX 32

/* Slots that a producer looks at between two pauses; before it sleeps it looks at all. */
#define REACH_SPINNING 16

struct ring {
	struct segment *segment;
	struct member *me;		/* NULL: an observer */
	void *anchor;			/* keeps the lock that proves this member's life */
	uint32_t index;
	unsigned roles;

	uint32_t lane;
	uint32_t cursor;		/* where the next search for a free slot begins */
	bool is_spinning;		/* it looks at the next few only */
	uint64_t id, id_end;		/* ids this producer may still give */
	uint64_t ticket;		/* the one it holds; 0 none */
	bool has_unhinted;		/* published, but the cells had no room to say so */
	struct spin spin;

	uint64_t producers_before;	/* of producers_ever, those that don't count as "were here" */
	uint64_t now_ns, now_ticks;	/* the clock's last reading, and the processor's counter then */
	uint64_t tick_ns;		/* what a tick takes; 32 bits of it are behind the point; 0: unknown */
	uint64_t looked_round_ns;	/* when it last did the duties of a line without launcher */

	uint64_t times_due_ns;		/* when it tells all of these next */
	struct untold wait, work;
};

/* What a call waits for: up to `max` slots, of which it got n. */
struct lot {
	uint32_t max, n;
	struct taken taken[LOT_MAX];
};

/* So many. Its slots are not cleared: they are half a kilobyte. */
static inline void lot_begin(struct lot *lot, uint32_t max)
{
	lot->max = max;
	lot->n = 0;
}

/* One attempt at it: RING_TIMEOUT means "not yet". */
typedef enum ring_result handle_attempt(struct ring *ring, struct lot *lot);

/* After a first attempt that gave this, no RING_OK: attempt until it gives another result than RING_TIMEOUT
   or the time is over; sleeps in between. */
enum ring_result handle_wait_on(struct ring *ring, enum waiting_for what, handle_attempt *attempt,
				struct lot *lot, int timeout_ms, enum ring_result result);

/* What is left of a time-out that ends at deadline_ns; -1 and 0 stay. */
int handle_remaining_ms(int timeout_ms, uint64_t deadline_ns);

/* Once a second, if nobody else has: recover the dead, sweep. */
void handle_look_round(struct ring *ring, uint64_t now_ns);

/* Add its times to those of all. */
void handle_tell_times(struct ring *ring, uint64_t now_ns);

/* Ticks for which a reading of the clock is carried on by the processor's counter: about a millisecond. */
#define CARRIED_ON (UINT64_C(1) << 21)

/* Read the clock itself, when the counter says `ticks`. */
uint64_t handle_read_clock(struct ring *ring, uint64_t ticks);

/*
 * ring_now_ns() to about a microsecond, for the times of items. The clock costs as much as a put: it is read
 * once in a while, and carried on by the counter, whose pace is measured from reading to reading. A counter
 * that jumps (another core's, a suspend) is not believed.
 */
static inline uint64_t handle_now(struct ring *ring)
{
#if defined(__x86_64__)
	uint64_t ticks = spin_ticks(), passed = ticks - ring->now_ticks;

	return passed < CARRIED_ON && ring->tick_ns ? ring->now_ns + (passed * ring->tick_ns >> 32) :
	       handle_read_clock(ring, ticks);
#else
	(void)ring;
	return ring_now_ns();
#endif
}

/* RING_ERROR with this errno. */
enum ring_result handle_error(int error);

/* RING_ERROR with EBADMSG, since hints are what can't be. */
enum ring_result handle_order_broken(void);

/* An item that a call was given: the slot it names is this member's, in this state. */
static inline bool handle_owns(const struct ring *ring, const struct ring_item *item, enum slot_state state)
{
	return ring->me && item->slot < ring->segment->at.slots && slot_is(item->word, state, ring->index);
}

/* Of a line that is draining: if it is empty now, consumers that sleep must hear of it. */
void handle_tell_drained(struct ring *ring);

/* After an item is gone, which may have been the last. */
static inline void handle_tell_if_drained(struct ring *ring)
{
	struct header *header = ring->segment->header;

	if (atomic_load(&header->ending) || atomic_load(&header->stop))
		handle_tell_drained(ring);
}

#endif
