/* test_parcel.c - slots that hold several records: one slot to the protocol, so many items to the books. */
#include "tests/unit/plain_ring.h"
#include "tests/unit/shm_ring.h"

#include "shm/parcel.h"

#include <errno.h>

#define DEAD 1u		/* the member that died */
#define OTHER 2u
#define SLOTS 8u

static struct plain_ring *plain;
static struct segment *segment;
static struct ring dead, other;

static int set_up(void **state)
{
	const struct ring_options options = {
		.slots = SLOTS, .item_max = 16, .members = 4, .has_parcels = true, .terminator = ';',
	};

	(void)state;
	plain = plain_make_of(&options, FIRST_LATE);
	segment = &plain->segment;
	dead = plain_join(plain, DEAD, RING_PRODUCER | RING_CONSUMER | RING_PARCELS);
	other = plain_join(plain, OTHER, RING_PRODUCER | RING_CONSUMER | RING_PARCELS);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	plain_free(plain);
	return 0;
}

static enum ring_result try_put(struct ring *ring, const char *text, uint32_t records, uint64_t mark)
{
	struct ring_item item;

	assert_int_equal(ring_reserve(ring, &item, 0), RING_OK);
	assert_int_equal(item.records, 1);
	assert_false(item.is_parcel);
	memcpy(item.data, text, strlen(text));
	item.len = strlen(text);
	item.is_parcel = true;
	item.records = records;
	item.mark = mark;
	return ring_publish(ring, &item);
}

static void put(struct ring *ring, const char *text, uint32_t records, uint64_t mark)
{
	assert_int_equal(try_put(ring, text, records, mark), RING_OK);
}

static void assert_shows(const struct ring_item *item, const char *text, uint32_t records)
{
	assert_true(item->is_parcel);
	assert_int_equal(item->records, records);
	assert_int_equal(item->len, strlen(text));
	assert_memory_equal(item->data, text, item->len);
}

static struct ring_item take(struct ring *ring, const char *text, uint32_t records)
{
	struct ring_item item;

	assert_int_equal(ring_take(ring, &item, 0), RING_OK);
	assert_shows(&item, text, records);
	return item;
}

static struct ring_stats stats(void)
{
	struct ring_stats result;

	assert_int_equal(ring_stats(&other, &result), 0);
	assert_int_equal(result.published, result.acked + result.dead + result.dropped + result.left);
	return result;
}

static void assert_books(uint64_t published, uint64_t acked, uint64_t died, uint64_t dropped)
{
	struct ring_books books;

	ring_books(&other, &books);
	assert_int_equal(books.published, published);
	assert_int_equal(books.acked, acked);
	assert_int_equal(books.dead, died);
	assert_int_equal(books.dropped, dropped);
	assert_int_equal(stats().published, published);
	assert_int_equal(stats().acked, acked);
	plain_assert_sound(plain, &other);
}

/* ------------------------------------------------------------------ the books */

static void each_record_is_an_item_of_the_books(void **state)
{
	struct ring_item item;

	(void)state;
	put(&other, "a;bc;;", 3, 0);
	put(&other, "d;", 1, 0);
	assert_int_equal(ring_put(&other, "alone", 5, 0), RING_OK);
	assert_int_equal(stats().ready, 5);
	assert_int_equal(stats().left, 5);
	assert_int_equal(stats().free, SLOTS - 3);
	assert_int_equal(stats().bytes, 3 + 1 + 5);
	assert_books(5, 0, 0, 0);
	item = take(&other, "a;bc;;", 3);
	assert_int_equal(stats().in_flight, 3);
	assert_int_equal(stats().taken, 3);
	assert_int_equal(ring_ack(&other, &item), 0);
	assert_books(5, 3, 0, 0);
	item = take(&other, "d;", 1);
	assert_int_equal(ring_dead(&other, &item, 1), 0);
	assert_books(5, 3, 1, 0);
	assert_int_equal(ring_take(&other, &item, 0), RING_OK);
	assert_false(item.is_parcel);
	assert_int_equal(item.records, 1);
	assert_int_equal(item.len, 5);
	assert_int_equal(ring_ack(&other, &item), 0);
	assert_books(5, 4, 1, 0);
}

