/*
 * test_clock.c - time as the library sees it: it asks one clock only, hours pass in a moment here, and
 * other clocks may jump. Linked with clock_gettime() and sem_clockwait() wrapped.
 */
#include "shm/handle.h"
#include "shm/members.h"
#include "tests/unit/shm_ring.h"

#include <errno.h>
#include <string.h>

#define MS UINT64_C(1000000)
#define SECOND (1000 * MS)
#define HOUR (3600 * SECOND)
#define HOUR_MS 3600000

static struct {
	bool is_ours;		/* time passes only while somebody waits */
	uint64_t now_ns;	/* then */
	unsigned waits;
	unsigned others_asked;	/* clocks that may jump */
} fake;

int __real_clock_gettime(clockid_t clock, struct timespec *now);
int __real_sem_clockwait(sem_t *sem, clockid_t clock, const struct timespec *until);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_sem_clockwait(sem_t *sem, clockid_t clock, const struct timespec *until);

/* Any other clock is a day off, ahead and behind by turns. */
int __wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
	int failed = __real_clock_gettime(clock, now);

	if (clock != CLOCK_MONOTONIC)
		now->tv_sec += fake.others_asked++ % 2 ? 86400 : -86400;
	else if (fake.is_ours)
		*now = (struct timespec){ .tv_sec = (time_t)(fake.now_ns / SECOND),
					  .tv_nsec = (long)(fake.now_ns % SECOND) };
	return failed;
}

int __wrap_sem_clockwait(sem_t *sem, clockid_t clock, const struct timespec *until)
{
	if (clock != CLOCK_MONOTONIC)
		fake.others_asked++;
	if (!fake.is_ours)
		return __real_sem_clockwait(sem, clock, until);
	fake.waits++;
	if (sem_trywait(sem) == 0)
		return 0;
	fake.now_ns = (uint64_t)until->tv_sec * SECOND + (uint64_t)until->tv_nsec;
	errno = ETIMEDOUT;
	return -1;
}

static int real_time(void **state)
{
	memset(&fake, 0, sizeof(fake));
	return shm_name(state);
}

static int fake_time(void **state)
{
	(void)real_time(state);
	fake.is_ours = true;
	fake.now_ns = 1000 * HOUR;
	return 0;
}

static void assert_nothing_asked(struct ring *ring)
{
	struct header *header = ring->segment->header;
	struct waiting *places[] = { &header->ready, &header->free };

	for (size_t i = 0; i < COUNT(places); i++) {
		int tokens;

		assert_int_equal(sem_getvalue(&places[i]->sem, &tokens), 0);
		assert_int_equal(tokens, 0);
		assert_int_equal(atomic_load(&places[i]->wanted), 0);
	}
}

/* ------------------------------------------------------------------ hours */

static void a_ring_that_is_full_for_an_hour_costs_a_look_a_second(void **state)
{
	struct ring *ring = shm_make(2, 8, 4, RING_PRODUCER | RING_CONSUMER);
	uint64_t began = fake.now_ns;
	struct ring_stats stats;
	struct ring_item item;

	(void)state;
	assert_int_equal(ring_put(ring, "1", 1, 0), RING_OK);
	assert_int_equal(ring_put(ring, "2", 1, 0), RING_OK);
	assert_int_equal(ring_put(ring, "3", 1, HOUR_MS), RING_TIMEOUT);
	assert_int_equal(fake.now_ns - began, HOUR);
	assert_in_range(fake.waits, 3600, 3601);
	assert_int_equal(ring_stats(ring, &stats), 0);
	assert_int_equal(stats.full, 1);
	assert_int_equal(stats.blocked_ns, HOUR);
	assert_int_equal(stats.oldest_ns, HOUR);
	assert_nothing_asked(ring);
	assert_int_equal(ring_take(ring, &item, 0), RING_OK);
	assert_int_equal(ring_ack(ring, &item), 0);
	assert_int_equal(ring_put(ring, "3", 1, 0), RING_OK);
	ring_close(ring);
}

