/*
 * main.c - launcher: reads its options, has them checked, opens the ring, runs the line, leaves the
 * ring, sums up.
 */
#include <bsd/libutil.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/diag.h"
#include "src/base/exitcode.h"
#include "src/launcher/dryrun.h"
#include "src/launcher/line.h"
#include "src/launcher/listen.h"
#include "src/launcher/orders.h"
#include "src/launcher/preflight.h"
#include "src/launcher/settings.h"
#include "src/launcher/summary.h"
#include "src/launcher/supervisor.h"
#include "src/launcher/view.h"

/*
 * Whoever started us without one of the standard descriptors must not get a pipe in its place. What
 * stands for standard input can't be read, so that a source that wants it says so.
 */
static void open_standard(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 &&
		    open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDWR) < 0)
			return;
}

static int make_log_dir(const char *dir)
{
	if (mkdir(dir, 0777) == 0 || (errno == EEXIST && access(dir, W_OK | X_OK) == 0))
		return 0;
	diag_error("--log-dir: cannot use \"%s\": %s", dir, strerror(errno));
	return EXIT_CANT_CREATE;
}

/* The account comes before the ring goes, the last line after. */
static int finish(struct line *line, const struct settings *settings, struct report *report)
{
	int code;

	if (!report->is_damaged)
		summary_take_stock(report, line->ring);
	code = summary_exit_code(report);
	if (report->is_damaged)
		line_abandon(line);
	else
		line_close(line, settings, report->stats.left);
	if (summary_print(report, settings, line->name) < 0 && code == 0)
		code = EXIT_IO;
	return code;
}

static int open_listener(const struct settings *settings, struct listener **listener)
{
	struct listen_address address;

	if (!settings->listen || listen_parse(settings->listen, &address) < 0)
		return 0;
	return listen_open(listener, &address);
}

static int run_teams(struct line *line, const struct settings *settings, const struct teams *teams)
{
	struct supervisor *supervisor;
	struct report report = { .failure = 0 };
	struct view *view = NULL;
	struct listener *listener = NULL;
	int code = settings->watch ? view_open(&view, settings->color != COLOR_NEVER && !getenv("NO_COLOR")) : 0;

	if (code)
		return code;
	supervisor = supervisor_create(settings, teams);
	code = supervisor ? open_listener(settings, &listener) : EXIT_SYSTEM;
	if (code == 0)
		code = line_open(line, settings);
	if (code == 0)
		supervisor_run(supervisor, line->ring, &report, &(struct views){ view, listener });
	listen_close(listener);
	view_close(view);
	if (code == 0) {
		code = finish(line, settings, &report);
	}
	/* Last, since until then signals must not end us halfway. */
	if (supervisor)
		supervisor_free(supervisor);
	return code;
}

static int check_and_run(struct line *line, const struct settings *settings, const struct teams *teams)
{
	int code = preflight(teams);

	if (code == 0 && settings->log_dir)
		code = make_log_dir(settings->log_dir);
	return code ? code : run_teams(line, settings, teams);
}

static int open_and_run(struct line *line, const struct settings *settings, struct teams *teams)
{
	int code = teams_open_input(teams);

	if (code != 0)
		return code;
	code = check_and_run(line, settings, teams);
	teams_close_input(teams);
	return code;
}

static int check_only(const struct settings *settings, const struct teams *teams)
{
	int code = preflight(teams);

	if (code == 0)
		diag_info("%s: %llu producers, %llu consumers", settings->config,
			  (unsigned long long)settings->producers, (unsigned long long)settings->consumers);
	return code;
}

static int run_as_asked(struct line *line, const struct settings *settings)
{
	struct orders orders;
	struct teams teams;
	int code;

	if (orders_init(&orders, settings, line->name) < 0)
		diag_die(EXIT_SYSTEM, "cannot find the programs: %s", strerror(errno));
	if (teams_init(&teams, &orders) < 0)
		diag_die(EXIT_SYSTEM, "no memory");
	if (settings->only_check)
		code = check_only(settings, &teams);
	else
		code = settings->dry_run ? dryrun_show(&teams) : open_and_run(line, settings, &teams);
	teams_free(&teams);
	orders_free(&orders);
	return code;
}

/* What only root may do comes before it is root no longer. NULL in *file: there is none. */
static int take_pidfile(const struct settings *settings, struct pidfh **file)
{
	pid_t other;

	*file = NULL;
	if (!settings->pidfile || settings->dry_run || settings->only_check)
		return 0;
	*file = pidfile_open(settings->pidfile, 0644, &other);
	if (*file && pidfile_write(*file) == 0)
		return 0;
	if (errno == EEXIST)
		diag_error("--pidfile: \"%s\" belongs to process %d, which runs", settings->pidfile, (int)other);
	else
		diag_error("--pidfile: cannot use \"%s\": %s", settings->pidfile, strerror(errno));
	return errno == EEXIST ? EXIT_NO_RING : EXIT_CANT_CREATE;
}

static int begin(struct line *line, const struct settings *settings)
{
	struct pidfh *pidfile;
	int code = take_pidfile(settings, &pidfile);

	if (code == 0 && settings->user)
		code = user_become(settings->user);
	if (code == 0)
		code = run_as_asked(line, settings);
	if (pidfile)
		pidfile_remove(pidfile);
	return code;
}

int main(int argc, char **argv)
{
	static struct settings settings;	/* for good: what it points to is never freed */
	struct line line;
	int code;

	open_standard();
	diag_init("launcher");
	diag_catch_damage();
	settings_read(&settings, argc, argv);
	line_choose_name(&line, &settings);
	code = begin(&line, &settings);
	return code;
}
