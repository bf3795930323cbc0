/*
 * supervisor.c - see supervisor.h. One event loop; it never waits for a worker, for a reader of its
 * output, or for the ring. What can be decided by a function of its arguments is decided in restart.c
 * and verdict.c; here is what follows from it.
 */
#include "src/launcher/supervisor.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shm/ring.h"
#include "src/base/child.h"
#include "src/base/diag.h"
#include "src/base/exitcode.h"
#include "src/base/quantity.h"
#include "src/launcher/crew.h"
#include "src/launcher/kin.h"
#include "src/launcher/logs.h"
#include "src/launcher/verdict.h"

#define NS_PER_S UINT64_C(1000000000)
#define NS_PER_MS UINT64_C(1000000)

/* How often the ring is swept, and looked at for a flag that somebody else has raised. */
#define TICK_NS (250 * NS_PER_MS)

/* The kernel gives up a dead worker's proof of life before it reports the death, unless something that
   shared its memory, a child between fork and exec, ends a moment later. Then we look again. */
#define LOOK_AGAIN_NS (5 * NS_PER_MS)
#define LOOK_LIMIT_NS NS_PER_S

/* Descriptors besides the two that each worker's log takes. */
#define FILES_SPARE 32

/*
 *	RUNNING --all is made | INT, TERM | an item's flag | a side is gone--> DRAINING
 *	DRAINING --second INT, TERM | --drain-timeout | mode now--> STOPPING: TERM is sent
 *	STOPPING --third INT, TERM--> KILLING: KILL is sent (--kill-after sends it to each that stays)
 *	any --QUIT | the ring is damaged--> KILLING
 *	any --the last worker is gone, and where others consume, the ring is drained--> DONE
 */
enum state { RUNNING, DRAINING, STOPPING, KILLING, DONE };

struct supervisor {
	const struct settings *settings;
	const struct input *input;
	int null_fd;			/* standard input of consumers */
	struct event_base *base;
	struct event *signals[NSIG];
	struct event *tick, *drain_timer;
	struct logs *logs;
	struct ring *ring;
	struct crew crew;
	struct report *report;
	enum state state;
	unsigned stops;			/* INT and TERM so far */
	bool forsakes_output;		/* its reader may never come: don't wait */
};

static void arm(struct event *timer, uint64_t after_ns)
{
	const struct timeval after = {
		.tv_sec = (time_t)(after_ns / NS_PER_S),
		.tv_usec = (suseconds_t)(after_ns % NS_PER_S / 1000),
	};

	evtimer_add(timer, &after);
}

/* ---------------------------------------------------------------- from state to state */

/* A worker that has not started yet need not. KILL follows for one that doesn't go. */
static void tell_to_end(struct supervisor *sv, struct worker *worker)
{
	if (worker->state == WORKER_WAITING)
		worker->state = WORKER_GONE;
	worker->was_told = true;
	if (worker->state != WORKER_RUNNING)
		return;
	worker_tell(worker, SIGTERM);
	arm(worker->timer, sv->settings->kill_after_ns);
}

/*
 * Shut the producers out and let the consumers finish. The flag alone is not enough: a producer may be
 * waiting for its input.
 */
static void begin_draining(struct supervisor *sv, enum ring_stop_cause cause)
{
	if (sv->state >= DRAINING)
		return;
	sv->state = DRAINING;
	ring_stop(sv->ring, RING_STOP_SOFT, cause);
	ring_hold(sv->ring, false);
	for (size_t i = 0; i < sv->crew.count; i++)
		if (sv->crew.workers[i].side == SIDE_PRODUCER)
			tell_to_end(sv, &sv->crew.workers[i]);
	if (sv->settings->drain_timeout_ns != SETTING_NONE)
		arm(sv->drain_timer, sv->settings->drain_timeout_ns);
}

/* From now on nothing is published or taken, and what is in workers' hands goes back. */
static void begin_stopping(struct supervisor *sv, enum ring_stop_cause cause)
{
	if (sv->state >= STOPPING)
		return;
	sv->state = STOPPING;
	ring_stop(sv->ring, RING_STOP_NOW, cause);
	ring_hold(sv->ring, false);
	for (size_t i = 0; i < sv->crew.count; i++)
		tell_to_end(sv, &sv->crew.workers[i]);
}

static void begin_killing(struct supervisor *sv, enum ring_stop_cause cause)
{
	if (sv->state >= KILLING)
		return;
	begin_stopping(sv, cause);
	sv->state = KILLING;
	for (size_t i = 0; i < sv->crew.count; i++)
		if (sv->crew.workers[i].state == WORKER_RUNNING)
			worker_kill(&sv->crew.workers[i]);
}

