/* test_recover.c - what a dead member left goes back to the ring; hints that stopped ones owe. */
#include "tests/unit/plain_ring.h"

#define DEAD 1u		/* the member that died */
#define OTHER 2u
#define SLOTS 8u
#define MS UINT64_C(1000000)

static struct plain_ring *plain;
static struct segment *segment;
static struct ring dead, other;

static int set_up(void **state)
{
	(void)state;
	plain = plain_make(SLOTS, 8, 4, FIRST_LATE);
	segment = &plain->segment;
	dead = plain_join(plain, DEAD, RING_PRODUCER | RING_CONSUMER);
	other = plain_join(plain, OTHER, RING_PRODUCER | RING_CONSUMER);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	plain_free(plain);
	return 0;
}

static int tokens(struct waiting *waiting)
{
	int n;

	assert_int_equal(sem_getvalue(&waiting->sem, &n), 0);
	return n;
}

static void assert_gone(uint32_t member)
{
	assert_int_equal(segment->members[member - 1].word, member_word(MEMBER_FREE, 0));
	assert_int_equal(segment->members[member - 1].waiting, WAITING_NOTHING);
}

/* ------------------------------------------------------------------ its slots */

static void what_it_was_writing_is_free_again(void **state)
{
	struct ring_item item;

	(void)state;
	assert_int_equal(ring_reserve(&dead, &item, 0), RING_OK);
	assert_int_equal(ring_reserve(&dead, &item, 0), RING_OK);
	plain_set_word(plain, item.slot, slot_revoked(item.word));
	assert_true(recover_member(segment, DEAD));
	assert_int_equal(plain_count(plain, SLOT_FREE), SLOTS);
	assert_gone(DEAD);
}

/* An item of `other`'s that has died. */
static uint64_t bury_one(uint64_t value)
{
	struct ring_item item;

	plain_publish(&other, value);
	(void)plain_take(&other, &item);
	assert_int_equal(ring_dead(&other, &item, 65), 0);
	return item.id;
}

static uint32_t slot_of_the_dead(void)
{
	for (uint32_t i = 0; i < SLOTS; i++)
		if (slot_state(plain_word(plain, i)) == SLOT_DEAD)
			return i;
	fail_msg("nothing is dead");
	return 0;
}

static void a_dead_letter_taken_up_is_dead_again(void **state)
{
	uint64_t id = bury_one(42), word;
	struct ring_view view;
	struct ring_item item;

	(void)state;
	word = plain_word(plain, slot_of_the_dead());
	for (int is_revoked = 0; is_revoked < 2; is_revoked++) {
		assert_int_equal(ring_reserve_dead(&dead, slot_of_the_dead(), id, &item), RING_OK);
		if (is_revoked)
			plain_set_word(plain, item.slot, slot_revoked(item.word));
		journal_begin(&segment->members[DEAD - 1], COUNT_PUBLISHED, item.slot,
			      slot_gen(item.word), 1);
		assert_true(recover_member(segment, DEAD));
		assert_int_equal(plain_word(plain, slot_of_the_dead()), word);
		assert_int_equal(ring_look(&other, slot_of_the_dead(), &view, NULL, 0), 1);
		assert_int_equal(view.id, id);
		assert_int_equal(view.reason, 65);
		assert_int_equal(segment->members[DEAD - 1].count[COUNT_PUBLISHED], 0);
		dead = plain_join(plain, DEAD, RING_PRODUCER | RING_CONSUMER);
	}
}

/* Killed behind the swap, as any producer. */
static void a_dead_letter_put_back_is_told_and_counted(void **state)
{
	uint64_t id = bury_one(42);
	struct ring_item item;

	(void)state;
	assert_int_equal(ring_reserve_dead(&dead, slot_of_the_dead(), id, &item), RING_OK);
	journal_begin(&segment->members[DEAD - 1], COUNT_PUBLISHED, item.slot, slot_gen(item.word), 1);
	plain_set_word(plain, item.slot, slot_published(item.word, 1));
	assert_true(recover_member(segment, DEAD));
	assert_int_equal(segment->members[DEAD - 1].count[COUNT_PUBLISHED], 1);
	assert_int_equal(plain_take(&other, &item), 42);
	assert_int_equal(item.id, id);
}

static void what_it_had_taken_is_delivered_again(void **state)
{
	struct ring_item item;

	(void)state;
	plain_publish(&other, 42);
	(void)plain_take(&dead, &item);
	assert_true(recover_member(segment, DEAD));
	assert_int_equal(plain_take(&other, &item), 42);
	assert_int_equal(item.deliveries, 2);
	assert_int_equal(item.given_back, 0);
	assert_int_equal(item.failures, 0);
}

