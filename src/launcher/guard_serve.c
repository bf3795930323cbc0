/*
 * guard_serve.c - the guard, a process of its own: see guard.h. One thread, no memory that grows, and
 * nothing that waits for the launcher: a worker whose end can't be told yet stays a zombie until it can.
 */
#include "src/launcher/guard_wire.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/base/child.h"
#include "src/base/exitcode.h"
#include "src/launcher/kin.h"

/* Greatest pid on Linux, on 64-bit machines (PID_MAX_LIMIT in the kernel's threads.h). */
#define PIDS (4u << 20)

struct serving {
	const struct teams *teams;
	int requests, ends, children;
	bool is_behind;			/* an end is to be told when the pipe has room */
	uint8_t workers[PIDS / 8];	/* a bit for each pid; pages that are not touched cost nothing */
};

static struct serving serving;

static bool is_worker(pid_t pid)
{
	return serving.workers[pid / 8] & 1u << pid % 8;
}

/* ---------------------------------------------------------------- requests */

static pid_t start(const struct guard_request *request, const int fds[3])
{
	const struct team *team = &serving.teams->list[request->team];
	const struct settings *settings = team->orders.settings;
	char **envp = team_environment(team);
	struct child_spec spec = {
		.envp = envp,
		.argv = orders_for_worker(&team->orders, team->side, request->number),
		.in = fds[0], .out = fds[1], .err = fds[2], .keep = -1,
		.new_session = true,
		.die_with_parent = true,
		.adopts_orphans = true,
		.manners = {
			.dir = settings->directory,
			.nice = settings->nice,
			.limits = settings->limits.list,
			.limit_count = settings->limits.count,
			.no_new_privs = settings->no_new_privs,
		},
	};
	pid_t pid = spec.argv && envp ? child_start(&spec, NULL) : -1;
	int error = errno;

	orders_free_argv((char **)(uintptr_t)spec.argv);
	free(envp);
	if (pid > 0)
		serving.workers[pid / 8] |= (uint8_t)(1u << pid % 8);
	errno = error;
	return pid;
}

static void answer_start(const struct guard_request *request, const int fds[3])
{
	struct guard_answer answer = { .pid = start(request, fds) };

	if (answer.pid < 0)
		answer.error = errno;
	for (int i = 0; i < 3; i++)
		close(fds[i]);
	send(serving.requests, &answer, sizeof(answer), MSG_NOSIGNAL);
}

/* As long as we have not waited for a worker its number, and its group's, is its own. */
static void pass_signal(const struct guard_request *request)
{
	if (request->pid > 0 && is_worker(request->pid))
		kill(request->group ? -request->pid : request->pid, request->signal);
}

static ssize_t receive(struct guard_request *request, int fds[3])
{
	union { struct cmsghdr align; char bytes[CMSG_SPACE(3 * sizeof(int))]; } control;
	struct iovec body = { .iov_base = request, .iov_len = sizeof(*request) };
	struct msghdr message = {
		.msg_iov = &body, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};
	ssize_t n = recvmsg(serving.requests, &message, MSG_CMSG_CLOEXEC);

	if (n > 0 && CMSG_FIRSTHDR(&message))
		memcpy(fds, CMSG_DATA(CMSG_FIRSTHDR(&message)), 3 * sizeof(int));
	return n;
}

/* false: the launcher is gone, or wants us to go. */
static bool serve_request(void)
{
	struct guard_request request;
	int fds[3] = { -1, -1, -1 };
	ssize_t n = receive(&request, fds);

	if (n < 0)
		return errno == EINTR || errno == EMFILE;
	if (n != sizeof(request))
		return false;
	switch (request.verb) {
	case GUARD_START:
		answer_start(&request, fds);
		break;
	case GUARD_SIGNAL:
		pass_signal(&request);
		break;
	}
	return true;
}

/* ---------------------------------------------------------------- ends */

/* Its group ends with it, and what had left the group is ours by now. */
static bool end_worker(const siginfo_t *info)
{
	const struct guard_end end = {
		.pid = info->si_pid, .code = info->si_code, .status = info->si_status,
	};

	kill(-info->si_pid, SIGKILL);
	serving.is_behind = write(serving.ends, &end, sizeof(end)) < 0 && errno == EAGAIN;
	if (serving.is_behind)
		return false;
	serving.workers[info->si_pid / 8] &= (uint8_t) ~(1u << info->si_pid % 8);
	return true;
}

static bool is_living_worker(pid_t pid, const void *context)
{
	(void)context;
	return is_worker(pid);
}

static void reap(void)
{
	bool has_reaped = false;
	siginfo_t info;

	for (;;) {
		info.si_pid = 0;
		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == 0)
			break;
		if (is_worker(info.si_pid) && !end_worker(&info))
			break;
		waitid(P_PID, (id_t)info.si_pid, &info, WEXITED);
		has_reaped = true;
	}
	if (has_reaped)
		kin_kill_children(is_living_worker, NULL);
}

static bool nobody(pid_t pid, const void *context)
{
	(void)pid;
	(void)context;
	return false;
}

/* The dead leave us their children, so again until there are none. */
_Noreturn static void end_all(void)
{
	siginfo_t info;

	do {
		kin_kill_children(nobody, NULL);
	} while (waitid(P_ALL, 0, &info, WEXITED) == 0 || errno == EINTR);
	_exit(EXIT_OK);
}

/* ---------------------------------------------------------------- the process */

/* Nothing of the launcher's stays open here, so that its end is seen by who waits for it. */
static int take_descriptors(int requests, int ends)
{
	const int first = STDERR_FILENO + 1;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (dup2(null, fd) < 0)
			return -1;
	requests = fcntl(requests, F_DUPFD, first + 2);
	ends = fcntl(ends, F_DUPFD, first + 2);
	serving.requests = dup3(requests, first, O_CLOEXEC);
	serving.ends = dup3(ends, first + 1, O_CLOEXEC);
	if (serving.requests < 0 || serving.ends < 0)
		return -1;
	return close_range((unsigned)first + 2, UINT_MAX, 0);
}

static int watch_children(void)
{
	sigset_t child;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	serving.children = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
	return serving.children < 0 ? -1 : 0;
}

static void drain(int fd)
{
	struct signalfd_siginfo info[16];

	while (read(fd, info, sizeof(info)) > 0)
		;
}

_Noreturn void guard_serve(const struct teams *teams, int requests, int ends)
{
	serving.teams = teams;
	if (setsid() < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0 ||
	    take_descriptors(requests, ends) < 0 || watch_children() < 0)
		_exit(EXIT_SYSTEM);
	prctl(PR_SET_NAME, "shmline-guard");
	for (;;) {
		struct pollfd fds[] = {
			{ .fd = serving.requests, .events = POLLIN },
			{ .fd = serving.children, .events = POLLIN },
			{ .fd = serving.is_behind ? serving.ends : -1, .events = POLLOUT },
		};

		if (poll(fds, 3, -1) < 0 && errno != EINTR)
			end_all();
		drain(serving.children);
		reap();
		if (fds[0].revents != 0 && !serve_request())
			end_all();
	}
}
