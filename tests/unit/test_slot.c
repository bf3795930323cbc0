/* test_slot.c - the word of a slot: its fields, its moves, and which words are legal. */
#include "shm/slot.h"
#include "tests/unit/check.h"

#define GEN_LAST SLOT_GEN_MASK
#define MEMBERS 4u

static const struct { uint32_t owner, returns; uint64_t gen; } fields[] = {
	{ .owner = 0, .returns = 0, .gen = 0 },
	{ .owner = RING_MEMBERS_MAX, .returns = 0, .gen = 0 },
	{ .owner = 0, .returns = SLOT_DELIVERY_MAX, .gen = 0 },
	{ .owner = 0, .returns = 0, .gen = GEN_LAST },
	{ .owner = RING_MEMBERS_MAX, .returns = SLOT_DELIVERY_MAX, .gen = GEN_LAST },
	{ .owner = 1365, .returns = 2730, .gen = UINT64_C(0x5a5a5a5a5) },
};

static void fields_do_not_run_into_each_other(void **state)
{
	(void)state;
	for (int s = 0; s < SLOT_STATES; s++)
		for (size_t i = 0; i < COUNT(fields); i++) {
			uint64_t word = slot_word((enum slot_state)s, fields[i].owner,
						  fields[i].returns, fields[i].gen);

			assert_int_equal(slot_state(word), s);
			assert_int_equal(slot_owner(word), fields[i].owner);
			assert_int_equal(slot_returns(word), fields[i].returns);
			assert_int_equal(slot_gen(word), fields[i].gen);
		}
}

static void assert_word(uint64_t word, enum slot_state state, uint32_t owner, uint32_t returns,
			uint64_t gen)
{
	assert_int_equal(slot_state(word), state);
	assert_int_equal(slot_owner(word), owner);
	assert_int_equal(slot_returns(word), returns);
	assert_int_equal(slot_gen(word), gen);
}

static void each_move_changes_what_it_should_and_no_more(void **state)
{
	uint64_t free_ = slot_word(SLOT_FREE, 0, 0, 7), writing = slot_word(SLOT_WRITING, 2, 0, 7);
	uint64_t ready = slot_word(SLOT_READY, 2, 5, 7), reading = slot_word(SLOT_READING, 3, 5, 7);
	uint64_t delayed = slot_word(SLOT_DELAYED, 0, 5, 7);

	(void)state;
	assert_word(slot_claimed(free_, 2), SLOT_WRITING, 2, 0, 7);
	assert_word(slot_published(writing, 1), SLOT_READY, 2, 0, 8);
	assert_word(slot_revoked(writing), SLOT_REVOKED, 2, 0, 7);
	assert_word(slot_freed(writing), SLOT_FREE, 0, 0, 7);
	assert_word(slot_disowned(ready), SLOT_READY, 0, 5, 7);
	assert_word(slot_taken(ready, 3), SLOT_READING, 3, 5, 7);
	assert_word(slot_freed(reading), SLOT_FREE, 0, 0, 7);
	assert_word(slot_returned(reading, SLOT_READY, 3), SLOT_READY, 3, 6, 7);
	assert_word(slot_returned(reading, SLOT_DELAYED, 0), SLOT_DELAYED, 0, 6, 7);
	assert_word(slot_due(delayed, 4), SLOT_READY, 4, 5, 7);
	assert_word(slot_buried(reading), SLOT_DEAD, 0, 5, 7);
}

static void a_dead_letter_is_dead_again_unless_it_is_published(void **state)
{
	uint64_t dead = slot_word(SLOT_DEAD, 0, 4, 7), taken_up = slot_taken_up(dead, 2);

	(void)state;
	assert_word(taken_up, SLOT_WRITING, 2, 5, 7);
	assert_word(slot_revoked(taken_up), SLOT_REVOKED, 2, 5, 7);
	assert_word(slot_published(taken_up, 1), SLOT_READY, 2, 0, 8);
	assert_int_equal(slot_given_up(taken_up), dead);
	assert_int_equal(slot_given_up(slot_revoked(taken_up)), dead);
	assert_word(slot_given_up(slot_word(SLOT_WRITING, 2, 0, 7)), SLOT_FREE, 0, 0, 7);
	assert_word(slot_taken_up(slot_word(SLOT_DEAD, 0, SLOT_DELIVERY_MAX, 7), 2), SLOT_WRITING, 2,
		    SLOT_DELIVERY_MAX, 7);
}

