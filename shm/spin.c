/*
 * spin.c - how long to look before sleeping, learnt from what looking brought. One member's; no sharing.
 */
#include "shm/spin.h"

#include "shm/ring.h"

#include <sched.h>

/* All in ticks, and all guesses that were tried on two cores (bench/NOTES.md). */
#define PAUSE_MIN 32u
#define PAUSE_MAX 60000u
#define PAUSE_COARSE 20000u	/* up to here it is doubled and halved, beyond it changes by an eighth */
#define PAUSE_TRIAL 2500u
#define BUDGET_MIN 2000u
#define BUDGET_MAX 60000u
#define AFTER_WAKING 40000u	/* about as long as it takes until who was woken answers */
#define TRIAL_EVERY 32u
#define SKIP_MAX 255u
#define YIELDS 3u
#define YIELD_BARE 10000u	/* more than the call takes if nobody else wants to run: 1,000 to 3,000 */
#define YIELD_LONG 1000000u	/* of one who wants to run, for long: who waits may be late now */
#define YIELD_PACE 250000u	/* ticks an item; slower, and it was not the ring that they were busy with */

static _Thread_local uint64_t woke;	/* when it last woke somebody; ticks */

uint64_t spin_ticks(void)
{
#if defined(__x86_64__) || defined(__i386__)
	return __builtin_ia32_rdtsc();
#else
	return ring_now_ns();
#endif
}

static uint32_t at_most(uint32_t n, uint32_t most)
{
	return n < most ? n : most;
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

static bool is_skipped(struct spin_skip *at)
{
	if (at->skipped < at->skip) {
		at->skipped++;
		return true;
	}
	at->skipped = 0;
	return false;
}

struct spin_turn spin_begin(struct spin *spin)
{
	struct spin_turn turn = { .pause = spin->pause, .left = spin->budget };

	if (spin->budget == 0)
		return turn;
	if (woke && spin_ticks() - woke < AFTER_WAKING) {
		turn.is_after_waking = true;
		/* Who was woken wants a processor, perhaps this one: then sleeping at once is the quickest.
		   Tried now and then, since it keeps both from meeting awake. */
		turn.left = is_skipped(&spin->after_waking) ? 0 : AFTER_WAKING;
	}
	woke = 0;
	if (spin->is_shared && !spin->is_stream)
		turn.left = 0;	/* spin_yields() comes first */
	if (++spin->waits % TRIAL_EVERY == 0 && spin->pause < PAUSE_TRIAL) {
		turn.is_trial = true;
		turn.pause = PAUSE_TRIAL;
	}
	return turn;
}

void spin_pause(struct spin_turn *turn)
{
	uint64_t begin = spin_ticks();
	uint32_t pause = at_most(turn->pause, turn->left);

	while (spin_ticks() - begin < pause) {
#if defined(__x86_64__) || defined(__i386__)
		__builtin_ia32_pause();
#elif defined(__aarch64__)
		__asm__ volatile ("yield");
#endif
	}
	turn->left -= pause;
	turn->pause += turn->pause / 4;
	turn->looks++;
}

static uint32_t longer(uint32_t pause)
{
	return pause < PAUSE_COARSE ? at_most(2 * pause, PAUSE_COARSE) : at_most(pause + pause / 8, PAUSE_MAX);
}

static uint32_t shorter(uint32_t pause)
{
	return pause <= PAUSE_COARSE ? pause / 2 : pause - pause / 8;
}

static void learn_pause(struct spin *spin, const struct spin_turn *turn, enum spin_found found)
{
	uint32_t pause = spin->pause;

	if (found == SPIN_ONE)
		pause /= 2;
	else if (turn->looks != 1 || turn->is_after_waking)
		return;
	else if (turn->is_trial)
		pause = found == SPIN_MUCH ? PAUSE_TRIAL : pause;
	else if (found == SPIN_MUCH)
		pause = longer(pause);
	else if (found == SPIN_MOST)
		pause = shorter(pause);
	spin->pause = pause > PAUSE_MIN ? pause : PAUSE_MIN;
}

void spin_saw(struct spin *spin, enum spin_found found)
{
	if (found == SPIN_MUCH || found == SPIN_MOST)
		spin->is_stream = true;
	else if (found == SPIN_ONE)
		spin->is_stream = false;
}

void spin_learn(struct spin *spin, const struct spin_turn *turn, enum spin_found found)
{
	spin_saw(spin, found);
	learn_pause(spin, turn, found);
	if (turn->is_after_waking) {
		struct spin_skip *at = &spin->after_waking;

		at->skip = found ? 0 : at->skip < SKIP_MAX ? 2 * at->skip + 1 : SKIP_MAX;
		return;
	}
	if (found)
		spin->budget = at_most(2 * spin->budget, BUDGET_MAX);
	else if (spin->budget > 2 * BUDGET_MIN)
		spin->budget /= 2;
}

uint32_t spin_yields(struct spin *spin)
{
	return is_skipped(&spin->yield) ? 0 : YIELDS;
}

bool spin_learn_yield(struct spin *spin, uint64_t ticks, uint64_t items)
{
	bool paid = ticks < YIELD_LONG || ticks / YIELD_PACE < items;

	spin->is_shared = paid && ticks > YIELD_BARE;
	if (!paid)
		spin->yield.skip = SKIP_MAX;
	else if (spin->yield.skip > 0)
		spin->yield.skip -= spin->yield.skip / 4 + 1;
	return paid;
}
