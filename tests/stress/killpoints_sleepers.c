/*
 * killpoints_sleepers.c - threads that really sleep on the ring's semaphores while images are laid out
 * under them. Each makes one call, ends what it got, and is done; a wake-up that was lost leaves it
 * asleep beside work.
 */
#include "killpoints.h"

#include <err.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SLEEP_MS 20000	/* longer than anything that is done beside them */

enum phase { PHASE_IDLE, PHASE_IN_CALL, PHASE_DONE };

static void call_once(struct sleeper *sleeper)
{
	struct ring_item item;

	sleeper->deliveries = 0;
	if (sleeper->is_producer) {
		sleeper->result = ring_reserve(sleeper->ring, &item, SLEEP_MS);
		if (sleeper->result == RING_OK)
			ring_cancel(sleeper->ring, &item);
		return;
	}
	sleeper->result = ring_take(sleeper->ring, &item, SLEEP_MS);
	if (sleeper->result != RING_OK)
		return;
	sleeper->payload = payload_of(&item, 0);
	sleeper->records = item.records;
	sleeper->deliveries = item.deliveries;
	sleeper->id = item.id;
	if (ring_ack(sleeper->ring, &item))
		sleeper->result = RING_ERROR;
}

static int open_own_stat(void)
{
	char path[64];
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/self/task/%ld/stat", syscall(SYS_gettid));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		err(2, "%s", path);
	return fd;
}

static void *sleep_again_and_again(void *context)
{
	struct sleeper *sleeper = context;

	sleeper->stat_fd = open_own_stat();
	for (;;) {
		atomic_store(&sleeper->phase, PHASE_DONE);
		while (sem_wait(&sleeper->go))
			;
		atomic_store(&sleeper->phase, PHASE_IN_CALL);
		if (!sleeper->ring)
			return NULL;
		call_once(sleeper);
	}
}

static void start(struct sleeper *sleeper, bool is_producer, const char *ring_name)
{
	*sleeper = (struct sleeper){ .is_producer = is_producer };
	sleeper->ring = stage_attach(ring_name, is_producer ? RING_PRODUCER : RING_CONSUMER, 0);
	sleeper->pristine = *sleeper->ring;
	if (sem_init(&sleeper->go, 0, 0) ||
	    pthread_create(&sleeper->thread, NULL, sleep_again_and_again, sleeper))
		err(2, "cannot start a thread");
	while (atomic_load(&sleeper->phase) != PHASE_DONE)
		(void)sched_yield();
}

void sleepers_attach(struct sleeper *sleepers, unsigned ready, unsigned free, const char *ring_name)
{
	for (unsigned i = 0; i < ready + free; i++)
		start(&sleepers[i], i >= ready, ring_name);
}

void sleepers_leave(struct sleeper *sleepers, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct ring *ring = sleepers[i].ring;

		sleepers[i].ring = NULL;
		(void)sem_post(&sleepers[i].go);
		(void)pthread_join(sleepers[i].thread, NULL);
		(void)close(sleepers[i].stat_fd);
		(void)sem_destroy(&sleepers[i].go);
		ring_close(ring);
	}
}

bool sleeper_is_done(struct sleeper *sleeper)
{
	return atomic_load(&sleeper->phase) == PHASE_DONE;
}

/* Asleep in its call: a thread that was woken but has not run yet is not. */
bool sleeper_is_asleep(struct sleeper *sleeper)
{
	char stat[64];
	ssize_t n;
	const char *state;

	if (atomic_load(&sleeper->phase) != PHASE_IN_CALL)
		return false;
	n = pread(sleeper->stat_fd, stat, sizeof(stat) - 1, 0);
	if (n <= 0)
		err(2, "cannot read the state of a thread");
	stat[n] = '\0';
	state = strrchr(stat, ')');
	return state && state[2] == 'S' && atomic_load(&sleeper->phase) == PHASE_IN_CALL;
}

bool sleepers_begin(struct sleeper *sleepers, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct ring *ring = sleepers[i].ring;

		*ring = sleepers[i].pristine;
		handle_adapt(ring, ring, ring->anchor);
		sleepers[i].is_collected = false;
		atomic_store(&sleepers[i].phase, PHASE_IDLE);
		(void)sem_post(&sleepers[i].go);
		while (!sleeper_is_asleep(&sleepers[i])) {
			if (sleeper_is_done(&sleepers[i]))
				return false;
			(void)sched_yield();
		}
	}
	return true;
}
