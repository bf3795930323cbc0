/* test_consumer_protocol.c - the form of records, and what of a worker's input its items are. */
#include "src/consumer/hand.h"
#include "src/consumer/protocol.h"
#include "tests/unit/check.h"

#include <string.h>

static const struct protocol lines = { .terminator = '\n' }, nul = { .terminator = '\0' },
			     len32 = { .has_length = true };

static void a_record_ends_with_its_byte_or_begins_with_its_length(void **state)
{
	char to[16];

	(void)state;
	assert_int_equal(protocol_write(&lines, "ab", 2, to), 3);
	assert_memory_equal(to, "ab\n", 3);
	assert_int_equal(protocol_write(&nul, "ab", 2, to), 3);
	assert_memory_equal(to, "ab", 3);
	assert_int_equal(protocol_write(&len32, "ab", 2, to), 6);
	assert_memory_equal(to, "\2\0\0\0ab", 6);
	assert_int_equal(protocol_write(&lines, "", 0, to), 1);
	assert_int_equal(protocol_write(&len32, "", 0, to), 4);
}

static void bytes_that_end_a_record_can_not_be_told(void **state)
{
	(void)state;
	assert_false(protocol_can_carry(&lines, "a\nb", 3));
	assert_true(protocol_can_carry(&lines, "a\0b", 3));
	assert_false(protocol_can_carry(&nul, "a\0b", 3));
	assert_true(protocol_can_carry(&nul, "a\nb", 3));
	assert_true(protocol_can_carry(&len32, "\0\n", 2));
	assert_true(protocol_can_carry(&lines, "", 0));
}

/* However it comes in pieces, a record is cut when its last byte is there, and not before. */
static void a_record_is_cut_when_it_is_whole(void **state)
{
	static const char text[] = "one\n\nthree\n", lengths[] = "\3\0\0\0one\0\0\0\0\1\0\0\0x";

	(void)state;
	for (size_t have = 0; have < sizeof(text); have++)
		assert_int_equal(protocol_cut(&lines, text, have, 0), have >= 4 ? 4 : 0);
	assert_int_equal(protocol_cut(&lines, text + 4, 3, 0), 1);
	assert_int_equal(protocol_cut(&lines, text + 5, 6, 3), 6);
	for (size_t have = 0; have < sizeof(lengths); have++)
		assert_int_equal(protocol_cut(&len32, lengths, have, 0), have >= 7 ? 7 : 0);
	assert_int_equal(protocol_cut(&len32, lengths + 7, 4, 0), 4);
}

static void a_length_of_all_ones_is_never_whole(void **state)
{
	(void)state;
	assert_int_equal(protocol_cut(&len32, "\377\377\377\377ab", 6, 0), 0);
}

static void hold(struct hand *hand, uint64_t id, uint64_t from, uint64_t to)
{
	const struct ring_item item = { .id = id };
	struct held *held = hand_add(hand, &item);

	held->from = from;
	held->to = to;
}

/* The hand goes round its room several times. */
static void items_leave_the_hand_in_the_order_in_which_they_came(void **state)
{
	struct hand hand;

	(void)state;
	assert_int_equal(hand_init(&hand, 3), 0);
	for (uint64_t id = 1; id < 20; id++) {
		hold(&hand, id, 0, 0);
		hold(&hand, id + 100, 0, 0);
		assert_int_equal(hand_at(&hand, 0)->item.id, id);
		assert_int_equal(hand_at(&hand, 1)->item.id, id + 100);
		hand_drop(&hand);
		hand_drop(&hand);
		assert_int_equal(hand.count, 0);
	}
	hand_free(&hand);
}

static void what_was_read_is_told_from_what_was_touched(void **state)
{
	struct hand hand;
	const struct ring_item item = { .id = 4 };

	(void)state;
	assert_int_equal(hand_init(&hand, 4), 0);
	hold(&hand, 1, 0, 10);
	hold(&hand, 2, 10, 20);
	hold(&hand, 3, 20, 30);
	hand_add(&hand, &item);		/* not sent yet */
	assert_int_equal(hand_touched(&hand, 0), 0);
	assert_int_equal(hand_touched(&hand, 1), 1);
	assert_int_equal(hand_touched(&hand, 10), 1);
	assert_int_equal(hand_touched(&hand, 11), 2);
	assert_int_equal(hand_touched(&hand, 1000), 3);
	assert_int_equal(hand_read(&hand, 9), 0);
	assert_int_equal(hand_read(&hand, 10), 1);
	assert_int_equal(hand_read(&hand, 1000), 3);
	hand_free(&hand);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_record_ends_with_its_byte_or_begins_with_its_length),
		cmocka_unit_test(bytes_that_end_a_record_can_not_be_told),
		cmocka_unit_test(a_record_is_cut_when_it_is_whole),
		cmocka_unit_test(a_length_of_all_ones_is_never_whole),
		cmocka_unit_test(items_leave_the_hand_in_the_order_in_which_they_came),
		cmocka_unit_test(what_was_read_is_told_from_what_was_touched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