static void what_it_had_published_untold_is_told_in_its_order(void **state)
{
	struct ring_item item;

	(void)state;
	dead.cursor = 6;	/* so that the order of slots is not that of items */
	for (uint64_t n = 0; n < 5; n++)
		(void)plain_publish_untold(&dead, n, 0);
	assert_true(recover_member(segment, DEAD));
	for (uint64_t n = 0; n < 5; n++) {
		assert_int_equal(plain_take(&other, &item), n);
		assert_int_equal(item.deliveries, 1);
	}
}

static void what_is_others_or_nobody_s_stays(void **state)
{
	static const struct { enum slot_state state; uint32_t owner; } theirs[] = {
		{ SLOT_WRITING, OTHER }, { SLOT_REVOKED, OTHER }, { SLOT_READY, OTHER },
		{ SLOT_READY, 0 }, { SLOT_DELAYED, 0 }, { SLOT_READING, OTHER }, { SLOT_DEAD, 0 },
	};
	uint64_t before[COUNT(theirs)];

	(void)state;
	for (uint32_t i = 0; i < COUNT(theirs); i++) {
		before[i] = slot_word(theirs[i].state, theirs[i].owner, 0, i);
		plain_set_word(plain, i, before[i]);
	}
	assert_true(recover_member(segment, DEAD));
	for (uint32_t i = 0; i < COUNT(theirs); i++)
		assert_int_equal(plain_word(plain, i), before[i]);
	assert_int_equal(segment->members[OTHER - 1].word,
			 member_word(MEMBER_LIVE, RING_PRODUCER | RING_CONSUMER));
}

/* A recoverer that dies is followed by another, who begins again. */
static void recovering_twice_does_no_more_than_once(void **state)
{
	struct ring_books once, twice;
	struct ring_item item;

	(void)state;
	plain_publish(&other, 1);
	(void)plain_take(&dead, &item);
	(void)plain_publish_untold(&dead, 2, 0);
	assert_int_equal(ring_reserve(&dead, &item, 0), RING_OK);
	assert_true(recover_member(segment, DEAD));
	ring_books(&other, &once);
	segment->members[DEAD - 1].word = member_word(MEMBER_LIVE, dead.roles);
	assert_true(recover_member(segment, DEAD));
	ring_books(&other, &twice);
	assert_memory_equal(&once, &twice, sizeof(once));
	assert_int_equal(plain_take(&other, &item), 2);
	assert_int_equal(plain_take(&other, &item), 1);
	assert_int_equal(item.deliveries, 2);
	assert_int_equal(ring_take(&other, &item, 0), RING_TIMEOUT);
	plain_assert_sound(plain, &other);
}

static void without_room_for_its_hints_its_entry_waits(void **state)
{
	struct ring_item item;

	(void)state;
	plain_publish(&other, 1);
	while (hints_push(segment, 0, plain_word(plain, 0)))
		;
	(void)plain_publish_untold(&dead, 2, 0);
	assert_false(recover_member(segment, DEAD));
	assert_int_equal(member_state(segment->members[DEAD - 1].word), MEMBER_LIVE);
	assert_int_equal(plain_take(&other, &item), 1);
	assert_true(recover_member(segment, DEAD));
	assert_gone(DEAD);
	assert_int_equal(plain_take(&other, &item), 2);
}

/* Ids of a damaged ring, or of one that is 2^64 items old: none is left untold. */
static void no_id_keeps_an_item_from_being_told(void **state)
{
	static const uint64_t ids[] = { 0, 1, 5, 5, UINT64_MAX, FIRST_LATE + 1,
					FIRST_LATE + (UINT64_C(1) << 62) };
	struct ring_item item;

	(void)state;
	for (size_t i = 0; i < COUNT(ids); i++) {
		uint32_t index = plain_publish_untold(&dead, i, 0);

		atomic_store(&segment_slot(segment, index)->id, ids[i]);
	}
	assert_true(recover_member(segment, DEAD));
	for (size_t i = 0; i < COUNT(ids); i++)
		(void)plain_take(&other, &item);
	assert_int_equal(ring_take(&other, &item, 0), RING_TIMEOUT);
}

/* ------------------------------------------------------------------ its lanes, its entry */

