/*
 * members.c - who is attached, the proof that a member lives, and its journal. What a dead member
 * left in the slots is recover.c's.
 */
#include "shm/members.h"

#include "shm/failpoint.h"
#include "shm/flags.h"
#include "shm/lanes.h"
#include "shm/parcel.h"
#include "shm/recover.h"
#include "shm/slot.h"

#include <errno.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

/* ---------------------------------------------------------------- attaching */

static void nap_1ms(void)
{
	(void)nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
}

/* Lock the first entry that is FREE or whose owner died; a dead owner's is recovered. */
static uint32_t lock_entry(struct segment *segment, int fd, bool also_dead)
{
	uint32_t limit = segment->at.members;
	uint32_t start = (uint32_t)getpid() % limit;	/* so that many at once don't all try the same */

	for (uint32_t n = 0; n < limit; n++) {
		uint32_t index = (start + n) % limit + 1;
		struct member *member = member_at(segment, index);

		if (!also_dead && member_state(atomic_load(&member->word)) != MEMBER_FREE)
			continue;
		if (segment_lock(fd, segment_member_byte(segment, index)))
			continue;
		if (member_state(atomic_load(&member->word)) == MEMBER_FREE ||
		    recover_member(segment, index))
			return index;
		segment_unlock(fd, segment_member_byte(segment, index));
	}
	return 0;
}

static void fill_entry(struct segment *segment, uint32_t index, unsigned roles, unsigned number)
{
	struct member *member = member_at(segment, index);

	atomic_store(&member->word, member_word(MEMBER_STARTING, roles));
	atomic_store(&member->pid, (int32_t)getpid());
	atomic_store(&member->number, number);
	atomic_store(&member->started_ns, ring_now_ns());
	atomic_store(&member->waiting, 0);
	atomic_store(&member->intent, 0);
	for (size_t i = 0; i < RING_NOTE_MAX / 8; i++)
		atomic_store(&member->note[i], 0);
	for (int i = 0; i < COUNTERS; i++)
		atomic_store(&member->base[i], atomic_load(&member->count[i]));
	if (roles & RING_PRODUCER)
		atomic_fetch_add(&segment->header->producers_ever, 1);
	/* seq_cst: the entry is there before `removed` is read; pairs with members_remove_ring(). */
	atomic_store(&member->word, member_word(MEMBER_LIVE, roles));
}

static uint32_t attach_locked(struct segment *segment, int fd, unsigned roles, unsigned number,
			      void **anchor)
{
	uint32_t index;

	if ((roles & RING_LAUNCHER) && segment_lock(fd, LOCK_LAUNCHER)) {
		(void)why(EBUSY, "a launcher is attached already");
		return 0;
	}
	index = lock_entry(segment, fd, false);
	if (!index)
		index = lock_entry(segment, fd, true);
	if (!index) {
		(void)why(EBUSY, "all of its %u member entries are taken", segment->at.members);
		return 0;
	}
	*anchor = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	if (*anchor == MAP_FAILED)
		return 0;
	if (madvise(*anchor, 4096, MADV_DONTFORK)) {
		(void)munmap(*anchor, 4096);
		return 0;
	}
	fill_entry(segment, index, roles, number);
	return index;
}

void members_abandon(void *anchor)
{
	(void)munmap(anchor, 4096);
}

uint32_t members_attach(struct segment *segment, unsigned roles, unsigned number, void **anchor)
{
	int fd = segment_reopen(segment);
	uint32_t index;
	int error;

	if (fd < 0)
		return 0;
	index = attach_locked(segment, fd, roles, number, anchor);
	error = errno;
	(void)close(fd);	/* the anchor keeps the description, and with it the locks */
	if (index && !MISTAKE(attached_to_removed) && atomic_load(&segment->header->removed)) {
		recover_leave(segment, index);
		members_abandon(*anchor);
		index = 0;
		error = EAGAIN;
	}
	errno = error;
	return index;
}

bool members_have(const struct segment *segment, unsigned roles)
{
	for (uint32_t i = 1; i <= segment->at.members; i++) {
		uint64_t word = atomic_load(&member_at(segment, i)->word);

		if (member_state(word) != MEMBER_FREE && (member_roles(word) & roles))
			return true;
	}
	return false;
}

