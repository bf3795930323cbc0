/* test_flags.c - the stop flag in each mode, and when a ring is empty or drained. */
#include "tests/unit/plain_ring.h"

#include <errno.h>

#define CLOSING 4u	/* of the flag's word: its pass is not over (flags.h) */

static struct plain_ring *plain;
static struct segment *segment;
static struct ring producer, consumer;

static int set_up(void **state)
{
	(void)state;
	plain = plain_make(4, 8, 4, FIRST_LATE);
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

static struct ring_item reserve(void)
{
	struct ring_item item;

	assert_int_equal(ring_reserve(&producer, &item, 0), RING_OK);
	item.len = 8;
	return item;
}

static enum ring_stop_cause cause(void)
{
	enum ring_stop_cause result;

	(void)flags_peek(segment, &result);
	return result;
}

/* ------------------------------------------------------------------ the flag */

static void the_flag_only_rises_and_keeps_its_first_cause(void **state)
{
	(void)state;
	assert_int_equal(flags_mode(segment), RING_STOP_NONE);
	assert_int_equal(cause(), RING_CAUSE_NONE);
	flags_raise(segment, RING_STOP_NONE, RING_CAUSE_USER);
	assert_int_equal(segment->header->stop, 0);
	flags_raise(segment, RING_STOP_SOFT, RING_CAUSE_ITEM);
	assert_int_equal(flags_mode(segment), RING_STOP_SOFT);
	flags_raise(segment, RING_STOP_NOW, RING_CAUSE_USER);
	assert_int_equal(flags_mode(segment), RING_STOP_NOW);
	flags_raise(segment, RING_STOP_STRICT, RING_CAUSE_FAILURE);
	flags_raise(segment, RING_STOP_SOFT, RING_CAUSE_END);
	assert_int_equal(flags_mode(segment), RING_STOP_NOW);
	assert_int_equal(cause(), RING_CAUSE_ITEM);
	flags_lower(segment);
	assert_int_equal(flags_mode(segment), RING_STOP_NONE);
	assert_int_equal(segment->header->stop_published, 0);
}

static void a_cause_that_is_none_is_shown_as_none(void **state)
{
	(void)state;
	segment->header->stop = RING_STOP_SOFT | 15 << 4;
	assert_int_equal(cause(), RING_CAUSE_NONE);
}

static void in_mode_soft_what_is_reserved_may_be_published(void **state)
{
	struct ring_item item = reserve(), other;

	(void)state;
	flags_raise(segment, RING_STOP_SOFT, RING_CAUSE_USER);
	assert_int_equal(ring_reserve(&producer, &other, 0), RING_CLOSED);
	assert_int_equal(ring_publish(&producer, &item), RING_OK);
	assert_int_equal(plain_count(plain, SLOT_READY), 1);
}

static void in_mode_strict_nothing_is_published_any_more(void **state)
{
	struct ring_item item = reserve(), cancelled = reserve(), other;

	(void)state;
	plain_publish(&producer, 1);
	flags_raise(segment, RING_STOP_STRICT, RING_CAUSE_USER);
	assert_int_equal(plain_count(plain, SLOT_REVOKED), 2);
	assert_int_equal(ring_reserve(&producer, &other, 0), RING_CLOSED);
	assert_int_equal(ring_publish(&producer, &item), RING_CLOSED);
	ring_cancel(&producer, &cancelled);
	assert_int_equal(plain_count(plain, SLOT_FREE), 3);
	assert_int_equal(plain_take(&consumer, &other), 1);
	assert_int_equal(ring_ack(&consumer, &other), 0);
	plain_assert_sound(plain, &producer);
}

static void in_mode_now_nothing_is_taken_either(void **state)
{
	struct ring_item item;

	(void)state;
	plain_publish(&producer, 1);
	plain_publish(&producer, 2);
	(void)plain_take(&consumer, &item);
	flags_raise(segment, RING_STOP_NOW, RING_CAUSE_USER);
	assert_int_equal(ring_ack(&consumer, &item), 0);
	assert_int_equal(ring_take(&consumer, &item, 0), RING_CLOSED);
	assert_int_equal(plain_count(plain, SLOT_READY), 1);
}

/* Its raiser was killed or stopped in its pass. */
static void whoever_sees_the_flag_closing_makes_it_up(void **state)
{
	struct ring_item item = reserve();

	(void)state;
	segment->header->stop = RING_STOP_STRICT | CLOSING | RING_CAUSE_USER << 4;
	(void)flags_peek(segment, &(enum ring_stop_cause){ 0 });
	assert_int_equal(plain_count(plain, SLOT_WRITING), 1);
	assert_int_equal(flags_mode(segment), RING_STOP_STRICT);
	assert_int_equal(plain_count(plain, SLOT_REVOKED), 1);
	assert_int_equal(segment->header->stop, RING_STOP_STRICT | RING_CAUSE_USER << 4);
	assert_int_equal(ring_publish(&producer, &item), RING_CLOSED);
}

static void raising_a_lower_mode_completes_the_one_that_is_closing(void **state)
{
	struct ring_item item = reserve();

	(void)state;
	segment->header->stop = RING_STOP_NOW | CLOSING;
	flags_raise(segment, RING_STOP_SOFT, RING_CAUSE_USER);
	assert_int_equal(segment->header->stop, RING_STOP_NOW);
	assert_int_equal(ring_publish(&producer, &item), RING_CLOSED);
}

static void what_was_published_when_the_flag_went_up_is_noted(void **state)
{
	static const enum ring_stop_mode modes[] = { RING_STOP_SOFT, RING_STOP_STRICT, RING_STOP_NOW };

	(void)state;
	for (size_t i = 0; i < COUNT(modes); i++) {
		struct ring_item item;

		plain_publish(&producer, 1);
		plain_publish(&producer, 2);
		item = reserve();
		flags_raise(segment, modes[i], RING_CAUSE_USER);
		(void)ring_publish(&producer, &item);
		assert_int_equal(segment->header->stop_published, 2);
		(void)tear_down(state);
		(void)set_up(state);
	}
}

/* Of a soft stop that became a strict one, the strict one's. */
static void what_was_published_is_noted_again_when_the_flag_rises(void **state)
{
	struct ring_item item = reserve(), refused = reserve();

	(void)state;
	flags_raise(segment, RING_STOP_SOFT, RING_CAUSE_USER);
	assert_int_equal(ring_publish(&producer, &item), RING_OK);
	flags_raise(segment, RING_STOP_STRICT, RING_CAUSE_USER);
	assert_int_equal(ring_publish(&producer, &refused), RING_CLOSED);
	assert_int_equal(segment->header->stop_published, 1);
}

static void the_sum_of_the_generations_is_what_was_published(void **state)
{
	struct ring_item item;

	(void)state;
	for (uint64_t n = 0; n < 50; n++) {
		assert_int_equal(flags_published(segment), n);
		plain_publish(&producer, n);
		(void)plain_take(&consumer, &item);
		assert_int_equal(ring_ack(&consumer, &item), 0);
	}
}

/* ------------------------------------------------------------------ empty, drained */

static void a_ring_is_empty_when_its_slots_are_free_or_dead(void **state)
{
	(void)state;
	for (int s = 0; s < SLOT_STATES; s++)
		for (uint32_t i = 0; i < plain->at.slots; i++) {
			plain_format(plain, FIRST_LATE);
			plain_set_word(plain, i, slot_word((enum slot_state)s, 0, 0, 1));
			assert_int_equal(flags_is_empty(segment),
					 s == SLOT_FREE || s == SLOT_DEAD);
		}
}

static void a_line_is_drained_when_nobody_can_add_and_nothing_is_left(void **state)
{
	static const enum member_state states[] = {
		MEMBER_FREE, MEMBER_STARTING, MEMBER_LIVE, MEMBER_LEAVING
	};

	(void)state;
	for (size_t s = 0; s < COUNT(states); s++)
		for (unsigned roles = 0; roles < 16; roles++) {
			bool may_add = states[s] != MEMBER_FREE &&
				       (roles & (RING_PRODUCER | RING_HOLDER));

			plain_format(plain, FIRST_LATE);
			segment->members[3].word = member_word(states[s], roles);
			assert_int_equal(flags_is_drained(segment), !may_add);
			plain_set_word(plain, 3, slot_word(SLOT_READY, 0, 0, 1));
			assert_false(flags_is_drained(segment));
		}
}

static void only_after_producers_or_a_flag_is_the_end_the_end(void **state)
{
	struct ring_item item, other;
	struct ring early, late;

	(void)state;
	recover_leave(segment, producer.index);
	early = plain_join(plain, 3, RING_CONSUMER);
	early.producers_before = 1;	/* it came when that one had left */
	assert_int_equal(ring_take(&consumer, &item, 0), RING_DRAINED);
	assert_int_equal(ring_take(&early, &item, 0), RING_TIMEOUT);
	late = plain_join(plain, 1, RING_PRODUCER);
	plain_publish(&late, 1);
	recover_leave(segment, late.index);
	assert_int_equal(plain_take(&early, &item), 1);
	assert_int_equal(ring_take(&consumer, &other, 0), RING_TIMEOUT);
	assert_int_equal(ring_ack(&early, &item), 0);
	assert_int_equal(ring_take(&early, &item, 0), RING_DRAINED);
	early.producers_before = 2;
	assert_int_equal(ring_take(&early, &item, 0), RING_TIMEOUT);
	flags_raise(segment, RING_STOP_SOFT, RING_CAUSE_USER);
	assert_int_equal(ring_take(&early, &item, 0), RING_DRAINED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_flag_only_rises_and_keeps_its_first_cause),
		TEST(a_cause_that_is_none_is_shown_as_none),
		TEST(in_mode_soft_what_is_reserved_may_be_published),
		TEST(in_mode_strict_nothing_is_published_any_more),
		TEST(in_mode_now_nothing_is_taken_either),
		TEST(whoever_sees_the_flag_closing_makes_it_up),
		TEST(raising_a_lower_mode_completes_the_one_that_is_closing),
		TEST(what_was_published_when_the_flag_went_up_is_noted),
		TEST(what_was_published_is_noted_again_when_the_flag_rises),
		TEST(the_sum_of_the_generations_is_what_was_published),
		TEST(a_ring_is_empty_when_its_slots_are_free_or_dead),
		TEST(a_line_is_drained_when_nobody_can_add_and_nothing_is_left),
		TEST(only_after_producers_or_a_flag_is_the_end_the_end),
	};

	return cmocka_run_group_tests_name("flags", tests, NULL, NULL);
}
