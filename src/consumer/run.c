/*
 * run.c - see run.h. COMMAND is a process group of its own, so that a terminal's signals reach it
 * through us only, and that TERM and KILL reach all that it started.
 *
 *	RUNNING --time is up, called off--> ENDING (TERM sent) --kill_after--> KILLED --> it has ended
 */
#include "src/consumer/run.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "shm/ring.h"
#include "src/base/child.h"
#include "src/base/interrupt.h"
#include "src/consumer/title.h"

#define NS_PER_MS UINT64_C(1000000)
#define LOOK_NS (250 * NS_PER_MS)	/* how long a stop flag may stay unseen */
#define BUSY_NS (10 * NS_PER_MS)	/* when there is something to do meanwhile */

enum run_state { RUNNING, ENDING, KILLED };

struct watch {
	enum run_state state;
	pid_t pid;
	int pidfd;
	bool is_busy;		/* something is to be done meanwhile */
	uint64_t began_ns;
	uint64_t term_ns;	/* when TERM was sent */
};

static uint64_t wall_clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static bool is_late(const struct run *run, const struct watch *watch, uint64_t now)
{
	return run->time_limit_ns != 0 && now - watch->began_ns >= run->time_limit_ns;
}

static bool is_called_off(const struct run *run)
{
	return interrupt_signal() != 0 || ring_stopped(run->ring) == RING_STOP_NOW;
}

static void end(struct watch *watch, uint64_t now)
{
	kill(-watch->pid, SIGTERM);
	kill(-watch->pid, SIGCONT);	/* a stopped one would not hear it */
	watch->state = ENDING;
	watch->term_ns = now;
}

/* What the time, and our own signals, demand. */
static void step(struct run *run, struct watch *watch, uint64_t now)
{
	switch (watch->state) {
	case RUNNING:
		run->was_late = is_late(run, watch, now);
		run->was_called_off = !run->was_late && is_called_off(run);
		if (run->was_late || run->was_called_off)
			end(watch, now);
		return;
	case ENDING:
		if (now - watch->term_ns < run->kill_after_ns && interrupt_count() < 2)
			return;
		kill(-watch->pid, SIGKILL);
		watch->state = KILLED;
		return;
	case KILLED:
		return;
	}
}

static uint64_t earlier(uint64_t wait_ns, uint64_t limit_ns, uint64_t passed_ns)
{
	uint64_t left = passed_ns < limit_ns ? limit_ns - passed_ns : 0;

	return left < wait_ns ? left : wait_ns;
}

/* Until the next thing that step() could do. */
static int wait_ms(const struct run *run, const struct watch *watch, uint64_t now)
{
	uint64_t ns = watch->is_busy ? BUSY_NS : LOOK_NS;

	if (watch->state == RUNNING && run->time_limit_ns != 0)
		ns = earlier(ns, run->time_limit_ns, now - watch->began_ns);
	if (watch->state == ENDING)
		ns = earlier(ns, run->kill_after_ns, now - watch->term_ns);
	return (int)((ns + NS_PER_MS - 1) / NS_PER_MS);
}

static void wait_for_end(struct run *run, struct watch *watch)
{
	struct pollfd ended = { .fd = watch->pidfd, .events = POLLIN };
	uint64_t now = watch->began_ns;

	watch->is_busy = run->meanwhile && run->meanwhile(run->context);
	while (poll(&ended, 1, wait_ms(run, watch, now)) <= 0) {
		now = ring_now_ns();
		step(run, watch, now);
		title_refresh();
		watch->is_busy = run->meanwhile && run->meanwhile(run->context);
	}
}

static void reap(struct run *run, const struct watch *watch)
{
	int status = 0;

	while (waitpid(watch->pid, &status, 0) < 0 && errno == EINTR)
		;
	close(watch->pidfd);
	run->code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
	run->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

void run_command(struct run *run)
{
	const struct child_spec spec = {
		.argv = run->argv, .envp = run->envp,
		.in = run->in, .out = run->out, .err = run->err, .keep = -1,
		.new_group = true, .die_with_parent = true,
	};
	struct watch watch = { .state = RUNNING, .began_ns = ring_now_ns() };

	run->started_ns = wall_clock_ns();
	run->was_late = run->was_called_off = false;
	run->error = 0;
	watch.pid = child_start(&spec, &watch.pidfd);
	if (watch.pid < 0) {
		run->error = errno;
		return;
	}
	wait_for_end(run, &watch);
	/* What was to end ends with all that it started; the group's number is its own until it is reaped. */
	if (watch.state != RUNNING)
		kill(-watch.pid, SIGKILL);
	reap(run, &watch);
	child_bury_now();
	run->took_ns = ring_now_ns() - watch.began_ns;
}
