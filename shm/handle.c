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

/*
 * Before it sleeps a call tries again after pauses that grow: each look takes a line away from the process
 * that is writing it, so looking at once and often slows both (measured: a third of the throughput, one to
 * one). The first pause is about 100 ns, all together about 40 us, where a pause instruction takes 6 ns.
 */
#define PAUSES_FIRST 16
#define PAUSES_LAST 2000

/* Members look round at most so often, all together; a launcher keeps them from it altogether. */
#define LOOK_ROUND_NS UINT64_C(100000000)
#define LAUNCHER_LOOKS_NS UINT64_C(1000000000)

enum ring_result handle_error(int error)
{
	errno = error;
	return RING_ERROR;
}

bool handle_owns(const struct ring *ring, const struct ring_item *item, unsigned state)
{
	return ring->me && item->slot < ring->segment->at.slots &&
	       slot_is(item->word, (enum slot_state)state, ring->index);
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

void handle_tell_if_drained(struct ring *ring)
{
	struct header *header = ring->segment->header;

	if ((atomic_load(&header->ending) || atomic_load(&header->stop)) &&
	    atomic_load(&header->ready.wanted) && flags_is_drained(ring->segment))
		wait_wake(&header->ready);
}

int handle_remaining_ms(int timeout_ms, uint64_t deadline_ns)
{
	uint64_t now;

	if (timeout_ms <= 0)
		return timeout_ms;
	now = ring_now_ns();
	return now < deadline_ns ? (int)((deadline_ns - now) / 1000000) : 0;
}

static void pause_for(unsigned n)
{
	while (n-- > 0) {
#if defined(__x86_64__) || defined(__i386__)
		__builtin_ia32_pause();
#elif defined(__aarch64__)
		__asm__ volatile ("yield");
#else
		atomic_signal_fence(memory_order_seq_cst);
#endif
	}
}

/* The clock costs more than the rest of a call; one read of the processor's counter tells whether the last
   reading is younger than about a microsecond. */
uint64_t handle_now(struct ring *ring)
{
#if defined(__x86_64__)
	uint64_t ticks = __builtin_ia32_rdtsc();

	if (ticks - ring->now_ticks < 2000)
		return ring->now_ns;
	ring->now_ticks = ticks;
#endif
	ring->now_ns = ring_now_ns();
	return ring->now_ns;
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
				   handle_attempt *attempt, struct ring_item *item,
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
	result = MISTAKE(no_look_after_asking) ? RING_TIMEOUT : attempt(ring, item);
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
	return attempt(ring, item);
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

enum ring_result handle_wait(struct ring *ring, enum waiting_for what, handle_attempt *attempt,
			     struct ring_item *item, int timeout_ms)
{
	struct waiting *waiting = waiting_place(ring->segment->header, what);
	enum ring_result result = attempt(ring, item);
	uint64_t began, now, deadline;

	if (result != RING_TIMEOUT) {
		if (result != RING_OK)
			pass_on(ring, waiting, result);
		return result;
	}
	if (what == WAITING_FREE) {
		member_count(ring->me, COUNT_FULL, 1);
		PROBE1(full, ring->segment->name);
		recover_high_water(ring->segment, ring->segment->at.slots);
	}
	if (timeout_ms == 0)
		return result;
	for (unsigned n = PAUSES_FIRST; n < PAUSES_LAST && result == RING_TIMEOUT; n += n / 2) {
		pause_for(n);
		result = attempt(ring, item);
	}
	if (result != RING_TIMEOUT)
		return result;

	began = ring_now_ns();
	deadline = timeout_ms < 0 ? UINT64_MAX : began + (uint64_t)timeout_ms * 1000000;
	/* Counted after each slice, so that who looks sees a wait that goes on. */
	do {
		result = sleep_once(ring, what, attempt, item, deadline);
		now = ring_now_ns();
		member_count(ring->me, what == WAITING_FREE ? COUNT_BLOCKED_NS : COUNT_STARVED_NS,
			     now - began);
		began = now;
	} while (result == RING_TIMEOUT && now < deadline);
	pass_on(ring, waiting, result);
	return result;
}
