/* process.c - see process.h. */
#include "src/consumer/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/base/child.h"

enum { THEIRS_READS, OURS_READS };	/* which side has the pipe's reading end */

static void close_one(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* Only our end must not wait: to COMMAND it looks like any pipe. */
static int open_pipe(int direction, int *ours, int *theirs)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	*ours = ends[direction == OURS_READS ? 0 : 1];
	*theirs = ends[direction == OURS_READS ? 1 : 0];
	return fcntl(*ours, F_SETFL, O_NONBLOCK);
}

static int open_pipes(struct process *process, struct child_spec *spec, bool talks)
{
	if (open_pipe(THEIRS_READS, &process->in, &spec->in) < 0)
		return -1;
	if (!talks)
		return 0;
	if (open_pipe(OURS_READS, &process->out, &spec->out) < 0)
		return -1;
	return open_pipe(OURS_READS, &process->err, &spec->err);
}

static void close_pipes(struct process *process)
{
	close_one(&process->in);
	close_one(&process->out);
	close_one(&process->err);
	close_one(&process->unread);
}

int process_start(struct process *process, char *const *argv, char *const *envp, bool talks)
{
	struct child_spec spec = {
		.argv = argv, .envp = envp, .in = -1, .out = -1, .err = -1, .keep = -1,
		.new_group = true, .die_with_parent = true,
	};
	int error;

	process->pid = -1;
	if (open_pipes(process, &spec, talks) == 0)
		process->pid = child_start(&spec, &process->pidfd);
	error = errno;
	close_one(&spec.in);
	close_one(&spec.out);
	close_one(&spec.err);
	if (process->pid < 0) {
		close_pipes(process);
		errno = error;
		return -1;
	}
	process->state = PROCESS_RUNNING;
	return 0;
}

/* A pipe is gone with its last end; so one stays, on which nobody waits for us. */
void process_end_input(struct process *process)
{
	char path[32];

	if (process->in < 0)
		return;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", process->in);
	process->unread = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	close_one(&process->in);
}

void process_close_output(struct process *process)
{
	close_one(&process->out);
}

void process_close_errors(struct process *process)
{
	close_one(&process->err);
}

size_t process_unread(const struct process *process)
{
	int fd = process->in >= 0 ? process->in : process->unread, n = 0;

	return fd >= 0 && ioctl(fd, FIONREAD, &n) == 0 && n > 0 ? (size_t)n : 0;
}

void process_ask_to_end(struct process *process, uint64_t now_ns)
{
	if (process->state != PROCESS_RUNNING)
		return;
	kill(-process->pid, SIGTERM);
	kill(-process->pid, SIGCONT);	/* a stopped one would not hear it */
	process->state = PROCESS_ASKED;
	process->asked_ns = now_ns;
}

void process_press(struct process *process, uint64_t now_ns, uint64_t kill_after_ns, bool at_once)
{
	/* A clock read before it was asked counts as no time at all. */
	uint64_t passed_ns = now_ns > process->asked_ns ? now_ns - process->asked_ns : 0;

	if (process->state != PROCESS_ASKED || (!at_once && passed_ns < kill_after_ns))
		return;
	kill(-process->pid, SIGKILL);
	process->state = PROCESS_KILLED;
}

void process_reap(struct process *process)
{
	siginfo_t info = { .si_pid = 0 };
	int status = 0;

	if (process->state == PROCESS_NONE)
		return;
	/* Its number is its group's until it is waited for. */
	while (waitid(P_PID, (id_t)process->pid, &info, WEXITED | WNOWAIT) < 0 && errno == EINTR)
		;
	kill(-process->pid, SIGKILL);
	while (waitpid(process->pid, &status, 0) < 0 && errno == EINTR)
		;
	process->code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
	process->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	close_one(&process->pidfd);
	close_pipes(process);
	process->state = PROCESS_NONE;
}