static void each_record_has_an_id_of_its_own(void **state)
{
	struct ring_item first, second, third;

	(void)state;
	put(&other, "a;b;c;", 3, 0);
	put(&dead, "d;e;", 2, 0);
	put(&other, "f;", 1, 0);
	first = take(&other, "a;b;c;", 3);
	second = take(&other, "d;e;", 2);
	third = take(&other, "f;", 1);
	assert_true(first.id + 3 == third.id);
	assert_true(second.id >= first.id + 3 || second.id + 2 <= first.id);
	assert_int_equal(ring_ack_records(&other, &first, 2, 4), 0);
	assert_true(first.id + 1 == third.id);
}

static void more_records_than_a_lot_has_ids_have_their_own(void **state)
{
	const struct ring_options options = {
		.slots = 4, .item_max = 200, .members = 2, .has_parcels = true, .terminator = ';',
	};
	struct plain_ring *large = plain_make_of(&options, FIRST_LATE);
	struct ring ring = plain_join(large, 1, RING_PRODUCER | RING_CONSUMER | RING_PARCELS);
	char text[201] = "";
	struct ring_item one, two;

	(void)state;
	memset(text, ';', 200);
	put(&ring, text, 200, 0);
	put(&ring, ";", 1, 0);
	one = take(&ring, text, 200);
	two = take(&ring, ";", 1);
	assert_true(two.id - one.id >= 200);
	plain_free(large);
}

static void what_is_dropped_is_dropped_whole(void **state)
{
	struct ring_item item;

	(void)state;
	put(&other, "a;b;c;", 3, 0);
	put(&other, "d;e;", 2, 0);
	item = take(&other, "a;b;c;", 3);
	assert_int_equal(ring_ack_records(&other, &item, 1, 2), 0);
	assert_int_equal(ring_drop_oldest(&dead), RING_OK);
	assert_books(5, 1, 0, 2);
	assert_int_equal(ring_give_back(&other, &item, 0, false), 0);
	assert_int_equal(ring_drop_oldest(&dead), RING_OK);
	assert_books(5, 1, 0, 4);
}

static void times_count_each_record(void **state)
{
	static struct ring_histogram wait, work;
	struct ring_item item;

	(void)state;
	put(&other, "a;b;c;", 3, 0);
	item = take(&other, "a;b;c;", 3);
	ring_times(&other, &wait, &work);
	assert_int_equal(wait.count, 3);
	assert_int_equal(ring_ack_records(&other, &item, 2, 4), 0);
	ring_times(&other, &wait, &work);
	assert_int_equal(work.count, 2);
}

/* ------------------------------------------------------------------ a part of it */

static void what_is_done_with_never_comes_again(void **state)
{
	struct ring_item item;
	uint64_t id;

	(void)state;
	put(&other, "a;bc;;d;", 4, 0);
	item = take(&dead, "a;bc;;d;", 4);
	id = item.id;
	assert_int_equal(ring_ack_records(&dead, &item, 2, 5), 0);
	assert_shows(&item, ";d;", 2);
	assert_true(item.id == id + 2);
	assert_books(4, 2, 0, 0);
	assert_true(recover_member(segment, DEAD));
	item = take(&other, ";d;", 2);
	assert_true(item.id == id + 2);
	assert_int_equal(item.deliveries, 2);
	assert_int_equal(ring_ack_records(&other, &item, 1, 1), 0);
	assert_shows(&item, "d;", 1);
	assert_int_equal(ring_give_back(&other, &item, 0, true), 0);
	assert_int_equal(stats().left, 1);
	item = take(&other, "d;", 1);
	assert_int_equal(item.failures, 1);
	assert_int_equal(ring_ack_records(&other, &item, 1, 2), 0);
	assert_books(4, 4, 0, 0);
	assert_int_equal(plain_count(plain, SLOT_FREE), SLOTS);
}

static void what_is_left_of_it_may_be_dead(void **state)
{
	struct ring_item item, again;
	struct ring_view view;
	char bytes[16];

	(void)state;
	put(&other, "a;b;c;", 3, 0);
	item = take(&other, "a;b;c;", 3);
	assert_int_equal(ring_ack_records(&other, &item, 1, 2), 0);
	again = item;
	assert_int_equal(ring_dead(&other, &item, 9), 0);
	assert_books(3, 1, 2, 0);
	assert_int_equal(stats().dead_kept, 2);
	assert_int_equal(ring_look(&other, again.slot, &view, bytes, sizeof(bytes)), 1);
	assert_true(view.is_parcel);
	assert_true(view.id == again.id);
	assert_int_equal(view.records, 2);
	assert_int_equal(view.len, 4);
	assert_memory_equal(bytes, "b;c;", 4);
}

