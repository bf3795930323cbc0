/*
 * shm_ring.h - for tests: rings with names, and children that use them.
 */
#ifndef SHMLINE_SHM_RING_H
#define SHMLINE_SHM_RING_H

#include "shm/ring.h"
#include "tests/unit/check.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* The test's ring, and the file that it is. */
static char ring_called[64], ring_file[sizeof("/dev/shm/shmline.") + sizeof(ring_called)];

/* Setup and teardown of each test: a name of its own, and nothing left under it. */
static inline int shm_name(void **state)
{
	static unsigned number;

	(void)state;
	(void)snprintf(ring_called, sizeof(ring_called), "unit-%d-%u", (int)getpid(), ++number);
	(void)snprintf(ring_file, sizeof(ring_file), "/dev/shm/shmline.%s", ring_called);
	return 0;
}

static inline int shm_forget(void **state)
{
	(void)state;
	(void)remove(ring_file);
	return 0;
}

static inline bool shm_exists(void)
{
	struct stat st;

	return lstat(ring_file, &st) == 0;
}

static inline struct ring *shm_join(unsigned roles, unsigned number)
{
	struct ring *ring = ring_open(ring_called, roles, number);

	if (!ring)
		print_error("ring_open: %s\n", ring_why());
	assert_non_null(ring);
	return ring;
}

static inline struct ring *shm_make(uint32_t slots, uint32_t item_max, uint32_t members,
				    unsigned roles)
{
	const struct ring_options options = {
		.slots = slots, .item_max = item_max, .members = members,
	};

	assert_int_equal(ring_create(ring_called, &options), 0);
	return shm_join(roles, 0);
}

/* ------------------------------------------------------------------ children */

/* Run `body` in a child; its exit code is what body returns. */
static inline pid_t child_start(int (*body)(void *context), void *context)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(body(context));
	return pid;
}

/* Wait for its end: an exit code, or 128 and the signal. */
static inline int child_end(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static inline void child_kill(pid_t pid)
{
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(child_end(pid), 128 + SIGKILL);
}

/* Wait until `holds` is true, at most 10 s. */
static inline bool wait_until(bool (*holds)(void *context), void *context)
{
	uint64_t deadline = ring_now_ns() + UINT64_C(120000000000);	/* a busy machine */

	while (!holds(context)) {
		if (ring_now_ns() > deadline)
			return false;
		(void)nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
	return true;
}

#endif
