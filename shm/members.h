/*
 * members.h - private: who is attached, the proof that a member lives, and its journal.
 *
 * A member holds a lock on its entry's first byte, on an open file description of its own that only
 * its `anchor` (a mapping of one page) keeps. The kernel drops the lock when the member ends, however
 * it ends, and at no other time; pids and clocks prove nothing. Whoever gets the lock of an entry that
 * is not FREE may recover it, and holds the lock while doing so.
 *
 *	FREE --attach--> STARTING --> LIVE --close, or recovered--> LEAVING --> FREE
 *	                     |                                        ^  |
 *	                     '------------- owner died, recovered ----'--' (again, if the recoverer dies)
 */
#ifndef SHMLINE_MEMBERS_H
#define SHMLINE_MEMBERS_H

#include "shm/segment.h"

enum member_state { MEMBER_FREE, MEMBER_STARTING, MEMBER_LIVE, MEMBER_LEAVING };

static inline enum member_state member_state(uint64_t word) { return (enum member_state)(word & 0xff); }
static inline unsigned member_roles(uint64_t word) { return (unsigned)(word >> 8) & 0xff; }

static inline uint64_t member_word(enum member_state state, unsigned roles)
{
	return (uint64_t)state | (uint64_t)roles << 8;
}

static inline struct member *member_at(const struct segment *segment, uint32_t index)
{
	return &segment->members[index - 1];
}

/* Take an entry: its index, and its anchor in *anchor. 0 with errno EBUSY (none left, or a launcher is
   attached already), EAGAIN (the ring is being removed: open it again) or the system's. */
uint32_t members_attach(struct segment *segment, unsigned roles, unsigned number, void **anchor);

/* Drop the lock. An entry that is not FREE is a dead member's from now on. */
void members_abandon(void *anchor);

/* Is there an entry other than FREE that has one of these roles? */
bool members_have(const struct segment *segment, unsigned roles);

/* Is there an entry other than FREE besides member `index`'s? */
bool members_have_others(const struct segment *segment, uint32_t index);

/* Is a member marked as waiting for this (wait.h)? */
bool members_wait_for(const struct segment *segment, uint32_t waiting_for);

/*
 * The name of a ring that nobody uses may go. Under the lock that only one process holds at a time:
 * checks that there are no members (the dead ones are recovered) and, unless `with_items`, nothing
 * left; unlinks. 0, or -1 with errno EBUSY (a living member), ENOTEMPTY, EAGAIN (another process is
 * at it since wait_ms). `force` skips the checks.
 */
int members_remove_ring(struct segment *segment, bool force, int wait_ms);

/* Lower the stop flag if nobody is attached (the dead are recovered). Who else is at it, or at removing the
   ring, is waited for. */
void members_start_anew(struct segment *segment, int wait_ms);

/* ------------------------------------------------------------------ the journal
 *
 * What a member is about to do to a slot is written in its own line before the swap, and counted after
 * it. A kill in between leaves a question, which the slot's word answers. So the counters are exact.
 */
/* `items` records of a parcel in its hands are done with, `done` of them together with those before: that
   its progress says so is the swap. */
void journal_begin_part(struct member *member, uint32_t slot, uint32_t done, uint32_t items);
/* The same for an item that never had a slot: that its mark is in the lane is the swap. */
void journal_begin_drop(struct member *member, uint32_t lane, uint64_t raw_mark);
void journal_done(struct member *member, enum counter op, uint32_t items);
void journal_void(struct member *member);
/* Answer the question that dead member `index` left. Before anything else is done to its slots. */
void journal_settle(struct segment *segment, uint32_t index);

/*
 * intent: op:3 | slot:20 | gen:36 | target:5. op is one more than the counter, 0 none, and target the
 * counter's low bits once it has counted this one item. Low bits can't tell whether several were counted:
 * for those op is MANY, the whole target is in a word of its own, and in its place stands what is done;
 * for a part of a parcel, in the place of the generation, the records that are done with then.
 */
#define JOURNAL_TARGET_MASK 31u

static inline void journal_intend(struct member *member, uint64_t op, uint32_t slot, uint64_t gen,
				  uint64_t rest)
{
	/* release: not before the counter of the intent that it replaces, nor before the target. */
	atomic_store_explicit(&member->intent, op | (uint64_t)slot << 3 | gen << 23 | rest << 59,
			      memory_order_release);
}

void journal_begin_many(struct member *member, enum counter op, uint32_t slot, uint64_t gen, uint32_t items);

static inline void journal_begin(struct member *member, enum counter op, uint32_t slot, uint64_t gen,
				 uint32_t items)
{
	uint64_t count = atomic_load_explicit(&member->count[op], memory_order_relaxed);

	if (items == 1)
		journal_intend(member, op + 1, slot, gen, (count + 1) & JOURNAL_TARGET_MASK);
	else
		journal_begin_many(member, op, slot, gen, items);
}

/* Counters have one writer at a time: a load and a store, no locked instruction. */
static inline void member_count(struct member *member, enum counter counter, uint64_t n)
{
	uint64_t old = atomic_load_explicit(&member->count[counter], memory_order_relaxed);

	/* release: not before the swap it counts; pairs with nothing but the journal's order. */
	atomic_store_explicit(&member->count[counter], old + n, memory_order_release);
}

#endif
