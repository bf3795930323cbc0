/* test_stats.c - what counters, looks and fsck say, also while everything wraps or is damaged. */
#include "tests/unit/plain_ring.h"

#include <errno.h>

#define SLOTS 8u
#define ITEM_MAX 16u

static struct plain_ring *plain;
static struct segment *segment;
static struct ring producer, consumer;

static int set_up(void **state)
{
	(void)state;
	plain = plain_make(SLOTS, ITEM_MAX, 4, FIRST_LATE);
	segment = &plain->segment;
	producer = plain_join(plain, 1, RING_PRODUCER);
	consumer = plain_join(plain, 2, RING_CONSUMER);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	plain_free(plain);
	return 0;
}

static struct ring_stats stats(void)
{
	struct ring_stats result;

	assert_int_equal(ring_stats(&consumer, &result), 0);
	return result;
}

static struct ring_item publish_and_take(uint64_t value)
{
	struct ring_item item;

	plain_publish(&producer, value);
	assert_int_equal(plain_take(&consumer, &item), value);
	return item;
}

/* ------------------------------------------------------------------ counters */

static void each_slot_is_counted_by_its_state(void **state)
{
	struct ring_stats s;
	struct ring_item item;

	(void)state;
	item = publish_and_take(1);
	assert_int_equal(ring_dead(&consumer, &item, 3), 0);
	item = publish_and_take(2);
	assert_int_equal(ring_give_back(&consumer, &item, 100000, false), 0);
	item = publish_and_take(3);
	plain_publish(&producer, 4);
	plain_publish(&producer, 5);
	assert_int_equal(ring_reserve(&producer, &item, 0), RING_OK);
	s = stats();
	assert_int_equal(s.dead_kept, 1);
	assert_int_equal(s.delayed, 1);
	assert_int_equal(s.in_flight, 1);
	assert_int_equal(s.ready, 2);
	assert_int_equal(s.writing, 1);
	assert_int_equal(s.free, SLOTS - 6);
	assert_int_equal(s.left, 4);
	assert_int_equal(s.high_water, 4);
	assert_int_equal(s.published, 5);
	assert_int_equal(s.dead, 1);
	assert_int_equal(s.acked, 0);
	assert_int_equal(s.producers, 1);
	assert_int_equal(s.consumers, 1);
	assert_int_equal(s.holders, 0);
	assert_int_equal(s.launcher, 0);
	assert_int_equal(s.taken, 3);
	assert_int_equal(s.bytes, 40);
	assert_true(s.oldest_ns > 0);
	plain_assert_sound(plain, &consumer);
}

static void the_books_balance_after_each_step_while_generations_wrap(void **state)
{
	unsigned seed = 1;

	(void)state;
	for (uint64_t n = 0; n < 500; n++) {
		struct ring_item item;
		struct ring_books books;
		struct ring_stats s;

		if (ring_put(&producer, &n, sizeof(n), 0) == RING_TIMEOUT)
			assert_int_equal(ring_drop_oldest(&producer), RING_OK);
		if (rand_r(&seed) % 3 && ring_take(&consumer, &item, 0) == RING_OK) {
			int way = rand_r(&seed) % 4;

			if (way == 0)
				assert_int_equal(ring_dead(&consumer, &item, 1), 0);
			else if (way == 1)
				assert_int_equal(ring_give_back(&consumer, &item, 0, true), 0);
			else
				assert_int_equal(ring_ack(&consumer, &item), 0);
		}
		if (rand_r(&seed) % 16 == 0)
			ring_count_dropped(&producer, 0);
		s = stats();
		ring_books(&consumer, &books);
		assert_int_equal(s.published, s.acked + s.dead + s.dropped + s.left);
		assert_int_equal(books.published, s.published);
		assert_int_equal(books.acked, s.acked);
		assert_int_equal(books.dead, s.dead);
		assert_int_equal(books.dropped, s.dropped);
		plain_assert_sound(plain, &consumer);
	}
}

