/*
 * dryrun.c - see dryrun.h. How records are told apart is the producers' knowledge, how they get into COMMAND
 * the consumers'; so one of each is started, a pipe between them, and no ring.
 */
#include "src/launcher/dryrun.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/base/child.h"
#include "src/base/diag.h"
#include "src/base/exitcode.h"

/* ------------------------------------------------------------------ producers and consumers */

static int show_workers(const struct team *team)
{
	uint64_t first = team->settings.first ? team->settings.first : 1;

	for (uint64_t i = 0; i < team->count; i++) {
		char **argv = orders_for_worker(&team->orders, team->side, (unsigned)(first + i));
		int result = argv ? orders_print(argv, STDOUT_FILENO) : -1;

		orders_free_argv(argv);
		if (result < 0)
			return EXIT_IO;
	}
	return 0;
}

static int show_teams(const struct teams *teams)
{
	int code = 0;

	for (size_t i = 0; i < teams->count && code == 0; i++)
		code = show_workers(&teams->list[i]);
	return code;
}

/* ------------------------------------------------------------------ runs of COMMAND */

/* What there is to show of COMMAND: nothing before its items are made, its runs, or the one that stays. */
enum form { NOTHING, RUNS, STAYS };

static enum form form_of(const struct teams *teams)
{
	const struct settings *source = &teams->list[0].settings;
	const struct settings *settings = &teams->list[teams->count - 1].settings;

	if (teams->count != 2 || !settings->command)
		return NOTHING;
	if (settings->worker && strcmp(settings->worker, "exec") != 0)
		return STAYS;
	if (teams->list[0].count == 0 || settings_source_is_generated(source) ||
	    strncmp(source->source, "exec:", 5) == 0)
		return NOTHING;
	return RUNS;
}

/* Its exit code. A signal that ended it is as good as told: it came from the terminal, or says itself why. */
static int wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return EXIT_SYSTEM;
	return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_BY_SIGNAL + WTERMSIG(status);
}

static pid_t start(const struct team *team, int in, int out)
{
	char **argv = orders_for_show(&team->orders, team->side), **envp = team_environment(team);
	struct child_spec spec = {
		.argv = argv, .envp = envp, .in = in, .out = out, .err = -1, .keep = -1,
		.die_with_parent = true, .manners = { .dir = team->settings.directory },
	};
	pid_t pid = argv && envp ? child_start(&spec, NULL) : -1;

	if (pid < 0)
		diag_error("cannot run %s: %s", team->orders.programs[team->side], strerror(errno));
	orders_free_argv(argv);
	free(envp);
	return pid;
}

static int show_runs(const struct team *producer, const struct team *consumer)
{
	int ends[2], code, shown;
	pid_t reads, shows;

	if (pipe2(ends, O_CLOEXEC) < 0) {
		diag_error("cannot make a pipe: %m");
		return EXIT_SYSTEM;
	}
	reads = start(producer, producer->input.fd, ends[1]);
	shows = reads < 0 ? -1 : start(consumer, ends[0], -1);
	close(ends[0]);
	close(ends[1]);
	code = reads < 0 ? EXIT_SYSTEM : wait_for(reads);
	if (shows < 0)
		return EXIT_SYSTEM;
	/* What is wrong with COMMAND is told first: who shows it reads nothing then. */
	shown = wait_for(shows);
	return shown != 0 ? shown : code;
}

static int show_process(const struct team *consumer)
{
	pid_t pid = start(consumer, -1, -1);

	return pid < 0 ? EXIT_SYSTEM : wait_for(pid);
}

int dryrun_show(struct teams *teams)
{
	enum form form = form_of(teams);
	int code;

	if (form == STAYS)
		return show_process(&teams->list[1]);
	if (form != RUNS)
		return show_teams(teams);
	code = teams_open_input(teams);
	if (code != 0)
		return code;
	code = show_runs(&teams->list[0], &teams->list[1]);
	teams_close_input(teams);
	return code;
}
