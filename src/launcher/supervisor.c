/*
 * supervisor.c - see supervisor.h. One event loop; it never waits for a worker, for a reader of its
 * output, or for the ring.
 */
#include "src/launcher/supervisor.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include "src/base/diag.h"
#include "src/base/exitcode.h"
#include "src/launcher/bar.h"
#include "src/launcher/kin.h"
#include "src/launcher/listen.h"
#include "src/launcher/notify.h"
#include "src/launcher/run.h"
#include "src/launcher/verdict.h"

#define NS_PER_S UINT64_C(1000000000)

/* How often the ring is swept, and looked at for a flag that somebody else has raised. */
#define TICK_NS UINT64_C(250000000)

/* Descriptors besides those that each worker's log takes. */
#define FILES_SPARE 32

void run_arm(struct event *timer, uint64_t after_ns)
{
	const struct timeval after = {
		.tv_sec = (time_t)(after_ns / NS_PER_S),
		.tv_usec = (suseconds_t)(after_ns % NS_PER_S / 1000),
	};

	evtimer_add(timer, &after);
}

/* ---------------------------------------------------------------- events */

/* Generated items are counted beforehand; all others when the last producer has left. */
static uint64_t items_in_all(const struct supervisor *sv, const struct ring_stats *stats)
{
	if (settings_source_is_generated(sv->settings) && sv->settings->items > 0)
		return sv->settings->items;
	return sv->settings->producers > 0 && crew_count(&sv->crew, SIDE_PRODUCER) == 0
		       ? stats->published : 0;
}

static void show_bar(const struct supervisor *sv)
{
	struct ring_stats stats;

	if (sv->settings->bar && !sv->report->is_damaged && ring_stats(sv->ring, &stats) == 0)
		bar_draw(&stats, items_in_all(sv, &stats), ring_now_ns());
}

static const char *status(struct supervisor *sv, char *text, size_t size)
{
	static const char *const names[] = {
		[RUNNING] = "running", [DRAINING] = "draining", [STOPPING] = "stopping",
		[KILLING] = "killing", [DONE] = "done",
	};
	struct ring_stats stats = { .published = 0 };

	if (!sv->report->is_damaged)
		(void)ring_stats(sv->ring, &stats);
	snprintf(text, size, "%s: %zu producers, %zu consumers; published %llu, done %llu, left %llu",
		 names[sv->state], crew_count(&sv->crew, SIDE_PRODUCER), crew_count(&sv->crew, SIDE_CONSUMER),
		 (unsigned long long)stats.published,
		 (unsigned long long)(stats.acked + stats.dead + stats.dropped), (unsigned long long)stats.left);
	return text;
}

static void tell_manager(struct supervisor *sv)
{
	char text[160];

	if (sv->notifier)
		notify_tell(sv->notifier, ring_now_ns(), sv->state == RUNNING ? NOTIFY_READY : NOTIFY_STOPPING,
			    status(sv, text, sizeof(text)));
}

static void on_tick(evutil_socket_t fd, short what, void *context)
{
	struct supervisor *sv = context;

	(void)fd;
	(void)what;
	if (!sv->report->is_damaged) {
		ring_sweep(sv->ring);
		if (ring_recover(sv->ring, 0) < 0 && errno == EBADMSG)
			course_note_damage(sv);
	}
	scaler_look(sv);
	course_review(sv);
	tell_manager(sv);
	show_bar(sv);
}

static void on_drain_timeout(evutil_socket_t fd, short what, void *context)
{
	struct supervisor *sv = context;

	(void)fd;
	(void)what;
	if (sv->state == DRAINING)
		diag_warn("the drain has taken --drain-timeout: workers are told to stop");
	course_stop(sv, RING_CAUSE_FAILURE);
}

/* Without standard output the work is for nobody. */
static void on_broken_output(int error, void *context)
{
	struct supervisor *sv = context;

	diag_error("cannot write to standard output: %s", strerror(error));
	sv->report->failure = verdict_worse(sv->report->failure, EXIT_IO);
	course_drain(sv, RING_CAUSE_FAILURE);
}

/* ---------------------------------------------------------------- the run */

/* Two descriptors a worker, three with a log file. */
static int raise_file_limit(const struct settings *settings)
{
	bool is_scaled = settings_are_scaled(settings);
	uint64_t workers = settings->producers +
			   (is_scaled ? settings->consumers_max : settings->consumers);
	rlim_t needed = 3 * workers + FILES_SPARE + (settings->listen ? LISTEN_CONNECTIONS : 0);
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= needed)
		return 0;
	if (limit.rlim_max < needed) {
		diag_error("%llu workers need %llu open files, the limit is %llu (ulimit -n)",
			   (unsigned long long)workers,
			   (unsigned long long)needed, (unsigned long long)limit.rlim_max);
		return -1;
	}
	limit.rlim_cur = needed;
	return setrlimit(RLIMIT_NOFILE, &limit);
}

static struct event_base *new_base(void)
{
	struct event_config *config = event_config_new();
	struct event_base *base = NULL;

	if (config) {
		event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_IGNORE_ENV);
		base = event_base_new_with_config(config);
		event_config_free(config);
	}
	return base;
}

