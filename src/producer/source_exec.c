/*
 * source_exec.c - the lines that a shell command writes, each as soon as it is complete. A producer
 * that is started again starts the command again, from its beginning.
 */
#include "src/producer/records.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shm/ring.h"
#include "src/base/child.h"
#include "src/base/diag.h"
#include "src/base/exitcode.h"
#include "src/base/interrupt.h"

#define LOOK_MS 250
#define NS_PER_MS UINT64_C(1000000)
#define TERM_MS 1000	/* what a command may still do once nobody reads it; a guess */

struct exec {
	const char *command;
	struct records records;
	bool has_work;		/* of several producers, the first runs the command */
	pid_t pid;		/* 0: not running */
	int pidfd;
};

static int exec_open(const struct source_request *request, void **state)
{
	struct exec *exec = calloc(1, sizeof(*exec));

	if (!exec) {
		diag_error("no memory for a source");
		return EXIT_SYSTEM;
	}
	exec->command = request->arg;
	exec->has_work = request->number <= 1;
	exec->records.fd = -1;
	exec->pidfd = -1;
	*state = exec;
	return 0;
}

static int start(struct exec *exec, int null, int out)
{
	static char sh[] = "sh", dash_c[] = "-c";
	char *argv[] = { sh, dash_c, (char *)exec->command, NULL };
	const struct child_spec spec = {
		.argv = argv, .in = null, .out = out, .err = -1, .keep = -1,
		.new_group = true, .die_with_parent = true,
	};
	pid_t pid = child_start(&spec, &exec->pidfd);

	if (pid < 0) {
		diag_error("cannot run sh: %m");
		return child_exit_code(errno);
	}
	exec->pid = pid;
	return 0;
}

static int exec_attach(void *state, struct ring *ring, uint64_t mark)
{
	static const struct framing lines = { .kind = FRAME_DELIMITED, .delimiter = '\n' };
	struct exec *exec = state;
	int null, ends[2], code;

	(void)mark;
	if (!exec->has_work)
		return 0;
	null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (null < 0 || pipe2(ends, O_CLOEXEC) < 0) {
		diag_error("cannot make a pipe: %m");
		return EXIT_SYSTEM;
	}
	code = start(exec, null, ends[1]);
	close(null);
	close(ends[1]);
	records_open_fd(&exec->records, &lines, ends[0], &exec->command);
	return code != 0 ? code : records_attach(&exec->records, ring_item_max(ring), 0);
}

static int reap(struct exec *exec)
{
	int status = 0;

	while (waitpid(exec->pid, &status, 0) < 0 && errno == EINTR)
		;
	close(exec->pidfd);
	exec->pid = 0;
	return status;
}

/* The command has closed its output: how did it end? */
static enum source_result judge(struct exec *exec, int *code)
{
	struct pollfd end = { .fd = exec->pidfd, .events = POLLIN };
	int status;

	if (poll(&end, 1, LOOK_MS) <= 0)
		return SOURCE_WAIT;
	status = reap(exec);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return SOURCE_END;
	*code = EXIT_NO_INPUT;
	if (WIFSIGNALED(status)) {
		diag_error("the source command ended by signal %d", WTERMSIG(status));
		return SOURCE_FAILED;
	}
	diag_error("the source command ended with exit code %d", WEXITSTATUS(status));
	if (WEXITSTATUS(status) == EXIT_NOT_FOUND || WEXITSTATUS(status) == EXIT_CANT_RUN)
		*code = WEXITSTATUS(status);
	return SOURCE_FAILED;
}

static enum source_result exec_next_run(void *state, char delimiter, uint32_t most,
					struct record *record, int *code)
{
	struct exec *exec = state;
	enum source_result result;

	if (exec->pid == 0)
		return SOURCE_END;
	result = records_next_run(&exec->records, delimiter, most, record, code);
	if (result == SOURCE_END)
		return judge(exec, code);
	record->mark = 0;	/* a position in this run's output says nothing to the next run */
	return result;
}

static enum source_result exec_next(void *state, struct record *record, int *code)
{
	return exec_next_run(state, '\n', 1, record, code);
}

static enum source_result exec_next_many(void *state, struct record *records, uint32_t max, uint32_t *n,
					 int *code)
{
	struct exec *exec = state;
	enum source_result result;

	if (exec->pid == 0)
		return SOURCE_END;
	result = records_next_many(&exec->records, records, max, n, code);
	for (uint32_t i = 0; i < *n; i++)
		records[i].mark = 0;	/* as above */
	return result == SOURCE_END ? judge(exec, code) : result;
}

/* Let it end by itself, for a while; not when we are told a second time to go. */
static void let_end(const struct exec *exec)
{
	struct pollfd end = { .fd = exec->pidfd, .events = POLLIN };
	uint64_t until = ring_now_ns() + TERM_MS * NS_PER_MS, now;

	while ((now = ring_now_ns()) < until && interrupt_count() < 2 &&
	       poll(&end, 1, (int)((until - now) / NS_PER_MS) + 1) < 0 && errno == EINTR)
		;
}

/* A command that still runs is asked to end, then made to. */
static void exec_close(void *state)
{
	struct exec *exec = state;

	records_close(&exec->records);
	if (exec->pid != 0) {
		kill(-exec->pid, SIGTERM);
		let_end(exec);
		kill(-exec->pid, SIGKILL);
		reap(exec);
	}
	free(exec);
}

const struct source source_exec = {
	.name = "exec",
	.arg = "COMMAND",
	.help = "an item a line that the shell command COMMAND writes, as soon as it is complete",
	.arg_needed = true,
	.open = exec_open,
	.attach = exec_attach,
	.next = exec_next,
	.next_run = exec_next_run,
	.next_many = exec_next_many,
	.close = exec_close,
};