static void note_damage(struct supervisor *sv)
{
	if (!sv->report->is_damaged)
		diag_ring_error("go on with", ring_name(sv->ring), ring_why());
	sv->report->is_damaged = true;
	begin_killing(sv, RING_CAUSE_FAILURE);
}

/* An item may have raised the flag, or ringctl. */
static void follow_flag(struct supervisor *sv)
{
	enum ring_stop_mode mode = ring_stopped(sv->ring);

	if (mode != RING_STOP_NONE)
		begin_draining(sv, ring_stop_cause(sv->ring));
	if (mode == RING_STOP_NOW)
		begin_stopping(sv, ring_stop_cause(sv->ring));
}

/* A side of which nobody is left ends the line. */
static void follow_sides(struct supervisor *sv)
{
	bool has_failed = sv->report->failure || sv->report->gave_up;

	if (sv->state != RUNNING)
		return;
	if (sv->settings->producers > 0 && crew_count(&sv->crew, SIDE_PRODUCER) == 0)
		begin_draining(sv, has_failed ? RING_CAUSE_FAILURE : RING_CAUSE_END);
	else if (sv->settings->consumers > 0 && crew_count(&sv->crew, SIDE_CONSUMER) == 0 &&
		 !ring_is_drained(sv->ring))
		begin_draining(sv, RING_CAUSE_FAILURE);
}

/* Where no consumer is ours, the line ends when others have drained it. */
static bool is_over(struct supervisor *sv)
{
	if (crew_count(&sv->crew, SIDE_PRODUCER) + crew_count(&sv->crew, SIDE_CONSUMER) > 0)
		return false;
	return sv->settings->consumers > 0 || sv->state >= STOPPING || ring_is_drained(sv->ring);
}

/* After anything that may have changed the state of the run. */
static void review(struct supervisor *sv)
{
	if (sv->state < STOPPING)
		follow_flag(sv);
	follow_sides(sv);
	if (is_over(sv))
		sv->state = DONE;
}

/* ---------------------------------------------------------------- a worker's end, and its next start */

static void settle(struct supervisor *sv, struct worker *worker);

/* The first start must succeed, or the line is not what was asked for. */
static void note_start_failure(struct worker *worker, uint64_t now_ns)
{
	bool is_first = worker->run.started_ns == 0;

	worker->exit_code = child_exit_code(errno);
	diag_error("cannot start %s: %s", worker->name, strerror(errno));
	worker->run = (struct restart_run){
		.ending = is_first ? ENDING_FINAL : ENDING_BAD,
		.started_ns = now_ns,
		.ended_ns = now_ns,
	};
	worker->was_told = false;
	worker->state = WORKER_DEAD;
}

static void start(struct supervisor *sv, struct worker *worker)
{
	int in = worker->side == SIDE_PRODUCER ? sv->input->fd : sv->null_fd;
	uint64_t now_ns = ring_now_ns();

	if (worker_start(worker, sv->logs, in, now_ns) == 0)
		return;
	note_start_failure(worker, now_ns);
	settle(sv, worker);
}

static bool find_member(struct ring *ring, pid_t pid, struct ring_member *member)
{
	for (uint32_t i = 1; i <= ring_member_limit(ring); i++)
		if (ring_member(ring, i, member) == 1 && member->pid == pid)
			return true;
	return false;
}

/* Is there still work for one that has ended? The line may have moved on since it started. */
static bool is_wanted(struct supervisor *sv, const struct worker *worker)
{
	if (worker->was_told && !worker->is_replaced)
		return false;
	if (sv->state == RUNNING)
		return true;
	return sv->state == DRAINING && worker->side == SIDE_CONSUMER &&
	       worker->run.ending != ENDING_GOOD && !ring_is_drained(sv->ring);
}

static void give_up(struct supervisor *sv, struct worker *worker)
{
	worker->state = WORKER_GONE;
	if (worker->run.ending == ENDING_FINAL) {
		sv->report->failure = verdict_worse(sv->report->failure, worker->exit_code);
		return;
	}
	sv->report->gave_up = true;
	if (sv->settings->restart.policy == RESTART_NEVER)
		diag_warn("%s is given up: it is never started again", worker->name);
	else
		diag_warn("%s is given up: %u restarts were too many for --restart-limit", worker->name,
			  sv->settings->restart.limit);
}

