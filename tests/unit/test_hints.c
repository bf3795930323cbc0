/* test_hints.c - the order of ready slots through wrapping positions, laps and generations; stale,
   doubled and missing hints; the search for free slots. */
#include "tests/unit/plain_ring.h"

#define SLOTS 4u
#define CELLS 8u	/* that SLOTS have */
#define ME 2u
#define OTHER 1u

/* Where positions, their laps (22 bits) and generations (36, in cells 22) are about to wrap. */
static const uint64_t firsts[] = {
	0, 1, CELLS - 1,
	(UINT64_C(1) << 22) - 3,
	(UINT64_C(1) << 22) * CELLS - 3,
	(UINT64_C(1) << 36) - 3,
	(UINT64_C(1) << 63) - 3,
	FIRST_LATE,
};

static struct plain_ring *plain;
static struct segment *segment;

static int set_up(void **state)
{
	(void)state;
	plain = plain_make(SLOTS, 8, 4, FIRST_LATE);
	segment = &plain->segment;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	plain_free(plain);
	return 0;
}

/* Make the slot ready in its next generation, and push. */
static bool publish(uint32_t index)
{
	uint64_t word = slot_published(slot_claimed(slot_freed(plain_word(plain, index)), OTHER), 1);

	plain_set_word(plain, index, slot_disowned(word));
	return hints_push(segment, index, word);
}

#define READY_IN(gen) slot_word(SLOT_READY, 0, 0, (gen))

static void assert_takes(uint32_t expected)
{
	struct taken taken;

	assert_int_equal(hints_take(segment, ME, &taken), HINT_OK);
	assert_int_equal(taken.slot, expected);
	assert_true(slot_is(taken.word, SLOT_READING, ME));
	assert_int_equal(taken.word, plain_word(plain, taken.slot));
}

static void assert_nothing_to_take(void)
{
	struct taken taken;

	assert_int_equal(hints_take(segment, ME, &taken), HINT_NONE);
}

static void free_slot(uint32_t index)
{
	plain_set_word(plain, index, slot_freed(plain_word(plain, index)));
}

static void slots_are_taken_in_their_order_while_everything_wraps(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(firsts); i++) {
		plain_format(plain, firsts[i]);
		assert_false(hints_any(segment));
		for (uint32_t n = 0; n < 10 * CELLS; n++) {
			uint32_t a = n % SLOTS, b = (n + 3) % SLOTS;

			assert_true(publish(a));
			assert_true(publish(b));
			assert_true(hints_any(segment));
			assert_takes(a);
			assert_takes(b);
			assert_nothing_to_take();
			free_slot(a);
			free_slot(b);
		}
		assert_int_equal(segment->header->head, firsts[i] + 20 * CELLS);
		assert_int_equal(segment->header->tail, firsts[i] + 20 * CELLS);
	}
}

static void a_full_ring_is_taken_in_its_order_while_everything_wraps(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(firsts); i++) {
		plain_format(plain, firsts[i]);
		for (uint32_t n = 0; n < 10 * CELLS; n++) {
			for (uint32_t slot = 0; slot < SLOTS; slot++)
				assert_true(publish((slot + n) % SLOTS));
			for (uint32_t slot = 0; slot < SLOTS; slot++)
				assert_takes((slot + n) % SLOTS);
			assert_nothing_to_take();
		}
	}
}

/* What a slot can have become since its hint was given. */
static void a_hint_that_is_out_of_date_is_stepped_over(void **state)
{
	uint64_t ready = slot_word(SLOT_READY, 0, 0, 9);
	const uint64_t since[] = {
		slot_freed(ready), slot_claimed(ready, OTHER), slot_taken(ready, OTHER),
		slot_buried(ready), slot_word(SLOT_DELAYED, 0, 1, 9), slot_word(SLOT_READY, 0, 0, 10),
		slot_word(SLOT_REVOKED, OTHER, 0, 9),
	};

	(void)state;
	for (size_t i = 0; i < COUNT(since); i++) {
		assert_true(hints_push(segment, 0, READY_IN(9)));
		assert_true(publish(1));
		plain_set_word(plain, 0, since[i]);
		assert_takes(1);
		assert_nothing_to_take();
		assert_int_equal(plain_word(plain, 0), since[i]);
		free_slot(1);
	}
}

