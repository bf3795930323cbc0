/* test_limits.c - a ring used for long and by many: nothing grows, and every member counts. */
#include "shm/handle.h"
#include "shm/members.h"
#include "tests/unit/shm_ring.h"

#include <dirent.h>
#include <errno.h>
#include <malloc.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>

/* ------------------------------------------------------------------ coming and going */

struct usage { unsigned descriptors, mappings; size_t heap; };

static unsigned count_descriptors(void)
{
	DIR *folder = opendir("/proc/self/fd");
	unsigned n = 0;

	assert_non_null(folder);
	while (readdir(folder))
		n++;
	(void)closedir(folder);
	return n;
}

static unsigned count_mappings(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned n = 0;
	char line[512];

	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps))
		n += strstr(line, "shmline.") != NULL;
	(void)fclose(maps);
	return n;
}

static struct usage measure(void)
{
	return (struct usage){ .descriptors = count_descriptors(), .mappings = count_mappings(),
			       .heap = mallinfo2().uordblks };
}

/* One visit: with an item in hand, or one reserved, that is left to be given back. */
static void visit(unsigned number)
{
	static const unsigned roles[] = { RING_PRODUCER, RING_CONSUMER, RING_OBSERVER,
					  RING_PRODUCER | RING_CONSUMER | RING_LAUNCHER };
	struct ring *ring = shm_join(roles[number % COUNT(roles)], number % 3);
	struct ring *other = ring->me ? ring_share(ring, RING_CONSUMER, 0) : NULL;
	struct ring_item item;

	if (number % COUNT(roles) == 0)
		assert_int_equal(ring_reserve(ring, &item, 0), RING_OK);
	if (number % COUNT(roles) == 1)
		assert_int_equal(ring_take(ring, &item, 0), RING_OK);
	ring_close(other);
	ring_close(ring);
}

static void a_thousand_comings_and_goings_leave_nothing_behind(void **state)
{
	struct ring *ring = shm_make(4, 16, 8, RING_PRODUCER | RING_HOLDER);
	struct usage before, after;
	struct ring_member member;
	struct ring_stats stats;

	(void)state;
	assert_int_equal(ring_put(ring, "item", 4, 0), RING_OK);
	for (unsigned i = 0; i < 20; i++)
		visit(i);
	before = measure();
	for (unsigned i = 0; i < 1000; i++)
		visit(i);
	after = measure();
	assert_int_equal(after.descriptors, before.descriptors);
	assert_int_equal(after.mappings, before.mappings);
	assert_int_equal(after.heap, before.heap);
	for (uint32_t i = 1; i <= ring_member_limit(ring); i++)
		assert_int_equal(ring_member(ring, i, &member), i == ring_member_index(ring));
	assert_int_equal(ring_stats(ring, &stats), 0);
	assert_int_equal(stats.ready, 1);
	assert_int_equal(stats.free, 3);
	ring_close(ring);
}

static void refused_openings_leave_nothing_behind(void **state)
{
	struct ring *ring = shm_make(4, 16, 1, RING_PRODUCER);
	struct usage before, after;

	(void)state;
	assert_null(ring_open(ring_called, RING_CONSUMER, 0));
	before = measure();
	for (unsigned i = 0; i < 1000; i++) {
		assert_null(ring_open(ring_called, RING_CONSUMER, 0));
		assert_int_equal(errno, EBUSY);
	}
	after = measure();
	assert_int_equal(after.descriptors, before.descriptors);
	assert_int_equal(after.mappings, before.mappings);
	assert_int_equal(after.heap, before.heap);
	ring_close(ring);
}

/* ------------------------------------------------------------------ many at once */

enum { MANY = 1024 };

static atomic_uint *arrived;

static int join_and_wait(void *context)
{
	struct ring *ring;
	struct ring_item item;

	(void)context;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	ring = ring_open(ring_called, RING_PRODUCER | RING_CONSUMER, 0);
	if (!ring || ring_reserve(ring, &item, 0) != RING_OK)
		return 1;
	atomic_fetch_add(arrived, 1);
	while (pause() == -1)
		;
	return 0;
}

static bool have_all_arrived(void *context)
{
	(void)context;
	return atomic_load(arrived) == MANY;
}

static void a_thousand_members_work_at_once_and_die_at_once(void **state)
{
	struct ring *ring = shm_make(MANY, 8, MANY + 1, RING_LAUNCHER);
	struct ring_stats stats;
	pid_t pids[MANY];

	(void)state;
	arrived = mmap(NULL, sizeof(*arrived), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(arrived != MAP_FAILED);
	for (unsigned i = 0; i < MANY; i++)
		pids[i] = child_start(join_and_wait, NULL);
	assert_true(wait_until(have_all_arrived, NULL));
	assert_null(ring_open(ring_called, RING_CONSUMER, 0));
	assert_int_equal(errno, EBUSY);
	assert_int_equal(ring_stats(ring, &stats), 0);
	assert_int_equal(stats.consumers, MANY);
	assert_int_equal(stats.writing, MANY);
	for (unsigned i = 0; i < MANY; i++)
		child_kill(pids[i]);
	assert_int_equal(ring_recover(ring, 0), MANY);
	assert_int_equal(ring_stats(ring, &stats), 0);
	assert_int_equal(stats.consumers, 0);
	assert_int_equal(stats.free, MANY);
	(void)munmap(arrived, sizeof(*arrived));
	assert_true(ring_close_last(ring));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, shm_name, shm_forget)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_thousand_comings_and_goings_leave_nothing_behind),
		TEST(refused_openings_leave_nothing_behind),
		TEST(a_thousand_members_work_at_once_and_die_at_once),
	};

	return cmocka_run_group_tests_name("limits", tests, NULL, NULL);
}
