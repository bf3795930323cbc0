/*
 * spin.h - private: how often, and for how long, a call looks again before it sleeps.
 *
 * Each look takes a line away from the process that is writing it. In a stream of items a pause of some
 * microseconds before the next look lets many come together, and is worth several times its length; to
 * one who waits for the answer to what he has just sent, each pause is a loss. Which of the two it is shows
 * in what is found: so the pause doubles while much is there at once, and halves while one item is all, or so
 * much that the other side will soon have to wait itself.
 */
#ifndef SHMLINE_SPIN_H
#define SHMLINE_SPIN_H

#include <stdbool.h>
#include <stdint.h>

/* Found at once: so many cells or slots further on there is still more. */
#define SPIN_MANY 8

/* What did not pay is left out, longer and longer. */
struct spin_skip {
	uint32_t skip, skipped;
};

struct spin {
	uint32_t pause, budget;	/* ticks */
	uint32_t waits;
	struct spin_skip after_waking;	/* waits right after somebody else was woken, which don't spin */
	struct spin_skip yield;		/* waits that don't give the processor away */
};

struct spin_turn {
	uint32_t pause, left;	/* ticks; left 0: it is time to sleep */
	uint32_t looks;
	bool is_trial, is_after_waking;
};

/* What the processor counts: a third of a nanosecond to one, where it is x86. */
uint64_t spin_ticks(void);

void spin_init(struct spin *spin);
/* This thread has woken somebody, on whatever ring. */
void spin_woke(void);
struct spin_turn spin_begin(struct spin *spin);
/* Wait a little; then look. */
void spin_pause(struct spin_turn *turn);
/* How much there is to be had. */
enum spin_found { SPIN_NOTHING, SPIN_ONE, SPIN_FEW, SPIN_MUCH, SPIN_MOST };

/* What came of it. */
void spin_learn(struct spin *spin, const struct spin_turn *turn, enum spin_found found);

/* How often to give the processor away now; and after each time, that it took so long and as many items
   passed: did it pay? */
uint32_t spin_yields(struct spin *spin);
bool spin_learn_yield(struct spin *spin, uint64_t ticks, uint64_t items);

#endif