static void start_later(struct supervisor *sv, struct worker *worker, uint64_t delay_ns)
{
	char delay[16];

	if (worker->side == SIDE_PRODUCER && !sv->input->can_go_back)
		diag_warn("%s starts again; what it had read and not published is lost", worker->name);
	diag_verbose("%s starts again in %s", worker->name,
		     quantity_show_duration(delay, sizeof(delay), delay_ns));
	sv->report->restarts++;
	worker->state = WORKER_WAITING;
	arm(worker->timer, delay_ns);
}

static void decide(struct supervisor *sv, struct worker *worker)
{
	double random01 = arc4random() / 4294967296.0;
	uint64_t delay_ns;

	switch (restart_decide(&sv->settings->restart, &worker->history, &worker->run, random01,
			       &delay_ns)) {
	case RESTART_AGAIN:
		start_later(sv, worker, delay_ns);
		return;
	case RESTART_DONE:
		worker->state = WORKER_GONE;
		return;
	case RESTART_GIVE_UP:
		give_up(sv, worker);
		return;
	}
}

static void replace_next(struct supervisor *sv);

/* Its items are back in the ring: what becomes of the worker? */
static void settle(struct supervisor *sv, struct worker *worker)
{
	bool was_replaced = worker->is_replaced, goes_on = is_wanted(sv, worker);

	worker->is_replaced = false;
	if (goes_on && was_replaced)
		start(sv, worker);
	else if (goes_on)
		decide(sv, worker);
	else if (worker->run.ending == ENDING_FINAL && !worker->was_told)
		give_up(sv, worker);
	else
		worker->state = WORKER_GONE;
	if (was_replaced)
		replace_next(sv);
	review(sv);
}

/* Put back what it held, once the kernel has given it up. */
static void recover(struct supervisor *sv, struct worker *worker)
{
	struct ring_member member;
	uint64_t since_ns = ring_now_ns() - worker->run.ended_ns;

	if (ring_recover(sv->ring, worker->pid) < 0 && errno == EBADMSG)
		note_damage(sv);
	else if (since_ns < LOOK_LIMIT_NS && find_member(sv->ring, worker->pid, &member))
		arm(worker->timer, LOOK_AGAIN_NS);
	else
		settle(sv, worker);
	if (sv->report->is_damaged)
		worker->state = WORKER_GONE;
}

static void end(struct supervisor *sv, struct worker *worker)
{
	struct ring_member member;

	evtimer_del(worker->timer);
	worker_reap(worker, ring_now_ns());
	if (worker->run.ending != ENDING_GOOD) {
		kin_kill_orphans(worker->pid);
		if (find_member(sv->ring, worker->pid, &member))
			worker->run.made_progress = member.acked + member.published > 0;
	}
	recover(sv, worker);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
	struct worker *worker = context;
	struct supervisor *sv = worker->supervisor;

	(void)fd;
	(void)what;
	switch (worker->state) {
	case WORKER_WAITING:
		start(sv, worker);
		return;
	case WORKER_RUNNING:
		diag_warn("%s has not ended within --kill-after of TERM: killed", worker->name);
		worker_kill(worker);
		return;
	case WORKER_DEAD:
		recover(sv, worker);
		return;
	case WORKER_GONE:
		return;
	}
}

/* ---------------------------------------------------------------- the crew at work */

static struct worker *add_worker(struct supervisor *sv, enum side side)
{
	struct worker *worker = crew_add(&sv->crew, side);

	if (!worker)
		return NULL;
	if (!worker->timer) {
		worker->supervisor = sv;
		worker->timer = evtimer_new(sv->base, on_timer, worker);
	}
	if (!worker->timer)
		diag_die(EXIT_SYSTEM, "no memory for %s", worker->name);
	return worker;
}

static void start_side(struct supervisor *sv, enum side side, uint64_t n)
{
	for (uint64_t i = 0; i < n && sv->state == RUNNING; i++) {
		struct worker *worker = add_worker(sv, side);

		if (!worker)
			diag_die(EXIT_SYSTEM, "no memory for a %s", side_name(side));
		start(sv, worker);
		if (worker->state != WORKER_RUNNING)
			begin_draining(sv, RING_CAUSE_FAILURE);
	}
}

/* The next one goes when the successor of the one before is there. */
static void replace_next(struct supervisor *sv)
{
	struct worker *next = NULL;

	for (size_t i = sv->crew.count; i-- > 0;) {
		struct worker *worker = &sv->crew.workers[i];

		if (worker->is_replaced)
			return;
		if (worker->is_due && worker->state == WORKER_RUNNING)
			next = worker;
	}
	if (!next || sv->state != RUNNING)
		return;
	next->is_due = false;
	next->is_replaced = true;
	worker_tell(next, next->side == SIDE_CONSUMER ? SIGUSR1 : SIGTERM);
}

