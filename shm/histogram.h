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
static_assert(RING_BUCKETS / HISTOGRAM_PARTS <= 64, "a bit for each");

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

/*
 * What a member has counted for itself and not told yet: the ring has one histogram for all. The latest
 * time waits for the next before it is counted: its bucket's place follows from the clock's reading, and a
 * swap behind a store waits until the processor knows where that goes.
 */
struct untold {
	uint64_t sum_ns;
	uint64_t touched;	/* a bit for each HISTOGRAM_PARTS buckets that are not all 0 */
	uint64_t last_ns, last_items;	/* the latest */
	uint64_t bucket[RING_BUCKETS];
};

static inline void histogram_count(struct untold *untold, uint64_t ns, uint32_t items)
{
	unsigned i = histogram_bucket(untold->last_ns);

	untold->sum_ns += untold->last_items * untold->last_ns;
	untold->bucket[i] += untold->last_items;
	untold->touched |= UINT64_C(1) << i / HISTOGRAM_PARTS;
	untold->last_ns = ns;
	untold->last_items = items;
}

/* The latest as well. */
static inline void histogram_settle(struct untold *untold)
{
	histogram_count(untold, 0, 0);
}

/* Add it to what all have told. Killed in between, it has told some of it. */
void histogram_tell(struct untold *untold, struct histogram *told);

#endif
