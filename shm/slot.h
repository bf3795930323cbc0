/*
 * slot.h - private: the word of a slot, its states and its legal moves. Pure but for the one
 * compare-and-swap of each move; no system calls.
 *
 *	            claim                publish              take               ack
 *	    FREE ----------> WRITING ----------> READY ----------> READING ----------> FREE
 *	     ^ ^                | |                ^  ^              | | |
 *	     | '- cancel, ------' | strict stop    |  '- give back --' | '-- dead --> DEAD --> FREE
 *	     |    owner died      v                |     owner died    |
 *	     '--- by its ----- REVOKED             '----- due ----- DELAYED
 *	          owner, or owner died
 *
 *	A dead letter that is put back:  DEAD --taken up--> WRITING --publish--> READY
 *	                                   '-- cancel, revoked, owner died --'
 *
 * A word says state, owner (member index; 0 nobody), how often the item came back, and the generation,
 * which publish raises by its items: so the sum of all generations is the number of items ever accepted.
 * READY keeps its publisher as owner until a hint to it is in the cells. Whoever loses a swap lost the slot.
 */
#ifndef SHMLINE_SLOT_H
#define SHMLINE_SLOT_H

#include "shm/failpoint.h"
#include "shm/layout.h"

enum slot_state {
	SLOT_FREE,	/* all zero but the generation */
	SLOT_WRITING,	/* a producer fills it */
	SLOT_REVOKED,	/* it was being filled when a strict stop shut its producer out */
	SLOT_READY,
	SLOT_DELAYED,	/* given back, not to be delivered before slot.when_ns */
	SLOT_READING,	/* in a consumer's hands */
	SLOT_DEAD,	/* kept to be looked at */
	SLOT_STATES
};

#define SLOT_OWNER_BITS 12
#define SLOT_DELIVERY_MAX 4095u
#define SLOT_GEN_BITS 36
#define SLOT_GEN_MASK ((UINT64_C(1) << SLOT_GEN_BITS) - 1)

static_assert(RING_MEMBERS_MAX < 1u << SLOT_OWNER_BITS, "an owner fits its bits");

static inline uint64_t slot_word(enum slot_state state, uint32_t owner, uint32_t returns, uint64_t gen)
{
	return (uint64_t)state | (uint64_t)owner << 4 | (uint64_t)returns << 16 |
		(gen & SLOT_GEN_MASK) << 28;
}

static inline enum slot_state slot_state(uint64_t word) { return (enum slot_state)(word & 15); }
static inline uint32_t slot_owner(uint64_t word) { return (uint32_t)(word >> 4) & 4095; }
static inline uint32_t slot_returns(uint64_t word) { return (uint32_t)(word >> 16) & 4095; }
static inline uint64_t slot_gen(uint64_t word) { return word >> 28; }

/* Deliveries, the one under way included; like the returns it stops at its maximum. */
static inline uint32_t slot_deliveries(uint64_t word)
{
	uint32_t returns = slot_returns(word);

	return returns < SLOT_DELIVERY_MAX ? returns + 1 : returns;
}

static inline bool slot_is(uint64_t word, enum slot_state state, uint32_t owner)
{
	return slot_state(word) == state && slot_owner(word) == owner;
}

/* The word after each move. They say nothing of whether the move is legal from `word`: slot_move(). */
static inline uint64_t slot_claimed(uint64_t word, uint32_t me)
{
	return slot_word(SLOT_WRITING, me, 0, slot_gen(word));
}

static inline uint64_t slot_published(uint64_t word, uint32_t items)
{
	if (MISTAKE(same_generation))
		items = 0;
	return slot_word(SLOT_READY, slot_owner(word), 0, slot_gen(word) + items);
}

static inline uint64_t slot_revoked(uint64_t word)
{
	return slot_word(SLOT_REVOKED, slot_owner(word), slot_returns(word), slot_gen(word));
}

static inline uint64_t slot_disowned(uint64_t word)
{
	return slot_word(slot_state(word), 0, slot_returns(word), slot_gen(word));
}

static inline uint64_t slot_taken(uint64_t word, uint32_t me)
{
	return slot_word(SLOT_READING, me, slot_returns(word), slot_gen(word));
}

static inline uint64_t slot_freed(uint64_t word)
{
	return slot_word(SLOT_FREE, 0, 0, slot_gen(word));
}

/* Back to its queue or its delay, one delivery more on its count. */
static inline uint64_t slot_returned(uint64_t word, enum slot_state state, uint32_t owner)
{
	uint32_t returns = slot_returns(word);

	if (returns < SLOT_DELIVERY_MAX && !MISTAKE(return_uncounted))
		returns++;
	return slot_word(state, owner, returns, slot_gen(word));
}

static inline uint64_t slot_due(uint64_t word, uint32_t me)
{
	return slot_word(SLOT_READY, me, slot_returns(word), slot_gen(word));
}

static inline uint64_t slot_buried(uint64_t word)
{
	return slot_word(SLOT_DEAD, 0, slot_returns(word), slot_gen(word));
}

/* A dead letter in its producer's hands. That it has returned tells it from a slot that was free. */
static inline uint64_t slot_taken_up(uint64_t word, uint32_t me)
{
	return slot_word(SLOT_WRITING, me, slot_returns(slot_returned(word, SLOT_DEAD, 0)),
			 slot_gen(word));
}

/* Not published after all: what was free is free, what was dead is dead. */
static inline uint64_t slot_given_up(uint64_t word)
{
	if (slot_returns(word) == 0 || MISTAKE(letter_freed))
		return slot_freed(word);
	return slot_word(SLOT_DEAD, 0, slot_returns(word) - 1, slot_gen(word));
}

/* Make a move: false when the word is not `from` any more. */
static inline bool slot_move(shared_u64 *word, uint64_t from, uint64_t to)
{
	return atomic_compare_exchange_strong(word, &from, to);
}

/* Is it a word that this library could have written in a ring with so many members? */
bool slot_is_legal(uint64_t word, uint32_t members);

#endif
