/* test_members.c - who is attached and who is dead is what the kernel says; the journal; removing a ring. */
#include "shm/lanes.h"
#include "shm/members.h"
#include "shm/handle.h"
#include "shm/slot.h"
#include "tests/unit/shm_ring.h"

#include <errno.h>
#include <string.h>

#define MEMBERS 3u

static struct ring *launcher;

static int set_up(void **state)
{
	(void)shm_name(state);
	launcher = shm_make(4, 8, MEMBERS, RING_LAUNCHER);
	return 0;
}

static int tear_down(void **state)
{
	ring_close(launcher);
	return shm_forget(state);
}

/* ------------------------------------------------------------------ children that are members */

/* Attach, say so, and stay. */
static int stay_attached(void *pipe_end)
{
	struct ring *ring = ring_open(ring_called, RING_PRODUCER | RING_CONSUMER, 0);
	uint32_t index = ring ? ring_member_index(ring) : 0;

	if (write(*(int *)pipe_end, &index, sizeof(index)) != sizeof(index))
		return 1;
	for (;;)
		(void)pause();
}

/* A child of that member, which lives on. */
static int stay_attached_and_fork(void *pipe_end)
{
	struct ring *ring = ring_open(ring_called, RING_CONSUMER, 0);
	uint32_t index = ring ? ring_member_index(ring) : 0;
	pid_t pid = fork();

	if (pid < 0)
		return 1;
	if (pid == 0)
		for (;;)
			(void)pause();
	if (write(*(int *)pipe_end, &index, sizeof(index)) != sizeof(index) ||
	    write(*(int *)pipe_end, &pid, sizeof(pid)) != sizeof(pid))
		return 1;
	for (;;)
		(void)pause();
}

static pid_t start_member(int (*body)(void *), uint32_t *index, pid_t *grandchild)
{
	int ends[2];
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = child_start(body, &ends[1]);
	assert_int_equal(read(ends[0], index, sizeof(*index)), sizeof(*index));
	assert_int_not_equal(*index, 0);
	if (grandchild)
		assert_int_equal(read(ends[0], grandchild, sizeof(*grandchild)),
				 sizeof(*grandchild));
	close(ends[0]);
	close(ends[1]);
	return pid;
}

static bool is_alive(uint32_t index)
{
	struct ring_member member;

	assert_int_equal(ring_member(launcher, index, &member), 1);
	return member.is_alive;
}

/* A lock goes with the last user of the dead process's memory, who may be a reader of its maps: so each
   of these may take a moment. */
static bool is_recovered(void *pid)
{
	return ring_recover(launcher, *(pid_t *)pid) == 1;
}

static bool is_dead(void *index)
{
	return !is_alive(*(uint32_t *)index);
}

static bool is_unlinked(void *name)
{
	return ring_unlink(name, false) == 0;
}

static bool is_stopped(void *pid)
{
	int status;

	return waitpid(*(pid_t *)pid, &status, WNOHANG | WUNTRACED) > 0 && WIFSTOPPED(status);
}

static void the_dead_are_recovered_and_nobody_else(void **state)
{
	uint32_t index;
	struct ring_member member;
	pid_t pid = start_member(stay_attached, &index, NULL);

	(void)state;
	assert_true(is_alive(index));
	assert_int_equal(ring_recover(launcher, 0), 0);
	assert_int_equal(ring_member(launcher, index, &member), 1);
	child_kill(pid);
	assert_int_equal(ring_recover(launcher, pid + 1), 0);
	assert_true(wait_until(is_recovered, &pid));
	assert_int_equal(ring_member(launcher, index, &member), 0);
	assert_int_equal(ring_recover(launcher, 0), 0);
}

static void a_stopped_member_is_alive(void **state)
{
	uint32_t index;
	pid_t pid = start_member(stay_attached, &index, NULL);

	(void)state;
	assert_int_equal(kill(pid, SIGSTOP), 0);
	assert_true(wait_until(is_stopped, &pid));
	assert_true(is_alive(index));
	assert_int_equal(ring_recover(launcher, pid), 0);
	child_kill(pid);
}

static void a_child_does_not_keep_its_dead_parent_alive(void **state)
{
	uint32_t index;
	pid_t grandchild, pid = start_member(stay_attached_and_fork, &index, &grandchild);

	(void)state;
	assert_true(is_alive(index));
	child_kill(pid);
	assert_true(wait_until(is_recovered, &pid));
	assert_int_equal(kill(grandchild, 0), 0);
	assert_int_equal(kill(grandchild, SIGKILL), 0);
}

