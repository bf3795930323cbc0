/*
 * worker_exec.c - COMMAND is run once an item, or once a batch of items.
 *
 * A batch is one run, so its exit code 0 acks them all, and "later" (75) gives them all back. Any other
 * end leaves open which item was the cause; so each is run alone at once, and judged by that. An item of
 * such a batch may be worked on twice, as may one whose consumer is killed.
 */
#include "src/consumer/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shm/ring.h"
#include "src/base/diag.h"
#include "src/base/exitcode.h"
#include "src/base/interrupt.h"
#include "src/base/lineio.h"
#include "src/base/quantity.h"
#include "src/consumer/capture.h"
#include "src/consumer/environment.h"
#include "src/consumer/joblog.h"
#include "src/consumer/lasting.h"
#include "src/consumer/run.h"
#include "src/consumer/settle.h"
#include "src/consumer/title.h"
#include "src/consumer/turns.h"

#define ERRORS_MAX 4096		/* of a dead item's standard error, for its letter */
#define CODE_LATE 124		/* as timeout(1) has it */

struct exec {
	const struct sink_request *request;
	struct ring *ring;
	unsigned number;
	struct command_line line;
	struct environment environment;
	struct capture out, err;
	struct joblog joblog;
	struct turns turns;		/* with --keep-order */
	struct settler *settler;	/* of the run under way */
	int turns_code;			/* why the consumer must end, found out meanwhile */
	int null;			/* COMMAND's standard input, when items don't go there */
	char errors[ERRORS_MAX];
	size_t errors_len;
};

/* ------------------------------------------------------------------ open and close */

static int exec_open(const struct sink_request *request, void **state)
{
	struct exec *exec = calloc(1, sizeof(*exec));

	if (!exec) {
		diag_error("no memory for a worker");
		return EXIT_SYSTEM;
	}
	exec->request = request;
	exec->null = exec->out.fd = exec->err.fd = exec->joblog.fd = -1;
	*state = exec;
	return lasting_check(request);
}

static int exec_start(void *state, struct ring *ring)
{
	struct exec *exec = state;

	exec->ring = ring;
	exec->number = exec->request->number ? exec->request->number : ring_member_index(ring);
	if (environment_init(&exec->environment, ring_name(ring), exec->number) < 0) {
		diag_error("no memory for an environment");
		return EXIT_SYSTEM;
	}
	exec->null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (exec->null < 0 || capture_open(&exec->out) < 0 || capture_open(&exec->err) < 0) {
		diag_error("cannot make a temporary file for COMMAND's output: %m");
		return EXIT_CANT_CREATE;
	}
	if (exec->request->keep_order) {
		int code = turns_open(&exec->turns, ring);

		if (code != EXIT_OK)
			return code;
	}
	return exec->request->joblog ? joblog_open(&exec->joblog, exec->request->joblog) : EXIT_OK;
}

static void exec_close(void *state)
{
	struct exec *exec = state;

	turns_close(&exec->turns);
	if (exec->joblog.fd >= 0)
		joblog_close(&exec->joblog);
	if (exec->err.fd >= 0)
		capture_close(&exec->err);
	if (exec->out.fd >= 0)
		capture_close(&exec->out);
	if (exec->null >= 0)
		close(exec->null);
	environment_free(&exec->environment);
	command_line_free(&exec->line);
	free(exec);
}

/* ------------------------------------------------------------------ one run */

/* Items of a batch are told apart by a newline (or NUL) behind each; one alone is as it is. */
static int write_items(const struct exec *exec, int fd, const struct ring_item *items, size_t n)
{
	bool is_batch = exec->request->command.batch > 1;

	for (size_t i = 0; i < n; i++) {
		if (write_all(fd, items[i].data, items[i].len) < 0 ||
		    (is_batch && write_all(fd, &exec->request->terminator, 1) < 0))
			return -1;
	}
	return lseek(fd, 0, SEEK_SET) < 0 ? -1 : 0;
}

