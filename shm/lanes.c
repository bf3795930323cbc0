/*
 * lanes.c - what each producer made, kept for its successor: marks and tickets.
 *
 * A ticket is given by one swap of the counter's word {count, lane it went to}. Before the next swap
 * overwrites that, whoever makes it writes the count into the lane, so a taker killed right after its swap
 * is known to have it: a detectable fetch-and-add (Attiya, Ben-Baruch, Hendler: Nesting-safe recoverable
 * linearizability, PODC 2018). A ticket is used once an item with that mark was accepted.
 */
#include "shm/lanes.h"

#include "shm/failpoint.h"

#define LANE_BITS 16
#define COUNT_MAX ((UINT64_C(1) << 48) - 1)

/* More turns than contention can explain, some tens of milliseconds: a guess. */
#ifndef TURNS_MAX	/* a fuzzer has less patience */
#define TURNS_MAX (1u << 20)
#endif

static void raise_to(shared_u64 *value, uint64_t to)
{
	uint64_t old = atomic_load(value);

	while (old < to && !atomic_compare_exchange_weak(value, &old, to))
		;
}

static bool has_unused_ticket(struct lane *lane)
{
	/* used first: it never comes to exceed granted. */
	uint64_t used = atomic_load(&lane->used);

	return atomic_load(&lane->granted) > used;
}

static bool own(struct segment *segment, uint32_t lane, uint32_t me)
{
	uint64_t nobody = 0;

	return atomic_compare_exchange_strong(&segment->lanes[lane].owner, &nobody, me);
}

static uint32_t own_any(struct segment *segment, uint32_t me, bool with_ticket)
{
	/* From the end: the first ones are wanted by numbered producers. */
	for (uint32_t lane = segment->at.members; lane-- > 0;)
		if ((!with_ticket || has_unused_ticket(&segment->lanes[lane])) &&
		    own(segment, lane, me))
			return lane;
	return LANE_NONE;
}

uint32_t lanes_acquire(struct segment *segment, uint32_t me, unsigned number)
{
	uint32_t lane;

	if (number >= 1 && number <= segment->at.members)
		return own(segment, number - 1, me) ? number - 1 : LANE_NONE;
	lane = own_any(segment, me, true);
	return lane != LANE_NONE ? lane : own_any(segment, me, false);
}

uint64_t lanes_owner(const struct segment *segment, unsigned number)
{
	return number >= 1 && number <= segment->at.members
		? atomic_load(&segment->lanes[number - 1].owner) : 0;
}

void lanes_release(struct segment *segment, uint32_t me)
{
	for (uint32_t lane = 0; lane < segment->at.members; lane++) {
		uint64_t owner = me;

		(void)atomic_compare_exchange_strong(&segment->lanes[lane].owner, &owner, 0);
	}
}

void lanes_advance(struct segment *segment, uint32_t lane, uint64_t mark)
{
	struct lane *at = &segment->lanes[lane];

	if (lane >= segment->at.members || mark == 0)
		return;
	if (mark & MARK_IS_TICKET)
		raise_to(&at->used, mark & ~MARK_IS_TICKET);
	else
		raise_to(&at->mark, mark);
}

/* Complete the record of the last ticket given. Returns the counter's word, with nothing left to help. */
static uint64_t help_ticket(struct segment *segment)
{
	uint64_t last = atomic_load(&segment->header->ticket);
	uint32_t lane = (uint32_t)(last & ((1u << LANE_BITS) - 1));

	if (lane >= 1 && lane <= segment->at.members)
		raise_to(&segment->lanes[lane - 1].granted, last >> LANE_BITS);
	return last;
}

void lanes_help_ticket(struct segment *segment)
{
	(void)help_ticket(segment);
}

uint64_t lanes_tickets(const struct segment *segment)
{
	return atomic_load(&segment->header->ticket) >> LANE_BITS;
}

/* Go over to a lane that nobody owns and that has an unused ticket. */
static bool adopt(struct segment *segment, uint32_t me, uint32_t *lane)
{
	uint32_t orphan = own_any(segment, me, true);
	uint64_t owner = me;

	if (orphan == LANE_NONE)
		return false;
	(void)atomic_compare_exchange_strong(&segment->lanes[*lane].owner, &owner, 0);
	*lane = orphan;
	return true;
}

enum ring_result lanes_ticket(struct segment *segment, uint32_t me, uint32_t *lane, uint64_t limit,
			      uint64_t *ticket)
{
	shared_u64 *counter = &segment->header->ticket;

	for (uint32_t turn = 0; turn < TURNS_MAX; turn++) {
		struct lane *mine = &segment->lanes[*lane];
		uint64_t last = MISTAKE(ticket_not_helped) ? atomic_load(counter) : help_ticket(segment);
		uint64_t count = last >> LANE_BITS;

		if (has_unused_ticket(mine)) {
			*ticket = atomic_load(&mine->granted);
			return RING_OK;
		}
		if ((limit && count >= limit) || count == COUNT_MAX) {
			if (!adopt(segment, me, lane))
				return RING_CLOSED;
			continue;
		}
		if (atomic_compare_exchange_strong(counter, &last,
						   (count + 1) << LANE_BITS | (*lane + 1)) &&
		    MISTAKE(ticket_not_helped))
			raise_to(&mine->granted, count + 1);
	}
	return RING_ERROR;
}
