/* test_ring.c - every public call, and each result and errno that ring.h names. */
#include "shm/handle.h"
#include "tests/unit/shm_ring.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>

#define SLOTS 4u
#define ITEM_MAX 16u
#define MS UINT64_C(1000000)
#define SOON_MS 700	/* well below the second after which a sleeper looks by itself */

static struct ring *producer, *consumer;

static int set_up(void **state)
{
	(void)shm_name(state);
	producer = shm_make(SLOTS, ITEM_MAX, 16, RING_PRODUCER);
	consumer = shm_join(RING_CONSUMER, 0);
	return 0;
}

static int tear_down(void **state)
{
	ring_close(producer);
	ring_close(consumer);
	return shm_forget(state);
}

static void put(const char *text)
{
	assert_int_equal(ring_put(producer, text, strlen(text), 0), RING_OK);
}

static void fill_up(void)
{
	for (uint32_t i = 0; i < SLOTS; i++)
		put("full");
}

static struct ring_item reserve(void)
{
	struct ring_item item;

	assert_int_equal(ring_reserve(producer, &item, 0), RING_OK);
	return item;
}

static struct ring_item take_any(void)
{
	struct ring_item item;

	assert_int_equal(ring_take(consumer, &item, 0), RING_OK);
	return item;
}

static struct ring_item take(const char *text)
{
	struct ring_item item = take_any();

	assert_int_equal(item.len, strlen(text));
	assert_memory_equal(item.data, text, item.len);
	return item;
}

/* A call that fails, and how. */
#define assert_error(call, failure, error) do { \
		int result_ = (int)(call), errno_ = errno; \
		assert_int_equal(result_, failure); \
		assert_int_equal(errno_, error); \
} while (0)

static struct ring_stats stats(void)
{
	struct ring_stats result;

	assert_int_equal(ring_stats(consumer, &result), 0);
	return result;
}

/* ------------------------------------------------------------------ opening */

static void a_ring_is_made_when_there_is_none_and_opened_when_there_is(void **state)
{
	const struct ring_options options = { .slots = 8, .item_max = 32, .members = 2 };
	struct ring *a, *b;

	(void)state;
	assert_int_equal(ring_unlink(ring_called, true), 0);
	a = ring_open_or_create(ring_called, &options, RING_PRODUCER, 0);
	b = ring_open_or_create(ring_called, NULL, RING_CONSUMER, 0);
	assert_non_null(a);
	assert_non_null(b);
	assert_int_equal(ring_slots(b), 8);
	assert_int_equal(ring_item_max(b), 32);
	assert_int_equal(ring_member_limit(b), 2);
	assert_string_equal(ring_name(b), ring_called);
	assert_int_equal(ring_member_index(a) + ring_member_index(b), 3);
	assert_int_equal(ring_put(a, "x", 1, 0), RING_OK);
	assert_int_equal(ring_close_last(a), false);
	ring_close(b);
	assert_error(ring_create(ring_called, &options), -1, EEXIST);
}

static void what_can_not_be_opened_is_told(void **state)
{
	(void)state;
	assert_null(ring_open("a/b", RING_PRODUCER, 0));
	assert_int_equal(errno, EINVAL);
	assert_null(ring_open(ring_called, 32, 0));
	assert_int_equal(errno, EINVAL);
	assert_non_null(strstr(ring_why(), "roles"));
	assert_null(ring_open("no-such-ring-at-all", RING_PRODUCER, 0));
	assert_int_equal(errno, ENOENT);
	assert_string_equal(ring_why(), "");
	assert_null(ring_open_or_create("b/c", NULL, RING_PRODUCER, 0));
	assert_int_equal(errno, EINVAL);
	assert_null(ring_open_or_create("bad-sizes", &(struct ring_options){ .slots = 1 },
					RING_PRODUCER, 0));
	assert_int_equal(errno, EINVAL);
}

static void a_ring_that_everybody_has_left_starts_anew(void **state)
{
	(void)state;
	put("left");
	ring_stop(producer, RING_STOP_NOW, RING_CAUSE_USER);
	ring_close(producer);
	producer = ring_open_or_create(ring_called, NULL, RING_PRODUCER, 0);
	assert_int_equal(ring_stopped(producer), RING_STOP_NOW);	/* the consumer is there yet */
	ring_close(producer);
	ring_close(consumer);
	producer = ring_open_or_create(ring_called, NULL, RING_PRODUCER, 0);
	consumer = shm_join(RING_CONSUMER, 0);
	assert_int_equal(ring_stopped(producer), RING_STOP_NONE);
	(void)take("left");
}

/* Somebody was stopped in the midst of it, and stays so. */
static void a_ring_that_is_being_removed_is_waited_for_in_vain(void **state)
{
	uint64_t began = ring_now_ns();
	int fd = segment_reopen(producer->segment);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(segment_lock(fd, LOCK_REMOVE), 0);
	producer->segment->header->removed = 1;
	assert_error(ring_unlink(ring_called, false), -1, EAGAIN);
	assert_null(ring_open(ring_called, RING_CONSUMER, 0));
	assert_int_equal(errno, EBUSY);
	assert_non_null(strstr(ring_why(), "removing"));
	assert_true(ring_now_ns() - began >= 5900 * MS);
	close(fd);
}

static void a_number_has_one_producer_at_a_time(void **state)
{
	struct ring *one = shm_join(RING_PRODUCER, 1), *other;

	(void)state;
	assert_null(ring_open(ring_called, RING_PRODUCER, 1));
	assert_int_equal(errno, EBUSY);
	assert_non_null(strstr(ring_why(), "number 1"));
	other = shm_join(RING_CONSUMER, 1);
	ring_close(other);
	ring_close(one);
	ring_close(shm_join(RING_PRODUCER, 1));
}

/* Number 1 was killed with a ticket, and another one took that up with its lane. */
static void a_number_whose_lane_was_adopted_gets_another(void **state)
{
	struct ring *one = shm_join(RING_PRODUCER, 1), *two = shm_join(RING_PRODUCER, 2), *again;
	uint64_t ticket;

	(void)state;
	assert_int_equal(ring_ticket(one, 1, &ticket), RING_OK);
	ring_close(one);
	assert_int_equal(ring_ticket(two, 1, &ticket), RING_OK);
	again = shm_join(RING_PRODUCER, 1);
	assert_int_equal(ring_ticket(again, 1, &ticket), RING_CLOSED);
	ring_close(two);
	assert_int_equal(ring_ticket(again, 1, &ticket), RING_OK);
	assert_int_equal(ticket, 1);
	ring_close(again);
}

static void shared_handles_are_members_of_their_own(void **state)
{
	struct ring *other = ring_share(producer, RING_CONSUMER, 0);
	struct ring_item item;

	(void)state;
	assert_non_null(other);
	assert_int_not_equal(ring_member_index(other), ring_member_index(producer));
	put("x");
	ring_close(producer);
	producer = NULL;
	assert_int_equal(ring_take(other, &item, 0), RING_OK);	/* the mapping is there yet */
	assert_memory_equal(item.data, "x", 1);
	assert_int_equal(ring_ack(other, &item), 0);
	ring_close(other);
}

