/*
 * rates.c - what changed between two readings of a ring, a second.
 */
#include "src/view/rates.h"

static double rate(uint64_t then, uint64_t now, double seconds)
{
	return now > then && seconds > 0 ? (double)(now - then) / seconds : 0.0;
}

struct rates rates_between(const struct ring_stats *then, const struct ring_stats *now,
			   double seconds)
{
	static const struct ring_stats nothing;

	if (then == NULL)
		then = &nothing;
	return (struct rates){
		.published = rate(then->published, now->published, seconds),
		.acked = rate(then->acked, now->acked, seconds),
		.redelivered = rate(then->redelivered, now->redelivered, seconds),
		.dead = rate(then->dead, now->dead, seconds),
		.dropped = rate(then->dropped, now->dropped, seconds),
		.full = rate(then->full, now->full, seconds),
		.blocked = rate(then->blocked_ns, now->blocked_ns, seconds) / 1e9,
		.starved = rate(then->starved_ns, now->starved_ns, seconds) / 1e9,
	};
}
