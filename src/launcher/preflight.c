/* preflight.c - see preflight.h. */
#include "src/launcher/preflight.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/base/child.h"
#include "src/base/diag.h"
#include "src/base/exitcode.h"

/* Widgets and the log sink can't be wrong: the plain line starts without a check. */
static bool needs_check(const struct team *team)
{
	const struct settings *settings = &team->settings;

	if (team->count == 0)
		return false;
	if (team->side == SIDE_PRODUCER)
		return strcmp(settings->source, "widgets") != 0;
	return settings->command || settings->sink || settings->worker || settings->joblog || settings->dead;
}

static int wait_for(pid_t pid, const char *program)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return EXIT_SYSTEM;
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	diag_error("%s --check was killed by signal %d", program, WTERMSIG(status));
	return EXIT_SYSTEM;
}

static int check(const struct team *team)
{
	const struct orders *orders = &team->orders;
	char **argv = orders_for_check(orders, team->side), **envp = team_environment(team);
	struct child_spec spec = {
		.argv = argv, .envp = envp, .in = -1, .out = -1, .err = -1, .keep = -1,
		.die_with_parent = true, .manners = { .dir = team->settings.directory },
	};
	pid_t pid = argv && envp ? child_start(&spec, NULL) : -1;
	int code;

	if (pid < 0) {
		code = child_exit_code(errno);
		diag_error("cannot run %s: %s", orders->programs[team->side], strerror(errno));
	} else {
		code = wait_for(pid, orders->programs[team->side]);
	}
	orders_free_argv(argv);
	free(envp);
	return code;
}

static int check_team(const struct team *team)
{
	int code = check(team);

	if (code != 0 && team->line > 0)
		diag_error("%s:%u: %s \"%s\" can't run so", team->settings.config, team->line,
			   side_name(team->side), team->name);
	return code;
}

int preflight(const struct teams *teams)
{
	int code = 0;

	for (size_t i = 0; code == 0 && i < teams->count; i++)
		if (needs_check(&teams->list[i]))
			code = check_team(&teams->list[i]);
	return code;
}
