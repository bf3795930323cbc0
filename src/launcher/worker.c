/* worker.c - see worker.h. */
#include "src/launcher/worker.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/base/child.h"
#include "src/base/diag.h"

int worker_init(struct worker *worker, const struct orders *orders, enum side side, unsigned number,
		const struct restart_rules *rules)
{
	*worker = (struct worker){ .side = side, .number = number };
	snprintf(worker->name, sizeof(worker->name), "%s %u", side_name(side), number);
	worker->argv = orders_for_worker(orders, side, number);
	if (!worker->argv)
		return -1;
	if (restart_history_create(&worker->history, rules) < 0) {
		orders_free_argv(worker->argv);
		return -1;
	}
	return 0;
}

void worker_free(struct worker *worker)
{
	orders_free_argv(worker->argv);
	restart_history_free(&worker->history);
}

int worker_start(struct worker *worker, struct logs *logs, int in, uint64_t now_ns)
{
	struct child_spec spec = {
		.argv = worker->argv,
		.in = in,
		.keep = -1,
		.new_session = true,
		.die_with_parent = true,
	};
	int error;

	worker->log = logs_add(logs, worker->name, &spec.out, &spec.err);
	if (!worker->log)
		return -1;
	worker->pid = child_start(&spec, NULL);
	error = errno;
	close(spec.out);
	close(spec.err);
	if (worker->pid < 0) {
		log_release(worker->log);
		worker->log = NULL;
		errno = error;
		return -1;
	}
	worker->state = WORKER_RUNNING;
	worker->was_told = false;
	worker->run = (struct restart_run){ .started_ns = now_ns };
	diag_verbose("%s is process %d", worker->name, (int)worker->pid);
	return 0;
}

void worker_tell(struct worker *worker, int signal)
{
	worker->was_told = true;
	kill(worker->pid, signal);
}

/* It has made itself leader of its group before it was executed, and as long as we have not waited for
   it the group is its own. */
void worker_kill(struct worker *worker)
{
	worker->was_told = true;
	kill(-worker->pid, SIGKILL);
}

/* ---------------------------------------------------------------- its end */

static void say_end(struct worker *worker, const siginfo_t *info)
{
	char line[256], how[64];
	const char *last = log_last_line(worker->log, line, sizeof(line));
	const char *signal;

	if (info->si_code == CLD_EXITED) {
		snprintf(how, sizeof(how), "ended with exit code %d", info->si_status);
	} else {
		signal = sigabbrev_np(info->si_status);
		snprintf(how, sizeof(how), "was killed by signal %d (%s)", info->si_status,
			 signal ? signal : "real-time");
	}
	diag_warn("%s %s%s%s%s", worker->name, how, *last ? ", last line \"" : "", last,
		  *last ? "\"" : "");
}

static void note_end(struct worker *worker, const siginfo_t *info)
{
	if (info->si_code == CLD_EXITED) {
		worker->exit_code = info->si_status;
		worker->run.ending = restart_ending(worker->side == SIDE_PRODUCER, info->si_status);
	} else {
		worker->exit_code = 0;
		worker->run.ending = ENDING_BAD;
	}
	if (worker->run.ending != ENDING_GOOD && !worker->was_told)
		say_end(worker, info);
}

void worker_reap(struct worker *worker, uint64_t now_ns)
{
	siginfo_t info = { .si_pid = 0 };

	kill(-worker->pid, SIGKILL);
	waitid(P_PID, (id_t)worker->pid, &info, WEXITED);
	worker->run.ended_ns = now_ns;
	note_end(worker, &info);
	log_release(worker->log);
	worker->log = NULL;
	worker->state = WORKER_DEAD;
}