static void what_can_not_be_shared_is_told(void **state)
{
	struct ring *observer = shm_join(RING_OBSERVER, 0);
	struct ring *others[16];
	uint32_t n = 0;

	(void)state;
	assert_null(ring_share(observer, RING_CONSUMER, 0));
	assert_int_equal(errno, EINVAL);
	assert_null(ring_share(producer, RING_OBSERVER, 0));
	assert_int_equal(errno, EINVAL);
	assert_null(ring_share(producer, 32, 0));
	assert_int_equal(errno, EINVAL);
	while ((others[n] = ring_share(producer, RING_CONSUMER, 0)))
		n++;
	assert_int_equal(errno, EBUSY);
	assert_int_equal(n, 14);
	while (n-- > 0)
		ring_close(others[n]);
	ring_close(observer);
}

static void each_role_has_its_calls(void **state)
{
	struct ring_item item = { 0 };
	struct ring_books books;
	uint64_t ticket;

	(void)state;
	assert_error(ring_reserve(consumer, &item, 0), RING_ERROR, EPERM);
	assert_error(ring_put(consumer, "x", 1, 0), RING_ERROR, EPERM);
	assert_error(ring_ticket(consumer, 0, &ticket), RING_ERROR, EPERM);
	assert_error(ring_drop_oldest(consumer), RING_ERROR, EPERM);
	assert_error(ring_take(producer, &item, 0), RING_ERROR, EPERM);
	assert_error(ring_restart(consumer), -1, EPERM);
	assert_int_equal(ring_mark(consumer), 0);
	ring_count_dropped(consumer, 0);
	ring_books(consumer, &books);
	assert_int_equal(books.dropped, 0);
}

static void an_observer_sees_and_changes_nothing(void **state)
{
	struct ring *observer = shm_join(RING_OBSERVER, 0);
	struct ring_item item = { 0 };
	struct ring_member member;
	struct ring_view view;
	struct ring_stats seen;

	(void)state;
	put("x");
	assert_int_equal(ring_member_index(observer), 0);
	assert_int_equal(ring_stats(observer, &seen), 0);
	assert_int_equal(seen.ready, 1);
	assert_int_equal(ring_member(observer, ring_member_index(producer), &member), 1);
	assert_true(member.is_alive);
	assert_int_equal(ring_look(observer, 0, &view, NULL, 0) +
			 ring_look(observer, 1, &view, NULL, 0) +
			 ring_look(observer, 2, &view, NULL, 0) +
			 ring_look(observer, 3, &view, NULL, 0), 1);
	assert_error(ring_take(observer, &item, 0), RING_ERROR, EPERM);
	assert_error(ring_reserve(observer, &item, 0), RING_ERROR, EPERM);
	assert_error(ring_publish(observer, &item), RING_ERROR, EINVAL);
	assert_error(ring_ack(observer, &item), -1, EINVAL);
	assert_error(ring_give_back(observer, &item, 0, false), -1, EINVAL);
	assert_error(ring_dead(observer, &item, 0), -1, EINVAL);
	assert_error(ring_recover(observer, 0), -1, EPERM);
	assert_error(ring_restart(observer), -1, EPERM);
	ring_cancel(observer, &item);
	ring_stop(observer, RING_STOP_NOW, RING_CAUSE_USER);
	assert_int_equal(ring_stopped(observer), RING_STOP_NONE);
	ring_hold(observer, true);
	ring_sweep(observer);
	ring_note(observer, "x");
	assert_false(ring_is_drained(observer));
	assert_false(ring_close_last(observer));
	assert_true(shm_exists());
}

/* ------------------------------------------------------------------ leaving */

/* A page that was never touched costs a fault, which is more than a look at all the words. */
static void who_counts_or_leaves_touches_no_slots_but_those_in_use(void **state)
{
	enum { MANY_SLOTS = 512, LONG = 65536 };
	struct rusage before, after;
	struct ring_stats stats;

	(void)state;
	ring_close(consumer);
	ring_close(producer);
	assert_int_equal(ring_unlink(ring_called, true), 0);
	producer = shm_make(MANY_SLOTS, LONG, 4, RING_PRODUCER);
	consumer = shm_join(RING_CONSUMER, 0);
	(void)getrusage(RUSAGE_SELF, &before);
	assert_int_equal(ring_stats(consumer, &stats), 0);
	ring_close(producer);
	(void)getrusage(RUSAGE_SELF, &after);
	producer = NULL;
	assert_int_equal(stats.free, MANY_SLOTS);
	assert_true(after.ru_minflt - before.ru_minflt < MANY_SLOTS / 2);
}

/* KiB of the ring's mappings, all of them, and those that are there without another fault. */
static void mapped_kib(unsigned *all, unsigned *there)
{
	FILE *maps = fopen("/proc/self/smaps", "r");
	bool is_ours = false;
	char line[512];
	unsigned kib;

	assert_non_null(maps);
	*all = *there = 0;
	while (fgets(line, sizeof(line), maps)) {
		if (strstr(line, "/dev/shm/"))
			is_ours = strstr(line, ring_called) != NULL;
		else if (is_ours && sscanf(line, "Size: %u", &kib) == 1)
			*all += kib;
		else if (is_ours && sscanf(line, "Rss: %u", &kib) == 1) {
			*there += kib;
			is_ours = false;
		}
	}
	(void)fclose(maps);
}

static void a_ring_of_small_items_is_mapped_all_at_once(void **state)
{
	unsigned all, there;

	(void)state;
	ring_close(consumer);
	ring_close(producer);
	assert_int_equal(ring_unlink(ring_called, true), 0);
	producer = shm_make(4096, 64, 4, RING_PRODUCER);
	consumer = NULL;
	mapped_kib(&all, &there);
	assert_true(all >= 4096 * 64 / 1024);
	assert_in_range(there, all - 8, all);	/* the anchors' pages aside, which nobody reads */
}

static void who_leaves_hands_back_what_it_has(void **state)
{
	struct ring *other = shm_join(RING_PRODUCER | RING_CONSUMER, 0);
	struct ring_item item;

	(void)state;
	put("x");
	assert_int_equal(ring_take(other, &item, 0), RING_OK);
	assert_int_equal(ring_reserve(other, &item, 0), RING_OK);
	errno = EXDEV;
	ring_close(other);
	assert_int_equal(errno, EXDEV);
	assert_int_equal(stats().free, SLOTS - 1);
	item = take("x");
	assert_int_equal(item.deliveries, 2);
	ring_close(NULL);
}

static void the_last_one_out_removes_what_is_empty(void **state)
{
	struct ring_item item;

	(void)state;
	put("x");
	assert_false(ring_close_last(producer));
	producer = NULL;
	item = take("x");
	assert_int_equal(ring_ack(consumer, &item), 0);
	assert_true(ring_close_last(consumer));
	consumer = NULL;
	assert_false(shm_exists());
	assert_false(ring_close_last(NULL));
}

static int keep_name(const char *name, void *seen)
{
	if (strcmp(name, ring_called))
		return 0;
	*(unsigned *)seen += 1;
	return 42;
}

static int count_name(const char *name, void *seen)
{
	*(unsigned *)seen += strcmp(name, ring_called) == 0;
	return 0;
}