/* ---------------------------------------------------------------- signals */

/* What it had started may now be an orphan in turn, of a worker that has died. */
static void bury_orphan(struct supervisor *sv, pid_t pid)
{
	pid_t session = getsid(pid);
	siginfo_t info;

	waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG);
	if (crew_was_session(&sv->crew, session))
		kin_kill_orphans(session);
}

static void reap(struct supervisor *sv, int signal)
{
	siginfo_t info;

	(void)signal;
	for (;;) {
		struct worker *worker;

		/* WNOWAIT: a worker's process group must end before its pid is free. */
		info.si_pid = 0;
		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == 0)
			return;
		worker = crew_find(&sv->crew, info.si_pid);
		if (worker)
			end(sv, worker);
		else
			bury_orphan(sv, info.si_pid);
	}
}

static void stop(struct supervisor *sv, int signal)
{
	const char *name = sigabbrev_np(signal);

	sv->stops++;
	if (sv->state == RUNNING)
		diag_info("SIG%s: no more is published, what there is is drained", name);
	else if (sv->state == DRAINING && sv->stops == 1)
		diag_info("SIG%s: the line is draining; once more to stop it at once", name);
	if (sv->stops > 1 && sv->state < DONE)
		sv->report->ended_by = signal;
	if (sv->stops == 1)
		begin_draining(sv, RING_CAUSE_USER);
	else if (sv->stops == 2)
		begin_stopping(sv, RING_CAUSE_USER);
	else
		begin_killing(sv, RING_CAUSE_USER);
	sv->forsakes_output = sv->stops > 2;
}

static void quit(struct supervisor *sv, int signal)
{
	if (sv->state < DONE)
		sv->report->ended_by = signal;
	sv->forsakes_output = true;
	begin_killing(sv, RING_CAUSE_USER);
}

/* The whole line stands still with the launcher, and goes on with it. */
static void pause_line(struct supervisor *sv, int signal)
{
	(void)signal;
	kin_signal(crew_is_session, &sv->crew, SIGSTOP);
	raise(SIGSTOP);
	kin_signal(crew_is_session, &sv->crew, SIGCONT);
}

static void replace_all(struct supervisor *sv, int signal)
{
	(void)signal;
	if (sv->settings->producers > 0 && !sv->input->can_go_back)
		diag_warn("SIGHUP: producers are not replaced, their input can't be read again");
	for (size_t i = 0; i < sv->crew.count; i++) {
		struct worker *worker = &sv->crew.workers[i];

		worker->is_due = worker->side == SIDE_CONSUMER || sv->input->can_go_back;
	}
	replace_next(sv);
}

static void add_consumer(struct supervisor *sv, int signal)
{
	struct worker *worker = sv->state < STOPPING ? add_worker(sv, SIDE_CONSUMER) : NULL;

	(void)signal;
	if (!worker) {
		diag_warn("SIGUSR1: no room for another consumer");
		return;
	}
	start(sv, worker);
	diag_info("SIGUSR1: one consumer more, %zu now", crew_count(&sv->crew, SIDE_CONSUMER));
}

static void drop_consumer(struct supervisor *sv, int signal)
{
	struct worker *last = NULL;
	size_t n = 0;

	(void)signal;
	for (size_t i = 0; i < sv->crew.count; i++) {
		struct worker *worker = &sv->crew.workers[i];

		if (worker->side == SIDE_CONSUMER && worker->state == WORKER_RUNNING &&
		    !worker->was_told) {
			last = worker;
			n++;
		}
	}
	if (n < 2) {
		diag_warn("SIGUSR2: the last consumer stays");
		return;
	}
	worker_tell(last, SIGUSR1);
	diag_info("SIGUSR2: one consumer fewer, %zu now", n - 1);
}

static const struct {
	int signal;
	void (*react)(struct supervisor *sv, int signal);
} reactions[] = {
	{ .signal = SIGCHLD, .react = reap },	       { .signal = SIGINT, .react = stop },
	{ .signal = SIGTERM, .react = stop },	       { .signal = SIGQUIT, .react = quit },
	{ .signal = SIGTSTP, .react = pause_line },    { .signal = SIGHUP, .react = replace_all },
	{ .signal = SIGUSR1, .react = add_consumer },  { .signal = SIGUSR2, .react = drop_consumer },
};
#define REACTIONS (sizeof(reactions) / sizeof(reactions[0]))

static void on_signal(evutil_socket_t signal, short what, void *context)
{
	struct supervisor *sv = context;

	(void)what;
	for (size_t i = 0; i < REACTIONS; i++)
		if (reactions[i].signal == signal)
			reactions[i].react(sv, signal);
	review(sv);
}

