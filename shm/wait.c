/*
 * wait.c - sleeping and waking on the two semaphores of a ring. What is waited for is the callers'.
 */
#include "shm/wait.h"

#include "shm/failpoint.h"
#include "shm/spin.h"

#include <errno.h>
#include <time.h>

/* More than there ever were deaths, of which each may leave one too many: a spoilt count. */
#define TOKENS_MAX (1 << 20)

int wait_init(struct waiting *waiting)
{
	atomic_init(&waiting->wanted, 0);
	return sem_init(&waiting->sem, 1, 0);
}

void wait_ask(struct waiting *waiting, uint32_t cap)
{
	uint32_t wanted = atomic_load(&waiting->wanted);

	/* seq_cst: raised before the caller looks again; pairs with the look in wait_wake(), which
	   comes after the waker's swap. One of the two sees the other. At the cap there are as
	   many wake-ups asked for as there can be sleepers, this one included. */
	while (wanted < cap && !atomic_compare_exchange_weak(&waiting->wanted, &wanted, wanted + 1))
		;
}

static bool lower(struct waiting *waiting)
{
	uint32_t wanted = atomic_load(&waiting->wanted);

	while (wanted > 0)
		if (atomic_compare_exchange_weak(&waiting->wanted, &wanted, wanted - 1))
			return true;
	return false;
}

void wait_unask(struct waiting *waiting)
{
	int error = errno;

	/* At 0 somebody has posted for us, or is about to: that token is nobody's then. One that has not
	   come yet wakes somebody for nothing. */
	if (!lower(waiting))
		(void)sem_trywait(&waiting->sem);
	errno = error;
}

enum wait_result wait_sleep(struct waiting *waiting, uint64_t until_ns)
{
	struct timespec until = {
		.tv_sec = (time_t)(until_ns / 1000000000),
		.tv_nsec = (long)(until_ns % 1000000000),
	};

	if (sem_clockwait(&waiting->sem, CLOCK_MONOTONIC, &until) == 0)
		return WAIT_WOKEN;
	wait_unask(waiting);
	switch (errno) {
	case ETIMEDOUT:
		return WAIT_TIMEOUT;
	case EINTR:
		return WAIT_INTERRUPTED;
	default:
		return WAIT_BROKEN;
	}
}

bool wait_is_plausible(struct waiting *waiting)
{
	int tokens;

	return sem_getvalue(&waiting->sem, &tokens) == 0 && tokens >= 0 && tokens <= TOKENS_MAX;
}

void wait_wake(struct waiting *waiting)
{
	if (!lower(waiting))
		return;
	(void)sem_post(&waiting->sem);	/* EOVERFLOW: tokens enough for everybody */
	spin_woke();
}

void wait_replace(struct waiting *waiting, bool was_waiting)
{
	if (MISTAKE(death_not_replaced))
		return;
	if (MISTAKE(death_nudged)) {
		wait_nudge(waiting);
		return;
	}
	/* In this order: a replacer killed in between leaves one too many, not one too few. */
	(void)sem_post(&waiting->sem);
	if (was_waiting)
		(void)lower(waiting);
}

void wait_nudge(struct waiting *waiting)
{
	/* Taking the token first makes the post wake a sleeper even if the one that the token was
	   for died between its waking and its taking it. */
	(void)sem_trywait(&waiting->sem);
	(void)sem_post(&waiting->sem);
}