static void the_generation_wraps_and_spares_its_neighbours(void **state)
{
	uint64_t word = slot_published(slot_word(SLOT_WRITING, RING_MEMBERS_MAX, 0, GEN_LAST), 1);

	(void)state;
	assert_word(word, SLOT_READY, RING_MEMBERS_MAX, 0, 0);
}

static void the_count_of_returns_stays_at_its_end(void **state)
{
	uint64_t word = slot_word(SLOT_READING, 1, SLOT_DELIVERY_MAX - 1, GEN_LAST);

	(void)state;
	word = slot_returned(word, SLOT_READY, 1);
	assert_word(word, SLOT_READY, 1, SLOT_DELIVERY_MAX, GEN_LAST);
	word = slot_returned(slot_taken(word, 2), SLOT_READY, 2);
	assert_word(word, SLOT_READY, 2, SLOT_DELIVERY_MAX, GEN_LAST);
}

static void a_move_is_made_only_from_the_word_it_was_meant_for(void **state)
{
	shared_u64 word = slot_word(SLOT_READY, 0, 0, 3);
	uint64_t ready = word, taken = slot_taken(ready, 1);

	(void)state;
	assert_true(slot_move(&word, ready, taken));
	assert_false(slot_move(&word, ready, slot_taken(ready, 2)));
	assert_int_equal(word, taken);
	/* The same state and owner in another generation is another item. */
	assert_false(slot_move(&word, slot_word(SLOT_READING, 1, 0, 4), slot_freed(taken)));
	assert_int_equal(word, taken);
}

/* As the picture in slot.h has it: who may own a slot in a state, and whether it can have come back. */
static const struct { bool nobody, somebody, has_returned; } expected[SLOT_STATES] = {
	[SLOT_FREE]    = { .nobody = true },
	[SLOT_WRITING] = { .somebody = true, .has_returned = true },
	[SLOT_REVOKED] = { .somebody = true, .has_returned = true },
	[SLOT_READY]   = { .nobody = true, .somebody = true, .has_returned = true },
	[SLOT_DELAYED] = { .nobody = true, .has_returned = true },
	[SLOT_READING] = { .somebody = true, .has_returned = true },
	[SLOT_DEAD]    = { .nobody = true, .has_returned = true },
};

static void just_the_words_that_calls_write_are_legal(void **state)
{
	static const uint32_t owners[] = { 0, 1, MEMBERS, MEMBERS + 1, RING_MEMBERS_MAX };
	static const uint32_t returns[] = { 0, 1, SLOT_DELIVERY_MAX };

	(void)state;
	for (unsigned s = 0; s < 16; s++)
		for (size_t o = 0; o < COUNT(owners); o++)
			for (size_t r = 0; r < COUNT(returns); r++) {
				uint64_t word = slot_word((enum slot_state)s, owners[o], returns[r],
							  GEN_LAST);
				bool is_legal = s < SLOT_STATES && owners[o] <= MEMBERS &&
						(owners[o] ? expected[s].somebody : expected[s].nobody) &&
						(returns[r] == 0 || expected[s].has_returned);

				assert_int_equal(slot_is_legal(word, MEMBERS), is_legal);
			}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_do_not_run_into_each_other),
		cmocka_unit_test(each_move_changes_what_it_should_and_no_more),
		cmocka_unit_test(a_dead_letter_is_dead_again_unless_it_is_published),
		cmocka_unit_test(the_generation_wraps_and_spares_its_neighbours),
		cmocka_unit_test(the_count_of_returns_stays_at_its_end),
		cmocka_unit_test(a_move_is_made_only_from_the_word_it_was_meant_for),
		cmocka_unit_test(just_the_words_that_calls_write_are_legal),
	};

	return cmocka_run_group_tests_name("slot", tests, NULL, NULL);
}
