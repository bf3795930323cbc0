/*
 * scale.c - see scale.h.
 */
#include "src/view/scale.h"

/* Of the slots that are taken up, the part of so many items, where one may hold several. */
static uint32_t slots_of(const struct ring_stats *stats, uint32_t items, uint32_t most)
{
	uint64_t held = (uint64_t)stats->ready + stats->delayed + stats->in_flight + stats->dead_kept;
	uint64_t empty = (uint64_t)stats->free + stats->writing;
	uint64_t slots = stats->slots ? stats->slots : 1, used = slots > empty ? slots - empty : 0;

	if (held > used && held > 0)
		items = (uint32_t)((items * used + held - 1) / held);
	return items < most ? items : most;
}

struct scale scale_of(const struct ring_stats *stats, int columns)
{
	uint32_t slots = stats->slots ? stats->slots : 1;
	uint32_t ready = slots_of(stats, stats->ready, slots);
	uint32_t in_flight = slots_of(stats, stats->in_flight, slots - ready);
	uint32_t producers_at = (uint32_t)(stats->tail % slots);

	return (struct scale){
		.slots = slots,
		.producers_at = producers_at,
		.consumers_at = (producers_at + slots - ready) % slots,
		.ready = ready,
		.in_flight = in_flight,
		.columns = columns > 0 ? columns : 1,
	};
}

int scale_column(const struct scale *scale, uint32_t slot)
{
	return (int)((uint64_t)slot * (uint64_t)scale->columns / scale->slots);
}

/* Do the `n` slots behind `end`, round the ring, meet those from `first` to before `last`? */
static bool meets(const struct scale *scale, uint32_t end, uint32_t n, uint32_t first, uint32_t last)
{
	uint32_t begin = (end + scale->slots - n) % scale->slots;

	if (n == 0)
		return false;
	if (begin < end)
		return begin < last && first < end;
	return begin < last || first < end;
}

enum scale_part scale_part(const struct scale *scale, int column)
{
	uint64_t width = (uint64_t)scale->columns;
	uint32_t first = (uint32_t)((uint64_t)column * scale->slots / width);
	uint32_t last = (uint32_t)(((uint64_t)column + 1) * scale->slots / width);

	if (last <= first)
		last = first + 1;
	if (meets(scale, scale->consumers_at, scale->in_flight, first, last))
		return SCALE_IN_FLIGHT;
	return meets(scale, scale->producers_at, scale->ready, first, last) ? SCALE_READY : SCALE_FREE;
}