static void rings_are_listed_sound_or_not(void **state)
{
	unsigned seen = 0;

	(void)state;
	assert_int_equal(ring_list(keep_name, &seen), 42);
	assert_int_equal(ring_list(count_name, &seen), 0);
	assert_int_equal(seen, 2);
	ring_close(producer);
	ring_close(consumer);
	producer = consumer = NULL;
	assert_int_equal(truncate(ring_file, 5), 0);
	assert_int_equal(ring_list(count_name, &seen), 0);
	assert_int_equal(seen, 3);
}

static void names_are_removed_with_force_or_for_good_reason(void **state)
{
	(void)state;
	assert_error(ring_unlink(ring_called, false), -1, EBUSY);
	ring_close(consumer);
	consumer = NULL;
	put("x");
	ring_close(producer);
	producer = NULL;
	assert_error(ring_unlink(ring_called, false), -1, ENOTEMPTY);
	assert_int_equal(ring_unlink(ring_called, true), 0);
	assert_error(ring_unlink(ring_called, true), -1, ENOENT);
	assert_error(ring_unlink("a/b", true), -1, EINVAL);
}

static void what_is_no_ring_is_removed_with_force_only(void **state)
{
	int fd = open("/dev/null", O_RDONLY);

	(void)state;
	close(fd);
	assert_int_equal(ring_unlink(ring_called, true), 0);
	fd = open(ring_file, O_RDWR | O_CREAT | O_EXCL, 0600);
	assert_true(fd >= 0);
	assert_error(ring_unlink(ring_called, false), -1, EPROTO);
	close(fd);
	assert_int_equal(ring_unlink(ring_called, true), 0);
	assert_int_equal(symlink("/dev/null", ring_file), 0);
	assert_error(ring_unlink(ring_called, true), -1, EPERM);
}

/* ------------------------------------------------------------------ producing */

static void a_reserved_slot_has_room_for_the_longest_item(void **state)
{
	struct ring_item item = reserve();

	(void)state;
	assert_int_equal(item.len, ITEM_MAX);
	assert_int_equal((uintptr_t)item.data % 8, 0);
	assert_int_equal(item.id, 0);
	assert_int_equal(item.mark, 0);
	memset(item.data, 'm', ITEM_MAX);
	assert_int_equal(ring_publish(producer, &item), RING_OK);
	assert_true(item.id >= 1);
	assert_true(item.published_ns > 0);
	(void)take("mmmmmmmmmmmmmmmm");
}

static void an_item_is_published_once(void **state)
{
	struct ring_item item = reserve(), none = { 0 };

	(void)state;
	item.len = 0;
	assert_int_equal(ring_publish(producer, &item), RING_OK);
	assert_error(ring_publish(producer, &item), RING_ERROR, EINVAL);
	ring_cancel(producer, &item);
	assert_error(ring_publish(producer, &none), RING_ERROR, EINVAL);
	none.slot = SLOTS;
	none.word = UINT64_MAX;
	assert_error(ring_publish(producer, &none), RING_ERROR, EINVAL);
	assert_int_equal(stats().published, 1);
	assert_int_equal(stats().left, 1);
}

static void an_item_that_is_too_long_stays_reserved(void **state)
{
	struct ring_item item = reserve();
	char long_one[ITEM_MAX + 1] = { 0 };

	(void)state;
	item.len = ITEM_MAX + 1;
	assert_error(ring_publish(producer, &item), RING_ERROR, EMSGSIZE);
	item.len = SIZE_MAX;
	assert_error(ring_publish(producer, &item), RING_ERROR, EMSGSIZE);
	item.len = 1;
	assert_int_equal(ring_publish(producer, &item), RING_OK);
	assert_error(ring_put(producer, long_one, sizeof(long_one), 0), RING_ERROR, EMSGSIZE);
	assert_int_equal(stats().published, 1);
	assert_int_equal(stats().writing, 0);
}

static void a_reservation_that_was_overwritten_is_damage(void **state)
{
	struct ring_item item = reserve();

	(void)state;
	atomic_store(&producer->segment->words[item.slot], 0);
	assert_error(ring_publish(producer, &item), RING_ERROR, EBADMSG);
}

static void a_cancelled_slot_is_free_again(void **state)
{
	struct ring_item item;

	(void)state;
	for (uint32_t i = 0; i < 3 * SLOTS; i++) {
		item = reserve();
		ring_cancel(producer, &item);
	}
	assert_int_equal(stats().free, SLOTS);
	assert_int_equal(stats().published, 0);
}

static void items_may_be_empty(void **state)
{
	(void)state;
	assert_int_equal(ring_put(producer, NULL, 0, 0), RING_OK);
	(void)take("");
}

static void a_full_ring_refuses_after_the_time_given(void **state)
{
	struct ring_item item;
	uint64_t began, full;

	(void)state;
	fill_up();
	full = stats().full;
	assert_int_equal(ring_reserve(producer, &item, 0), RING_TIMEOUT);
	began = ring_now_ns();
	assert_int_equal(ring_reserve(producer, &item, 30), RING_TIMEOUT);
	assert_in_range(ring_now_ns() - began, 30 * MS, 900 * MS);
	assert_int_equal(ring_put(producer, "x", 1, 10), RING_TIMEOUT);
	assert_int_equal(stats().full, full + 3);
	assert_true(stats().blocked_ns >= 40 * MS);
	assert_int_equal(stats().high_water, SLOTS);
}

static void a_batch_is_published_as_far_as_there_is_room(void **state)
{
	char text[] = "abcde";
	const struct iovec items[] = {
		{ text, 1 }, { text + 1, 2 }, { NULL, 0 }, { text + 3, 1 }, { text + 4, 1 },
	};
	size_t done = 99;

	(void)state;
	assert_int_equal(ring_put_batch(producer, items, 0, &done, 0), RING_OK);
	assert_int_equal(done, 0);
	assert_int_equal(ring_put_batch(producer, items, COUNT(items), &done, 10), RING_TIMEOUT);
	assert_int_equal(done, SLOTS);
	assert_int_equal(stats().full, 1);
	(void)take("a");
	(void)take("bc");
	(void)take("");
	(void)take("d");
}

static void a_batch_ends_at_what_can_not_be_published(void **state)
{
	char bytes[ITEM_MAX + 1] = { 0 };
	const struct iovec items[] = { { bytes, 1 }, { bytes, sizeof(bytes) }, { bytes, 1 } };
	size_t done;

	(void)state;
	assert_error(ring_put_batch(producer, items, COUNT(items), &done, -1), RING_ERROR, EMSGSIZE);
	assert_int_equal(done, 1);
	ring_stop(consumer, RING_STOP_SOFT, RING_CAUSE_USER);
	assert_int_equal(ring_put_batch(producer, items, COUNT(items), &done, -1), RING_CLOSED);
	assert_int_equal(done, 0);
}

static void each_item_of_a_batch_has_its_mark(void **state)
{
	char text[] = "abc";
	const struct iovec items[] = { { text, 1 }, { text + 1, 1 }, { text + 2, 1 } };
	const uint64_t marks[] = { 7, 8, 11 };
	struct ring *one = shm_join(RING_PRODUCER, 3);
	struct ring_item item;
	size_t done;

	(void)state;
	assert_int_equal(ring_put_marked(one, items, marks, COUNT(items), &done, 0), RING_OK);
	assert_int_equal(done, COUNT(items));
	assert_int_equal(ring_mark(one), 11);
	for (unsigned i = 0; i < COUNT(items); i++) {
		assert_int_equal(ring_take(consumer, &item, 0), RING_OK);
		assert_int_equal(item.mark, marks[i]);
		assert_int_equal(ring_ack(consumer, &item), 0);
	}
	ring_close(one);
	one = shm_join(RING_PRODUCER, 3);
	assert_int_equal(ring_mark(one), 11);
	ring_close(one);
}