static void its_successor_knows_what_it_made(void **state)
{
	static const enum slot_state accepted[] = { SLOT_READY, SLOT_READING, SLOT_DELAYED };

	(void)state;
	for (size_t i = 0; i < COUNT(accepted); i++) {
		uint32_t index = plain_publish_untold(&dead, i, 10 + i);
		uint32_t owner = accepted[i] == SLOT_READING ? OTHER : 0;

		plain_set_word(plain, index, slot_word(accepted[i], owner, 0, 5));
		assert_true(recover_member(segment, DEAD));
		assert_int_equal(segment->lanes[dead.lane].mark, 10 + i);
		assert_int_equal(segment->lanes[dead.lane].owner, 0);
		dead = plain_join(plain, DEAD, RING_PRODUCER);
		assert_int_equal(ring_mark(&dead), 10 + i);
	}
}

static void what_was_not_accepted_counts_for_nothing(void **state)
{
	static const enum slot_state unaccepted[] = { SLOT_FREE, SLOT_WRITING, SLOT_REVOKED };

	(void)state;
	for (uint32_t i = 0; i < COUNT(unaccepted); i++) {
		atomic_store(&segment_slot(segment, i)->lane, (uint16_t)dead.lane);
		atomic_store(&segment_slot(segment, i)->mark, 99);
		plain_set_word(plain, i, slot_word(unaccepted[i], i ? DEAD : 0, 0, 5));
	}
	assert_true(recover_member(segment, DEAD));
	assert_int_equal(segment->lanes[dead.lane].mark, 0);
}

static void the_lanes_of_the_living_stay_theirs(void **state)
{
	(void)state;
	(void)plain_publish_untold(&other, 1, 5);
	assert_true(recover_member(segment, DEAD));
	assert_int_equal(segment->lanes[other.lane].owner, OTHER);
	assert_int_equal(segment->lanes[other.lane].mark, 0);
}

static void its_ticket_is_given_to_another(void **state)
{
	uint64_t ticket;

	(void)state;
	/* Killed between the counter's swap and the record in its lane. */
	segment->header->ticket = 1 << 16 | (dead.lane + 1);
	assert_true(recover_member(segment, DEAD));
	assert_int_equal(ring_ticket(&other, 1, &ticket), RING_OK);
	assert_int_equal(ticket, 1);
}

static void what_it_was_about_to_do_is_settled_first(void **state)
{
	struct ring_books books;
	struct ring_item item;

	(void)state;
	plain_publish(&other, 1);
	(void)plain_take(&dead, &item);
	journal_begin(dead.me, COUNT_ACKED, item.slot, slot_gen(item.word), 1);
	plain_set_word(plain, item.slot, slot_freed(item.word));
	plain_publish(&other, 2);
	(void)plain_take(&dead, &item);
	assert_true(recover_member(segment, DEAD));
	ring_books(&other, &books);
	assert_int_equal(books.acked, 1);
	/* And the other way: it did not come to its swap. */
	dead = plain_join(plain, DEAD, RING_CONSUMER);
	(void)plain_take(&dead, &item);
	journal_begin(dead.me, COUNT_ACKED, item.slot, slot_gen(item.word), 1);
	assert_true(recover_member(segment, DEAD));
	ring_books(&other, &books);
	assert_int_equal(books.acked, 1);
	plain_assert_sound(plain, &other);
}

static void a_flag_that_it_was_raising_goes_up(void **state)
{
	struct ring_item item;

	(void)state;
	assert_int_equal(ring_reserve(&other, &item, 0), RING_OK);
	segment->header->stop = RING_STOP_STRICT | 4;
	assert_true(recover_member(segment, DEAD));
	assert_int_equal(segment->header->stop, RING_STOP_STRICT);
	assert_int_equal(ring_publish(&other, &item), RING_CLOSED);
}

static void delayed_items_are_looked_for_again(void **state)
{
	(void)state;
	segment->header->next_due = UINT64_MAX;		/* it was promoting them */
	assert_true(recover_member(segment, DEAD));
	assert_true(segment->header->next_due <= ring_now_ns());
}