/* ------------------------------------------------------------------ attaching */

static void entries_are_given_once_and_come_back(void **state)
{
	struct ring *a = shm_join(RING_CONSUMER, 0), *b = shm_join(RING_PRODUCER, 0);
	uint32_t left;

	(void)state;
	assert_int_equal(1 << launcher->index | 1 << a->index | 1 << b->index, 2 + 4 + 8);
	assert_null(ring_open(ring_called, RING_CONSUMER, 0));
	assert_int_equal(errno, EBUSY);
	assert_non_null(strstr(ring_why(), "3 member entries"));
	left = a->index;
	ring_close(a);
	a = shm_join(RING_CONSUMER, 0);
	assert_int_equal(a->index, left);
	ring_close(a);
	ring_close(b);
}

static void a_dead_member_s_entry_is_used_when_no_other_is_free(void **state)
{
	uint32_t index;
	pid_t pid = start_member(stay_attached, &index, NULL);
	struct ring *a, *b;

	(void)state;
	a = shm_join(RING_CONSUMER, 0);
	child_kill(pid);
	assert_true(wait_until(is_dead, &index));
	b = shm_join(RING_CONSUMER, 0);
	assert_int_equal(b->index, index);
	ring_close(a);
	ring_close(b);
}

static void there_is_one_launcher_at_most(void **state)
{
	(void)state;
	assert_null(ring_open(ring_called, RING_LAUNCHER | RING_HOLDER, 0));
	assert_int_equal(errno, EBUSY);
	assert_non_null(strstr(ring_why(), "launcher"));
	assert_null(ring_share(launcher, RING_LAUNCHER, 0));
	assert_int_equal(errno, EBUSY);
	ring_close(launcher);
	launcher = shm_join(RING_LAUNCHER, 0);
}

static void an_entry_says_who_is_there(void **state)
{
	struct ring *ring = shm_join(RING_CONSUMER | RING_HOLDER, 7);
	struct ring_member member;

	(void)state;
	assert_int_equal(ring_member(launcher, ring->index, &member), 1);
	assert_int_equal(member.index, ring->index);
	assert_int_equal(member.pid, getpid());
	assert_int_equal(member.roles, RING_CONSUMER | RING_HOLDER);
	assert_int_equal(member.number, 7);
	assert_true(member.is_alive);
	assert_true(member.started_ns <= ring_now_ns());
	assert_true(members_have(ring->segment, RING_HOLDER));
	assert_false(members_have(ring->segment, RING_PRODUCER));
	ring_close(ring);
	assert_false(members_have(launcher->segment, RING_HOLDER));
}

/* The counters of an entry go on, so that their sums are the ring's; each owner's own begin anew. */
static void counters_go_on_from_owner_to_owner(void **state)
{
	struct ring_member member;
	struct ring_books books;

	(void)state;
	for (uint64_t turn = 1; turn <= 3; turn++) {
		struct ring *ring = shm_join(RING_PRODUCER | RING_CONSUMER, 0);

		assert_int_equal(ring_put(ring, "x", 1, 0), RING_OK);
		assert_int_equal(ring_member(launcher, ring->index, &member), 1);
		assert_int_equal(member.published, 1);
		assert_int_equal(member.bytes, 1);
		ring_books(launcher, &books);
		assert_int_equal(books.published, turn);
		ring_close(ring);
	}
}

/* ------------------------------------------------------------------ the journal */

enum moment { BEFORE_SWAP, AFTER_SWAP, COUNTED };

/* What member 1 leaves when it is killed at that moment of doing `op` to slot 2, after n others. */
static void leave_intent(struct segment *segment, enum counter op, enum moment moment, uint64_t n)
{
	struct member *member = member_at(segment, 1);
	uint64_t gen = UINT64_C(0xfedcba987);
	uint64_t before = slot_word(op == COUNT_PUBLISHED ? SLOT_WRITING : SLOT_READING, 1, 0, gen);
	uint64_t after = op == COUNT_PUBLISHED ? slot_published(before, 1)
		       : op == COUNT_DEAD ? slot_buried(before) : slot_freed(before);

	member->count[op] = n;
	journal_begin(member, op, 2, gen, 1);
	segment->words[2] = moment == BEFORE_SWAP ? before : after;
	if (moment == COUNTED)
		journal_done(member, op, 1);
}

