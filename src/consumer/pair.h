/*
 * pair.h - should a consumer and its COMMAND share one processor? Where answers are quick, the one mostly
 * waits while the other works, and waking it on another processor, which has fallen asleep meanwhile, is most
 * of what an answer takes. Whether that is so, is tried. Pure: the caller says how long answers took, and
 * makes the moves.
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
	uint32_t turns;		/* of this round: there and back */
	uint64_t answers, sum_ns;	/* of them, and what they took */
	uint64_t apart;		/* what an answer took apart, in the last round there; in 1/1024 ns */
	uint64_t due_ns;	/* apart: no try before; together: to be compared again */
	uint64_t rest_ns;	/* after the next try in vain */
};

/* Answers came together; they took so long, all in all. */
enum pair_move pair_answered(struct pair *pair, uint64_t answers, uint64_t took_ns, uint64_t now_ns);

/* There is a pause, or COMMAND has ended. */
enum pair_move pair_pause(struct pair *pair);

#endif
