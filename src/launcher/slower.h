/* slower.h - which side of the line kept the other waiting, and by how much. Pure. */
#ifndef SHMLINE_LAUNCHER_SLOWER_H
#define SHMLINE_LAUNCHER_SLOWER_H

#include <stdint.h>

enum slower_side { SLOWER_NEITHER, SLOWER_PRODUCERS, SLOWER_CONSUMERS };

/* One side's time in a run. */
struct side_time {
	uint64_t workers;
	uint64_t lasted_ns;	/* from its start until it had done its part */
	uint64_t waited_ns;	/* for the other side, all workers together */
};

struct slower {
	enum slower_side side;
	double times;		/* how much longer it worked for the same items; 1 or more */
	uint64_t producer_ns, consumer_ns;	/* that each worker of a side worked, on average */
};

/*
 * Both sides moved the same items, so who worked longer for them is the slower one. Sides whose times
 * differ by less than a tenth match.
 */
struct slower slower_of(const struct side_time *producers, const struct side_time *consumers);

#endif