/* A file in memory: COMMAND reads it at its own pace, and nobody has to feed a pipe. */
static int open_input(const struct exec *exec, const struct ring_item *items, size_t n)
{
	int fd = memfd_create("item", MFD_CLOEXEC);

	if (fd >= 0 && write_items(exec, fd, items, n) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

static int cannot_start(const struct ring_item *item)
{
	diag_error("cannot start COMMAND for item %llu: %m", (unsigned long long)item->id);
	return EXIT_SYSTEM;
}

static void note(const struct exec *exec, const struct ring_item *items, size_t n)
{
	char text[RING_NOTE_MAX];

	if (n == 1)
		snprintf(text, sizeof(text), "item %llu", (unsigned long long)items[0].id);
	else
		snprintf(text, sizeof(text), "%zu items", n);
	ring_note(exec->ring, text);
	title_work_on(text);
}

/* While COMMAND runs for one item, the turn of others may come. */
static bool meanwhile(void *context)
{
	struct exec *exec = context;

	if (exec->turns_code == EXIT_OK)
		exec->turns_code = turns_look(&exec->turns, exec->settler);
	return exec->turns.n > 0;
}

/* Run COMMAND with these items. 0, or an exit code: then the run told nothing about them. */
static int run_items(struct exec *exec, const struct ring_item *items, size_t n, struct run *run)
{
	const struct sink_request *request = exec->request;
	int in = exec->null;

	if (command_build(&request->command, items, n, exec->number, &exec->line) < 0)
		return cannot_start(items);
	if (request->command.on_stdin)
		in = open_input(exec, items, n);
	if (in < 0)
		return cannot_start(items);
	environment_set(&exec->environment, items[0].id, items[0].deliveries);
	*run = (struct run){
		.ring = exec->ring,
		.argv = exec->line.argv, .envp = exec->environment.envp,
		.in = in, .out = exec->out.fd, .err = exec->err.fd,
		.time_limit_ns = request->time_limit_ns * n,
		.kill_after_ns = request->kill_after_ns,
		.meanwhile = request->keep_order ? meanwhile : NULL, .context = exec,
	};
	note(exec, items, n);
	run_command(run);
	if (in != exec->null)
		close(in);
	return EXIT_OK;
}

/* What it wrote goes out, in its turn if need be, and the job log gets its line. */
static int report(struct exec *exec, const struct ring_item *items, const struct run *run)
{
	off_t output = capture_size(&exec->out);

	exec->errors_len = capture_tail(&exec->err, exec->errors, sizeof(exec->errors));
	if (!exec->request->keep_order && capture_pass(&exec->out, STDOUT_FILENO) < 0) {
		diag_error("cannot write to standard output: %m");
		return EXIT_IO;
	}
	/* Where standard error is gone, nobody can be told; the work goes on. */
	(void)capture_pass(&exec->err, STDERR_FILENO);
	if (exec->joblog.fd < 0)
		return EXIT_OK;
	return joblog_write(&exec->joblog, items[0].id, run, output);
}

/* ------------------------------------------------------------------ what it means for the items */

static int settle_one(struct exec *exec, struct settler *settler, struct ring_item *item,
		      const struct run *run)
{
	char limit[16], cause[64];
	struct outcome outcome = {
		.code = run->code, .signal = run->signal,
		.errors = exec->errors, .errors_len = exec->errors_len,
	};

	if (run->was_late) {
		quantity_show_duration(limit, sizeof(limit), exec->request->time_limit_ns);
		snprintf(cause, sizeof(cause), "took longer than %s (--time-limit)", limit);
		outcome.cause = cause;
		/* Too late has failed, whatever it says when it is asked to end. */
		if (outcome.signal == 0)
			outcome.code = CODE_LATE;
	}
	if (exec->request->keep_order)
		return turns_settle(&exec->turns, settler, item, &outcome, &exec->out);
	return settle_outcome(settler, item, &outcome);
}

static int settle_alike(struct settler *settler, struct ring_item *items, size_t n, int code)
{
	const struct outcome outcome = { .code = code };
	int result = EXIT_OK;

	for (size_t i = 0; i < n && result == EXIT_OK; i++)
		result = settle_outcome(settler, &items[i], &outcome);
	return result;
}

static int handle(struct exec *exec, struct settler *settler, struct ring_item *items, size_t n);

static int handle_each(struct exec *exec, struct settler *settler, struct ring_item *items, size_t n)
{
	int code = EXIT_OK;

	for (size_t i = 0; i < n && code == EXIT_OK; i++)
		code = handle(exec, settler, &items[i], 1);
	return code;
}

static bool was_good(const struct run *run)
{
	return run->signal == 0 && run->code == ITEM_ACK && !run->was_late;
}

static int judge(struct exec *exec, struct settler *settler, struct ring_item *items, size_t n,
		 const struct run *run)
{
	if (was_good(run) && !exec->request->keep_order)
		return settle_alike(settler, items, n, ITEM_ACK);
	if (run->was_called_off && !was_good(run)) {
		capture_drop(&exec->out);
		return EXIT_OK;		/* unsettled: they go back */
	}
	if (n == 1)
		return settle_one(exec, settler, items, run);
	if (run->signal == 0 && run->code == ITEM_LATER)
		return settle_alike(settler, items, n, ITEM_LATER);
	return handle_each(exec, settler, items, n);
}

/* The system did not start it. Too long a command line is the items' doing; all else is not. */
static int not_started(struct exec *exec, struct settler *settler, struct ring_item *items,
		       size_t n, int error)
{
	static const struct outcome too_long = {
		.code = ITEM_DEAD, .cause = "longer than the system lets an argument be; use --stdin",
	};
	int code;

	if (error != E2BIG)
		return lasting_cannot_run(exec->line.argv[0], error);
	if (n == 1)
		return settle_dead(settler, items, &too_long);
	code = handle(exec, settler, items, n / 2);
	return code != EXIT_OK ? code : handle(exec, settler, items + n / 2, n - n / 2);
}

static int handle(struct exec *exec, struct settler *settler, struct ring_item *items, size_t n)
{
	struct run run;
	int code;

	if (interrupt_signal() != 0 || ring_stopped(exec->ring) == RING_STOP_NOW)
		return EXIT_OK;		/* unsettled: they go back */
	exec->settler = settler;
	code = run_items(exec, items, n, &run);
	if (code != EXIT_OK)
		return code;
	if (run.error != 0)
		return not_started(exec, settler, items, n, run.error);
	code = exec->turns_code != EXIT_OK ? exec->turns_code : report(exec, items, &run);
	return code != EXIT_OK ? code : judge(exec, settler, items, n, &run);
}

static bool can_be_word(const struct exec *exec, const struct ring_item *item)
{
	return !command_has_item_words(&exec->request->command) ||
	       !memchr(item->data, '\0', item->len);
}

/* Runs of items between those that no argument can hold. */
static int exec_handle(void *state, struct settler *settler, struct ring_item *items, size_t n)
{
	static const struct outcome has_nul = {
		.code = ITEM_DEAD, .cause = "holds a NUL byte, which no argument can; use --stdin",
	};
	struct exec *exec = state;
	size_t good = 0;
	int code = EXIT_OK;

	for (size_t i = 0; i < n && code == EXIT_OK; i += good + 1) {
		for (good = 0; i + good < n && can_be_word(exec, &items[i + good]);)
			good++;
		if (good > 0)
			code = handle(exec, settler, &items[i], good);
		if (code == EXIT_OK && i + good < n)
			code = settle_dead(settler, &items[i + good], &has_nul);
	}
	ring_note(exec->ring, "");
	title_work_on("");
	return code;
}

static int exec_look(void *state, struct settler *settler, bool is_end, size_t *kept)
{
	struct exec *exec = state;
	int code = EXIT_OK;

	if (exec->request->keep_order)
		code = turns_look(&exec->turns, settler);
	if (exec->request->keep_order && is_end && code == EXIT_OK)
		code = turns_return(&exec->turns, settler);
	*kept = exec->turns.n;
	return code;
}

const struct sink worker_exec = {
	.name = "exec",
	.help = "COMMAND, run once an item (or --batch of them)",
	.is_worker = true,
	.open = exec_open,
	.start = exec_start,
	.handle = exec_handle,
	.look = exec_look,
	.close = exec_close,
};