static void a_mark_is_there_for_the_successor(void **state)
{
	struct ring *one = shm_join(RING_PRODUCER, 3);
	struct ring_item item;

	(void)state;
	assert_int_equal(ring_mark(one), 0);
	assert_int_equal(ring_reserve(one, &item, 0), RING_OK);
	item.mark = 1234;
	item.len = 0;
	assert_int_equal(ring_publish(one, &item), RING_OK);
	assert_int_equal(ring_mark(one), 1234);
	assert_int_equal(ring_reserve(one, &item, 0), RING_OK);
	item.mark = 2345;	/* never published */
	ring_close(one);
	one = shm_join(RING_PRODUCER, 3);
	assert_int_equal(ring_mark(one), 1234);
	ring_close(one);
	item = take("");
	assert_int_equal(item.mark, 1234);
	assert_int_equal(item.lane, 2);
}

static void a_ticket_counts_once_its_item_is_accepted(void **state)
{
	struct ring_item item;
	uint64_t ticket;

	(void)state;
	for (uint64_t n = 1; n <= 3; n++) {
		assert_int_equal(ring_ticket(producer, 3, &ticket), RING_OK);
		assert_int_equal(ring_ticket(producer, 3, &ticket), RING_OK);
		assert_int_equal(ticket, n);
		item = reserve();
		item.mark = ticket;
		item.len = 0;
		assert_int_equal(ring_publish(producer, &item), RING_OK);
	}
	assert_int_equal(ring_ticket(producer, 3, &ticket), RING_CLOSED);
	assert_int_equal(ring_mark(producer), 0);
	assert_int_equal(stats().tickets, 3);
	assert_int_equal(take("").mark, 1);
	ring_stop(producer, RING_STOP_SOFT, RING_CAUSE_USER);
	assert_int_equal(ring_ticket(producer, 0, &ticket), RING_CLOSED);
}

static void what_is_thrown_away_is_in_the_books(void **state)
{
	struct ring_books books;
	uint64_t ticket;

	(void)state;
	assert_int_equal(ring_drop_oldest(producer), RING_TIMEOUT);
	put("old");
	put("new");
	assert_int_equal(ring_drop_oldest(producer), RING_OK);
	assert_int_equal(ring_ticket(producer, 0, &ticket), RING_OK);
	ring_count_dropped(producer, ticket);
	assert_int_equal(ring_ticket(producer, 0, &ticket), RING_OK);
	assert_int_equal(ticket, 2);
	ring_books(consumer, &books);
	assert_int_equal(books.published, 3);
	assert_int_equal(books.dropped, 2);
	(void)take("new");
}

static void a_successor_goes_on_behind_what_was_thrown_away(void **state)
{
	(void)state;
	ring_close(producer);
	producer = shm_join(RING_PRODUCER, 3);
	ring_count_dropped(producer, 17);
	ring_close(producer);
	producer = shm_join(RING_PRODUCER, 3);
	assert_int_equal(ring_mark(producer), 17);
	assert_int_equal(stats().dropped, 1);
}

/* ------------------------------------------------------------------ consuming */

static void an_item_comes_with_what_is_known_of_it(void **state)
{
	struct ring_item sent = reserve(), item;

	(void)state;
	memcpy(sent.data, "abc", 3);
	sent.len = 3;
	sent.mark = 9;
	assert_int_equal(ring_publish(producer, &sent), RING_OK);
	item = take("abc");
	assert_int_equal(item.id, sent.id);
	assert_int_equal(item.mark, 9);
	assert_int_equal(item.lane, sent.lane);
	assert_int_equal(item.published_ns, sent.published_ns);
	assert_true(item.taken_ns >= item.published_ns);
	assert_int_equal(item.deliveries, 1);
	assert_int_equal(item.failures, 0);
	assert_int_equal(item.given_back, 0);
}

static void ids_of_a_producer_increase_from_one(void **state)
{
	struct ring_item item;
	uint64_t last = 0;

	(void)state;
	for (int n = 0; n < 200; n++) {
		put("x");
		item = take("x");
		assert_true(item.id > last);
		last = item.id;
		assert_int_equal(ring_ack(consumer, &item), 0);
	}
	assert_int_equal(last, 200);
}

static void an_empty_ring_gives_nothing_after_the_time_given(void **state)
{
	struct ring_item item;
	uint64_t began;

	(void)state;
	assert_int_equal(ring_take(consumer, &item, 0), RING_TIMEOUT);
	began = ring_now_ns();
	assert_int_equal(ring_take(consumer, &item, 30), RING_TIMEOUT);
	assert_in_range(ring_now_ns() - began, 30 * MS, 900 * MS);
	assert_true(stats().starved_ns >= 30 * MS);
}

static void an_item_is_ended_once(void **state)
{
	struct ring_item item, copy, none = { 0 };

	(void)state;
	put("x");
	copy = item = take("x");
	assert_int_equal(ring_ack(consumer, &item), 0);
	assert_error(ring_ack(consumer, &item), -1, EINVAL);
	assert_error(ring_ack(consumer, &copy), -1, EINVAL);
	assert_error(ring_dead(consumer, &copy, 0), -1, EINVAL);
	assert_error(ring_give_back(consumer, &copy, 0, true), -1, EINVAL);
	assert_error(ring_give_back(consumer, &copy, 5, true), -1, EINVAL);
	assert_error(ring_ack(consumer, &none), -1, EINVAL);
	assert_error(ring_ack(producer, &copy), -1, EINVAL);
	assert_int_equal(stats().acked, 1);
	assert_int_equal(stats().dead, 0);
}

/* Its slot has another's item by then. */
static void a_copy_of_an_item_that_is_ended_changes_nothing(void **state)
{
	struct ring_item item, copy, published, ours[SLOTS];

	(void)state;
	item = reserve();
	item.len = 1;
	item.mark = 7;
	published = item;
	published.mark = 50;
	assert_int_equal(ring_publish(producer, &item), RING_OK);
	assert_error(ring_publish(producer, &published), RING_ERROR, EBADMSG);
	copy = take_any();
	assert_int_equal(copy.mark, 7);
	item = copy;
	assert_int_equal(ring_ack(consumer, &item), 0);
	for (uint32_t i = 0; i < SLOTS; i++) {
		ours[i] = reserve();
		ours[i].len = 1;
		ours[i].mark = 99;
		memset(ours[i].data, 'x', 1);
	}
	ring_stop(producer, RING_STOP_STRICT, RING_CAUSE_USER);
	for (uint32_t i = 0; i < SLOTS; i++)
		assert_int_equal(ring_publish(producer, &ours[i]), RING_CLOSED);
	assert_error(ring_ack(consumer, &copy), -1, EINVAL);
	assert_int_equal(ring_mark(producer), 7);
}

