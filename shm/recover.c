/*
 * recover.c - what dead members left, and the hints that stopped ones owe. Who is dead is members.h's
 * to prove.
 */
#include "shm/recover.h"

#include "shm/failpoint.h"
#include "shm/flags.h"
#include "shm/hints.h"
#include "shm/lanes.h"
#include "shm/members.h"
#include "shm/parcel.h"
#include "shm/slot.h"
#include "shm/wait.h"

#include <errno.h>
#include <unistd.h>

bool recover_hint(struct segment *segment, uint32_t index, uint64_t word)
{
	if (MISTAKE(disowned_before_hint))
		(void)slot_move(&segment->words[index], word, slot_disowned(word));
	if (!hints_push(segment, index, word))
		return false;
	/* Fails when it was taken already: then its taker owns it. */
	(void)slot_move(&segment->words[index], word, slot_disowned(word));
	if (!MISTAKE(wake_before_publish))
		wait_wake(&segment->header->ready);
	return true;
}

/* Does the slot hold the item of that generation? A slot claimed anew keeps its generation until its next
   item is published, so the state counts too. */
static bool is_held_item(uint64_t word, uint64_t gen)
{
	return slot_gen(word) == gen && (slot_state(word) == SLOT_READY ||
					 slot_state(word) == SLOT_READING ||
					 slot_state(word) == SLOT_DELAYED);
}

/* What the member published is known to its successor before any of it can be taken and acked. */
static void advance_lanes(struct segment *segment, uint32_t index)
{
	lanes_help_ticket(segment);
	for (uint32_t i = 0; i < segment->at.slots; i++) {
		uint64_t word = atomic_load(&segment->words[i]);
		struct slot *slot = segment_slot(segment, i);
		uint32_t lane;
		uint64_t mark;

		if (!is_held_item(word, slot_gen(word)))
			continue;
		lane = atomic_load(&slot->lane);
		mark = atomic_load(&slot->mark);
		if (lane >= segment->at.members || atomic_load(&segment->lanes[lane].owner) != index)
			continue;
		/* Still the same item in the slot: then both were its own. Else whoever took it helped. */
		if (is_held_item(atomic_load(&segment->words[i]), slot_gen(word)))
			lanes_advance(segment, lane, mark);
	}
}

/* A place in the order of ids, which count from where the ring's began; slots break ties (a damaged ring). */
struct order {
	uint64_t id;
	uint32_t index;
};

static bool is_before(struct order a, struct order b)
{
	return a.id != b.id ? a.id < b.id : a.index < b.index;
}

bool recover_is_untold(const struct segment *segment, uint32_t index, uint64_t word)
{
	const struct slot *slot = segment_slot(segment, index);
	uint32_t owner = slot_owner(word);

	if (owner < 1 || owner > segment->at.members)
		return false;
	if (slot_returns(word) > 0 || atomic_load(&slot->when_ns) != 0)
		return true;
	return (int64_t)(atomic_load(&slot->id) - atomic_load(&member_at(segment, owner)->told)) > 0;
}

/* The owner's first untold slot behind *last, or its first of all; false: none is left. */
static bool next_unhinted(struct segment *segment, uint32_t owner, const struct order *last,
			  struct order *next, uint64_t *found)
{
	bool is_found = false;

	for (uint32_t i = 0; i < segment->at.slots; i++) {
		uint64_t word = atomic_load(&segment->words[i]);
		struct order here = { .index = i };

		/* The word first: a page of slots that nobody touched costs more than all the words. */
		if (!slot_is(word, SLOT_READY, owner) || !recover_is_untold(segment, i, word))
			continue;
		here.id = atomic_load(&segment_slot(segment, i)->id) - segment->at.first;
		if ((last && !is_before(*last, here)) || (is_found && !is_before(here, *next)))
			continue;
		is_found = true;
		*next = here;
		*found = word;
	}
	return is_found;
}

bool recover_hint_all(struct segment *segment, uint32_t owner)
{
	struct order last, next = { 0 };
	uint64_t word = 0;

	for (uint32_t n = 0; n < segment->at.slots; n++) {
		if (!next_unhinted(segment, owner, n ? &last : NULL, &next, &word))
			break;
		if (!recover_hint(segment, next.index, word))
			return false;
		last = next;
	}
	return true;
}

/* What it was writing, or had taken up of the dead. A strict stop may move the word once meanwhile, from
   WRITING to REVOKED. */
