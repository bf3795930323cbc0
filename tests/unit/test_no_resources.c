/*
 * test_no_resources.c - system calls that fail: no memory, no descriptors, a file that goes away. Each public
 * call is made again and again, the first, the second, the third of its system calls failing, until it needs
 * no more of them. Every time it succeeds or says so by errno, keeps nothing and leaves a sound ring.
 * Linked with these calls wrapped.
 */
#include "tests/unit/shm_ring.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>

static struct {
	unsigned fail_at;	/* this call from now on, counted from 1; 0: none */
	unsigned calls;
	unsigned failed;
	int error;
} fault;

static bool fails(void)
{
	if (fault.fail_at == 0 || ++fault.calls != fault.fail_at)
		return false;
	fault.failed++;
	errno = fault.error;
	return true;
}

/* name of the call, what it returns, its parameters, its arguments, what it returns when it fails */
#define WRAP(call, type, parameters, arguments, failure) \
	type __real_##call parameters; \
	type __wrap_##call parameters; \
	type __wrap_##call parameters { return fails() ? (failure) : __real_##call arguments; }

WRAP(calloc, void *, (size_t n, size_t size), (n, size), NULL)
WRAP(mmap, void *, (void *at, size_t size, int may, int flags, int fd, off_t from),
     (at, size, may, flags, fd, from), MAP_FAILED)
WRAP(madvise, int, (void *at, size_t size, int advice), (at, size, advice), -1)
WRAP(fstat, int, (int fd, struct stat *st), (fd, st), -1)
WRAP(lstat, int, (const char *path, struct stat *st), (path, st), -1)
WRAP(pread, ssize_t, (int fd, void *to, size_t size, off_t at), (fd, to, size, at), -1)
WRAP(shm_open, int, (const char *path, int flags, mode_t mode), (path, flags, mode), -1)
WRAP(opendir, DIR *, (const char *path), (path), NULL)
WRAP(sem_init, int, (sem_t * sem, int shared, unsigned n), (sem, shared, n), -1)
WRAP(posix_fallocate, int, (int fd, off_t at, off_t size), (fd, at, size), errno)
WRAP(linkat, int, (int from, const char *old, int to, const char *new, int flags),
     (from, old, to, new, flags), -1)

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...)
{
	va_list rest;
	mode_t mode;

	if (fails())
		return -1;
	va_start(rest, flags);
	mode = va_arg(rest, mode_t);
	va_end(rest);
	return __real_open(path, flags, mode);
}

/* ------------------------------------------------------------------ what is kept */

struct kept { unsigned descriptors, mappings; };

static struct kept count_kept(void)
{
	struct kept kept = { 0 };
	DIR *folder = opendir("/proc/self/fd");
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512];

	assert_non_null(folder);
	assert_non_null(maps);
	while (readdir(folder))
		kept.descriptors++;
	while (fgets(line, sizeof(line), maps))
		kept.mappings += strstr(line, "shmline.") != NULL || strstr(line, "/dev/shm/") != NULL;
	(void)closedir(folder);
	(void)fclose(maps);
	return kept;
}

/* Make `call` with its first, its second, ... system call failing with `error`; it returns whether it
   succeeded, and has undone that. Returns how often it failed. */
static unsigned each_failing(bool (*call)(void), int error)
{
	unsigned failures = 0;

	for (unsigned n = 1;; n++) {
		struct kept before = count_kept(), after;
		bool is_done;

		memset(&fault, 0, sizeof(fault));
		fault.fail_at = n;
		fault.error = error;
		errno = 0;
		is_done = call();
		if (!is_done)
			assert_int_not_equal(errno, 0);
		fault.fail_at = 0;
		after = count_kept();
		assert_int_equal(after.descriptors, before.descriptors);
		assert_int_equal(after.mappings, before.mappings);
		if (fault.failed == 0) {
			assert_true(is_done);
			return failures;
		}
		failures += !is_done;
		assert_in_range(n, 1, 100);
	}
}

static void ignore(const char *sentence, void *context)
{
	(void)sentence;
	(void)context;
}

static bool found(unsigned *violations)
{
	struct ring *ring = ring_open(ring_called, RING_OBSERVER, 0);

	if (!ring)
		return false;
	*violations = ring_fsck(ring, true, ignore, NULL);
	ring_close(ring);
	return true;
}

static void assert_sound(void)
{
	unsigned violations = 1;

	assert_true(found(&violations));
	assert_int_equal(violations, 0);
}

/* ------------------------------------------------------------------ the calls */

static const struct ring_options few = { .slots = 4, .item_max = 64, .members = 4 };

static bool create(void)
{
	if (ring_create(ring_called, &few) < 0)
		return false;
	fault.fail_at = 0;
	return ring_unlink(ring_called, true) == 0;
}

static void a_ring_that_cannot_be_made_leaves_no_name(void **state)
{
	(void)state;
	assert_in_range(each_failing(create, ENOSPC), 4, 20);
	assert_false(shm_exists());
	assert_in_range(each_failing(create, ENOMEM), 4, 20);
	assert_false(shm_exists());
}

static bool attach(unsigned roles)
{
	struct ring *ring = ring_open(ring_called, roles, 0);

	fault.fail_at = 0;
	ring_close(ring);
	return ring != NULL;
}

static bool attach_both(void) { return attach(RING_PRODUCER | RING_CONSUMER); }
static bool look(void) { return attach(RING_OBSERVER); }