static void a_copy_that_is_given_back_late_blames_nobody(void **state)
{
	struct ring_item item, copy;

	(void)state;
	put("a");
	copy = take("a");
	item = copy;
	assert_int_equal(ring_ack(consumer, &item), 0);
	for (uint32_t i = 0; i < SLOTS; i++)
		put("b");
	assert_error(ring_give_back(consumer, &copy, 0, true), -1, EINVAL);
	assert_error(ring_dead(consumer, &copy, 5), -1, EINVAL);
	for (uint32_t i = 0; i < SLOTS; i++) {
		item = take("b");
		assert_int_equal(item.failures + item.given_back, 0);
	}
}

static void the_next_is_taken_when_the_one_before_is_acked(void **state)
{
	struct ring_item item = { 0 }, copy;

	(void)state;
	assert_int_equal(ring_next(consumer, &item, 0), RING_TIMEOUT);
	put("a");
	put("b");
	assert_int_equal(ring_next(consumer, &item, 0), RING_OK);
	assert_memory_equal(item.data, "a", 1);
	assert_int_equal(stats().acked, 0);
	copy = item;
	assert_int_equal(ring_next(consumer, &item, 0), RING_OK);
	assert_memory_equal(item.data, "b", 1);
	assert_int_equal(item.deliveries, 1);
	assert_true(item.taken_ns >= item.published_ns);
	assert_int_equal(stats().acked, 1);
	assert_int_equal(stats().in_flight, 1);
	/* One that is not in hand changes nothing. */
	assert_error(ring_next(consumer, &copy, 0), RING_ERROR, EINVAL);
	assert_int_equal(stats().acked, 1);
	assert_int_not_equal(copy.word, 0);
	assert_int_equal(ring_next(consumer, &item, 1), RING_TIMEOUT);
	assert_int_equal(stats().acked, 2);
	assert_int_equal(item.word, 0);
	assert_error(ring_next(producer, &item, 0), RING_ERROR, EPERM);
	put("c");
	assert_int_equal(ring_next(consumer, &item, 0), RING_OK);
	ring_close(producer);
	producer = NULL;
	assert_int_equal(ring_next(consumer, &item, -1), RING_DRAINED);
	assert_int_equal(stats().acked, 3);
	assert_int_equal(item.word, 0);
}

/* Whatever the item says of its length. The slots end with a page here, and what is behind can't be
   written. */
static void an_ack_stays_within_its_slot(void **state)
{
	struct ring_options options = { .slots = SLOTS, .item_max = ITEM_MAX, .members = 16 };
	struct geometry at;
	struct ring_item item;

	(void)state;
	do {
		options.slots++;
		segment_measure(&options, &at);
	} while (at.times_at % 4096 != 0);
	ring_close(producer);
	ring_close(consumer);
	assert_int_equal(ring_unlink(ring_called, true), 0);
	producer = ring_open_or_create(ring_called, &options, RING_PRODUCER, 0);
	consumer = shm_join(RING_CONSUMER, 0);
	producer->cursor = options.slots - 1;
	put("x");
	item = take("x");
	assert_int_equal(item.slot, options.slots - 1);
	consumer->times_due_ns = UINT64_MAX;
	assert_int_equal(mprotect(consumer->segment->times, 4096, PROT_READ), 0);
	item.len = SIZE_MAX;
	assert_int_equal(ring_ack(consumer, &item), 0);
	assert_int_equal(stats().acked, 1);
	assert_int_equal(mprotect(consumer->segment->times, 4096, PROT_READ | PROT_WRITE), 0);
}

static void an_item_that_is_given_back_comes_again(void **state)
{
	struct ring_item item;

	(void)state;
	put("x");
	for (uint32_t n = 1; n <= 4; n++) {
		item = take("x");
		assert_int_equal(item.deliveries, n);
		assert_int_equal(item.failures, n / 2);
		assert_int_equal(item.given_back, n - 1);
		assert_int_equal(ring_give_back(consumer, &item, 0, n % 2), 0);
	}
	assert_int_equal(stats().redelivered, 3);
	assert_int_equal(stats().published, 1);
}

static void a_delayed_item_comes_when_it_is_due(void **state)
{
	struct ring_item item;
	uint64_t began;

	(void)state;
	put("x");
	item = take("x");
	began = ring_now_ns();
	assert_int_equal(ring_give_back(consumer, &item, 50, true), 0);
	assert_int_equal(ring_take(consumer, &item, 0), RING_TIMEOUT);
	assert_int_equal(stats().delayed, 1);
	assert_int_equal(ring_take(consumer, &item, 5000), RING_OK);
	assert_in_range(ring_now_ns() - began, 50 * MS, SOON_MS * MS);
	assert_int_equal(item.deliveries, 2);
}

static void deliveries_and_failures_stay_at_their_ends(void **state)
{
	struct ring_item item;

	(void)state;
	put("x");
	for (uint32_t n = 0; n < 66000; n++) {
		item = take("x");
		assert_int_equal(ring_give_back(consumer, &item, 0, true), 0);
	}
	item = take("x");
	assert_int_equal(item.deliveries, 4095);
	assert_int_equal(item.failures, 65535);
	assert_int_equal(item.given_back, 66000);
}

static uint32_t slot_of_the_dead(uint64_t *id)
{
	struct ring_view view;

	for (uint32_t slot = 0; slot < SLOTS; slot++)
		if (ring_look(consumer, slot, &view, NULL, 0) == 1 && view.state == RING_SLOT_DEAD) {
			*id = view.id;
			return slot;
		}
	fail_msg("nothing is dead");
	return 0;
}

static void a_dead_item_can_be_put_back_under_its_id(void **state)
{
	struct ring_books books;
	struct ring_item item;
	uint64_t id;
	uint32_t slot;

	(void)state;
	assert_int_equal(ring_put(producer, "again", 5, 0), RING_OK);
	for (int n = 0; n < 3; n++) {
		assert_int_equal(ring_take(consumer, &item, 0), RING_OK);
		assert_int_equal(n < 2 ? ring_give_back(consumer, &item, 0, true)
				       : ring_dead(consumer, &item, 1), 0);
	}
	slot = slot_of_the_dead(&id);
	assert_int_equal(ring_reserve_dead(producer, slot, id + 1, &item), RING_TIMEOUT);
	assert_error(ring_reserve_dead(producer, SLOTS, id, &item), RING_ERROR, EINVAL);
	assert_error(ring_reserve_dead(consumer, slot, id, &item), RING_ERROR, EPERM);

	/* Given up, it is what it was. */
	assert_int_equal(ring_reserve_dead(producer, slot, id, &item), RING_OK);
	assert_int_equal(ring_reserve_dead(producer, slot, id, &item), RING_TIMEOUT);
	assert_int_equal(stats().dead_kept, 0);
	ring_close(producer);
	producer = shm_join(RING_PRODUCER, 0);
	assert_int_equal(stats().dead_kept, 1);

	assert_int_equal(ring_reserve_dead(producer, slot, id, &item), RING_OK);
	assert_int_equal(item.len, 5);
	assert_memory_equal(item.data, "again", 5);
	assert_int_equal(ring_publish(producer, &item), RING_OK);
	assert_int_equal(ring_take(consumer, &item, 0), RING_OK);
	assert_int_equal(item.id, id);
	assert_int_equal(item.deliveries, 1);
	assert_int_equal(item.failures, 0);
	assert_int_equal(item.given_back, 0);
	assert_int_equal(ring_ack(consumer, &item), 0);
	assert_int_equal(stats().published, 2);
	assert_int_equal(stats().dead, 1);
	assert_int_equal(stats().acked, 1);
	ring_books(consumer, &books);
	assert_int_equal(books.published, 2);
}