static bool wants_color(const struct settings *settings, int fd)
{
	if (settings->color != COLOR_AUTO)
		return settings->color == COLOR_ALWAYS;
	return !getenv("NO_COLOR") && isatty(fd);
}

static struct logs *new_logs(struct supervisor *sv)
{
	const struct settings *settings = sv->settings;
	const struct logs_options options = {
		.dir = settings->log_dir,
		.rotation = { .bytes = settings->log_bytes, .files = (unsigned)settings->log_files },
		.tag = settings->tag,
		.color_out = wants_color(settings, STDOUT_FILENO),
		.color_err = wants_color(settings, STDERR_FILENO),
		.terminator = settings_output_is_nul(settings) ? '\0' : '\n',
		.has_lengths = settings_output_has_lengths(settings),
		.line_max = settings->item_max_bytes + 65536,
		.out_broken = on_broken_output,
		.writes = bar_hide,
		.context = sv,
	};

	return logs_open(sv->base, &options);
}

static int prepare(struct supervisor *sv)
{
	sv->null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	sv->base = new_base();
	if (sv->null_fd < 0 || !sv->base)
		return -1;
	sv->tick = event_new(sv->base, -1, EV_PERSIST, on_tick, sv);
	sv->drain_timer = evtimer_new(sv->base, on_drain_timeout, sv);
	if (!sv->tick || !sv->drain_timer)
		return -1;
	sv->logs = new_logs(sv);
	if (!sv->logs || kin_adopt() < 0)
		return -1;
	return signals_listen(sv);
}

struct supervisor *supervisor_create(const struct settings *settings, const struct teams *teams)
{
	struct supervisor *sv = calloc(1, sizeof(*sv));

	if (!sv)
		diag_die(EXIT_SYSTEM, "no memory");
	sv->settings = settings;
	sv->teams = teams;
	sv->null_fd = -1;
	sv->notifier = notify_open();
	if (raise_file_limit(settings) < 0) {
		supervisor_free(sv);
		return NULL;
	}
	if (prepare(sv) < 0) {
		diag_error("cannot prepare the run: %s", strerror(errno));
		supervisor_free(sv);
		return NULL;
	}
	if (guarding_begin(sv) < 0) {
		supervisor_free(sv);
		return NULL;
	}
	return sv;
}

static void start_team(struct supervisor *sv, const struct team *team)
{
	for (uint64_t i = 0; i < team->count && sv->state == RUNNING; i++) {
		struct worker *worker = keeper_add(sv, team);

		if (!worker)
			diag_die(EXIT_SYSTEM, "no memory for a %s", side_name(team->side));
		keeper_start(sv, worker);
		if (worker->state != WORKER_RUNNING)
			course_drain(sv, RING_CAUSE_FAILURE);
	}
}

/* Nothing outlives the run, and what was written has been passed on. */
static bool can_leave(struct supervisor *sv)
{
	if (sv->state != DONE || !guarding_end(sv))
		return false;
	logs_end_common(sv->logs);
	return sv->forsakes_output || logs_are_done(sv->logs);
}

void supervisor_run(struct supervisor *sv, struct ring *ring, struct report *report,
		    const struct views *views)
{
	sv->ring = ring;
	sv->report = report;
	report->started_ns = ring_now_ns();
	if (scaler_begin(sv) < 0)
		diag_die(EXIT_SYSTEM, "no memory for scaling");
	if (crew_init(&sv->crew, sv->teams, sv->settings->producers + settings_consumers_max(sv->settings)) < 0)
		diag_die(EXIT_SYSTEM, "no memory for the workers");
	if (sv->settings->bar && ring_stats(ring, &report->stats) == 0)
		bar_start(&report->stats, report->started_ns);
	logs_take_messages(sv->logs, true);
	run_arm(sv->tick, TICK_NS);
	view_begin(views->view, sv);
	listen_begin(views->listener, sv);
	for (size_t i = 0; i < sv->teams->count; i++)
		start_team(sv, &sv->teams->list[i]);
	tell_manager(sv);
	while (!can_leave(sv))
		event_base_loop(sv->base, EVLOOP_ONCE);
	tell_manager(sv);
	bar_stop();
	view_end(views->view);
	report->ended_ns = ring_now_ns();
	scaler_end(sv);
	/* Who was told to end at once does not wait for a reader of its last words. */
	if (!sv->forsakes_output)
		logs_take_messages(sv->logs, false);
}

static void free_event(struct event *event)
{
	if (event)
		event_free(event);
}

void supervisor_free(struct supervisor *sv)
{
	for (size_t i = 0; i < sv->crew.count; i++)
		free_event(sv->crew.workers[i].timer);
	crew_free(&sv->crew);
	view_look_free(&sv->look);
	logs_close(sv->logs);
	for (int signal = 1; signal < NSIG; signal++)
		free_event(sv->signals[signal]);
	free_event(sv->tick);
	free_event(sv->drain_timer);
	free_event(sv->handover);
	free_event(sv->ends);
	guard_close(sv->guard);
	notify_close(sv->notifier);
	if (sv->base)
		event_base_free(sv->base);
	if (sv->null_fd >= 0)
		close(sv->null_fd);
	free(sv);
}
