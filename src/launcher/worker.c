/* worker.c - see worker.h. */
#include "src/launcher/worker.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/base/diag.h"

int worker_init(struct worker *worker, const struct team *team, unsigned number)
{
	*worker = (struct worker){ .team = team, .side = team->side, .number = number };
	snprintf(worker->name, sizeof(worker->name), "%s %u", team->name, number);
	return restart_history_create(&worker->history, &team->orders.settings->restart);
}

void worker_free(struct worker *worker)
{
	restart_history_free(&worker->history);
}

int worker_start(struct worker *worker, struct guard *guard, struct logs *logs, int in, uint64_t now_ns)
{
	bool takes_turns = worker->side == SIDE_CONSUMER && worker->team->orders.settings->keep_order;
	int fds[3] = { in, -1, -1 }, out, error;

	worker->log = logs_add(logs, worker->name, &fds[1], &fds[2]);
	if (!worker->log)
		return -1;
	out = fds[1];
	if (takes_turns)
		fds[1] = logs_common_out(logs);
	worker->pid = fds[1] < 0 ? -1 : guard_start(guard, worker->team, worker->number, fds);
	error = errno;
	close(out);
	close(fds[2]);
	if (worker->pid < 0) {
		log_release(worker->log);
		worker->log = NULL;
		errno = error;
		return -1;
	}
	worker->guard = guard;
	worker->state = WORKER_RUNNING;
	worker->was_told = false;
	worker->run = (struct restart_run){ .started_ns = now_ns };
	diag_verbose("%s is process %d", worker->name, (int)worker->pid);
	return 0;
}

void worker_tell(struct worker *worker, int signal)
{
	worker->was_told = true;
	guard_signal(worker->guard, worker->pid, signal, false);
}

/* It has made itself leader of its group before it was executed. */
void worker_kill(struct worker *worker)
{
	worker->was_told = true;
	guard_signal(worker->guard, worker->pid, SIGKILL, true);
}

/* ---------------------------------------------------------------- its end */

static void say_end(struct worker *worker, const struct guard_end *end)
{
	char lines[512], how[64];
	const char *last = log_last_lines(worker->log, lines, sizeof(lines));
	const char *signal;

	if (end->code == CLD_EXITED) {
		snprintf(how, sizeof(how), "ended with exit code %d", end->status);
	} else {
		signal = sigabbrev_np(end->status);
		snprintf(how, sizeof(how), "was killed by signal %d (%s)", end->status,
			 signal ? signal : "real-time");
	}
	diag_warn("%s %s%s%s%s", worker->name, how, *last ? ", last it said \"" : "", last,
		  *last ? "\"" : "");
}

static void note_end(struct worker *worker, const struct guard_end *end)
{
	if (end->code == CLD_EXITED) {
		worker->exit_code = end->status;
		worker->run.ending = restart_ending(worker->side == SIDE_PRODUCER, end->status);
	} else {
		worker->exit_code = 0;
		worker->run.ending = ENDING_BAD;
	}
	if (worker->run.ending != ENDING_GOOD && !worker->was_told)
		say_end(worker, end);
}

void worker_end(struct worker *worker, const struct guard_end *end, uint64_t now_ns)
{
	worker->run.ended_ns = now_ns;
	note_end(worker, end);
	log_release(worker->log);
	worker->log = NULL;
	worker->state = WORKER_DEAD;
}