static void the_flag_keeps_the_dead_out(void **state)
{
	struct ring_item item, reserved;
	uint64_t id;
	uint32_t slot;

	(void)state;
	assert_int_equal(ring_put(producer, "dead", 4, 0), RING_OK);
	assert_int_equal(ring_take(consumer, &item, 0), RING_OK);
	assert_int_equal(ring_dead(consumer, &item, 1), 0);
	slot = slot_of_the_dead(&id);
	assert_int_equal(ring_reserve_dead(producer, slot, id, &reserved), RING_OK);
	ring_stop(consumer, RING_STOP_STRICT, RING_CAUSE_USER);
	assert_int_equal(ring_publish(producer, &reserved), RING_CLOSED);
	assert_int_equal(stats().dead_kept, 1);
	assert_int_equal(stats().published, 1);
	assert_int_equal(ring_reserve_dead(producer, slot, id, &reserved), RING_CLOSED);
}

static void dead_items_are_kept_as_far_as_a_quarter_of_the_slots_goes(void **state)
{
	struct ring_item item;
	struct ring_view view;
	char text[ITEM_MAX];
	unsigned dead = 0;

	(void)state;
	for (uint32_t n = 0; n < 5; n++) {
		(void)snprintf(text, sizeof(text), "item %u", n);
		put(text);
		item = take(text);
		assert_int_equal(ring_dead(consumer, &item, 100 + n), 0);
	}
	assert_int_equal(stats().dead, 5);
	assert_int_equal(stats().dead_kept, SLOTS / 4);
	assert_int_equal(stats().left, 0);
	for (uint32_t i = 0; i < SLOTS; i++) {
		memset(text, 0, sizeof(text));
		if (ring_look(consumer, i, &view, text, sizeof(text)) != 1)
			continue;
		dead++;
		assert_int_equal(view.state, RING_SLOT_DEAD);
		assert_int_equal(view.reason, 104);
		assert_string_equal(text, "item 4");
	}
	assert_int_equal(dead, 1);
	assert_int_equal(ring_take(consumer, &item, 0), RING_TIMEOUT);
}

static void a_batch_takes_what_there_is(void **state)
{
	struct ring_item items[SLOTS + 1];
	size_t taken = 99;

	(void)state;
	assert_int_equal(ring_take_batch(consumer, items, COUNT(items), &taken, 0), RING_TIMEOUT);
	assert_int_equal(taken, 0);
	put("a");
	put("b");
	put("c");
	assert_int_equal(ring_take_batch(consumer, items, 2, &taken, 0), RING_OK);
	assert_int_equal(taken, 2);
	assert_memory_equal(items[1].data, "b", 1);
	assert_int_equal(ring_take_batch(consumer, items, COUNT(items), &taken, -1), RING_OK);
	assert_int_equal(taken, 1);
	ring_stop(producer, RING_STOP_NOW, RING_CAUSE_USER);
	assert_int_equal(ring_take_batch(consumer, items, 2, &taken, -1), RING_CLOSED);
	assert_int_equal(taken, 0);
}

static void publish_damaged(void)
{
	struct ring_item item = reserve();
	uint32_t slot = item.slot;

	item.len = 1;
	assert_int_equal(ring_publish(producer, &item), RING_OK);
	segment_slot(producer->segment, slot)->len = ITEM_MAX + 1;
}

static void a_length_that_can_not_be_is_damage(void **state)
{
	struct ring_item item;

	(void)state;
	publish_damaged();
	consumer->looked_round_ns = 0;	/* its duties must not hide the reason */
	assert_error(ring_take(consumer, &item, 0), RING_ERROR, EBADMSG);
	assert_non_null(strstr(ring_why(), "17 bytes"));
}

static void a_damaged_next_is_not_acked_by_the_one_after(void **state)
{
	struct ring_item item = { 0 };

	(void)state;
	publish_damaged();
	assert_error(ring_next(consumer, &item, 0), RING_ERROR, EBADMSG);
	assert_int_equal(item.word, 0);
	assert_int_equal(ring_next(consumer, &item, 0), RING_TIMEOUT);
	assert_int_equal(stats().acked, 0);
}

static void an_order_that_can_not_be_is_damage(void **state)
{
	struct ring_item item;
	uint64_t began = ring_now_ns();
	size_t taken;

	(void)state;
	for (uint32_t i = 0; i < producer->segment->at.cells; i++)
		atomic_fetch_add(&producer->segment->cells[i], UINT64_C(7) << 42);
	assert_error(ring_take(consumer, &item, 10), RING_ERROR, EBADMSG);
	assert_non_null(strstr(ring_why(), "order"));
	assert_int_equal(ring_take_batch(consumer, &item, 1, &taken, 0), RING_ERROR);
	assert_non_null(strstr(ring_why(), "order"));
	assert_int_equal(ring_drop_oldest(producer), RING_ERROR);
	assert_non_null(strstr(ring_why(), "order"));
	assert_int_equal(ring_put(producer, "x", 1, 10), RING_OK);	/* it is in, though untold */
	assert_int_equal(ring_put(producer, "x", 1, 10), RING_TIMEOUT);
	assert_true(ring_now_ns() - began < 60000 * MS);	/* a sanitizer takes its time */
}

/* ------------------------------------------------------------------ waiting */

/* Each token would be taken for a wake-up. */
static void a_spoilt_count_of_wake_ups_ends_a_wait(void **state)
{
	struct ring_item item;

	(void)state;
	*(uint32_t *)&consumer->segment->header->ready.sem = UINT32_C(1) << 28;
	assert_error(ring_take(consumer, &item, -1), RING_ERROR, EBADMSG);
	assert_non_null(strstr(ring_why(), "wake-ups"));
	assert_int_equal(wait_init(&consumer->segment->header->ready), 0);
}

static void do_nothing(int number) { (void)number; }

static void every_ms(bool on)
{
	struct sigaction action = { .sa_handler = do_nothing, .sa_flags = SA_RESTART };
	struct itimerval timer = { { 0, on ? 1000 : 0 }, { 0, on ? 1000 : 0 } };

	assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
	assert_int_equal(setitimer(ITIMER_REAL, &timer, NULL), 0);
}

static void a_signal_ends_a_wait(void **state)
{
	struct ring_item item;

	(void)state;
	every_ms(true);
	assert_error(ring_take(consumer, &item, -1), RING_ERROR, EINTR);
	fill_up();
	assert_error(ring_reserve(producer, &item, -1), RING_ERROR, EINTR);
	assert_error(ring_put(producer, "x", 1, -1), RING_ERROR, EINTR);
	every_ms(false);
	assert_int_equal(stats().writing, 0);
	assert_int_equal(stats().published, SLOTS);
}

/* Members that wait, each in a thread, and what their calls came back with. */
struct waiter { pthread_t thread; struct ring *ring; bool takes; enum ring_result result; };