static void a_dead_remainder_that_is_put_back_is_as_it_was(void **state)
{
	struct ring_item item, again;

	(void)state;
	put(&other, "a;b;c;", 3, 0);
	item = take(&other, "a;b;c;", 3);
	assert_int_equal(ring_ack_records(&other, &item, 1, 2), 0);
	again = item;
	assert_int_equal(ring_dead(&other, &item, 9), 0);
	assert_int_equal(ring_reserve_dead(&other, again.slot, again.id - 1, &item), RING_TIMEOUT);
	assert_int_equal(ring_reserve_dead(&other, again.slot, again.id, &item), RING_OK);
	assert_shows(&item, "b;c;", 2);
	item.is_parcel = false;
	assert_int_equal(ring_publish(&other, &item), RING_ERROR);
	assert_int_equal(errno, EINVAL);
	item.is_parcel = true;
	ring_cancel(&other, &item);
	assert_int_equal(stats().dead_kept, 2);
	assert_int_equal(ring_reserve_dead(&other, again.slot, again.id, &item), RING_OK);
	assert_int_equal(ring_publish(&other, &item), RING_OK);
	assert_books(5, 1, 2, 0);
	item = take(&dead, "b;c;", 2);
	assert_true(item.id == again.id);
	assert_int_equal(item.deliveries, 1);
	assert_int_equal(ring_ack_records(&dead, &item, 1, 2), 0);
	assert_true(recover_member(segment, DEAD));
	item = take(&other, "c;", 1);
	assert_int_equal(ring_ack(&other, &item), 0);
	assert_books(5, 3, 2, 0);
}

/* A slot keeps its bytes from item to item; what was done with of one must not show in the next. */
static void progress_ends_with_its_item(void **state)
{
	struct ring_item item;

	(void)state;
	for (uint32_t i = 0; i < 2 * SLOTS; i++) {
		put(&other, "a;b;", 2, 0);
		item = take(&other, "a;b;", 2);
		assert_int_equal(ring_ack_records(&other, &item, 1, 2), 0);
		assert_int_equal(ring_ack(&other, &item), 0);
		assert_int_equal(ring_put(&other, "one;two", 7, 0), RING_OK);
		assert_int_equal(ring_take(&other, &item, 0), RING_OK);
		assert_int_equal(item.len, 7);
		assert_int_equal(ring_ack(&other, &item), 0);
	}
	assert_books(6 * SLOTS, 6 * SLOTS, 0, 0);
}

static void only_its_first_records_can_be_acked(void **state)
{
	static const struct { uint32_t n; size_t bytes; } wrong[] = {
		{ 0, 0 }, { 0, 2 }, { 1, 0 }, { 1, 1 }, { 2, 1 }, { 1, 3 }, { 3, 4 }, { 2, 6 }, { 3, 3 },
		{ 4, 6 }, { 1, SIZE_MAX },
	};
	struct ring_item item, single;

	(void)state;
	put(&other, "a;b;c;", 3, 0);
	item = take(&other, "a;b;c;", 3);
	for (size_t i = 0; i < COUNT(wrong); i++) {
		errno = 0;
		assert_int_equal(ring_ack_records(&other, &item, wrong[i].n, wrong[i].bytes), -1);
		assert_int_equal(errno, EINVAL);
	}
	assert_shows(&item, "a;b;c;", 3);
	assert_books(3, 0, 0, 0);
	assert_int_equal(ring_put(&other, "a;b;", 4, 0), RING_OK);
	assert_int_equal(ring_take(&other, &single, 0), RING_OK);
	assert_int_equal(ring_ack_records(&other, &single, 1, 2), -1);
	assert_int_equal(ring_ack_records(&other, &single, 1, 4), 0);
	assert_int_equal(ring_ack(&other, &item), 0);
	assert_int_equal(ring_ack_records(&other, &item, 1, 2), -1);
}

/* ------------------------------------------------------------------ publishing */

