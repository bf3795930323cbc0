/*
 * scale.h - private to the views: a ring as a row of columns, from slot 0 to the last. Pure.
 *
 * The order of items has no place among the slots; what is drawn is the order itself, laid round the
 * ring: producers are where the next item goes, behind them lies what is ready, behind that what is in
 * flight.
 */
#ifndef SHMLINE_VIEW_SCALE_H
#define SHMLINE_VIEW_SCALE_H

#include "shm/ring.h"

enum scale_part { SCALE_FREE, SCALE_IN_FLIGHT, SCALE_READY };

struct scale {
	uint32_t slots;
	uint32_t producers_at, consumers_at;	/* slots */
	uint32_t ready, in_flight;
	int columns;
};

struct scale scale_of(const struct ring_stats *stats, int columns);

/* The column that shows a slot. */
int scale_column(const struct scale *scale, uint32_t slot);

/* What a column shows: in flight if it has any of it, so that one item is seen in a big ring too. */
enum scale_part scale_part(const struct scale *scale, int column);

#endif