static void *wait_long(void *context)
{
	struct waiter *waiter = context;
	struct ring_item item;

	waiter->result = waiter->takes ? ring_take(waiter->ring, &item, -1)
				       : ring_reserve(waiter->ring, &item, -1);
	return NULL;
}

static struct waiting *side(bool takes)
{
	struct header *header = consumer->segment->header;

	return takes ? &header->ready : &header->free;
}

struct asked { bool takes; uint32_t n; };

static bool have_asked(void *asked)
{
	return side(((struct asked *)asked)->takes)->wanted == ((struct asked *)asked)->n;
}

static void start_waiters(struct waiter *waiters, uint32_t n, bool takes)
{
	for (uint32_t i = 0; i < n; i++) {
		waiters[i].takes = takes;
		waiters[i].ring = shm_join(takes ? RING_CONSUMER : RING_PRODUCER, 0);
		assert_int_equal(pthread_create(&waiters[i].thread, NULL, wait_long, &waiters[i]), 0);
	}
	assert_true(wait_until(have_asked, &(struct asked){ takes, n }));
}

/* All come back with that, and sooner than those would who look by themselves. */
static void assert_woken(struct waiter *waiters, uint32_t n, enum ring_result result, uint64_t began)
{
	for (uint32_t i = 0; i < n; i++) {
		assert_int_equal(pthread_join(waiters[i].thread, NULL), 0);
		assert_int_equal(waiters[i].result, result);
	}
	assert_true(ring_now_ns() - began < SOON_MS * MS);
	for (uint32_t i = 0; i < n; i++)
		ring_close(waiters[i].ring);
}

static void each_item_wakes_one_who_waits_for_it(void **state)
{
	struct waiter waiters[3];
	uint64_t began;

	(void)state;
	start_waiters(waiters, 3, true);
	began = ring_now_ns();
	put("a");
	put("b");
	put("c");
	assert_woken(waiters, 3, RING_OK, began);
}

static void each_slot_that_comes_free_wakes_one_who_waits_for_it(void **state)
{
	struct waiter waiters[3];
	struct ring_item item;
	uint64_t began;

	(void)state;
	fill_up();
	start_waiters(waiters, 3, false);
	began = ring_now_ns();
	for (int n = 0; n < 3; n++) {
		item = take("full");
		assert_int_equal(ring_ack(consumer, &item), 0);
	}
	assert_woken(waiters, 3, RING_OK, began);
}

static void an_item_that_is_given_back_wakes_who_waits_for_it(void **state)
{
	struct waiter waiters[2];
	struct ring_item items[2];
	size_t taken;
	uint64_t began;

	(void)state;
	put("a");
	put("b");
	assert_int_equal(ring_take_batch(consumer, items, 2, &taken, 0), RING_OK);
	start_waiters(waiters, 2, true);
	began = ring_now_ns();
	assert_int_equal(ring_give_back(consumer, &items[0], 0, false), 0);
	assert_int_equal(ring_give_back(consumer, &items[1], 20, false), 0);
	assert_woken(waiters, 2, RING_OK, began);
}

static void a_stop_wakes_all_whom_it_concerns(void **state)
{
	struct waiter producers[4], consumers[4];
	uint64_t began;

	(void)state;
	start_waiters(consumers, 4, true);
	began = ring_now_ns();
	ring_stop(producer, RING_STOP_NOW, RING_CAUSE_USER);
	assert_woken(consumers, 4, RING_CLOSED, began);
	tear_down(state);
	set_up(state);
	fill_up();
	start_waiters(producers, 4, false);
	began = ring_now_ns();
	ring_stop(consumer, RING_STOP_SOFT, RING_CAUSE_USER);
	assert_woken(producers, 4, RING_CLOSED, began);
}

static void the_end_of_the_last_producer_wakes_all(void **state)
{
	struct waiter waiters[4];
	uint64_t began;

	(void)state;
	start_waiters(waiters, 4, true);
	began = ring_now_ns();
	ring_close(producer);
	assert_woken(waiters, 4, RING_DRAINED, began);
	producer = NULL;
}

static void the_end_of_the_last_item_wakes_all(void **state)
{
	struct waiter waiters[4];
	struct ring_item item;
	uint64_t began;

	(void)state;
	put("x");
	item = take("x");
	start_waiters(waiters, 4, true);
	ring_stop(producer, RING_STOP_SOFT, RING_CAUSE_END);
	ring_close(producer);
	assert_true(wait_until(have_asked, &(struct asked){ true, 4 }));
	began = ring_now_ns();
	assert_int_equal(ring_ack(consumer, &item), 0);
	assert_woken(waiters, 4, RING_DRAINED, began);
	producer = NULL;
}

static void letting_go_of_the_line_wakes_all(void **state)
{
	struct ring *holder = shm_join(RING_HOLDER, 0);
	struct waiter waiters[4];
	uint64_t began;

	(void)state;
	start_waiters(waiters, 4, true);
	ring_close(producer);
	producer = NULL;
	ring_stop(holder, RING_STOP_SOFT, RING_CAUSE_END);
	began = ring_now_ns();
	ring_hold(holder, false);
	assert_woken(waiters, 4, RING_DRAINED, began);
	ring_close(holder);
}

/* ------------------------------------------------------------------ running the line */

static void the_stop_flag_is_seen_by_all(void **state)
{
	struct ring *observer = shm_join(RING_OBSERVER, 0);

	(void)state;
	put("x");
	ring_stop(consumer, RING_STOP_STRICT, RING_CAUSE_ITEM);
	assert_int_equal(ring_stopped(producer), RING_STOP_STRICT);
	assert_int_equal(ring_stopped(observer), RING_STOP_STRICT);
	assert_int_equal(ring_stop_cause(observer), RING_CAUSE_ITEM);
	assert_int_equal(stats().stop, RING_STOP_STRICT);
	assert_int_equal(stats().stop_cause, RING_CAUSE_ITEM);
	assert_int_equal(stats().stop_published, 1);
	assert_int_equal(ring_put(producer, "x", 1, -1), RING_CLOSED);
	ring_close(observer);
}

static void a_reserved_item_is_refused_once_the_flag_is_strict(void **state)
{
	struct ring_item item = reserve();

	(void)state;
	ring_stop(consumer, RING_STOP_STRICT, RING_CAUSE_USER);
	assert_int_equal(ring_publish(producer, &item), RING_CLOSED);
	assert_error(ring_publish(producer, &item), RING_ERROR, EINVAL);
	assert_int_equal(stats().free, SLOTS);
	assert_int_equal(stats().published, 0);
}

static void the_flag_is_lowered_by_a_launcher_that_is_alone(void **state)
{
	struct ring *launcher = shm_join(RING_LAUNCHER, 0);

	(void)state;
	ring_stop(launcher, RING_STOP_NOW, RING_CAUSE_USER);
	assert_error(ring_restart(launcher), -1, EBUSY);
	ring_close(producer);
	ring_close(consumer);
	assert_int_equal(ring_restart(launcher), 0);
	assert_int_equal(ring_stopped(launcher), RING_STOP_NONE);
	producer = shm_join(RING_PRODUCER, 0);
	consumer = shm_join(RING_CONSUMER, 0);
	put("again");
	(void)take("again");
	ring_close(launcher);
}

