/*
 * killpoints_life.c - killed while making a ring. Until a ring has its name nobody else can see it, so what
 * others see changes in system calls only: the maker is killed before and after each of them.
 */
#include "killpoints.h"

#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct ring_options options = { .slots = 2, .item_max = 16, .members = MEMBERS };

static int make(const char *name)
{
	return ring_create(name, &options);
}

/* Its own handle is left open: it is killed. */
static int make_and_attach(const char *name)
{
	return ring_open_or_create(name, &options, RING_PRODUCER | RING_CONSUMER, 1) ? 0 : -1;
}

static const struct {
	const char *name;
	int (*call)(const char *name);
} makers[] = {
	{ .name = "ring_create()", .call = make },
	{ .name = "ring_open_or_create()", .call = make_and_attach },
};

/* Let it run through `stops` entries to and exits from system calls, and kill it. false: it was done. */
static bool kill_after(int (*call)(const char *), const char *name, unsigned stops)
{
	pid_t pid = fork();
	int status = 0;

	if (pid < 0)
		err(2, "fork");
	if (pid == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) || raise(SIGSTOP))
			_exit(2);
		_exit(call(name) ? 1 : 0);
	}
	(void)waitpid(pid, &status, 0);
	while (WIFSTOPPED(status) && stops-- > 0) {
		if (ptrace(PTRACE_SYSCALL, pid, NULL, NULL))
			err(2, "ptrace");
		(void)waitpid(pid, &status, 0);
	}
	if (!WIFSTOPPED(status)) {
		if (!WIFEXITED(status) || WEXITSTATUS(status))
			errx(2, "making a ring failed");
		return false;
	}
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	return true;
}

/* There is no ring of that name, or one that works; the last one out removes it. */
static bool is_none_or_sound(struct world *world, const char *name)
{
	struct ring *ring = ring_open_or_create(name, &options, RING_PRODUCER | RING_CONSUMER, 1);
	struct ring_item item;
	bool is_good;

	if (!ring) {
		fault(world, FAULT_OTHER, "the ring can't be made again: %s: %s", strerror(errno),
		      ring_why());
		return false;
	}
	is_good = ring_recover(ring, 0) >= 0 && ring_put(ring, "x", 1, 0) == RING_OK &&
		  ring_put(ring, "y", 1, 0) == RING_OK && ring_put(ring, "z", 1, 0) == RING_TIMEOUT;
	for (int i = 0; is_good && i < 2; i++)
		is_good = ring_take(ring, &item, 0) == RING_OK && ring_ack(ring, &item) == 0;
	if (!is_good)
		fault(world, FAULT_OTHER, "the ring can't be used: %s: %s", strerror(errno), ring_why());
	if (ring_close_last(ring))
		return is_good;
	fault(world, FAULT_OTHER, "the ring is not removed by the last one out");
	return false;
}

void life_job(struct world *world)
{
	char name[64];

	(void)snprintf(name, sizeof(name), "killpoints-%d-life", (int)getpid());
	world->base = &bases[0];
	for (unsigned i = 0; i < COUNT(makers); i++) {
		for (unsigned stops = 0; ; stops++) {
			bool was_killed = kill_after(makers[i].call, name, stops);

			(void)snprintf(world->totals->workers[world->number].where,
				       sizeof(world->totals->workers[0].where),
				       "%s killed after %u stops at system calls", makers[i].name, stops);
			atomic_fetch_add(&world->totals->workers[world->number].alive, 1);
			if (!is_none_or_sound(world, name) || !was_killed)
				break;
		}
	}
	world->base = NULL;
}
