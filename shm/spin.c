/*
 * spin.c - how long to look before sleeping, learnt from what looking brought. One member's; no sharing.
 */
#include "shm/spin.h"

#include "shm/ring.h"

#include <sched.h>

/* All in ticks, and all guesses that were tried on two cores (bench/NOTES.md). */
#define PAUSE_MIN 128u
#define PAUSE_MAX 10000u
#define PAUSE_TRIAL 2500u
#define BUDGET_MIN 2000u
#define BUDGET_MAX 60000u
#define AFTER_WAKING 40000u	/* about as long as it takes until who was woken answers */
#define TRIAL_EVERY 32u
#define SKIP_MAX 255u

static _Thread_local uint64_t woke;	/* when it last woke somebody; ticks */

uint64_t spin_ticks(void)
{
#if defined(__x86_64__) || defined(__i386__)
	return __builtin_ia32_rdtsc();
#else
	return ring_now_ns();
#endif
}

static bool is_alone(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) == 1;
}

void spin_init(struct spin *spin)
{
	bool alone = is_alone();

	*spin = (struct spin){ .pause = PAUSE_TRIAL, .budget = alone ? 0 : BUDGET_MAX };
}

void spin_woke(void)
{
	woke = spin_ticks();
}

/* Who was just woken wants a processor, perhaps this one: then sleeping at once is the quickest. Tried now
   and then, since it keeps both from meeting awake. */
static bool is_to_be_skipped(struct spin *spin)
{
	if (spin->skipped < spin->skip) {
		spin->skipped++;
		return true;
	}
	spin->skipped = 0;
	return false;
}

struct spin_turn spin_begin(struct spin *spin)
{
	struct spin_turn turn = { .pause = spin->pause, .left = spin->budget };

	if (spin->budget == 0)
		return turn;
	if (woke && spin_ticks() - woke < AFTER_WAKING) {
		turn.is_after_waking = true;
		turn.left = is_to_be_skipped(spin) ? 0 : AFTER_WAKING;
	}
	woke = 0;
	if (++spin->waits % TRIAL_EVERY == 0 && spin->pause < PAUSE_TRIAL) {
		turn.is_trial = true;
		turn.pause = PAUSE_TRIAL;
	}
	return turn;
}

void spin_pause(struct spin_turn *turn)
{
	uint64_t begin = spin_ticks();

	while (spin_ticks() - begin < turn->pause) {
#if defined(__x86_64__) || defined(__i386__)
		__builtin_ia32_pause();
#elif defined(__aarch64__)
		__asm__ volatile ("yield");
#endif
	}
	turn->left -= turn->pause < turn->left ? turn->pause : turn->left;
	turn->pause += turn->pause / 2;
	turn->looks++;
}

static void learn_pause(struct spin *spin, const struct spin_turn *turn, bool many, bool alone)
{
	if (turn->looks != 1)
		return;
	if (turn->is_trial) {
		if (many)
			spin->pause = PAUSE_TRIAL;
	} else if (many && spin->pause < PAUSE_MAX / 2) {
		spin->pause *= 2;
	} else if (alone && spin->pause > 2 * PAUSE_MIN) {
		spin->pause /= 2;
	}
}

void spin_learn(struct spin *spin, const struct spin_turn *turn, bool found, bool many, bool alone)
{
	if (turn->is_after_waking) {
		spin->skip = found ? 0 : spin->skip < SKIP_MAX ? 2 * spin->skip + 1 : SKIP_MAX;
		return;
	}
	if (found) {
		spin->budget = spin->budget < BUDGET_MAX / 2 ? 2 * spin->budget : BUDGET_MAX;
		learn_pause(spin, turn, many, alone);
	} else if (spin->budget > 2 * BUDGET_MIN) {
		spin->budget /= 2;
	}
}