/* Killed between its swap and its count, and not recovered yet: the slots know better. */
static void what_is_not_counted_yet_is_in_the_books_of_the_slots(void **state)
{
	struct ring_item item = publish_and_take(1);
	struct ring_stats s;

	(void)state;
	plain_set_word(plain, item.slot, slot_freed(item.word));
	s = stats();
	assert_int_equal(s.published, 1);
	assert_int_equal(s.acked, 1);
	assert_int_equal(s.left, 0);
	producer.me->count[COUNT_PUBLISHED]--;
	assert_int_equal(stats().published, 1);
}

static void the_rounds_of_the_generations_are_counted(void **state)
{
	const uint64_t round = SLOT_GEN_MASK + 1;

	(void)state;
	plain_publish(&producer, 1);
	for (uint64_t rounds = 0; rounds < 3; rounds++) {
		producer.me->count[COUNT_PUBLISHED] = rounds * round + 1;
		assert_int_equal(stats().published, rounds * round + 1);
		/* One that is being published is not counted yet, or was counted since the look. */
		producer.me->count[COUNT_PUBLISHED] = rounds * round;
		assert_int_equal(stats().published, rounds * round + 1);
		producer.me->count[COUNT_PUBLISHED] = rounds * round + 2;
		assert_int_equal(stats().published, rounds * round + 1);
	}
}

static void members_are_counted_by_their_roles(void **state)
{
	struct ring_stats s;

	(void)state;
	(void)plain_join(plain, 3, RING_LAUNCHER | RING_HOLDER);
	segment->members[2].pid = 4711;
	(void)plain_join(plain, 4, RING_PRODUCER | RING_CONSUMER);
	s = stats();
	assert_int_equal(s.producers, 2);
	assert_int_equal(s.consumers, 2);
	assert_int_equal(s.holders, 1);
	assert_int_equal(s.launcher, 4711);
}

static void counters_that_can_not_be_are_damage(void **state)
{
	struct ring_stats s;

	(void)state;
	for (uint32_t i = 0; i < SLOTS; i++)	/* ready, though never published */
		plain_set_word(plain, i, slot_word(SLOT_READY, 0, 0, FIRST_LATE));
	assert_int_equal(ring_stats(&consumer, &s), -1);
	assert_int_equal(errno, EBADMSG);
	assert_string_not_equal(ring_why(), "");
}

/* ------------------------------------------------------------------ looks */

static void a_look_shows_an_item_and_leaves_it(void **state)
{
	struct ring_item item;
	struct ring_view view;
	unsigned char bytes[ITEM_MAX];
	uint32_t slot;

	(void)state;
	assert_int_equal(ring_reserve(&producer, &item, 0), RING_OK);
	slot = item.slot;
	assert_int_equal(ring_look(&consumer, slot, &view, bytes, sizeof(bytes)), 0);
	memcpy(item.data, "hello", 5);
	item.len = 5;
	item.mark = 77;
	assert_int_equal(ring_publish(&producer, &item), RING_OK);
	assert_int_equal(ring_look(&consumer, slot, &view, bytes, sizeof(bytes)), 1);
	assert_int_equal(view.state, RING_SLOT_READY);
	assert_int_equal(view.id, item.id);
	assert_int_equal(view.mark, 77);
	assert_int_equal(view.len, 5);
	assert_int_equal(view.shown, 5);
	assert_memory_equal(bytes, "hello", 5);
	assert_int_equal(view.deliveries, 0);
	assert_int_equal(view.published_ns, item.published_ns);
	assert_int_equal(ring_look(&consumer, slot, &view, bytes, 2), 1);
	assert_int_equal(view.len, 5);
	assert_int_equal(view.shown, 2);
	assert_int_equal(ring_look(&consumer, slot, &view, NULL, 0), 1);
	assert_int_equal(ring_take(&consumer, &item, 0), RING_OK);
}