static void only_whole_records_are_published(void **state)
{
	struct ring plain_ring;
	struct plain_ring *without = plain_make(4, 16, 2, 0);
	struct ring_item item;

	(void)state;
	assert_int_equal(try_put(&other, "a;b", 2, 0), RING_ERROR);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(try_put(&other, "a;b;", 0, 0), RING_ERROR);
	assert_int_equal(try_put(&other, ";", 2, 0), RING_ERROR);
	assert_int_equal(try_put(&other, "", 0, 0), RING_ERROR);
	assert_int_equal(ring_reserve(&other, &item, 0), RING_OK);
	item.records = 2;
	assert_int_equal(ring_publish(&other, &item), RING_ERROR);
	plain_ring = plain_join(without, 1, RING_PRODUCER | RING_CONSUMER);
	assert_int_equal(try_put(&plain_ring, "a;b;", 2, 0), RING_ERROR);
	assert_int_equal(ring_terminator(&plain_ring), -1);
	assert_int_equal(ring_terminator(&other), ';');
	plain_free(without);
}

static void a_successor_is_told_the_mark_of_the_last_record(void **state)
{
	struct ring_item item;

	(void)state;
	put(&dead, "a;b;c;", 3, 6);
	item = take(&other, "a;b;c;", 3);
	assert_int_equal(ring_ack_records(&other, &item, 1, 2), 0);
	assert_true(recover_member(segment, DEAD));
	dead = plain_join(plain, DEAD, RING_PRODUCER);
	assert_int_equal(ring_mark(&dead), 6);
}

/* ------------------------------------------------------------------ the journal */

enum moment { BEFORE_SWAP, AFTER_SWAP, COUNTED };

static void assert_settled(struct member *member, enum counter op, uint64_t expected)
{
	for (int turn = 0; turn < 2; turn++) {
		journal_settle(segment, DEAD);
		assert_true(member->count[op] == expected);
	}
	/* Whatever recovery does to the slot then, it is not the swap. */
	segment->words[2] = 0;
	atomic_store(&parcel_of(segment, 2)->progress, 7);
	journal_settle(segment, DEAD);
	assert_true(member->count[op] == expected);
}

static const uint64_t counts[] = { 0, 1, 30, 31, 32, UINT64_MAX - 1, UINT64_MAX };
static const uint32_t numbers[] = { 1, 2, 31, 32, 64, RING_RECORDS_MAX };

static void the_journal_counts_all_its_records_once(void **state)
{
	struct member *member = member_at(segment, DEAD);
	uint64_t gen = UINT64_C(0xfedcba987);

	(void)state;
	for (int op = COUNT_PUBLISHED; op <= COUNT_DROPPED; op++)
		for (int moment = BEFORE_SWAP; moment <= COUNTED; moment++)
			for (size_t i = 0; i < COUNT(counts) * COUNT(numbers); i++) {
				uint64_t count = counts[i % COUNT(counts)];
				uint32_t n = numbers[i / COUNT(counts)];
				uint64_t before = slot_word(op == COUNT_PUBLISHED ? SLOT_WRITING : SLOT_READING,
							    DEAD, 0, gen);

				member->count[op] = count;
				journal_begin(member, (enum counter)op, 2, gen, n);
				segment->words[2] = moment == BEFORE_SWAP ? before
						    : op == COUNT_PUBLISHED ? slot_published(before, n)
						    : slot_freed(before);
				if (moment == COUNTED)
					journal_done(member, (enum counter)op, n);
				assert_settled(member, (enum counter)op,
					       count + (moment == BEFORE_SWAP ? 0 : n));
			}
}

static void the_journal_counts_a_part_once(void **state)
{
	struct member *member = member_at(segment, DEAD);

	(void)state;
	for (int moment = BEFORE_SWAP; moment <= COUNTED; moment++)
		for (size_t i = 0; i < COUNT(counts) * COUNT(numbers); i++) {
			uint64_t count = counts[i % COUNT(counts)];
			uint32_t n = numbers[i / COUNT(counts)];

			member->count[COUNT_ACKED] = count;
			segment->words[2] = slot_word(SLOT_READING, DEAD, 0, 9);
			atomic_store(&parcel_of(segment, 2)->progress, parcel_progress(3, 30));
			journal_begin_part(member, 2, 3 + n, n);
			if (moment != BEFORE_SWAP)
				parcel_advance(segment, 2, n, n);
			if (moment == COUNTED)
				journal_done(member, COUNT_ACKED, n);
			assert_settled(member, COUNT_ACKED, count + (moment == BEFORE_SWAP ? 0 : n));
		}
}

