/*
 * handle.c - how a member's calls wait, and the duties of a member that waits.
 */
#include "shm/handle.h"

#include "shm/failpoint.h"
#include "shm/flags.h"
#include "shm/hints.h"
#include "shm/members.h"
#include "shm/probe.h"
#include "shm/recover.h"
#include "shm/slot.h"

#include <errno.h>
#include <sched.h>

/* Members look round at most so often, all together; a launcher keeps them from it altogether. */
#define LOOK_ROUND_NS UINT64_C(100000000)
#define LAUNCHER_LOOKS_NS UINT64_C(1000000000)

/* A member tells its times about so often. A guess: a kill costs no more of them, and lines that are
   everybody's are written seldom. */
#define TELL_TIMES_NS UINT64_C(1000000)

/* Sleeps for nothing, of one call, between two looks at whether as many wake-ups can be to come. */
#define SLEEPS_MANY 1024u

enum ring_result handle_error(int error)
{
	why_clear();
	errno = error;
	return RING_ERROR;
}

enum ring_result handle_order_broken(void)
{
	(void)why(EBADMSG, "the order of its ready slots is damaged");
	return RING_ERROR;
}

void handle_look_round(struct ring *ring, uint64_t now_ns)
{
	struct header *header = ring->segment->header;
	uint64_t next = atomic_load(&header->next_sweep);
	bool is_launcher = (ring->roles & RING_LAUNCHER) != 0;

	ring->looked_round_ns = now_ns;
	/* next_sweep far ahead is from a damaged segment, or from before a suspend: not believed. */
	if (!is_launcher && now_ns < next && next - now_ns <= LAUNCHER_LOOKS_NS)
		return;
	if (!atomic_compare_exchange_strong(&header->next_sweep, &next,
					    now_ns + (is_launcher ? LAUNCHER_LOOKS_NS : LOOK_ROUND_NS)))
		return;
	/* Fails without descriptors: somebody else will look, or this one, later. */
	(void)recover_dead(ring->segment, 0);
	recover_sweep(ring->segment, ring->index);
}

void handle_tell_times(struct ring *ring, uint64_t now_ns)
{
	ring->times_due_ns = now_ns + TELL_TIMES_NS;
	histogram_tell(&ring->wait, &ring->segment->times->wait);
	histogram_tell(&ring->work, &ring->segment->times->work);
}

void handle_tell_drained(struct ring *ring)
{
	struct waiting *ready = &ring->segment->header->ready;

	if (atomic_load(&ready->wanted) && flags_is_drained(ring->segment))
		wait_wake(ready);
}

int handle_remaining_ms(int timeout_ms, uint64_t deadline_ns)
{
	uint64_t now;

	if (timeout_ms <= 0)
		return timeout_ms;
	now = ring_now_ns();
	return now < deadline_ns ? (int)((deadline_ns - now) / 1000000) : 0;
}

