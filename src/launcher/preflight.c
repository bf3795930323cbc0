/* preflight.c - see preflight.h. */
#include "src/launcher/preflight.h"

#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/base/child.h"
#include "src/base/diag.h"
#include "src/base/exitcode.h"

/* Widgets and the log sink can't be wrong: the plain line starts without a check. */
static bool needs_check(const struct settings *settings, enum side side)
{
	if (side == SIDE_PRODUCER)
		return settings->producers > 0 && strcmp(settings->source, "widgets") != 0;
	return settings->consumers > 0 && (settings->command || settings->sink || settings->worker ||
					   settings->joblog || settings->dead);
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

static int check(const struct orders *orders, enum side side)
{
	char **argv = orders_for_check(orders, side);
	struct child_spec spec = {
		.argv = argv, .in = -1, .out = -1, .err = -1, .keep = -1, .die_with_parent = true,
	};
	pid_t pid = argv ? child_start(&spec, NULL) : -1;
	int code;

	if (pid < 0) {
		code = child_exit_code(errno);
		diag_error("cannot run %s: %s", orders->programs[side], strerror(errno));
	} else {
		code = wait_for(pid, orders->programs[side]);
	}
	orders_free_argv(argv);
	return code;
}

int preflight(const struct orders *orders)
{
	int code = 0;

	for (enum side side = SIDE_PRODUCER; code == 0 && side <= SIDE_CONSUMER; side++)
		if (needs_check(orders->settings, side))
			code = check(orders, side);
	return code;
}
