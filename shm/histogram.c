/*
 * histogram.c - where a histogram's buckets end, what it says, and how a member's own counts get into it.
 */
#include "shm/histogram.h"

uint64_t ring_bucket_end_ns(unsigned i)
{
	unsigned doublings = i < 2 * HISTOGRAM_PARTS ? 0 : i / HISTOGRAM_PARTS - 1;

	return ((uint64_t)(i - doublings * HISTOGRAM_PARTS) + 1) << (doublings + HISTOGRAM_UNIT_BITS);
}

uint64_t ring_quantile_ns(const struct ring_histogram *histogram, double q)
{
	double wanted = q * (double)histogram->count;
	uint64_t seen = 0, begin = 0;

	for (unsigned i = 0; i < RING_BUCKETS; i++) {
		uint64_t end = ring_bucket_end_ns(i);

		seen += histogram->bucket[i];
		if (seen > 0 && (double)seen >= wanted)
			return begin + (end - begin) / 2;
		begin = end;
	}
	return 0;
}

void histogram_tell(struct untold *untold, struct histogram *told)
{
	histogram_settle(untold);
	for (uint64_t left = untold->touched; left; left &= left - 1) {
		unsigned begin = (unsigned)__builtin_ctzll(left) * HISTOGRAM_PARTS;

		for (unsigned i = begin; i < begin + HISTOGRAM_PARTS; i++) {
			if (untold->bucket[i] == 0)
				continue;
			atomic_fetch_add_explicit(&told->bucket[i], untold->bucket[i], memory_order_relaxed);
			untold->bucket[i] = 0;
		}
	}
	untold->touched = 0;
	if (untold->sum_ns)
		atomic_fetch_add_explicit(&told->sum_ns, untold->sum_ns, memory_order_relaxed);
	untold->sum_ns = 0;
}
