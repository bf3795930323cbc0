/* test_view_scale.c - a ring as a row of columns. */
#include "src/view/scale.h"
#include "tests/unit/check.h"

#include <string.h>

/* One letter a column: . free, + in flight, # ready. */
static const char *draw(const struct ring_stats *stats, int columns)
{
	static char row[128];
	struct scale scale = scale_of(stats, columns);

	for (int i = 0; i < columns; i++)
		row[i] = ".+#"[scale_part(&scale, i)];
	row[columns] = '\0';
	return row;
}

static void what_is_ready_lies_behind_the_producers_and_in_flight_behind_that(void **state)
{
	const struct ring_stats stats = { .slots = 10, .tail = 47, .ready = 3, .in_flight = 2 };
	struct scale scale = scale_of(&stats, 10);

	(void)state;
	assert_int_equal(scale.producers_at, 7);
	assert_int_equal(scale.consumers_at, 4);
	assert_string_equal(draw(&stats, 10), "..++###...");
}

static void it_goes_round_the_ring(void **state)
{
	const struct ring_stats stats = { .slots = 10, .tail = 41, .ready = 3, .in_flight = 2 };

	(void)state;
	assert_string_equal(draw(&stats, 10), "#.....++##");
}

static void empty_and_full_rings_are_drawn_as_such(void **state)
{
	const struct ring_stats empty = { .slots = 8, .tail = 3 };
	const struct ring_stats full = { .slots = 8, .tail = 3, .ready = 8 };
	const struct ring_stats held = { .slots = 8, .tail = 3, .in_flight = 8 };

	(void)state;
	assert_string_equal(draw(&empty, 8), "........");
	assert_string_equal(draw(&full, 8), "########");
	assert_string_equal(draw(&held, 8), "++++++++");
}

static void one_item_is_seen_in_a_big_ring(void **state)
{
	const struct ring_stats one = { .slots = 1000000, .tail = 500000, .in_flight = 1 };
	const char *row = draw(&one, 40);

	(void)state;
	assert_int_equal(strcspn(row, "+"), 19);
	assert_int_equal(strspn(row + 20, "."), 20);
}

static void a_small_ring_fills_a_wide_row(void **state)
{
	const struct ring_stats stats = { .slots = 4, .tail = 2, .ready = 1, .in_flight = 1 };

	(void)state;
	assert_string_equal(draw(&stats, 16), "++++####........");
}

static void where_slots_hold_several_items_slots_are_drawn(void **state)
{
	const struct ring_stats stats = { .slots = 10, .tail = 10, .free = 4, .writing = 1, .ready = 60,
					  .in_flight = 40 };
	struct scale scale = scale_of(&stats, 20);

	(void)state;
	assert_int_equal(scale.ready, 3);
	assert_int_equal(scale.in_flight, 2);
}

/* Another process may have written anything: more items than slots, positions near the end. */
static void damaged_numbers_stay_within_the_row(void **state)
{
	const struct ring_stats wild = { .slots = 7, .tail = UINT64_MAX, .ready = UINT32_MAX,
					 .in_flight = UINT32_MAX };
	const struct ring_stats none = { .slots = 0, .tail = 9, .ready = 1 };
	struct scale scale = scale_of(&wild, 20);

	(void)state;
	assert_string_equal(draw(&wild, 5), "#++##");
	assert_true(scale_column(&scale, scale.producers_at) < 20);
	assert_string_equal(draw(&none, 3), "###");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_ready_lies_behind_the_producers_and_in_flight_behind_that),
		cmocka_unit_test(it_goes_round_the_ring),
		cmocka_unit_test(empty_and_full_rings_are_drawn_as_such),
		cmocka_unit_test(one_item_is_seen_in_a_big_ring),
		cmocka_unit_test(a_small_ring_fills_a_wide_row),
		cmocka_unit_test(where_slots_hold_several_items_slots_are_drawn),
		cmocka_unit_test(damaged_numbers_stay_within_the_row),
	};

	return cmocka_run_group_tests_name("view scale", tests, NULL, NULL);
}