bool members_have_others(const struct segment *segment, uint32_t index)
{
	for (uint32_t i = 1; i <= segment->at.members; i++)
		if (i != index &&
		    member_state(atomic_load(&member_at(segment, i)->word)) != MEMBER_FREE)
			return true;
	return false;
}

bool members_wait_for(const struct segment *segment, uint32_t waiting_for)
{
	for (uint32_t i = 1; i <= segment->at.members; i++)
		if (atomic_load(&member_at(segment, i)->waiting) == waiting_for)
			return true;
	return false;
}

/* ---------------------------------------------------------------- removing a ring */

/* Every entry FREE, the dead ones recovered? -1 with EBUSY when one lives. */
static int all_gone(struct segment *segment, int fd)
{
	for (uint32_t i = 1; i <= segment->at.members; i++) {
		off_t byte = segment_member_byte(segment, i);

		if (member_state(atomic_load(&member_at(segment, i)->word)) == MEMBER_FREE)
			continue;
		if (segment_lock(fd, byte))
			return why(EBUSY, "it is in use");
		if (member_state(atomic_load(&member_at(segment, i)->word)) != MEMBER_FREE &&
		    !recover_member(segment, i))
			return why(EBUSY, "it is in use");
		segment_unlock(fd, byte);
	}
	return 0;
}

static int check_unused(struct segment *segment, int fd)
{
	if (all_gone(segment, fd))
		return -1;
	return flags_is_empty(segment) ? 0 : why(ENOTEMPTY, "items are left in it");
}

static int remove_locked(struct segment *segment, int fd, bool force)
{
	/* seq_cst: raised before the entries are read; pairs with fill_entry(). Either the one who
	   attaches sees it, and backs out, or its entry is seen here. */
	atomic_store(&segment->header->removed, 1);
	if (!force && check_unused(segment, fd)) {
		atomic_store(&segment->header->removed, 0);
		return -1;
	}
	/* The name is looked up under the lock that every remover of this file takes: it can't be
	   another ring's by the time it is unlinked. */
	return segment_has_name(segment) ? segment_unlink(segment->name) : 0;
}

/* Only one process at a time settles what becomes of a ring that nobody uses. */
static int lock_unused(int fd, int wait_ms)
{
	uint64_t deadline = ring_now_ns() + (uint64_t)wait_ms * 1000000;

	while (segment_lock(fd, LOCK_REMOVE)) {
		if (ring_now_ns() >= deadline)
			return -1;
		nap_1ms();
	}
	return 0;
}

int members_remove_ring(struct segment *segment, bool force, int wait_ms)
{
	int fd = segment_reopen(segment);
	int failed, error;

	if (fd < 0)
		return -1;
	failed = lock_unused(fd, wait_ms);
	if (!failed)
		failed = remove_locked(segment, fd, force);
	error = errno;
	(void)close(fd);
	errno = error;
	return failed;
}

void members_start_anew(struct segment *segment, int wait_ms)
{
	int fd = segment_reopen(segment);

	if (fd < 0)
		return;
	if (lock_unused(fd, wait_ms) == 0 && all_gone(segment, fd) == 0)
		flags_lower(segment);
	(void)close(fd);
}

/* ---------------------------------------------------------------- the journal */

/* Operations of an intent of several items; in the place of the target the counter, or MANY_PART. */
#define MANY 7u
#define MANY_PART 8u

/* The intent that stands goes first, and then its target: the next one's would make it look uncounted. */
static void aim(struct member *member, enum counter op, uint32_t items)
{
	uint64_t count = atomic_load_explicit(&member->count[op], memory_order_relaxed);

	if (!MISTAKE(target_over_intent))
		journal_void(member);
	atomic_store_explicit(&member->target, count + items, memory_order_release);
}

void journal_begin_many(struct member *member, enum counter op, uint32_t slot, uint64_t gen, uint32_t items)
{
	if (!MISTAKE(target_after_swap))
		aim(member, op, items);
	journal_intend(member, MANY, slot, gen, op + 1);
}

void journal_begin_part(struct member *member, uint32_t slot, uint32_t done, uint32_t items)
{
	aim(member, COUNT_ACKED, items);
	journal_intend(member, MANY, slot, done, MANY_PART);
}