static void a_look_follows_an_item_through_its_states(void **state)
{
	struct ring_item item = publish_and_take(1);
	struct ring_view view;
	uint32_t slot = item.slot;

	(void)state;
	assert_int_equal(ring_look(&consumer, slot, &view, NULL, 0), 1);
	assert_int_equal(view.state, RING_SLOT_IN_FLIGHT);
	assert_int_equal(view.owner, consumer.index);
	assert_int_equal(view.deliveries, 1);
	assert_int_equal(view.since_ns, item.taken_ns);
	assert_int_equal(ring_give_back(&consumer, &item, 3600000, true), 0);
	assert_int_equal(ring_look(&consumer, slot, &view, NULL, 0), 1);
	assert_int_equal(view.state, RING_SLOT_DELAYED);
	assert_int_equal(view.owner, 0);
	assert_int_equal(view.deliveries, 1);
	assert_int_equal(view.failures, 1);
	assert_int_equal(view.since_ns, segment->header->next_due);
	recover_promote(segment, consumer.index, UINT64_MAX - 1);
	assert_int_equal(plain_take(&consumer, &item), 1);
	assert_int_equal(ring_dead(&consumer, &item, 42), 0);
	assert_int_equal(ring_look(&consumer, slot, &view, NULL, 0), 1);
	assert_int_equal(view.state, RING_SLOT_DEAD);
	assert_int_equal(view.reason, 42);
	assert_int_equal(view.deliveries, 2);
}

static void a_look_at_what_can_not_be_is_an_error(void **state)
{
	struct ring_item item = publish_and_take(1);
	struct ring_view view;
	uint64_t bytes;

	(void)state;
	assert_int_equal(ring_look(&consumer, SLOTS, &view, NULL, 0), -1);
	assert_int_equal(errno, EINVAL);
	segment_slot(segment, item.slot)->len = ITEM_MAX + 1;
	assert_int_equal(ring_look(&consumer, item.slot, &view, &bytes, sizeof(bytes)), -1);
	assert_int_equal(errno, EBADMSG);
	plain_set_word(plain, item.slot, slot_word(SLOT_STATES, 0, 0, 0));
	assert_int_equal(ring_look(&consumer, item.slot, &view, &bytes, sizeof(bytes)), -1);
	assert_int_equal(errno, EBADMSG);
}