static void only_who_could_add_items_can_end_the_line(void **state)
{
	static const struct { unsigned roles, ending; } cases[] = {
		{ RING_CONSUMER, 0 }, { RING_LAUNCHER, 0 }, { RING_CONSUMER | RING_LAUNCHER, 0 },
		{ RING_HOLDER, 1 }, { RING_PRODUCER, 1 }, { RING_LAUNCHER | RING_HOLDER, 1 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		segment->header->ending = 0;
		segment->members[DEAD - 1].word = member_word(MEMBER_LIVE, cases[i].roles);
		assert_true(recover_member(segment, DEAD));
		assert_int_equal(segment->header->ending, cases[i].ending);
	}
}

/* Consumers were killed between burying an item and making room, again and again. */
static void the_dead_beyond_a_quarter_make_room(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 5; i++) {
		atomic_store(&segment_slot(segment, i)->when_ns, 100 - i);
		plain_set_word(plain, i, slot_word(SLOT_DEAD, 0, 0, i));
	}
	segment->header->free.wanted = 1;
	assert_true(recover_member(segment, DEAD));
	assert_int_equal(plain_count(plain, SLOT_DEAD), SLOTS / 4);
	assert_int_equal(slot_state(plain_word(plain, 0)), SLOT_DEAD);	/* the last to die */
	assert_int_equal(slot_state(plain_word(plain, 1)), SLOT_DEAD);
	assert_int_equal(segment->header->free.wanted, 0);
}

/* ------------------------------------------------------------------ wake-ups */

static void each_death_adds_a_wake_up_on_either_side(void **state)
{
	(void)state;
	segment->header->ready.wanted = 1;	/* a living consumer sleeps */
	assert_true(recover_member(segment, DEAD));
	assert_int_equal(tokens(&segment->header->ready), 1);
	assert_int_equal(tokens(&segment->header->free), 1);
	assert_int_equal(segment->header->ready.wanted, 1);
}

static void a_sleeper_s_death_takes_its_asking_back(void **state)
{
	(void)state;
	segment->header->ready.wanted = 2;
	segment->header->free.wanted = 2;
	dead.me->waiting = WAITING_FREE;
	assert_true(recover_member(segment, DEAD));
	assert_int_equal(segment->header->ready.wanted, 2);
	assert_int_equal(segment->header->free.wanted, 1);
}

static void who_leaves_wakes_those_who_asked(void **state)
{
	(void)state;
	segment->header->ready.wanted = 1;
	recover_leave(segment, DEAD);
	assert_gone(DEAD);
	assert_int_equal(tokens(&segment->header->ready), 1);
	assert_int_equal(segment->header->ready.wanted, 0);
	assert_int_equal(tokens(&segment->header->free), 0);
}

/* ------------------------------------------------------------------ delays, sweeps */

static void give_back(struct ring *ring, uint64_t value, uint32_t delay_ms)
{
	struct ring_item item;

	plain_publish(&other, value);
	assert_int_equal(plain_take(ring, &item), value);
	assert_int_equal(ring_give_back(ring, &item, delay_ms, true), 0);
}

static void delayed_items_come_when_they_are_due(void **state)
{
	struct ring_item item;
	uint64_t now = ring_now_ns();

	(void)state;
	give_back(&dead, 1, 3000);
	give_back(&dead, 2, 2000);
	give_back(&dead, 3, 4000);
	assert_in_range(segment->header->next_due, now + 2000 * MS, ring_now_ns() + 2000 * MS);
	recover_promote(segment, OTHER, ring_now_ns());
	assert_int_equal(ring_take(&other, &item, 0), RING_TIMEOUT);
	recover_promote(segment, OTHER, ring_now_ns() + 2500 * MS);
	assert_int_equal(plain_take(&other, &item), 2);
	assert_int_equal(item.deliveries, 2);
	assert_int_equal(item.failures, 1);
	assert_in_range(segment->header->next_due, now + 3000 * MS, ring_now_ns() + 3000 * MS);
	recover_promote(segment, OTHER, ring_now_ns() + 5000 * MS);
	assert_int_equal(plain_take(&other, &item), 1);
	assert_int_equal(plain_take(&other, &item), 3);
	assert_int_equal(segment->header->next_due, UINT64_MAX);
}

static void a_due_time_is_only_moved_forward(void **state)
{
	(void)state;
	recover_due_at(segment, 500);
	recover_due_at(segment, 700);
	recover_due_at(segment, UINT64_MAX);
	assert_int_equal(segment->header->next_due, 500);
	recover_due_at(segment, 300);
	assert_int_equal(segment->header->next_due, 300);
}

static void a_sweep_tells_what_a_stopped_producer_did_not(void **state)
{
	struct ring_item item;

	(void)state;
	(void)plain_publish_untold(&dead, 1, 0);
	assert_int_equal(ring_take(&other, &item, 0), RING_TIMEOUT);
	recover_sweep(segment, OTHER);
	assert_int_equal(plain_take(&other, &item), 1);
	assert_int_equal(item.deliveries, 1);
	assert_int_equal(member_state(segment->members[DEAD - 1].word), MEMBER_LIVE);
}