/* What stands in the journal has been counted, whatever is written over it. */
static void an_intent_that_was_counted_stays_so(void **state)
{
	struct member *member = member_at(segment, DEAD);
	struct ring_item one, two;

	(void)state;
	put(&other, "a;b;", 2, 0);
	put(&other, "c;d;e;", 3, 0);
	one = take(&dead, "a;b;", 2);
	two = take(&dead, "c;d;e;", 3);
	assert_int_equal(ring_ack(&dead, &one), 0);
	/* Killed between the next one's target and its intent. */
	journal_void(member);
	member->target = 5;
	assert_true(recover_member(segment, DEAD));
	assert_books(5, 2, 0, 0);
	(void)two;
}

/* ------------------------------------------------------------------ damage, and who may come */

static void what_can_not_be_is_damage(void **state)
{
	struct ring_item item;
	struct parcel *parcel;

	(void)state;
	put(&other, "a;b;", 2, 0);
	item = take(&other, "a;b;", 2);
	parcel = parcel_of(segment, item.slot);
	assert_int_equal(ring_give_back(&other, &item, 0, false), 0);
	atomic_store(&parcel->progress, parcel_progress(2, 2));
	assert_int_equal(ring_take(&other, &item, 0), RING_ERROR);
	assert_int_equal(errno, EBADMSG);
	assert_non_null(strstr(ring_why(), "2 of 2 records"));
	atomic_store(&parcel->progress, parcel_progress(1, 4));
	assert_int_equal(ring_give_back(&other, &item, 0, false), 0);
	assert_int_equal(ring_take(&other, &item, 0), RING_ERROR);
	atomic_store(&parcel->progress, 0);
	atomic_store(&parcel->records, RING_RECORDS_MAX + 1);
	assert_int_equal(ring_give_back(&other, &item, 0, false), 0);
	assert_int_equal(ring_take(&other, &item, 0), RING_ERROR);
}

static void who_can_not_take_parcels_is_refused(void **state)
{
	const struct ring_options options = { .slots = 2, .has_parcels = true, .terminator = '\n' };
	struct ring *ring, *shared;

	(void)state;
	assert_int_equal(ring_create(ring_called, &options), 0);
	assert_null(ring_open(ring_called, RING_CONSUMER, 0));
	assert_int_equal(errno, EINVAL);
	assert_non_null(strstr(ring_why(), "parcels"));
	assert_null(ring_open_or_create(ring_called, NULL, RING_CONSUMER | RING_PRODUCER, 0));
	assert_int_equal(errno, EINVAL);
	ring = shm_join(RING_PRODUCER, 0);
	assert_null(ring_share(ring, RING_CONSUMER, 0));
	shared = ring_share(ring, RING_CONSUMER | RING_PARCELS, 0);
	assert_non_null(shared);
	ring_close(shared);
	ring_close(ring);
	ring = shm_join(RING_OBSERVER, 0);
	assert_int_equal(ring_terminator(ring), '\n');
	ring_close(ring);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_record_is_an_item_of_the_books),
		TEST(each_record_has_an_id_of_its_own),
		TEST(more_records_than_a_lot_has_ids_have_their_own),
		TEST(what_is_dropped_is_dropped_whole),
		TEST(times_count_each_record),
		TEST(what_is_done_with_never_comes_again),
		TEST(what_is_left_of_it_may_be_dead),
		TEST(a_dead_remainder_that_is_put_back_is_as_it_was),
		TEST(progress_ends_with_its_item),
		TEST(only_its_first_records_can_be_acked),
		TEST(only_whole_records_are_published),
		TEST(a_successor_is_told_the_mark_of_the_last_record),
		TEST(the_journal_counts_all_its_records_once),
		TEST(the_journal_counts_a_part_once),
		TEST(an_intent_that_was_counted_stays_so),
		TEST(what_can_not_be_is_damage),
		cmocka_unit_test_setup_teardown(who_can_not_take_parcels_is_refused, shm_name, shm_forget),
	};

	return cmocka_run_group_tests_name("parcel", tests, NULL, NULL);
}