static void the_journal_counts_each_thing_once(void **state)
{
	static const uint64_t counts[] = { 0, 1, 30, 31, 32, UINT64_MAX - 1, UINT64_MAX };
	struct segment *segment = launcher->segment;

	(void)state;
	for (int op = COUNT_PUBLISHED; op <= COUNT_DROPPED; op++)
		for (int moment = BEFORE_SWAP; moment <= COUNTED; moment++)
			for (size_t i = 0; i < COUNT(counts); i++) {
				uint64_t done = moment != BEFORE_SWAP;

				leave_intent(segment, (enum counter)op, (enum moment)moment, counts[i]);
				journal_settle(segment, 1);
				assert_true(member_at(segment, 1)->count[op] == counts[i] + done);
				journal_settle(segment, 1);
				assert_true(member_at(segment, 1)->count[op] == counts[i] + done);
				/* Whatever recovery does to the slot then, it is not the swap. */
				segment->words[2] = 0;
				journal_settle(segment, 1);
				assert_true(member_at(segment, 1)->count[op] == counts[i] + done);
				member_at(segment, 1)->count[op] = 0;
			}
}

/* Killed before the lane knew of it, the item is dropped again by the successor: then it counts. */
static void a_drop_counts_once_its_lane_knows_of_it(void **state)
{
	static const uint64_t marks[] = { 5, UINT64_C(5) | UINT64_C(3) << 44, 5 | MARK_IS_TICKET };
	struct segment *segment = launcher->segment;
	struct member *member = member_at(segment, 1);

	(void)state;
	for (size_t i = 0; i < COUNT(marks); i++)
		for (int moment = BEFORE_SWAP; moment <= COUNTED; moment++) {
			uint64_t done = moment != BEFORE_SWAP;

			segment->lanes[2].mark = i == 1 ? 5 : 4;
			segment->lanes[2].used = 4;
			member->count[COUNT_REFUSED] = 31;
			journal_begin_drop(member, 2, marks[i]);
			if (moment != BEFORE_SWAP)
				lanes_advance(segment, 2, marks[i]);
			if (moment == COUNTED)
				journal_done(member, COUNT_REFUSED, 1);
			journal_settle(segment, 1);
			assert_int_equal(member->count[COUNT_REFUSED], 31 + done);
			lanes_advance(segment, 2, marks[i]);
			journal_settle(segment, 1);
			assert_int_equal(member->count[COUNT_REFUSED], 31 + done);
		}
	member->count[COUNT_REFUSED] = 0;
}

static void a_publish_that_a_strict_stop_prevented_does_not_count(void **state)
{
	struct segment *segment = launcher->segment;

	(void)state;
	leave_intent(segment, COUNT_PUBLISHED, BEFORE_SWAP, 5);
	segment->words[2] = slot_revoked(segment->words[2]);
	journal_settle(segment, 1);
	assert_int_equal(member_at(segment, 1)->count[COUNT_PUBLISHED], 5);
}

static void others_may_have_moved_the_slot_on_since(void **state)
{
	uint64_t gen = UINT64_C(0xfedcba987);
	const uint64_t since[] = {
		slot_word(SLOT_WRITING, 2, 0, gen), slot_word(SLOT_READY, 1, 0, gen + 1),
		slot_word(SLOT_READING, 1, 0, gen + 1), slot_word(SLOT_FREE, 0, 0, gen + 1),
	};
	struct segment *segment = launcher->segment;

	(void)state;
	for (size_t i = 0; i < COUNT(since); i++) {
		leave_intent(segment, COUNT_ACKED, AFTER_SWAP, 5);
		segment->words[2] = since[i];
		journal_settle(segment, 1);
		assert_int_equal(member_at(segment, 1)->count[COUNT_ACKED], 6);
	}
}