/* ---------------------------------------------------------------- other events */

static void on_tick(evutil_socket_t fd, short what, void *context)
{
	struct supervisor *sv = context;

	(void)fd;
	(void)what;
	if (!sv->report->is_damaged) {
		ring_sweep(sv->ring);
		if (ring_recover(sv->ring, 0) < 0 && errno == EBADMSG)
			note_damage(sv);
	}
	review(sv);
}

static void on_drain_timeout(evutil_socket_t fd, short what, void *context)
{
	struct supervisor *sv = context;

	(void)fd;
	(void)what;
	diag_warn("the drain has taken --drain-timeout: workers are told to stop");
	begin_stopping(sv, RING_CAUSE_FAILURE);
}

/* Without standard output the work is for nobody. Other lines may go missing. */
static void on_broken_output(const char *which, int error, void *context)
{
	struct supervisor *sv = context;

	diag_error("cannot write to %s: %s", which, strerror(error));
	sv->report->failure = verdict_worse(sv->report->failure, EXIT_IO);
	begin_draining(sv, RING_CAUSE_FAILURE);
}

/* ---------------------------------------------------------------- the run */

/* Two descriptors a worker, three with a log file. */
static int raise_file_limit(const struct settings *settings)
{
	rlim_t needed = 3 * (settings->producers + settings->consumers) + FILES_SPARE;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= needed)
		return 0;
	if (limit.rlim_max < needed) {
		diag_error("%llu workers need %llu open files, the limit is %llu (ulimit -n)",
			   (unsigned long long)(settings->producers + settings->consumers),
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

static int listen_to_signals(struct supervisor *sv)
{
	for (size_t i = 0; i < REACTIONS; i++) {
		int signal = reactions[i].signal;

		sv->signals[signal] = evsignal_new(sv->base, signal, on_signal, sv);
		if (!sv->signals[signal] || evsignal_add(sv->signals[signal], NULL) < 0)
			return -1;
	}
	return signal(SIGPIPE, SIG_IGN) == SIG_ERR ? -1 : 0;
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
	bool is_nul = settings->is_null && settings->sink && strcmp(settings->sink, "stdout") == 0;
	const struct logs_options options = {
		.dir = settings->log_dir,
		.tag = settings->tag,
		.color_out = wants_color(settings, STDOUT_FILENO),
		.color_err = wants_color(settings, STDERR_FILENO),
		.terminator = is_nul ? '\0' : '\n',
		.line_max = settings->item_max_bytes + 65536,
		.broken = on_broken_output,
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
	return listen_to_signals(sv);
}

struct supervisor *supervisor_create(const struct settings *settings, const struct input *input)
{
	struct supervisor *sv = calloc(1, sizeof(*sv));

	if (!sv)
		diag_die(EXIT_SYSTEM, "no memory");
	sv->settings = settings;
	sv->input = input;
	sv->null_fd = -1;
	if (raise_file_limit(settings) < 0) {
		supervisor_free(sv);
		return NULL;
	}
	if (prepare(sv) < 0) {
		diag_error("cannot prepare the run: %s", strerror(errno));
		supervisor_free(sv);
		return NULL;
	}
	return sv;
}

/* Nothing outlives the run, and what was written has been passed on. */
static bool can_leave(struct supervisor *sv)
{
	if (sv->state != DONE || kin_kill_orphans(0) > 0)
		return false;
	return sv->forsakes_output || logs_are_done(sv->logs);
}

void supervisor_run(struct supervisor *sv, struct ring *ring, const struct orders *orders,
		    struct report *report)
{
	sv->ring = ring;
	sv->report = report;
	report->started_ns = ring_now_ns();
	if (crew_init(&sv->crew, orders) < 0)
		diag_die(EXIT_SYSTEM, "no memory for the workers");
	arm(sv->tick, TICK_NS);
	start_side(sv, SIDE_PRODUCER, sv->settings->producers);
	start_side(sv, SIDE_CONSUMER, sv->settings->consumers);
	while (!can_leave(sv))
		event_base_loop(sv->base, EVLOOP_ONCE);
	report->ended_ns = ring_now_ns();
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
	logs_close(sv->logs);
	for (int signal = 1; signal < NSIG; signal++)
		free_event(sv->signals[signal]);
	free_event(sv->tick);
	free_event(sv->drain_timer);
	if (sv->base)
		event_base_free(sv->base);
	if (sv->null_fd >= 0)
		close(sv->null_fd);
	free(sv);
}
