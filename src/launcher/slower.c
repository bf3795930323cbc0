/* slower.c - see slower.h. */
#include "src/launcher/slower.h"

#define MATCHING 1.1	/* a guess: less than what one more worker would change */

/* At least a nanosecond, so that two of them have a ratio. */
static uint64_t worked_ns(const struct side_time *side)
{
	uint64_t waited_ns = side->workers > 0 ? side->waited_ns / side->workers : 0;

	return side->lasted_ns > waited_ns ? side->lasted_ns - waited_ns : 1;
}

struct slower slower_of(const struct side_time *producers, const struct side_time *consumers)
{
	struct slower slower = {
		.producer_ns = worked_ns(producers), .consumer_ns = worked_ns(consumers),
	};

	slower.times = (double)slower.consumer_ns / (double)slower.producer_ns;
	if (slower.times >= MATCHING)
		slower.side = SLOWER_CONSUMERS;
	else if (slower.times <= 1 / MATCHING)
		slower.side = SLOWER_PRODUCERS;
	if (slower.times < 1)
		slower.times = 1 / slower.times;
	return slower;
}
