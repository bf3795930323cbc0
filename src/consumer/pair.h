/*
 * pair.h - should a consumer and its COMMAND share one processor? Who hands items over one at a time, and
 * waits for each answer, has only one of the two at work: then waking the other on another processor, which
 * has fallen asleep meanwhile, is most of what a quick answer takes. Whether it is, is tried. Pure: the
 * caller says how long answers took, and makes the moves.
 *
 *	APART --a round of quick answers--> TOGETHER --not quicker so; or slow, or silent--> APART
 *	                                        '--every second, to compare again--> APART
 */
#ifndef SHMLINE_PAIR_H
#define SHMLINE_PAIR_H

#include <stdbool.h>
#include <stdint.h>

enum pair_move { PAIR_STAY, PAIR_JOIN, PAIR_PART };

struct pair {
	bool is_together;
	uint32_t answers;	/* of this round */
	uint64_t sum_ns;	/* what they took */
	uint64_t apart_ns;	/* what one took apart, in the last round there */
	uint64_t due_ns;	/* apart: no try before; together: to be compared again */
	uint64_t rest_ns;	/* after the next try in vain */
};

/* An answer came; it took so long. */
enum pair_move pair_answered(struct pair *pair, uint64_t took_ns, uint64_t now_ns);

/* There is a pause, or COMMAND has ended. */
enum pair_move pair_pause(struct pair *pair);

#endif
