/* test_lanes.c - who gets which lane; marks and tickets, whoever dies and whenever. */
#include "tests/unit/plain_ring.h"

#define MEMBERS 4u
#define TICKET_MAX ((UINT64_C(1) << 48) - 1)

static struct plain_ring *plain;
static struct segment *segment;

static int set_up(void **state)
{
	(void)state;
	plain = plain_make(4, 8, MEMBERS, FIRST_LATE);
	segment = &plain->segment;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	plain_free(plain);
	return 0;
}

static uint64_t ticket_of(uint32_t me, uint32_t *lane, uint64_t limit)
{
	uint64_t ticket = 0;

	assert_int_equal(lanes_ticket(segment, me, lane, limit, &ticket), RING_OK);
	assert_int_equal(segment->lanes[*lane].owner, me);
	return ticket;
}

static void use(uint32_t lane, uint64_t ticket)
{
	lanes_advance(segment, lane, ticket | MARK_IS_TICKET);
}

static void assert_no_ticket(uint32_t me, uint32_t *lane, uint64_t limit)
{
	uint64_t ticket;

	assert_int_equal(lanes_ticket(segment, me, lane, limit, &ticket), RING_CLOSED);
}

/* ------------------------------------------------------------------ whose lane */

static void a_number_gets_its_own_lane(void **state)
{
	(void)state;
	for (uint32_t i = 1; i <= MEMBERS; i++)
		assert_int_equal(lanes_acquire(segment, MEMBERS + 1 - i, i), i - 1);
}

static void others_leave_the_numbered_lanes_alone_while_they_can(void **state)
{
	(void)state;
	assert_int_equal(lanes_acquire(segment, 1, 0), MEMBERS - 1);
	assert_int_equal(lanes_acquire(segment, 2, MEMBERS + 1), MEMBERS - 2);
	assert_int_equal(lanes_acquire(segment, 3, 1), 0);
	assert_int_equal(lanes_acquire(segment, 4, 0), 1);
	assert_int_equal(lanes_acquire(segment, 1, 0), LANE_NONE);
}

/* Another's mark would send a producer of records to a wrong place. */
static void a_number_gets_no_other_lane_than_its_own(void **state)
{
	(void)state;
	assert_int_equal(lanes_acquire(segment, 1, 2), 1);
	assert_int_equal(lanes_acquire(segment, 2, 2), LANE_NONE);
	lanes_release(segment, 1);
	assert_int_equal(lanes_acquire(segment, 2, 2), 1);
}

static void a_lane_with_an_unused_ticket_goes_first(void **state)
{
	(void)state;
	segment->lanes[1].granted = 7;
	segment->lanes[1].used = 6;
	assert_int_equal(lanes_acquire(segment, 1, 0), 1);
	assert_int_equal(lanes_acquire(segment, 2, 0), MEMBERS - 1);
}

static void all_lanes_of_a_member_are_released_and_no_others(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < MEMBERS; i++)
		segment->lanes[i].owner = 1 + i % 2;
	lanes_release(segment, 2);
	for (uint32_t i = 0; i < MEMBERS; i++)
		assert_int_equal(segment->lanes[i].owner, i % 2 ? 0 : 1);
}

/* ------------------------------------------------------------------ marks */

static void a_mark_only_rises(void **state)
{
	(void)state;
	lanes_advance(segment, 1, 5);
	lanes_advance(segment, 1, 3);
	lanes_advance(segment, 1, 0);
	assert_int_equal(segment->lanes[1].mark, 5);
	lanes_advance(segment, 1, MARK_IS_TICKET - 1);
	assert_int_equal(segment->lanes[1].mark, MARK_IS_TICKET - 1);
}

static void marks_and_tickets_are_counted_apart(void **state)
{
	(void)state;
	lanes_advance(segment, 0, 5);
	use(0, 3);
	assert_int_equal(segment->lanes[0].mark, 5);
	assert_int_equal(segment->lanes[0].used, 3);
}

static void a_lane_that_is_none_is_ignored(void **state)
{
	(void)state;
	lanes_advance(segment, MEMBERS, 5);
	lanes_advance(segment, UINT16_MAX, 5);
	lanes_advance(segment, LANE_NONE, 5);
	assert_int_equal(plain_word(plain, 0), slot_word(SLOT_FREE, 0, 0, FIRST_LATE));
}

/* ------------------------------------------------------------------ tickets */

static void tickets_count_from_one_to_the_limit(void **state)
{
	uint32_t a = lanes_acquire(segment, 1, 1), b = lanes_acquire(segment, 2, 2);

	(void)state;
	for (uint64_t n = 1; n <= 10; n++) {
		uint32_t me = 1 + n % 2, *lane = me == 1 ? &a : &b;

		assert_int_equal(ticket_of(me, lane, 10), n);
		use(*lane, n);
	}
	assert_no_ticket(1, &a, 10);
	assert_int_equal(ticket_of(1, &a, 0), 11);
	assert_int_equal(lanes_tickets(segment), 11);
}

static void a_ticket_stays_until_it_is_used(void **state)
{
	uint32_t a = lanes_acquire(segment, 1, 1), b = lanes_acquire(segment, 2, 2);

	(void)state;
	assert_int_equal(ticket_of(1, &a, 0), 1);
	assert_int_equal(ticket_of(2, &b, 0), 2);
	assert_int_equal(ticket_of(1, &a, 0), 1);
	assert_int_equal(ticket_of(1, &a, 1), 1);
	use(a, 1);
	assert_int_equal(ticket_of(1, &a, 0), 3);
}

