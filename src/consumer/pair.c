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

static enum pair_move part(struct pair *pair, uint64_t due_ns)
{
	pair->is_together = false;
	pair->due_ns = due_ns;
	return PAIR_PART;
}

static enum pair_move judge_together(struct pair *pair, uint64_t each_ns, uint64_t now_ns)
{
	if (each_ns > pair->apart_ns - pair->apart_ns / GAIN) {
		pair->rest_ns = pair->rest_ns < REST_MIN_NS ? REST_MIN_NS :
				pair->rest_ns < REST_MAX_NS ? 2 * pair->rest_ns : REST_MAX_NS;
		return part(pair, now_ns + pair->rest_ns);
	}
	pair->rest_ns = 0;
	return now_ns < pair->due_ns ? PAIR_STAY : part(pair, 0);
}

static enum pair_move judge_apart(struct pair *pair, uint64_t each_ns, uint64_t now_ns)
{
	pair->apart_ns = each_ns;
	if (each_ns > QUICK_NS || now_ns < pair->due_ns)
		return PAIR_STAY;
	pair->is_together = true;
	pair->due_ns = now_ns + TOGETHER_NS;
	return PAIR_JOIN;
}

enum pair_move pair_answered(struct pair *pair, uint64_t took_ns, uint64_t now_ns)
{
	uint64_t each_ns;

	if (took_ns > SLOW_NS)
		return pair_pause(pair);
	pair->sum_ns += took_ns;
	if (++pair->answers < ROUND)
		return PAIR_STAY;
	each_ns = pair->sum_ns / pair->answers;
	pair->answers = 0;
	pair->sum_ns = 0;
	return pair->is_together ? judge_together(pair, each_ns, now_ns) : judge_apart(pair, each_ns, now_ns);
}

enum pair_move pair_pause(struct pair *pair)
{
	pair->answers = 0;
	pair->sum_ns = 0;
	return pair->is_together ? part(pair, 0) : PAIR_STAY;
}