static void who_cannot_attach_takes_no_entry(void **state)
{
	(void)state;
	assert_int_equal(ring_create(ring_called, &few), 0);
	/* Entries are four: one that each failure kept would soon be missing. */
	assert_in_range(each_failing(attach_both, ENOMEM), 4, 20);
	assert_in_range(each_failing(attach_both, EMFILE), 4, 20);
	assert_in_range(each_failing(look, ENFILE), 4, 20);
	assert_sound();
}

static bool recover(void)
{
	struct ring *ring = ring_open(ring_called, RING_CONSUMER, 0);
	unsigned fail_at = fault.fail_at;
	bool is_done;
	int error;

	if (!ring)
		return true;	/* seen to above */
	fault.calls = fault.failed = 0;
	fault.fail_at = fail_at;
	is_done = ring_recover(ring, 0) >= 0;
	error = errno;
	fault.fail_at = 0;
	ring_close(ring);
	errno = error;
	return is_done;
}

static int hold_an_item_and_stay(void *context)
{
	struct ring *ring = ring_open(ring_called, RING_PRODUCER | RING_CONSUMER, 0);
	struct ring_item item;

	(void)context;
	if (!ring || ring_put(ring, "x", 1, 0) != RING_OK || ring_take(ring, &item, 0) != RING_OK)
		return 1;
	(void)kill(getpid(), SIGKILL);
	return 2;
}

static void a_recovery_that_fails_is_made_by_the_next(void **state)
{
	struct ring *ring;
	struct ring_item item;

	(void)state;
	assert_int_equal(ring_create(ring_called, &few), 0);
	assert_int_equal(child_end(child_start(hold_an_item_and_stay, NULL)), 128 + SIGKILL);
	(void)each_failing(recover, EMFILE);
	ring = shm_join(RING_CONSUMER, 0);
	assert_int_equal(ring_take(ring, &item, 0), RING_OK);
	assert_int_equal(item.deliveries, 2);
	assert_int_equal(ring_ack(ring, &item), 0);
	ring_close(ring);
	assert_sound();
}

static bool remove_it(void)
{
	if (!shm_exists())
		(void)ring_create(ring_called, &few);
	return ring_unlink(ring_called, false) == 0;
}

static void a_ring_that_cannot_be_removed_stays_sound(void **state)
{
	unsigned fail_at = 1;

	(void)state;
	for (;; fail_at++) {
		assert_true(shm_exists() || ring_create(ring_called, &few) == 0);
		memset(&fault, 0, sizeof(fault));
		fault.fail_at = fail_at;
		fault.error = EMFILE;
		if (remove_it() && fault.failed == 0)
			break;
		fault.fail_at = 0;
		if (shm_exists())
			assert_sound();
	}
	fault.fail_at = 0;
	assert_false(shm_exists());
	assert_in_range(fail_at, 4, 30);
}

static bool leave_last(void)
{
	unsigned fail_at = fault.fail_at;
	struct ring *ring;

	fault.fail_at = 0;
	ring = ring_open_or_create(ring_called, &few, RING_CONSUMER, 0);
	fault.calls = 0;
	fault.fail_at = fail_at;
	if (ring_close_last(ring))
		return true;
	errno = errno ? errno : fault.error;	/* it says by its result alone that the name is there */
	return false;
}

static void the_last_one_out_leaves_a_sound_ring_or_none(void **state)
{
	(void)state;
	assert_in_range(each_failing(leave_last, EMFILE), 1, 20);
	assert_false(shm_exists());
}

static bool is_seen;

static int note(const char *name, void *context)
{
	(void)context;
	is_seen = is_seen || strcmp(name, ring_called) == 0;
	return 0;
}

static bool list(void) { return ring_list(note, NULL) == 0; }

static void rings_that_cannot_be_listed_are_an_error(void **state)
{
	(void)state;
	assert_int_equal(ring_create(ring_called, &few), 0);
	/* The folder; a ring that goes away meanwhile is no failure. */
	memset(&fault, 0, sizeof(fault));
	fault.fail_at = 1;
	fault.error = EMFILE;
	assert_false(list());
	assert_int_equal(errno, EMFILE);
	fault.fail_at = 0;
	is_seen = false;
	assert_true(list());
	assert_true(is_seen);
}

static bool check(void)
{
	struct ring *ring;
	unsigned fail_at = fault.fail_at, violations;

	fault.fail_at = 0;
	ring = ring_open(ring_called, RING_OBSERVER, 0);
	fault.calls = 0;
	fault.fail_at = fail_at;
	violations = ring_fsck(ring, true, ignore, NULL);
	fault.fail_at = 0;
	ring_close(ring);
	errno = violations ? ENOMEM : 0;
	return violations == 0;
}

/* What can't be checked is not said to be sound. */
static void a_check_without_memory_is_not_passed(void **state)
{
	(void)state;
	assert_int_equal(ring_create(ring_called, &few), 0);
	assert_in_range(each_failing(check, ENOMEM), 1, 10);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, shm_name, shm_forget)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_ring_that_cannot_be_made_leaves_no_name),
		TEST(who_cannot_attach_takes_no_entry),
		TEST(a_recovery_that_fails_is_made_by_the_next),
		TEST(a_ring_that_cannot_be_removed_stays_sound),
		TEST(the_last_one_out_leaves_a_sound_ring_or_none),
		TEST(rings_that_cannot_be_listed_are_an_error),
		TEST(a_check_without_memory_is_not_passed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
