/*
 * scale.h - how many consumers keep up with what arrives? Pure: what it decides depends on the readings
 * that it was given alone, the time included.
 *
 * Little's law: items that arrive at a rate L and take W each keep L x W consumers busy. Both are
 * measured: the rate over the last seconds, W as the time that consumers did not wait for items, shared
 * among the items that they were done with. It needs no model of the work, and counts its pauses too.
 *
 * - Up at once, at most once a second, and at most to three times as many: new consumers must show in the
 *   measurements first. What has piled up is to be worked off within seconds.
 * - Down only to the most that was needed at any time of the last ten seconds, so that a load which comes
 *   and goes within that time keeps what it needs.
 * - A step up by which no more got done (they fight for cores, or for something else that is one) is
 *   taken back, and not tried again for half a minute.
 */
#ifndef SHMLINE_LAUNCHER_SCALE_H
#define SHMLINE_LAUNCHER_SCALE_H

#include <stdbool.h>
#include <stdint.h>

/* Counters grow from reading to reading. A reading each 250 ms is meant. */
struct scale_reading {
	uint64_t now_ns;
	uint64_t arrived;	/* items that were published, or came back */
	uint64_t done;		/* that consumers were done with, one way or the other */
	uint64_t starved_ns;	/* time that consumers waited for items, all together */
	uint64_t full;		/* publishes that found no room */
	uint64_t waiting;	/* items that nobody has taken yet */
	unsigned consumers;	/* now */
};

enum scale_reason {
	SCALE_STAY,
	SCALE_ARRIVALS,		/* what arrives needs more */
	SCALE_BACKLOG,		/* what has piled up needs more */
	SCALE_FULL,		/* producers wait for room */
	SCALE_NO_GAIN,		/* the last step up was of no use */
	SCALE_IDLE,		/* fewer keep up */
	SCALE_BOUNDS,		/* workers were added or lost otherwise: back to MIN..MAX */
};

struct scale_verdict {
	unsigned consumers;	/* wanted from now on; as many as now: SCALE_STAY */
	enum scale_reason reason;
	/* What it was decided by. */
	double arrivals_per_s, done_per_s, work_s;
	double busy;		/* consumers that what arrives keeps busy */
	double used;		/* that were busy */
};

#define SCALE_READINGS 48	/* twelve seconds */
#define SCALE_NEEDS 40		/* ten */

struct scale {
	unsigned min, max;
	struct scale_reading readings[SCALE_READINGS];	/* a ring of the last ones */
	double busy_s[SCALE_READINGS];			/* until each, since the first */
	unsigned count, next;
	unsigned needs[SCALE_NEEDS];			/* a ring too: consumers that were needed */
	unsigned needs_count, needs_next;
	unsigned pressed;		/* readings in a row that asked for more */
	double work_s;			/* smoothed; 0: not known yet */
	uint64_t changed_ns;		/* last step; 0: none */
	/* The last step up, until it has proved itself. */
	struct { bool is_open; unsigned from; double done_per_s; } trial;
	unsigned ceiling;		/* 0: none */
	uint64_t ceiling_until_ns;
};

/* 1 <= min <= max. */
void scale_init(struct scale *scale, unsigned min, unsigned max);

/* Note a reading, and decide. `lost` consumers were given up for good: they are not replaced. */
struct scale_verdict scale_decide(struct scale *scale, const struct scale_reading *reading,
				  unsigned lost);

#endif
