/*
 * spin.h - private: how often, and for how long, a call looks again before it sleeps.
 *
 * Each look takes a line away from the process that is writing it. In a stream of items a pause of some
 * microseconds before the next look lets many come together, and is worth several times its length; to
 * one who waits for the answer to what he has just sent, each pause is a loss. Which of the two it is shows
 * in what is found: so the pause grows while much is there at once, halves while one item is all, and shrinks
 * while there is so much that the other side will soon have to wait itself. A long one changes by little, or
 * it would swing between too much and too little.
 *
 * Where others want the processor who waits gives it to them, and looks between: they may be who is waited
 * for. Only in a stream, of which there will be much soon, the pauses come first.
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
	bool is_stream;		/* much was found at once, and one item has not been all there was since */
	bool is_shared;		/* others had the processor when it was given away last, and not for long */
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

/* What came of it; and what was there in the end, where something was. */
void spin_learn(struct spin *spin, const struct spin_turn *turn, enum spin_found found);
void spin_saw(struct spin *spin, enum spin_found found);

/* How often to give the processor away now; and after each time, that it took so long and as many items
   passed: did it pay? */
uint32_t spin_yields(struct spin *spin);
bool spin_learn_yield(struct spin *spin, uint64_t ticks, uint64_t items);

#endif
