/*
 * child.c - see child.h. As posix_spawn(3) of glibc does it: the child runs on a stack of its own in
 * the parent's memory while the parent waits for its exec. So it costs no copy of page tables, and
 * what went wrong is simply left in a variable. What posix_spawn lacks is the parent-death signal,
 * the pidfd, and one descriptor kept among those closed.
 */
#include "src/base/child.h"
#include "src/base/exitcode.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/*
 * glibc's other name for clone(3), which ThreadSanitizer does not know. It takes every clone() for a
 * fork() and tidies up the child's memory, which is ours.
 */
int __clone(int (*function)(void *), void *stack, int flags, void *argument, ...);

struct plan {
	const struct child_spec *spec;
	pid_t parent;
	int error;		/* of what failed in the child; 0: it runs */
};

/*
 * Handlers must not run in the child, which shares our memory; ignored ones must not be inherited. The
 * kernel is called directly: ThreadSanitizer's sigaction() keeps a table, which would be the parent's.
 * All zero is the default action, in the kernel's own struct on every machine.
 */
static void default_signals(void)
{
	static const uint64_t action[4];

	for (int signal = 1; signal < NSIG; signal++)
		syscall(SYS_rt_sigaction, signal, action, NULL, NSIG / 8);	/* not KILL and STOP */
}

/* Put `from` under the number `to`, open across exec. -1: leave what is there. */
static int place(int from, int to)
{
	return from < 0 ? 0 : dup2(from, to);
}

/* A source below 3 is moved away first, so that none is overwritten before it is used. */
static int lift(int *fd)
{
	if (*fd >= 0 && *fd <= STDERR_FILENO)
		return *fd = fcntl(*fd, F_DUPFD, STDERR_FILENO + 1);
	return 0;
}

static int place_standard(const struct child_spec *spec)
{
	int fds[] = { spec->in, spec->out, spec->err };

	for (int i = 0; i < 3; i++)
		if (lift(&fds[i]) < 0)
			return -1;
	for (int i = 0; i < 3; i++)
		if (place(fds[i], i) < 0)
			return -1;
	return 0;
}

static int close_others(int keep)
{
	const unsigned first = STDERR_FILENO + 1;

	if (keep < (int)first)
		return close_range(first, UINT_MAX, 0);
	if (fcntl(keep, F_SETFD, 0) < 0)
		return -1;
	if (keep > (int)first && close_range(first, (unsigned)keep - 1, 0) < 0)
		return -1;
	return close_range((unsigned)keep + 1, UINT_MAX, 0);
}

/* A parent that died before prctl() sends nothing any more, so look for it after. */
static int tie_to_parent(pid_t parent)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return -1;
	if (getppid() == parent)
		return 0;
	errno = ESRCH;
	return -1;
}

static int behave(const struct child_manners *manners)
{
	if (manners->dir && chdir(manners->dir) < 0)
		return -1;
	for (size_t i = 0; i < manners->limit_count; i++)
		if (setrlimit((__rlimit_resource_t)manners->limits[i].resource,
			      &manners->limits[i].limit) < 0)
			return -1;
	errno = 0;
	if (manners->nice != 0 && nice(manners->nice) == -1 && errno != 0)
		return -1;
	return manners->no_new_privs ? prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) : 0;
}

static int prepare(const struct plan *plan)
{
	const struct child_spec *spec = plan->spec;

	if (spec->die_with_parent && tie_to_parent(plan->parent) < 0)
		return -1;
	if (spec->adopts_orphans && prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
		return -1;
	if (spec->new_session && setsid() < 0)
		return -1;
	if (spec->new_group && !spec->new_session && setpgid(0, 0) < 0)
		return -1;
	if (place_standard(spec) < 0 || behave(&spec->manners) < 0)
		return -1;
	return close_others(spec->keep);
}

/* In the child, in the parent's memory: system calls and nothing else. Returning ends it. */
static int run_child(void *argument)
{
	struct plan *plan = argument;
	const struct child_spec *spec = plan->spec;
	sigset_t none;

	default_signals();
	sigemptyset(&none);
	if (prepare(plan) == 0 && sigprocmask(SIG_SETMASK, &none, NULL) == 0)
		execvpe(spec->argv[0], spec->argv, spec->envp ? spec->envp : environ);
	plan->error = errno;
	return EXIT_CANT_RUN;
}

/* ---------------------------------------------------------------- strangers */

/* Those started last, for a signal handler. A worker has one or two at a time; an older one is nobody's. */
#define OWN_MAX 16

static volatile pid_t own[OWN_MAX];
static unsigned own_next;

static void note_own(pid_t pid)
{
	own[own_next++ % OWN_MAX] = pid;
}

static bool is_own(pid_t pid)
{
	for (unsigned i = 0; i < OWN_MAX; i++)
		if (own[i] == pid)
			return true;
	return false;
}

void child_bury_now(void)
{
	siginfo_t info = { .si_pid = 0 };

	while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0 &&
	       !is_own(info.si_pid)) {
		waitid(P_PID, (id_t)info.si_pid, &info, WEXITED | WNOHANG);
		info.si_pid = 0;
	}
}

static void on_child(int signal)
{
	int error = errno;

	(void)signal;
	child_bury_now();
	errno = error;
}

void child_bury_strangers(void)
{
	struct sigaction action = { .sa_handler = on_child, .sa_flags = SA_RESTART | SA_NOCLDSTOP };

	sigemptyset(&action.sa_mask);
	sigaction(SIGCHLD, &action, NULL);
	child_bury_now();
}

/* ---------------------------------------------------------------- starting */

/* execvpe() keeps a path, and for a script without #! a second argv, on the stack. */
static size_t stack_size(char *const *argv)
{
	size_t n = 0;

	while (argv[n])
		n++;
	return 64 * 1024 + n * sizeof(*argv);
}

/* The clone itself. The parent goes on when the child has executed or ended. */
static pid_t spawn(struct plan *plan, int *pidfd)
{
	const int flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD;
	size_t size = stack_size(plan->spec->argv);
	char *stack = malloc(size);
	sigset_t all, before;
	pid_t pid;

	if (!stack) {
		plan->error = ENOMEM;
		return -1;
	}
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	pid = __clone(run_child, stack + (size & ~(size_t)15), flags, plan, pidfd);
	if (pid < 0)
		plan->error = errno;
	else
		note_own(pid);	/* before a signal may say that it has ended */
	sigprocmask(SIG_SETMASK, &before, NULL);
	free(stack);
	return pid;
}

static void reap(pid_t pid)
{
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

pid_t child_start(const struct child_spec *spec, int *pidfd)
{
	struct plan plan = { .spec = spec, .parent = getpid() };
	int fd = -1;
	pid_t pid = spawn(&plan, &fd);

	if (pid > 0 && plan.error != 0) {
		reap(pid);
		close(fd);
		pid = -1;
	}
	if (pid < 0) {
		errno = plan.error;
		return -1;
	}
	if (pidfd)
		*pidfd = fd;
	else
		close(fd);
	return pid;
}

int child_exit_code(int error)
{
	switch (error) {
	case ENOENT:
	case ENOTDIR:
		return EXIT_NOT_FOUND;
	case EAGAIN:
	case EMFILE:
	case ENFILE:
	case ENOMEM:
		return EXIT_SYSTEM;
	default:
		return EXIT_CANT_RUN;
	}
}
