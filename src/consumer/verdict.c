/* verdict.c - see verdict.h. */
#include "src/consumer/verdict.h"

#include "src/base/exitcode.h"

#define LATER_NS UINT64_C(1000000000)	/* a guess: soon for people, rare for a machine */

enum verdict verdict_of_run(const struct rules *rules, int code, int signal, uint32_t failures)
{
	if (signal == 0) {
		switch (code) {
		case ITEM_ACK:
			return VERDICT_ACK;
		case ITEM_LATER:
			return VERDICT_LATER;
		case ITEM_DEAD:
			return VERDICT_DEAD;
		case ITEM_STOP:
			return VERDICT_STOP;
		default:
			break;
		}
	}
	return failures < rules->retries ? VERDICT_RETRY : VERDICT_DEAD;
}

bool verdict_is_poison(const struct rules *rules, uint32_t deliveries, uint32_t given_back)
{
	uint64_t limit = rules->max_deliveries;

	if (rules->shares_hands && limit < 2)
		limit = 2;
	/* This delivery has not ended yet. Counters that stay at their ends may cross. */
	return deliveries > given_back + 1 && deliveries - 1 - given_back >= limit;
}

uint64_t verdict_delay_ns(const struct rules *rules, enum verdict verdict, uint32_t before,
			  double random01)
{
	if (rules->has_backoff)
		return backoff_delay_ns(&rules->backoff, before, random01);
	return verdict == VERDICT_LATER ? LATER_NS : 0;
}