static void a_line_is_drained_when_nothing_is_left_and_nobody_holds_it(void **state)
{
	struct ring *holder = shm_join(RING_HOLDER, 0);
	struct ring_item item;

	(void)state;
	put("x");
	ring_close(producer);
	producer = NULL;
	assert_false(ring_is_drained(consumer));
	item = take("x");
	ring_hold(holder, false);
	assert_false(ring_is_drained(consumer));
	assert_int_equal(ring_ack(consumer, &item), 0);
	assert_true(ring_is_drained(consumer));
	ring_hold(holder, true);
	assert_false(ring_is_drained(consumer));
	assert_int_equal(ring_take(consumer, &item, 0), RING_TIMEOUT);
	ring_close(holder);
	assert_int_equal(ring_take(consumer, &item, 0), RING_DRAINED);
}

static void a_consumer_that_comes_first_waits_for_producers(void **state)
{
	struct ring_item item;

	(void)state;
	ring_close(producer);
	ring_close(consumer);
	consumer = shm_join(RING_CONSUMER, 0);
	assert_int_equal(ring_take(consumer, &item, 0), RING_TIMEOUT);
	producer = shm_join(RING_PRODUCER, 0);
	put("x");
	ring_close(producer);
	producer = NULL;
	item = take("x");
	assert_int_equal(ring_ack(consumer, &item), 0);
	assert_int_equal(ring_take(consumer, &item, -1), RING_DRAINED);
}

static void a_note_is_cut_and_shown(void **state)
{
	struct ring_member member;

	(void)state;
	ring_note(consumer, "");
	assert_int_equal(ring_member(producer, ring_member_index(consumer), &member), 1);
	assert_string_equal(member.note, "");
	ring_note(consumer, "a note that is longer than there is room for");
	assert_int_equal(ring_member(producer, ring_member_index(consumer), &member), 1);
	assert_string_equal(member.note, "a note that is longer t");
	ring_note(consumer, "short");
	assert_int_equal(ring_member(producer, ring_member_index(consumer), &member), 1);
	assert_string_equal(member.note, "short");
}

static void a_launcher_s_sweep_promotes_what_is_due(void **state)
{
	struct ring *launcher = shm_join(RING_LAUNCHER, 0);
	struct ring_item item;

	(void)state;
	put("x");
	item = take("x");
	assert_int_equal(ring_give_back(consumer, &item, 1, false), 0);
	while (stats().delayed) {
		ring_sweep(launcher);
		(void)usleep(1000);
	}
	assert_int_equal(stats().ready, 1);
	ring_close(launcher);
}

static void reasons_are_those_of_the_last_call(void **state)
{
	struct ring_item item;

	(void)state;
	assert_null(ring_open(ring_called, 32, 0));
	assert_string_not_equal(ring_why(), "");
	assert_int_equal(ring_take(consumer, &item, 0), RING_TIMEOUT);
	assert_string_equal(ring_why(), "");
	assert_null(ring_open(ring_called, 32, 0));
	assert_error(ring_put(producer, NULL, SIZE_MAX, 0), RING_ERROR, EMSGSIZE);
	assert_string_equal(ring_why(), "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_ring_is_made_when_there_is_none_and_opened_when_there_is),
		TEST(what_can_not_be_opened_is_told),
		TEST(a_ring_that_everybody_has_left_starts_anew),
		TEST(a_ring_that_is_being_removed_is_waited_for_in_vain),
		TEST(a_number_has_one_producer_at_a_time),
		TEST(a_number_whose_lane_was_adopted_gets_another),
		TEST(shared_handles_are_members_of_their_own),
		TEST(what_can_not_be_shared_is_told),
		TEST(each_role_has_its_calls),
		TEST(an_observer_sees_and_changes_nothing),
		TEST(who_counts_or_leaves_touches_no_slots_but_those_in_use),
		TEST(a_ring_of_small_items_is_mapped_all_at_once),
		TEST(who_leaves_hands_back_what_it_has),
		TEST(the_last_one_out_removes_what_is_empty),
		TEST(rings_are_listed_sound_or_not),
		TEST(names_are_removed_with_force_or_for_good_reason),
		TEST(what_is_no_ring_is_removed_with_force_only),
		TEST(a_reserved_slot_has_room_for_the_longest_item),
		TEST(an_item_is_published_once),
		TEST(an_item_that_is_too_long_stays_reserved),
		TEST(a_reservation_that_was_overwritten_is_damage),
		TEST(a_cancelled_slot_is_free_again),
		TEST(items_may_be_empty),
		TEST(a_full_ring_refuses_after_the_time_given),
		TEST(a_batch_is_published_as_far_as_there_is_room),
		TEST(a_batch_ends_at_what_can_not_be_published),
		TEST(each_item_of_a_batch_has_its_mark),
		TEST(a_mark_is_there_for_the_successor),
		TEST(a_ticket_counts_once_its_item_is_accepted),
		TEST(what_is_thrown_away_is_in_the_books),
		TEST(a_successor_goes_on_behind_what_was_thrown_away),
		TEST(an_item_comes_with_what_is_known_of_it),
		TEST(ids_of_a_producer_increase_from_one),
		TEST(an_empty_ring_gives_nothing_after_the_time_given),
		TEST(an_item_is_ended_once),
		TEST(a_copy_of_an_item_that_is_ended_changes_nothing),
		TEST(a_copy_that_is_given_back_late_blames_nobody),
		TEST(the_next_is_taken_when_the_one_before_is_acked),
		TEST(an_ack_stays_within_its_slot),
		TEST(an_item_that_is_given_back_comes_again),
		TEST(a_delayed_item_comes_when_it_is_due),
		TEST(deliveries_and_failures_stay_at_their_ends),
		TEST(a_dead_item_can_be_put_back_under_its_id),
		TEST(the_flag_keeps_the_dead_out),
		TEST(dead_items_are_kept_as_far_as_a_quarter_of_the_slots_goes),
		TEST(a_batch_takes_what_there_is),
		TEST(a_length_that_can_not_be_is_damage),
		TEST(a_damaged_next_is_not_acked_by_the_one_after),
		TEST(an_order_that_can_not_be_is_damage),
		TEST(a_spoilt_count_of_wake_ups_ends_a_wait),
		TEST(a_signal_ends_a_wait),
		TEST(each_item_wakes_one_who_waits_for_it),
		TEST(each_slot_that_comes_free_wakes_one_who_waits_for_it),
		TEST(an_item_that_is_given_back_wakes_who_waits_for_it),
		TEST(a_stop_wakes_all_whom_it_concerns),
		TEST(the_end_of_the_last_producer_wakes_all),
		TEST(the_end_of_the_last_item_wakes_all),
		TEST(letting_go_of_the_line_wakes_all),
		TEST(the_stop_flag_is_seen_by_all),
		TEST(a_reserved_item_is_refused_once_the_flag_is_strict),
		TEST(the_flag_is_lowered_by_a_launcher_that_is_alone),
		TEST(a_line_is_drained_when_nothing_is_left_and_nobody_holds_it),
		TEST(a_consumer_that_comes_first_waits_for_producers),
		TEST(a_note_is_cut_and_shown),
		TEST(a_launcher_s_sweep_promotes_what_is_due),
		TEST(reasons_are_those_of_the_last_call),
	};

	return cmocka_run_group_tests_name("ring", tests, NULL, NULL);
}