static void the_last_ticket_of_all_is_followed_by_none(void **state)
{
	uint32_t lane = lanes_acquire(segment, 1, 1);

	(void)state;
	segment->header->ticket = (TICKET_MAX - 1) << 16;
	assert_int_equal(ticket_of(1, &lane, 0), TICKET_MAX);
	use(lane, TICKET_MAX);
	assert_no_ticket(1, &lane, 0);
}

/* Its taker was killed between the swap of the counter and the record in its lane. */
static void a_ticket_whose_record_is_missing_is_recorded_by_the_next(void **state)
{
	uint32_t a = lanes_acquire(segment, 1, 1), b = lanes_acquire(segment, 2, 2);

	(void)state;
	segment->header->ticket = 1 << 16 | (a + 1);
	assert_int_equal(ticket_of(2, &b, 0), 2);
	assert_int_equal(segment->lanes[a].granted, 1);
	assert_int_equal(ticket_of(1, &a, 0), 1);
}

static void at_the_limit_the_tickets_of_the_dead_are_given(void **state)
{
	uint32_t a = lanes_acquire(segment, 1, 1), b = lanes_acquire(segment, 2, 2), before;

	(void)state;
	assert_int_equal(ticket_of(1, &a, 3), 1);
	assert_int_equal(ticket_of(2, &b, 3), 2);
	use(b, 2);
	assert_int_equal(ticket_of(2, &b, 3), 3);
	use(b, 3);
	assert_no_ticket(2, &b, 3);
	lanes_release(segment, 1);
	before = b;
	assert_int_equal(ticket_of(2, &b, 3), 1);
	assert_int_equal(b, a);
	assert_int_equal(segment->lanes[before].owner, 0);
	use(b, 1);
	assert_no_ticket(2, &b, 3);
}

/* It was the last one, and its taker was killed before it could write it down. */
static void at_the_limit_a_ticket_whose_record_is_missing_is_found(void **state)
{
	uint32_t a = lanes_acquire(segment, 1, 1), b = lanes_acquire(segment, 2, 2);

	(void)state;
	segment->header->ticket = 1 << 16 | (a + 1);
	lanes_help_ticket(segment);
	lanes_release(segment, 1);
	assert_int_equal(ticket_of(2, &b, 1), 1);
}

static void a_damaged_counter_leads_nowhere(void **state)
{
	uint32_t lane = lanes_acquire(segment, 1, 1);

	(void)state;
	segment->header->ticket = UINT64_C(8) << 16 | UINT16_MAX;
	assert_int_equal(ticket_of(1, &lane, 0), 9);
}

/*
 * Members come, take tickets, use them and die at random; one dies at times with a swap made and its record
 * not, or with an item accepted and its lane not advanced, which recovery then does.
 */
static void each_ticket_is_used_once_whoever_dies(void **state)
{
	enum { LIMIT = 2000 };
	static unsigned used[LIMIT + 1];
	uint32_t lanes[MEMBERS];
	uint64_t left = LIMIT;
	unsigned seed = 1;

	(void)state;
	for (uint32_t i = 0; i < MEMBERS; i++)
		lanes[i] = lanes_acquire(segment, i + 1, i + 1);
	while (left > 0) {
		uint32_t me = 1 + (uint32_t)rand_r(&seed) % MEMBERS, *lane = &lanes[me - 1];
		bool dies = rand_r(&seed) % 4 == 0;
		uint64_t ticket;

		if (lanes_ticket(segment, me, lane, LIMIT, &ticket) == RING_OK &&
		    (!dies || rand_r(&seed) % 2)) {
			assert_in_range(ticket, 1, LIMIT);
			assert_int_equal(used[ticket]++, 0);
			left--;
			use(*lane, ticket);
		}
		if (dies) {
			lanes_help_ticket(segment);
			lanes_release(segment, me);
			*lane = lanes_acquire(segment, me, rand_r(&seed) % 2 ? me : 0);
			if (*lane == LANE_NONE)	/* another one has adopted it */
				*lane = lanes_acquire(segment, me, 0);
			assert_int_not_equal(*lane, LANE_NONE);
		}
	}
	for (uint32_t i = 0; i < MEMBERS; i++)
		assert_no_ticket(i + 1, &lanes[i], LIMIT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_number_gets_its_own_lane),
		TEST(others_leave_the_numbered_lanes_alone_while_they_can),
		TEST(a_number_gets_no_other_lane_than_its_own),
		TEST(a_lane_with_an_unused_ticket_goes_first),
		TEST(all_lanes_of_a_member_are_released_and_no_others),
		TEST(a_mark_only_rises),
		TEST(marks_and_tickets_are_counted_apart),
		TEST(a_lane_that_is_none_is_ignored),
		TEST(tickets_count_from_one_to_the_limit),
		TEST(a_ticket_stays_until_it_is_used),
		TEST(the_last_ticket_of_all_is_followed_by_none),
		TEST(a_ticket_whose_record_is_missing_is_recorded_by_the_next),
		TEST(at_the_limit_the_tickets_of_the_dead_are_given),
		TEST(at_the_limit_a_ticket_whose_record_is_missing_is_found),
		TEST(a_damaged_counter_leads_nowhere),
		TEST(each_ticket_is_used_once_whoever_dies),
	};

	return cmocka_run_group_tests_name("lanes", tests, NULL, NULL);
}
