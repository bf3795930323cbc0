/* guard.c - the launcher's side of guard.h. What the guard does is in guard_serve.c. */
#include "src/launcher/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/launcher/guard_wire.h"

/* How long a start may take: an exec from a slow file system. A guard that does not answer is stopped
   or broken; it is killed, and another takes its place. A guess. */
#define ANSWER_S 10

struct guard {
	const struct teams *teams;
	pid_t pid;
	int requests, ends;	/* -1: dismissed */
};

static int set_patience(int requests)
{
	const struct timeval patience = { .tv_sec = ANSWER_S };

	if (setsockopt(requests, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0)
		return -1;
	return setsockopt(requests, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
}

/* No signal reaches the guard: it ends with the launcher, and by KILL. */
static pid_t fork_guard(const struct teams *teams, int requests, int ends)
{
	sigset_t all, before;
	pid_t pid;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	pid = fork();
	if (pid == 0)
		guard_serve(teams, requests, ends);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return pid;
}

static int connect_guard(struct guard *guard)
{
	int sockets[2], pipes[2], error;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
		return -1;
	if (pipe2(pipes, O_CLOEXEC | O_NONBLOCK) < 0) {
		close(sockets[0]);
		close(sockets[1]);
		return -1;
	}
	guard->requests = sockets[0];
	guard->ends = pipes[0];
	guard->pid = set_patience(guard->requests) < 0 ? -1 : fork_guard(guard->teams, sockets[1], pipes[1]);
	error = errno;
	close(sockets[1]);
	close(pipes[1]);
	errno = error;
	return guard->pid < 0 ? -1 : 0;
}

struct guard *guard_open(const struct teams *teams)
{
	struct guard *guard = malloc(sizeof(*guard));

	if (!guard)
		return NULL;
	*guard = (struct guard){ .teams = teams, .pid = -1, .requests = -1, .ends = -1 };
	if (connect_guard(guard) == 0)
		return guard;
	guard_close(guard);
	return NULL;
}

/* ---------------------------------------------------------------- requests */

static void attach_descriptors(struct msghdr *message, const int fds[3])
{
	struct cmsghdr *control = CMSG_FIRSTHDR(message);

	if (!control)
		return;		/* there is room for one */
	control->cmsg_level = SOL_SOCKET;
	control->cmsg_type = SCM_RIGHTS;
	control->cmsg_len = CMSG_LEN(3 * sizeof(int));
	memcpy(CMSG_DATA(control), fds, 3 * sizeof(int));
}

static int send_request(struct guard *guard, const struct guard_request *request, const int fds[3])
{
	union { struct cmsghdr align; char bytes[CMSG_SPACE(3 * sizeof(int))]; } control = { .bytes = "" };
	struct iovec body = { .iov_base = (void *)(uintptr_t)request, .iov_len = sizeof(*request) };
	struct msghdr message = { .msg_iov = &body, .msg_iovlen = 1 };
	ssize_t n;

	if (fds) {
		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
		attach_descriptors(&message, fds);
	}
	do {
		n = sendmsg(guard->requests, &message, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -1 : 0;
}

static int receive_answer(struct guard *guard, struct guard_answer *answer)
{
	ssize_t n;

	do {
		n = recv(guard->requests, answer, sizeof(*answer), 0);
	} while (n < 0 && errno == EINTR);
	return n == sizeof(*answer) ? 0 : -1;
}

/* Whatever is wrong with it: without it its workers are dead, and guard_next_end() says so. */
static void give_up(struct guard *guard)
{
	kill(guard->pid, SIGKILL);
	errno = EPIPE;
}

pid_t guard_start(struct guard *guard, const struct team *team, unsigned number, const int fds[3])
{
	const struct guard_request request = {
		.verb = GUARD_START,
		.team = (unsigned)(team - guard->teams->list),
		.number = number,
	};
	struct guard_answer answer;

	if (send_request(guard, &request, fds) < 0 || receive_answer(guard, &answer) < 0) {
		give_up(guard);
		return -1;
	}
	errno = answer.error;
	return answer.pid;
}

void guard_signal(struct guard *guard, pid_t pid, int signal, bool group)
{
	const struct guard_request request = {
		.verb = GUARD_SIGNAL, .pid = pid, .signal = signal, .group = group,
	};

	if (send_request(guard, &request, NULL) < 0)
		give_up(guard);
}

/* ---------------------------------------------------------------- ends */

int guard_fd(const struct guard *guard)
{
	return guard->ends;
}

int guard_next_end(struct guard *guard, struct guard_end *end)
{
	ssize_t n;

	do {
		n = read(guard->ends, end, sizeof(*end));
	} while (n < 0 && errno == EINTR);
	if (n == sizeof(*end))
		return 1;
	return n < 0 && errno == EAGAIN ? 0 : -1;
}

pid_t guard_pid(const struct guard *guard)
{
	return guard->pid;
}

void guard_dismiss(struct guard *guard)
{
	if (guard->requests >= 0)
		close(guard->requests);
	guard->requests = -1;
}

void guard_close(struct guard *guard)
{
	if (!guard)
		return;
	guard_dismiss(guard);
	if (guard->ends >= 0)
		close(guard->ends);
	while (guard->pid > 0 && waitpid(guard->pid, NULL, 0) < 0 && errno == EINTR)
		;
	free(guard);
}
