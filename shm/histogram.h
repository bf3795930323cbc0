/*
 * histogram.h - private: how a time is counted. The buckets' bounds are public, in ring.h.
 *
 * Log-linear, after HdrHistogram: below 32 units a bucket a unit, above that 16 buckets to each
 * doubling. The unit is 128 ns, so 512 buckets reach to 2^42 ns, 73 minutes.
 */
#ifndef SHMLINE_HISTOGRAM_H
#define SHMLINE_HISTOGRAM_H

#include "shm/layout.h"

#define HISTOGRAM_UNIT_BITS 7		/* 2^7 ns */
#define HISTOGRAM_PART_BITS 4		/* 2^4 buckets a doubling */
#define HISTOGRAM_PARTS (1u << HISTOGRAM_PART_BITS)

static_assert(RING_BUCKETS % HISTOGRAM_PARTS == 0, "whole doublings");

/* The bucket of a time. */
static inline unsigned histogram_bucket(uint64_t ns)
{
	uint64_t units = ns >> HISTOGRAM_UNIT_BITS;
	unsigned doublings, bucket;

	if (units < 2 * HISTOGRAM_PARTS)
		return (unsigned)units;
	doublings = 63 - (unsigned)__builtin_clzll(units) - HISTOGRAM_PART_BITS;
	bucket = doublings * HISTOGRAM_PARTS + (unsigned)(units >> doublings);
	return bucket < RING_BUCKETS ? bucket : RING_BUCKETS - 1;
}

/* The member whose histogram it is counts alone: plain loads and stores in lines of its own. */
static inline void histogram_count(struct histogram *histogram, uint64_t ns, uint32_t items)
{
	shared_u64 *bucket = &histogram->bucket[histogram_bucket(ns)];
	uint64_t sum = atomic_load_explicit(&histogram->sum_ns, memory_order_relaxed);
	uint64_t n = atomic_load_explicit(bucket, memory_order_relaxed);

	atomic_store_explicit(&histogram->sum_ns, sum + items * ns, memory_order_relaxed);
	atomic_store_explicit(bucket, n + items, memory_order_relaxed);
}

#endif
