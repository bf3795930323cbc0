/*
 * histogram.c - where a histogram's buckets end, and what it says.
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