static void a_hint_given_twice_delivers_once(void **state)
{
	(void)state;
	assert_true(publish(0));
	assert_true(hints_push(segment, 0, plain_word(plain, 0)));
	assert_takes(0);
	assert_nothing_to_take();
}

/* What one process knows from having been there, another finds from what it is told. */
static void as_another_process(void)
{
	segment->walk = (struct walk){ .head = FIRST_LATE, .filled = FIRST_LATE, .done = FIRST_LATE };
}

/* Killed between the cell's swap and the tail's, between the slot's swap and the head's. */
static void a_tail_left_behind_is_helped_along(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < SLOTS; i++) {
		segment->header->tail = FIRST_LATE;
		as_another_process();
		assert_true(publish(i));
	}
	for (uint32_t i = 0; i < SLOTS; i++)
		assert_takes(i);
	assert_true(segment->header->tail - FIRST_LATE >= SLOTS - CELLS / 4);
}

static void a_head_left_behind_is_helped_along(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < SLOTS; i++)
		assert_true(publish(i));
	for (uint32_t i = 0; i < SLOTS; i++) {
		segment->header->head = FIRST_LATE;
		as_another_process();
		assert_takes(i);
	}
	assert_true(segment->header->head - FIRST_LATE >= SLOTS - CELLS / 4);
}

/* So that nobody steps over what others did while there was much to do. */
static void whoever_finds_nothing_moves_the_head(void **state)
{
	(void)state;
	assert_true(publish(0));
	assert_takes(0);
	assert_nothing_to_take();
	assert_int_equal(segment->header->head, FIRST_LATE + 1);
}

static void many_are_told_and_taken_at_once(void **state)
{
	struct taken ready[SLOTS];
	struct taken taken[SLOTS];
	uint32_t n;

	(void)state;
	for (uint32_t i = 0; i < SLOTS; i++) {
		uint64_t word = slot_published(slot_claimed(plain_word(plain, i), OTHER), 1);

		plain_set_word(plain, i, word);
		ready[i] = (struct taken){ .slot = i, .word = word };
	}
	assert_int_equal(hints_push_all(segment, ready, SLOTS), SLOTS);
	assert_int_equal(hints_take_all(segment, ME, taken, 3, &n), HINT_OK);
	assert_int_equal(n, 3);
	for (uint32_t i = 0; i < n; i++)
		assert_int_equal(taken[i].slot, i);
	assert_int_equal(hints_take_all(segment, ME, taken, SLOTS, &n), HINT_OK);
	assert_int_equal(n, 1);
	assert_int_equal(taken[0].slot, 3);
}

static void what_is_at_a_tail_left_behind_can_be_taken(void **state)
{
	(void)state;
	assert_true(publish(0));
	segment->header->tail--;
	assert_takes(0);
	assert_true(publish(1));
	assert_takes(1);
}

static void full_cells_refuse_a_hint_while_their_first_is_good(void **state)
{
	uint64_t word;

	(void)state;
	assert_true(publish(0));
	word = plain_word(plain, 0);
	for (uint32_t i = 1; i < CELLS; i++)
		assert_true(hints_push(segment, 0, word));
	assert_false(publish(1));
	assert_int_equal(segment->header->tail - segment->header->head, CELLS);
	assert_takes(0);
	assert_true(hints_push(segment, 1, plain_word(plain, 1)));
	assert_takes(1);
	assert_nothing_to_take();
}

static void full_cells_make_room_by_what_is_out_of_date(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 3 * CELLS; i++)
		assert_true(hints_push(segment, 0, READY_IN(i)));
	assert_true(publish(1));
	assert_takes(1);
}

static bool is_told(uint32_t index)
{
	bool told[SLOTS] = { false };

	hints_mark(segment, told);
	return told[index];
}