/* 36 bits of a mark, which tell it from the one before: 2^-36 that they don't. */
static uint64_t fingerprint(uint64_t raw_mark)
{
	return raw_mark * UINT64_C(0x9e3779b97f4a7c15) >> 28;	/* Knuth's multiplicative hash */
}

/* In the slot's place the lane, and which of its two positions. */
void journal_begin_drop(struct member *member, uint32_t lane, uint64_t raw_mark)
{
	journal_begin(member, COUNT_REFUSED, lane << 1 | ((raw_mark & MARK_IS_TICKET) != 0),
		      fingerprint(raw_mark), 1);
}

void journal_done(struct member *member, enum counter op, uint32_t items)
{
	if (MISTAKE(target_after_swap) && items > 1) {
		uint64_t count = atomic_load_explicit(&member->count[op], memory_order_relaxed);

		atomic_store_explicit(&member->target, count + items, memory_order_release);
	}
	member_count(member, op, items);
}

void journal_void(struct member *member)
{
	atomic_store_explicit(&member->intent, 0, memory_order_release);
}

/* Is the slot as it was before the intended swap? Only its owner, who is dead, could have moved it. */
static bool is_untouched(uint64_t word, enum counter op, uint32_t index, uint64_t gen)
{
	if (slot_owner(word) != index || slot_gen(word) != gen)
		return false;
	if (op == COUNT_PUBLISHED)
		return slot_state(word) == SLOT_WRITING || slot_state(word) == SLOT_REVOKED;
	return slot_state(word) == SLOT_READING;
}

/* The lane was the dead member's, and others only help it to what it had published before. */
static bool was_dropped(const struct segment *segment, uint32_t place, uint64_t print)
{
	const struct lane *lane = &segment->lanes[place >> 1];

	if (place & 1)
		return fingerprint(atomic_load(&lane->used) | MARK_IS_TICKET) == print;
	return fingerprint(atomic_load(&lane->mark)) == print;
}

/* Nobody else moves a slot in the dead member's hands. */
static bool was_part_done(const struct segment *segment, uint32_t slot, uint64_t done)
{
	return segment->at.has_parcels && parcel_done(segment, slot) == done;
}

/* The same for an intent of several items. */
static void settle_many(struct segment *segment, uint32_t index, uint32_t slot, uint64_t gen, uint32_t rest)
{
	struct member *member = member_at(segment, index);
	enum counter op = rest == MANY_PART ? COUNT_ACKED : (enum counter)(rest - 1);
	uint64_t target = atomic_load(&member->target);
	bool has_happened;

	if (rest < 1 || rest > MANY_PART || op > COUNT_DROPPED || slot >= segment->at.slots ||
	    atomic_load(&member->count[op]) == target)
		return;
	if (rest == MANY_PART)
		has_happened = was_part_done(segment, slot, gen);
	else
		has_happened = !is_untouched(atomic_load(&segment->words[slot]), op, index, gen);
	if (has_happened)
		atomic_store(&member->count[op], target);
	else
		journal_void(member);
}

void journal_settle(struct segment *segment, uint32_t index)
{
	struct member *member = member_at(segment, index);
	uint64_t intent = atomic_load(&member->intent);
	uint32_t op = (uint32_t)(intent & 7), slot = (uint32_t)(intent >> 3) & (RING_SLOTS_MAX - 1);
	uint64_t gen = intent >> 23 & SLOT_GEN_MASK;
	uint64_t count;
	bool has_happened;

	if (op == MANY) {
		settle_many(segment, index, slot, gen, (uint32_t)(intent >> 59));
		return;
	}
	if (op < 1 || op > COUNT_REFUSED + 1 ||
	    (op == COUNT_REFUSED + 1 ? slot >> 1 >= segment->at.members : slot >= segment->at.slots))
		return;
	count = atomic_load(&member->count[op - 1]);
	if ((count & JOURNAL_TARGET_MASK) == intent >> 59)
		return;		/* counted already */
	if (op == COUNT_REFUSED + 1)
		has_happened = was_dropped(segment, slot, gen);
	else
		has_happened = !is_untouched(atomic_load(&segment->words[slot]),
					     (enum counter)(op - 1), index, gen);
	if (has_happened)
		journal_done(member, (enum counter)(op - 1), 1);
	else
		journal_void(member);	/* or what recovery does next would look like the swap */
}
