/* pair.c - see pair.h. */
#include "src/consumer/pair.h"

#define NS_PER_US UINT64_C(1000)
#define NS_PER_S UINT64_C(1000000000)

/* All guesses: a round takes milliseconds, and a round a second to compare less than a hundredth. */
#define ROUND 64u
#define QUICK_NS (100 * NS_PER_US)	/* on average; waking is not much of what takes longer */
#define SLOW_NS (1000 * NS_PER_US)	/* one that takes so long may go on to take for ever */
#define TOGETHER_NS NS_PER_S
#define REST_MIN_NS NS_PER_S
#define REST_MAX_NS (64 * NS_PER_S)
#define GAIN 8u				/* it must be quicker by this part */
#define PARTS 1024u			/* of a nanosecond: many answers may come together */

static enum pair_move part(struct pair *pair, uint64_t due_ns)
{
	pair->is_together = false;
	pair->due_ns = due_ns;
	return PAIR_PART;
}

static enum pair_move judge_together(struct pair *pair, uint64_t each, uint64_t now_ns)
{
	if (each > pair->apart - pair->apart / GAIN) {
		pair->rest_ns = pair->rest_ns < REST_MIN_NS ? REST_MIN_NS :
				pair->rest_ns < REST_MAX_NS ? 2 * pair->rest_ns : REST_MAX_NS;
		return part(pair, now_ns + pair->rest_ns);
	}
	pair->rest_ns = 0;
	return now_ns < pair->due_ns ? PAIR_STAY : part(pair, 0);
}

static enum pair_move judge_apart(struct pair *pair, uint64_t each, uint64_t now_ns)
{
	pair->apart = each;
	if (now_ns < pair->due_ns)
		return PAIR_STAY;
	pair->is_together = true;
	pair->due_ns = now_ns + TOGETHER_NS;
	return PAIR_JOIN;
}

static void begin_round(struct pair *pair)
{
	pair->turns = 0;
	pair->answers = 0;
	pair->sum_ns = 0;
}

enum pair_move pair_answered(struct pair *pair, uint64_t answers, uint64_t took_ns, uint64_t now_ns)
{
	uint64_t sum_ns = pair->sum_ns += took_ns, each;

	if (took_ns > SLOW_NS)
		return pair_pause(pair);
	pair->answers += answers;
	if (++pair->turns < ROUND)
		return PAIR_STAY;
	each = sum_ns * PARTS / pair->answers;
	begin_round(pair);
	if (pair->is_together)
		return judge_together(pair, each, now_ns);
	return sum_ns > ROUND * QUICK_NS ? PAIR_STAY : judge_apart(pair, each, now_ns);
}

enum pair_move pair_pause(struct pair *pair)
{
	begin_round(pair);
	return pair->is_together ? part(pair, 0) : PAIR_STAY;
}