static void a_ring_that_is_empty_for_an_hour_costs_a_look_a_second(void **state)
{
	struct ring *ring = shm_make(2, 8, 4, RING_PRODUCER | RING_CONSUMER);
	uint64_t began = fake.now_ns;
	struct ring_stats stats;
	struct ring_item item;

	(void)state;
	assert_int_equal(ring_take(ring, &item, HOUR_MS), RING_TIMEOUT);
	assert_int_equal(fake.now_ns - began, HOUR);
	assert_in_range(fake.waits, 3600, 3601);
	assert_int_equal(ring_stats(ring, &stats), 0);
	assert_int_equal(stats.starved_ns, HOUR);
	assert_nothing_asked(ring);
	ring_close(ring);
}

static void an_item_that_is_delayed_for_an_hour_comes_then_and_not_before(void **state)
{
	struct ring *ring = shm_make(2, 8, 4, RING_PRODUCER | RING_CONSUMER);
	struct ring_item item;
	uint64_t began;

	(void)state;
	assert_int_equal(ring_put(ring, "1", 1, 0), RING_OK);
	assert_int_equal(ring_take(ring, &item, 0), RING_OK);
	began = fake.now_ns;
	assert_int_equal(ring_give_back(ring, &item, HOUR_MS, false), 0);
	assert_int_equal(ring_take(ring, &item, HOUR_MS - 1), RING_TIMEOUT);
	assert_int_equal(ring_take(ring, &item, HOUR_MS), RING_OK);
	assert_int_equal(fake.now_ns - began, HOUR);
	assert_int_equal(item.deliveries, 2);
	assert_int_equal(ring_ack(ring, &item), 0);
	ring_close(ring);
}

/* ------------------------------------------------------------------ jumps */

static void the_clock_of_the_wall_is_never_asked(void **state)
{
	struct ring *ring = shm_make(2, 8, 4, RING_PRODUCER | RING_CONSUMER);
	uint64_t began = ring_now_ns(), waited;
	struct ring_item item;

	(void)state;
	assert_int_equal(ring_take(ring, &item, 50), RING_TIMEOUT);
	waited = ring_now_ns() - began;
	assert_in_range(waited, 50 * MS, 5 * SECOND);
	assert_int_equal(ring_put(ring, "1", 1, 0), RING_OK);
	assert_int_equal(ring_take(ring, &item, 0), RING_OK);
	assert_int_equal(ring_give_back(ring, &item, 30, false), 0);
	assert_int_equal(ring_take(ring, &item, 5000), RING_OK);
	assert_int_equal(ring_ack(ring, &item), 0);
	ring_sweep(ring);
	ring_close(ring);
	assert_int_equal(fake.others_asked, 0);
}

/* As a process whose time namespace is a day ahead, or a machine that was suspended. */
static void a_member_that_is_a_day_ahead_keeps_nobody_from_looking_round(void **state)
{
	struct ring *ring = shm_make(2, 8, 4, RING_PRODUCER | RING_CONSUMER);
	struct ring *ahead = shm_join(RING_CONSUMER, 0), *victim = shm_join(RING_CONSUMER, 0);
	struct ring_item item;

	(void)state;
	assert_int_equal(ring_put(ring, "1", 1, 0), RING_OK);
	assert_int_equal(ring_take(victim, &item, 0), RING_OK);
	fake.now_ns += 24 * HOUR;
	ring_sweep(ahead);
	fake.now_ns -= 24 * HOUR;
	members_abandon(victim->anchor);	/* as its death would */
	assert_int_equal(ring_take(ring, &item, 1500), RING_OK);
	assert_int_equal(item.deliveries, 2);
	assert_int_equal(ring_ack(ring, &item), 0);
	segment_release(victim->segment);
	free(victim);
	ring_close(ahead);
	ring_close(ring);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_ring_that_is_full_for_an_hour_costs_a_look_a_second,
						fake_time, shm_forget),
		cmocka_unit_test_setup_teardown(a_ring_that_is_empty_for_an_hour_costs_a_look_a_second,
						fake_time, shm_forget),
		cmocka_unit_test_setup_teardown(an_item_that_is_delayed_for_an_hour_comes_then_and_not_before,
						fake_time, shm_forget),
		cmocka_unit_test_setup_teardown(the_clock_of_the_wall_is_never_asked,
						real_time, shm_forget),
		cmocka_unit_test_setup_teardown(a_member_that_is_a_day_ahead_keeps_nobody_from_looking_round,
						fake_time, shm_forget),
	};

	return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