static void an_intent_that_can_not_be_is_ignored(void **state)
{
	static const uint64_t intents[] = {
		0, 5, 6, 7,			/* no operation */
		1 | UINT64_C(4) << 3,		/* slot 4 of 0 to 3 */
			1 | UINT64_C(0xfffff) << 3, UINT64_MAX,
	};
	struct segment *segment = launcher->segment;
	struct member *member = member_at(segment, 1);

	(void)state;
	for (size_t i = 0; i < COUNT(intents); i++) {
		member->intent = intents[i];
		member->count[COUNT_PUBLISHED] = 3;
		journal_settle(segment, 1);
		for (int c = 0; c < COUNTERS; c++)
			assert_int_equal(member->count[c], c == COUNT_PUBLISHED ? 3 : 0);
	}
	member->count[COUNT_PUBLISHED] = 0;
}

/* ------------------------------------------------------------------ removing */

static void a_ring_in_use_keeps_its_name(void **state)
{
	(void)state;
	assert_int_equal(ring_unlink(ring_called, false), -1);
	assert_int_equal(errno, EBUSY);
	assert_true(shm_exists());
	assert_int_equal(launcher->segment->header->removed, 0);
}

static void a_ring_with_items_keeps_its_name(void **state)
{
	struct ring *ring = shm_join(RING_PRODUCER, 0);

	(void)state;
	assert_int_equal(ring_put(ring, "x", 1, 0), RING_OK);
	ring_close(ring);
	assert_false(ring_close_last(launcher));
	launcher = NULL;
	assert_int_equal(ring_unlink(ring_called, false), -1);
	assert_int_equal(errno, ENOTEMPTY);
	assert_true(shm_exists());
	launcher = shm_join(RING_LAUNCHER, 0);
}

static void the_dead_do_not_keep_a_ring(void **state)
{
	uint32_t index;
	pid_t pid = start_member(stay_attached, &index, NULL);

	(void)state;
	assert_false(ring_close_last(launcher));
	launcher = NULL;
	child_kill(pid);
	assert_true(wait_until(is_unlinked, ring_called));
	assert_false(shm_exists());
}

/* Whoever was removing it was killed after the mark, before the name was gone. */
static void a_ring_whose_remover_died_is_removed_or_used(void **state)
{
	struct ring *a;

	(void)state;
	launcher->segment->header->removed = 1;
	a = ring_open(ring_called, RING_CONSUMER, 0);	/* the launcher is still there */
	assert_non_null(a);
	assert_int_equal(launcher->segment->header->removed, 0);
	ring_close(a);
	launcher->segment->header->removed = 1;
	ring_close(launcher);
	launcher = NULL;
	assert_null(ring_open(ring_called, RING_CONSUMER, 0));
	assert_int_equal(errno, ENOENT);
	assert_false(shm_exists());
}

static void a_removed_ring_takes_nobody_in(void **state)
{
	(void)state;
	assert_int_equal(ring_unlink(ring_called, true), 0);
	assert_false(shm_exists());
	assert_null(ring_share(launcher, RING_CONSUMER, 0));
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(ring_put(launcher, "x", 1, 0), RING_ERROR);
	assert_int_equal(errno, EPERM);
}

static void another_ring_of_that_name_is_left_alone(void **state)
{
	struct ring *old = launcher;

	(void)state;
	assert_int_equal(ring_unlink(ring_called, true), 0);
	launcher = shm_make(4, 8, MEMBERS, RING_LAUNCHER);
	assert_true(ring_close_last(old));
	assert_true(shm_exists());
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_dead_are_recovered_and_nobody_else),
		TEST(a_stopped_member_is_alive),
		TEST(a_child_does_not_keep_its_dead_parent_alive),
		TEST(entries_are_given_once_and_come_back),
		TEST(a_dead_member_s_entry_is_used_when_no_other_is_free),
		TEST(there_is_one_launcher_at_most),
		TEST(an_entry_says_who_is_there),
		TEST(counters_go_on_from_owner_to_owner),
		TEST(the_journal_counts_each_thing_once),
		TEST(a_drop_counts_once_its_lane_knows_of_it),
		TEST(a_publish_that_a_strict_stop_prevented_does_not_count),
		TEST(others_may_have_moved_the_slot_on_since),
		TEST(an_intent_that_can_not_be_is_ignored),
		TEST(a_ring_in_use_keeps_its_name),
		TEST(a_ring_with_items_keeps_its_name),
		TEST(the_dead_do_not_keep_a_ring),
		TEST(a_ring_whose_remover_died_is_removed_or_used),
		TEST(a_removed_ring_takes_nobody_in),
		TEST(another_ring_of_that_name_is_left_alone),
	};

	return cmocka_run_group_tests_name("members", tests, NULL, NULL);
}
