/*
 * storm_ledger.h - the record of what became of each item, independent of the ring. Workers write what
 * they are about to do before the call, and that it is done after it; so of a killed worker it is known
 * what is uncertain. A step that must not be possible is a violation at once.
 *
 *	     publish           take          ack / dead
 *	0 -> PUBLISHING --> PUBLISHED --> TAKEN --> ENDING --> ACKED, DEAD
 *	        |               ^           |  ^
 *	        '-> REFUSED     |           v  | take
 *	                        BACK <-- GIVING
 *
 * TAKEN again from TAKEN or ENDING: only if the one who had it was killed.
 */
#ifndef SHMLINE_STORM_LEDGER_H
#define SHMLINE_STORM_LEDGER_H

#include "storm.h"

enum ledger_state {
	LEDGER_NOTHING, LEDGER_PUBLISHING, LEDGER_PUBLISHED, LEDGER_REFUSED, LEDGER_TAKEN,
	LEDGER_GIVING, LEDGER_BACK, LEDGER_ENDING_ACKED, LEDGER_ENDING_DEAD, LEDGER_ACKED, LEDGER_DEAD,
	LEDGER_STATES
};

/* An item's name in the ledger: what its first bytes in the ring say. */
struct entry { uint32_t producer, number; };	/* from 0; from 1 */

void ledger_publishing(const struct place *place, struct entry entry);
void ledger_published(const struct place *place, struct entry entry);
void ledger_refused(const struct place *place, struct entry entry);

/* Where a producer goes on: the mark says how far its predecessor came. */
uint32_t ledger_resume(const struct place *place, uint64_t mark);

/* Before a take of up to `max`, and after it. `floor` is what its first deliveries must be above. */
struct floor { uint32_t of[PRODUCERS]; };
void ledger_taking(const struct place *place, uint32_t max, struct floor *floor);
void ledger_taken(const struct place *place, struct entry entry, uint32_t deliveries,
		  const struct floor *floor);
void ledger_took(const struct place *place);

/* From TAKEN to what it is about to be, and to what it is. */
void ledger_move(const struct place *place, struct entry entry, uint32_t deliveries,
		 enum ledger_state to);

/* The sums of a round that is over, by state, and the items that were accepted for sure. */
struct ledger_sums { uint64_t accepted, by_state[LEDGER_STATES]; };
struct ledger_sums ledger_sum(struct arena *arena);

void ledger_clear(struct arena *arena);

#endif