static void free_unpublished(struct segment *segment, uint32_t index, uint32_t owner)
{
	for (int turn = 0; turn < 2; turn++) {
		uint64_t word = atomic_load(&segment->words[index]);

		if (!slot_is(word, SLOT_WRITING, owner) && !slot_is(word, SLOT_REVOKED, owner))
			return;
		if (slot_move(&segment->words[index], word, slot_given_up(word)))
			wait_wake(&segment->header->free);
	}
}

/* What is told: nobody's, as it would have been from the beginning if that cost nothing. */
static void disown_told(struct segment *segment, uint32_t index, uint32_t owner)
{
	uint64_t word = atomic_load(&segment->words[index]);

	if (slot_is(word, SLOT_READY, owner) && !recover_is_untold(segment, index, word))
		(void)slot_move(&segment->words[index], word, slot_disowned(word));
}

/* What it had taken. false: no room for the hint. */
static bool return_taken(struct segment *segment, uint32_t index, uint32_t owner)
{
	uint64_t word = atomic_load(&segment->words[index]);
	uint64_t returned = slot_returned(word, SLOT_READY, owner);

	if (MISTAKE(reading_forgotten) || !slot_is(word, SLOT_READING, owner) ||
	    !slot_move(&segment->words[index], word, returned))
		return true;
	return recover_hint(segment, index, returned);
}

/* How many slots are dead, and which died first, its word then. */
static uint32_t count_dead(struct segment *segment, uint32_t *oldest, uint64_t *oldest_word)
{
	uint64_t oldest_ns = UINT64_MAX;
	uint32_t dead = 0;

	for (uint32_t i = 0; i < segment->at.slots; i++) {
		uint64_t word = atomic_load(&segment->words[i]), died;

		if (slot_state(word) != SLOT_DEAD)
			continue;
		dead++;
		died = atomic_load(&segment_slot(segment, i)->when_ns);
		if (died <= oldest_ns) {
			*oldest = i;
			*oldest_word = word;
			oldest_ns = died;
		}
	}
	return dead;
}

void recover_room_for_dead(struct segment *segment)
{
	uint32_t oldest = 0;
	uint64_t word = 0;

	for (uint32_t n = 0; n < segment->at.slots; n++) {
		if (count_dead(segment, &oldest, &word) <= segment->at.slots / 4)
			return;
		if (slot_move(&segment->words[oldest], word, slot_freed(word)))
			wait_wake(&segment->header->free);
	}
}

/* All that the member has in the ring. false: the cells had no room for all the hints. */
static bool hand_back(struct segment *segment, uint32_t index)
{
	advance_lanes(segment, index);
	if (!MISTAKE(ready_forgotten) && !recover_hint_all(segment, index))
		return false;
	for (uint32_t i = 0; i < segment->at.slots; i++) {
		free_unpublished(segment, i, index);
		disown_told(segment, i, index);
		if (!return_taken(segment, i, index))
			return false;
	}
	lanes_release(segment, index);
	return true;
}

/* Without its roles the line may be drained: so those who sleep are woken between this and its entry's
   becoming FREE; whoever is killed in between is followed by another recoverer. */
static void take_roles(struct segment *segment, struct member *member)
{
	if (member_roles(atomic_load(&member->word)) & (RING_PRODUCER | RING_HOLDER))
		atomic_store(&segment->header->ending, 1);
	atomic_store(&member->word, member_word(MEMBER_LEAVING, 0));
}

bool recover_member(struct segment *segment, uint32_t index)
{
	struct member *member = member_at(segment, index);
	struct header *header = segment->header;
	uint32_t waiting = atomic_load(&member->waiting);

	if (MISTAKE(entry_before_slots))
		atomic_store(&member->word, member_word(MEMBER_FREE, 0));
	if (!MISTAKE(journal_after_slots))
		journal_settle(segment, index);
	if (!hand_back(segment, index))
		return false;
	if (MISTAKE(journal_after_slots))
		journal_settle(segment, index);
	(void)flags_mode(segment);	/* it may have died while raising the flag */
	atomic_store(&header->next_due, 0);	/* or while promoting */
	if (!MISTAKE(no_room_for_dead))
		recover_room_for_dead(segment);	/* or between burying and this */
	take_roles(segment, member);
	if (MISTAKE(entry_before_wake))
		atomic_store(&member->word, member_word(MEMBER_FREE, 0));
	wait_replace(&header->ready, waiting == WAITING_READY);
	wait_replace(&header->free, waiting == WAITING_FREE);
	atomic_store(&member->waiting, WAITING_NOTHING);
	atomic_store(&member->word, member_word(MEMBER_FREE, 0));
	return true;
}