static void a_member_is_shown_with_what_it_did(void **state)
{
	struct ring_item item = publish_and_take(1);
	struct ring_member member;

	(void)state;
	assert_int_equal(ring_ack(&consumer, &item), 0);
	item = publish_and_take(2);
	assert_int_equal(ring_give_back(&consumer, &item, 0, false), 0);
	assert_int_equal(plain_take(&consumer, &item), 2);
	ring_note(&consumer, "sorting the very long list of things");
	ring_count_dropped(&producer, 0);
	/* Here nobody can be asked who lives. */
	assert_int_equal(ring_member(&consumer, consumer.index, &member), -1);
	assert_int_equal(member.acked, 1);
	assert_int_equal(member.taken, 3);
	assert_int_equal(member.redelivered, 1);
	assert_int_equal(member.holding, 1);
	assert_string_equal(member.note, "sorting the very long l");
	assert_int_equal(ring_member(&consumer, producer.index, &member), -1);
	assert_int_equal(member.published, 2);
	assert_int_equal(member.bytes, 16);
	assert_int_equal(member.dropped, 1);
	assert_int_equal(ring_member(&consumer, 3, &member), 0);
	assert_int_equal(ring_member(&consumer, 0, &member), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(ring_member(&consumer, 5, &member), -1);
	assert_int_equal(errno, EINVAL);
}

/* ------------------------------------------------------------------ fsck */

static void keep(const char *sentence, void *kept)
{
	(void)snprintf(kept, 200, "%s", sentence);
}

static void assert_found(bool at_rest, const char *words)
{
	char sentence[200] = "";

	assert_int_equal(ring_fsck(&consumer, at_rest, keep, sentence), 1);
	if (!strstr(sentence, words))
		print_error("\"%s\" is not in \"%s\"\n", words, sentence);
	assert_non_null(strstr(sentence, words));
}

static void a_ring_in_use_is_sound(void **state)
{
	struct ring_item item = publish_and_take(1);

	(void)state;
	plain_publish(&producer, 2);
	assert_int_equal(ring_fsck(&consumer, true, plain_report, NULL), 0);
	assert_int_equal(ring_ack(&consumer, &item), 0);
	assert_int_equal(ring_fsck(&consumer, true, plain_report, NULL), 0);
}

static void fsck_finds_words_that_no_call_writes(void **state)
{
	(void)state;
	plain_set_word(plain, 3, slot_word(SLOT_FREE, 1, 0, FIRST_LATE));
	assert_found(false, "slot 3");
}

static void fsck_finds_lengths_that_do_not_fit(void **state)
{
	(void)state;
	segment_slot(segment, 5)->len = ITEM_MAX + 1;
	assert_found(false, "slot 5");
}

static void fsck_finds_positions_that_do_not_fit(void **state)
{
	(void)state;
	segment->header->tail += 3 * plain->at.cells;
	assert_found(false, "head and tail");
	segment->header->tail -= 5 * plain->at.cells;
	assert_found(false, "head and tail");
}

static void fsck_finds_flags_that_no_call_writes(void **state)
{
	(void)state;
	segment->header->stop = 4;
	assert_found(false, "stop flag");
	segment->header->stop = 0;
	segment->header->removed = 2;
	assert_found(false, "removed");
}

static void fsck_finds_lanes_that_can_not_be(void **state)
{
	(void)state;
	segment->lanes[2].owner = 5;
	assert_found(false, "lane 2");
	segment->lanes[2].owner = 0;
	segment->lanes[1].used = 1;	/* a ticket that was never given */
	assert_found(false, "lane 1");
}

static void fsck_finds_items_that_nothing_leads_to(void **state)
{
	struct ring_item item = publish_and_take(1), none;
	uint64_t gen = slot_gen(item.word);

	(void)state;
	assert_int_equal(ring_take(&consumer, &none, 0), RING_TIMEOUT);	/* moves head over the hint */
	plain_set_word(plain, item.slot, slot_word(SLOT_READY, 0, 0, gen));
	assert_found(true, "nothing in the order leads to it");
	/* Its producer says that it is told. */
	segment_slot(segment, item.slot)->when_ns = 0;
	plain_set_word(plain, item.slot, slot_word(SLOT_READY, producer.index, 0, gen));
	assert_found(true, "nothing in the order leads to it");
	producer.me->told--;
	assert_int_equal(ring_fsck(&consumer, false, plain_report, NULL), 0);
}

static void fsck_finds_items_of_those_who_are_gone(void **state)
{
	struct ring_item item = publish_and_take(1);

	(void)state;
	consumer.me->word = 0;
	(void)item;
	assert_found(true, "not attached");
}

static void fsck_finds_books_that_do_not_balance(void **state)
{
	struct ring_item item = publish_and_take(1);

	(void)state;
	assert_int_equal(ring_ack(&consumer, &item), 0);
	consumer.me->count[COUNT_ACKED]++;
	assert_found(true, "published 1, but acked 2");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_slot_is_counted_by_its_state),
		TEST(the_books_balance_after_each_step_while_generations_wrap),
		TEST(what_is_not_counted_yet_is_in_the_books_of_the_slots),
		TEST(the_rounds_of_the_generations_are_counted),
		TEST(members_are_counted_by_their_roles),
		TEST(counters_that_can_not_be_are_damage),
		TEST(a_look_shows_an_item_and_leaves_it),
		TEST(a_look_follows_an_item_through_its_states),
		TEST(a_look_at_what_can_not_be_is_an_error),
		TEST(a_member_is_shown_with_what_it_did),
		TEST(a_ring_in_use_is_sound),
		TEST(fsck_finds_words_that_no_call_writes),
		TEST(fsck_finds_lengths_that_do_not_fit),
		TEST(fsck_finds_positions_that_do_not_fit),
		TEST(fsck_finds_flags_that_no_call_writes),
		TEST(fsck_finds_lanes_that_can_not_be),
		TEST(fsck_finds_items_that_nothing_leads_to),
		TEST(fsck_finds_items_of_those_who_are_gone),
		TEST(fsck_finds_books_that_do_not_balance),
	};

	return cmocka_run_group_tests_name("stats", tests, NULL, NULL);
}