static void a_sweep_wakes_only_who_waits_for_what_there_is(void **state)
{
	(void)state;
	other.me->waiting = WAITING_READY;
	recover_sweep(segment, DEAD);
	assert_int_equal(tokens(&segment->header->ready), 0);
	plain_publish(&dead, 1);
	recover_sweep(segment, DEAD);
	recover_sweep(segment, DEAD);
	assert_int_equal(tokens(&segment->header->ready), 1);
	assert_int_equal(tokens(&segment->header->free), 0);
	other.me->waiting = WAITING_FREE;
	recover_sweep(segment, DEAD);
	assert_int_equal(tokens(&segment->header->free), 1);
}

/* Who should have told them was stopped before he did. */
static void a_sweep_tells_the_end_of_the_line(void **state)
{
	(void)state;
	other.me->waiting = WAITING_READY;
	segment->header->ending = 1;
	recover_sweep(segment, DEAD);
	assert_int_equal(tokens(&segment->header->ready), 0);
	dead.me->word = other.me->word = member_word(MEMBER_LIVE, RING_CONSUMER);
	recover_sweep(segment, DEAD);
	assert_int_equal(tokens(&segment->header->ready), 1);
	plain_format(plain, 0);
	other.me->waiting = WAITING_READY;
	flags_raise(segment, RING_STOP_NOW, RING_CAUSE_USER);
	recover_sweep(segment, DEAD);
	assert_int_equal(tokens(&segment->header->ready), 1);
}

static void a_sweep_tells_the_flag_to_who_waits_for_a_slot(void **state)
{
	(void)state;
	for (uint64_t n = 0; n < SLOTS; n++)
		plain_publish(&dead, n);
	other.me->waiting = WAITING_FREE;
	recover_sweep(segment, DEAD);
	assert_int_equal(tokens(&segment->header->free), 0);
	flags_raise(segment, RING_STOP_SOFT, RING_CAUSE_USER);
	recover_sweep(segment, DEAD);
	assert_int_equal(tokens(&segment->header->free), 1);
}

static void a_sweep_notes_how_full_it_was(void **state)
{
	struct ring_item item;

	(void)state;
	for (uint64_t n = 0; n < 3; n++)
		plain_publish(&dead, n);
	recover_sweep(segment, OTHER);
	(void)plain_take(&other, &item);
	assert_int_equal(ring_ack(&other, &item), 0);
	recover_sweep(segment, OTHER);
	assert_int_equal(segment->header->high_water, 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_it_was_writing_is_free_again),
		TEST(what_it_had_taken_is_delivered_again),
		TEST(a_dead_letter_taken_up_is_dead_again),
		TEST(a_dead_letter_put_back_is_told_and_counted),
		TEST(what_it_had_published_untold_is_told_in_its_order),
		TEST(what_is_others_or_nobody_s_stays),
		TEST(recovering_twice_does_no_more_than_once),
		TEST(without_room_for_its_hints_its_entry_waits),
		TEST(no_id_keeps_an_item_from_being_told),
		TEST(its_successor_knows_what_it_made),
		TEST(what_was_not_accepted_counts_for_nothing),
		TEST(the_lanes_of_the_living_stay_theirs),
		TEST(its_ticket_is_given_to_another),
		TEST(what_it_was_about_to_do_is_settled_first),
		TEST(a_flag_that_it_was_raising_goes_up),
		TEST(delayed_items_are_looked_for_again),
		TEST(only_who_could_add_items_can_end_the_line),
		TEST(the_dead_beyond_a_quarter_make_room),
		TEST(each_death_adds_a_wake_up_on_either_side),
		TEST(a_sleeper_s_death_takes_its_asking_back),
		TEST(who_leaves_wakes_those_who_asked),
		TEST(delayed_items_come_when_they_are_due),
		TEST(a_due_time_is_only_moved_forward),
		TEST(a_sweep_tells_what_a_stopped_producer_did_not),
		TEST(a_sweep_wakes_only_who_waits_for_what_there_is),
		TEST(a_sweep_tells_the_end_of_the_line),
		TEST(a_sweep_tells_the_flag_to_who_waits_for_a_slot),
		TEST(a_sweep_notes_how_full_it_was),
	};

	return cmocka_run_group_tests_name("recover", tests, NULL, NULL);
}