uint64_t handle_read_clock(struct ring *ring, uint64_t ticks)
{
	uint64_t passed = ticks - ring->now_ticks, now = ring_now_ns();

	/* Short spans say little, long ones may overflow. */
	if (passed >= CARRIED_ON && passed < UINT32_MAX && now - ring->now_ns < UINT32_MAX)
		ring->tick_ns = ((now - ring->now_ns) << 32) / passed;
	else if (passed < CARRIED_ON)
		return now;
	ring->now_ticks = ticks;
	ring->now_ns = now;
	return now;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static struct waiting *waiting_place(struct header *header, enum waiting_for what)
{
	return what == WAITING_FREE ? &header->free : &header->ready;
}

/* Sleep once, after the attempt that follows the asking. RING_TIMEOUT: look again, or give up if the
   clock reads deadline_ns. */
static enum ring_result sleep_once(struct ring *ring, enum waiting_for what,
				   handle_attempt *attempt, struct lot *lot,
				   uint64_t deadline_ns)
{
	struct header *header = ring->segment->header;
	struct waiting *waiting = waiting_place(header, what);
	enum wait_result slept = WAIT_WOKEN;
	enum ring_result result;
	uint64_t until = earlier(ring_now_ns() + WAIT_SLICE_NS, deadline_ns);

	/* Marked exactly while its own asking may stand: recovery takes back one for it. */
	atomic_store(&ring->me->waiting, what);
	wait_ask(waiting, ring->segment->at.members);
	result = MISTAKE(no_look_after_asking) ? RING_TIMEOUT : attempt(ring, lot);
	if (result == RING_TIMEOUT) {
		if (what == WAITING_READY)
			until = earlier(until, atomic_load(&header->next_due));
		slept = wait_sleep(waiting, until);
	} else {
		wait_unask(waiting);
	}
	atomic_store(&ring->me->waiting, WAITING_NOTHING);
	if (result != RING_TIMEOUT)
		return result;
	switch (slept) {
	case WAIT_WOKEN:
		break;
	case WAIT_TIMEOUT:
		handle_look_round(ring, ring_now_ns());
		break;
	case WAIT_INTERRUPTED:
		return handle_error(EINTR);
	case WAIT_BROKEN:
		return handle_error(EBADMSG);
	}
	return attempt(ring, lot);
}

/* Is there something n further on than what is next? */
static bool reaches(struct ring *ring, enum waiting_for what, uint32_t n)
{
	return what == WAITING_READY ? hints_reach(ring->segment, n) :
	       hints_is_free(ring->segment, ring->cursor + n);
}

/* How much was there, `got` items of which were had? */
static enum spin_found how_much(struct ring *ring, enum waiting_for what, uint32_t got)
{
	if (got == 1 && !reaches(ring, what, 0))
		return SPIN_ONE;
	if (got < SPIN_MANY && !reaches(ring, what, SPIN_MANY - got))
		return SPIN_FEW;
	return reaches(ring, what, ring->segment->at.slots / 2) ? SPIN_MOST : SPIN_MUCH;
}

/* Look again a few times, after pauses. */
static enum ring_result spin(struct ring *ring, enum waiting_for what, handle_attempt *attempt,
			     struct lot *lot)
{
	struct spin_turn turn = spin_begin(&ring->spin);
	enum ring_result result = RING_TIMEOUT;

	if (turn.left == 0)
		return result;
	ring->is_spinning = true;
	do {
		spin_pause(&turn);
		result = attempt(ring, lot);
	} while (result == RING_TIMEOUT && turn.left > 0);
	ring->is_spinning = false;
	spin_learn(&ring->spin, &turn, result == RING_TIMEOUT ? SPIN_NOTHING : how_much(ring, what, lot->n));
	return result;
}

/* Let those run who want to, and look again: they may be who is waited for. */
static enum ring_result yield(struct ring *ring, enum waiting_for what, handle_attempt *attempt,
			      struct lot *lot)
{
	struct header *header = ring->segment->header;
	shared_u64 *passed = what == WAITING_READY ? &header->tail : &header->head;
	uint32_t left = spin_yields(&ring->spin);
	enum ring_result result = RING_TIMEOUT;
	bool pays = true;

	ring->is_spinning = true;
	for (; result == RING_TIMEOUT && left > 0 && pays; left--) {
		uint64_t began = spin_ticks(), told = atomic_load(passed);

		(void)sched_yield();
		result = attempt(ring, lot);
		pays = spin_learn_yield(&ring->spin, spin_ticks() - began, atomic_load(passed) - told);
	}
	ring->is_spinning = false;
	if (result != RING_TIMEOUT)
		spin_saw(&ring->spin, how_much(ring, what, lot->n));
	return result;
}

/* This one was woken, or is going: if there is more than its own, the next one must know. */
static void pass_on(struct ring *ring, struct waiting *waiting, enum ring_result result)
{
	struct header *header = ring->segment->header;
	bool is_leaving = result == RING_DRAINED || result == RING_CLOSED;

	if (MISTAKE(not_passed_on))
		return;

	if (is_leaving || waiting == &header->free || hints_any(ring->segment) ||
	    atomic_load(&header->next_due) != UINT64_MAX)
		wait_wake(waiting);
}

/* Who takes without waiting may have nothing to tell again for a long time. */
static __attribute__((cold)) void tell_times_if_due(struct ring *ring)
{
	uint64_t now = handle_now(ring);

	if (now >= ring->times_due_ns)
		handle_tell_times(ring, now);
}

static __attribute__((cold)) enum ring_result why_spoilt(void)
{
	(void)why(EBADMSG, "the count of its wake-ups is damaged");
	return RING_ERROR;
}

enum ring_result handle_wait_on(struct ring *ring, enum waiting_for what, handle_attempt *attempt,
				struct lot *lot, int timeout_ms, enum ring_result result)
{
	struct waiting *waiting = waiting_place(ring->segment->header, what);
	uint64_t began, now, deadline;
	unsigned sleeps = 0;

	if (result != RING_ERROR)	/* that has just said why */
		why_clear();
	if (result != RING_TIMEOUT) {
		pass_on(ring, waiting, result);
		return result;
	}
	if (what == WAITING_FREE) {
		member_count(ring->me, COUNT_FULL, 1);
		PROBE1(full, ring->segment->name);
		recover_high_water(ring->segment, ring->segment->at.slots);
	}
	if (timeout_ms == 0) {
		tell_times_if_due(ring);
		return result;
	}
	result = spin(ring, what, attempt, lot);
	if (result == RING_TIMEOUT)
		result = yield(ring, what, attempt, lot);
	if (result != RING_TIMEOUT)
		return result;

	began = ring_now_ns();
	handle_tell_times(ring, began);
	deadline = timeout_ms < 0 ? UINT64_MAX : began + (uint64_t)timeout_ms * 1000000;
	/* Counted after each slice, so that who looks sees a wait that goes on. */
	do {
		result = sleep_once(ring, what, attempt, lot, deadline);
		now = ring_now_ns();
		member_count(ring->me, what == WAITING_FREE ? COUNT_BLOCKED_NS : COUNT_STARVED_NS,
			     now - began);
		began = now;
		if (++sleeps % SLEEPS_MANY == 0 && result == RING_TIMEOUT && !wait_is_plausible(waiting))
			result = why_spoilt();
	} while (result == RING_TIMEOUT && now < deadline);
	pass_on(ring, waiting, result);
	return result;
}