void recover_leave(struct segment *segment, uint32_t index)
{
	struct member *member = member_at(segment, index);

	if (!MISTAKE(left_with_slots) && !hand_back(segment, index))
		return;
	take_roles(segment, member);
	if (MISTAKE(entry_before_wake))
		atomic_store(&member->word, member_word(MEMBER_FREE, 0));
	wait_wake(&segment->header->ready);
	wait_wake(&segment->header->free);
	atomic_store(&member->word, member_word(MEMBER_FREE, 0));
}

int recover_dead(struct segment *segment, pid_t pid)
{
	int fd = segment_reopen(segment), recovered = 0;

	if (fd < 0)
		return -1;
	for (uint32_t i = 1; i <= segment->at.members; i++) {
		struct member *member = member_at(segment, i);

		if (member_state(atomic_load(&member->word)) == MEMBER_FREE ||
		    (pid && atomic_load(&member->pid) != pid) ||
		    (segment_lock(fd, segment_member_byte(segment, i)) && !MISTAKE(no_proof_of_death)))
			continue;
		if (member_state(atomic_load(&member->word)) != MEMBER_FREE &&
		    recover_member(segment, i))
			recovered++;
		segment_unlock(fd, segment_member_byte(segment, i));
	}
	(void)close(fd);
	return recovered;
}

void recover_promote(struct segment *segment, uint32_t me, uint64_t now_ns)
{
	uint64_t next = UINT64_MAX;

	/* Raised first: an item that is delayed during the pass lowers it again. Killed in the pass:
	   recovery lowers it. */
	if (!MISTAKE(due_raised_late))
		atomic_store(&segment->header->next_due, UINT64_MAX);
	for (uint32_t i = 0; i < segment->at.slots; i++) {
		uint64_t word = atomic_load(&segment->words[i]), due;

		if (slot_state(word) != SLOT_DELAYED)
			continue;
		due = atomic_load(&segment_slot(segment, i)->when_ns);
		if (due > now_ns)
			next = due < next ? due : next;
		else if (slot_move(&segment->words[i], word, slot_due(word, me)))
			(void)recover_hint(segment, i, slot_due(word, me));
	}
	if (MISTAKE(due_raised_late))
		atomic_store(&segment->header->next_due, UINT64_MAX);
	recover_due_at(segment, next);
}

void recover_due_at(struct segment *segment, uint64_t due_ns)
{
	uint64_t old = atomic_load(&segment->header->next_due);

	while (due_ns < old &&
	       !atomic_compare_exchange_weak(&segment->header->next_due, &old, due_ns))
		;
}

void recover_high_water(struct segment *segment, uint32_t items)
{
	uint32_t old = atomic_load(&segment->header->high_water);

	while (old < items &&
	       !atomic_compare_exchange_weak(&segment->header->high_water, &old, items))
		;
}

/* What the line's state alone tells those who sleep; whoever should have woken them may be stopped. */
static bool is_over(struct segment *segment, enum ring_stop_mode mode)
{
	if (mode == RING_STOP_NOW)
		return true;
	return (mode || atomic_load(&segment->header->ending)) && flags_is_drained(segment);
}

void recover_sweep(struct segment *segment, uint32_t me)
{
	enum ring_stop_mode mode = flags_mode(segment);
	bool is_ready = false, is_free = mode != RING_STOP_NONE;
	uint32_t items = 0;

	recover_promote(segment, me, ring_now_ns());
	recover_room_for_dead(segment);
	for (uint32_t i = 0; i < segment->at.slots; i++) {
		uint64_t word = atomic_load(&segment->words[i]);

		is_free |= slot_state(word) == SLOT_FREE;
		is_ready |= slot_state(word) == SLOT_READY;
		if (slot_state(word) == SLOT_READY || slot_state(word) == SLOT_READING ||
		    slot_state(word) == SLOT_DELAYED)
			items += parcel_left(segment, i);
		if (!MISTAKE(sweep_leaves_untold) && slot_state(word) == SLOT_READY &&
		    recover_is_untold(segment, i, word))
			(void)recover_hint_all(segment, slot_owner(word));
	}
	recover_high_water(segment, items);
	if (MISTAKE(sweep_wakes_nobody))
		return;
	if (members_wait_for(segment, WAITING_READY) && (is_ready || is_over(segment, mode)))
		wait_nudge(&segment->header->ready);
	if (is_free && members_wait_for(segment, WAITING_FREE))
		wait_nudge(&segment->header->free);
}