static void a_hint_can_be_looked_for(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < CELLS - 1; i++)
		assert_true(publish(0));
	assert_true(is_told(0));
	assert_false(is_told(1));
	assert_takes(0);
	assert_false(is_told(0));
}

static void a_hint_to_no_slot_is_damage(void **state)
{
	struct taken taken;

	(void)state;
	assert_true(hints_push(segment, SLOTS, READY_IN(1)));
	assert_int_equal(hints_take(segment, ME, &taken), HINT_BROKEN);
}

/* A cell some laps ahead can't be: head and tail never come to it. Nobody waits for that for ever. */
static void a_cell_from_another_time_is_damage(void **state)
{
	struct taken taken;
	shared_u64 *cell = &segment->cells[FIRST_LATE % CELLS];

	(void)state;
	*cell += UINT64_C(5) << 42;
	assert_int_equal(hints_take(segment, ME, &taken), HINT_BROKEN);
	assert_false(publish(0));
}

static void free_slots_are_claimed_once_round_from_the_cursor(void **state)
{
	uint32_t cursor = 2;
	struct taken claimed;
	uint64_t before;

	(void)state;
	for (uint32_t n = 0; n < SLOTS; n++) {
		before = plain_word(plain, (2 + n) % SLOTS);
		assert_int_equal(hints_claim(segment, ME, &cursor, SLOTS, &claimed), true);
		assert_int_equal(claimed.slot, (2 + n) % SLOTS);
		assert_int_equal(claimed.word, slot_claimed(before, ME));
		assert_int_equal(plain_word(plain, claimed.slot), claimed.word);
	}
	assert_int_equal(hints_claim(segment, ME, &cursor, SLOTS, &claimed), false);
	assert_true(cursor < SLOTS);
}

static void only_free_slots_are_claimed(void **state)
{
	uint32_t cursor = 0;
	struct taken claimed;

	(void)state;
	for (int s = SLOT_FREE + 1; s < SLOT_STATES; s++) {
		for (uint32_t i = 0; i < SLOTS; i++)
			plain_set_word(plain, i, slot_word((enum slot_state)s, 0, 0, 1));
		assert_int_equal(hints_claim(segment, ME, &cursor, SLOTS, &claimed), false);
	}
}

static void many_free_slots_are_claimed_at_once(void **state)
{
	uint32_t cursor = 0;
	struct taken claimed[SLOTS];

	(void)state;
	plain_set_word(plain, 1, slot_claimed(plain_word(plain, 1), OTHER));
	assert_int_equal(hints_claim_all(segment, ME, &cursor, 3, claimed, SLOTS), 2);
	assert_int_equal(claimed[0].slot, 0);
	assert_int_equal(claimed[1].slot, 2);
	assert_int_equal(hints_claim_all(segment, ME, &cursor, SLOTS, claimed, SLOTS), 1);
	assert_int_equal(claimed[0].slot, 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(slots_are_taken_in_their_order_while_everything_wraps),
		TEST(a_full_ring_is_taken_in_its_order_while_everything_wraps),
		TEST(a_hint_that_is_out_of_date_is_stepped_over),
		TEST(a_hint_given_twice_delivers_once),
		TEST(a_tail_left_behind_is_helped_along),
		TEST(a_head_left_behind_is_helped_along),
		TEST(whoever_finds_nothing_moves_the_head),
		TEST(many_are_told_and_taken_at_once),
		TEST(what_is_at_a_tail_left_behind_can_be_taken),
		TEST(full_cells_refuse_a_hint_while_their_first_is_good),
		TEST(full_cells_make_room_by_what_is_out_of_date),
		TEST(a_hint_can_be_looked_for),
		TEST(a_hint_to_no_slot_is_damage),
		TEST(a_cell_from_another_time_is_damage),
		TEST(free_slots_are_claimed_once_round_from_the_cursor),
		TEST(only_free_slots_are_claimed),
		TEST(many_free_slots_are_claimed_at_once),
	};

	return cmocka_run_group_tests_name("hints", tests, NULL, NULL);
}
