/* view.c - see view.h. Keys do what signals do. */
#include "src/launcher/view.h"

#include <errno.h>
#include <event2/event.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/base/diag.h"
#include "src/base/exitcode.h"
#include "src/launcher/guard.h"
#include "src/launcher/kin.h"
#include "src/launcher/run.h"
#include "src/launcher/view_capture.h"
#include "src/view/screen.h"

/* Of what was written meanwhile, what is seen at the end: messages, and some of the items' lines. */
#define KEEP_MESSAGES (64 << 10)
#define KEEP_OUTPUT (4 << 10)

struct view {
	struct screen screen;
	struct capture out, err;
	struct supervisor *sv;
	struct event *frame, *keys;
	bool asks_stop;
};

int view_open(struct view **out, bool wants_color)
{
	struct view *view = calloc(1, sizeof(*view));

	if (!view)
		diag_die(EXIT_SYSTEM, "no memory");
	view->out.before = view->out.memory = view->err.before = view->err.memory = -1;
	if (capture_begin(&view->out, STDOUT_FILENO) < 0 || capture_begin(&view->err, STDERR_FILENO) < 0) {
		int error = errno;

		view_close(view);
		diag_error("--watch: cannot keep what is written meanwhile: %s", strerror(error));
		return EXIT_SYSTEM;
	}
	if (terminal_open(&view->screen.terminal, wants_color, view->err.memory) < 0) {
		view_close(view);
		diag_error("--watch: expected a terminal that can move its cursor, and TERM to name it");
		return EXIT_BAD_USAGE;
	}
	view->screen.keys = "s sort  p pause  + - consumer  x stop  q drain and quit";
	view->screen.keys_short = "s sort p pause +- consumer x stop q quit";
	*out = view;
	return 0;
}

void view_close(struct view *view)
{
	if (!view)
		return;
	terminal_close();
	capture_end(&view->out, KEEP_OUTPUT);
	capture_end(&view->err, KEEP_MESSAGES);
	free(view);
}

/* ---------------------------------------------------------------- keys */

static void pause_workers(struct view *view, bool pause)
{
	if (view->screen.is_paused == pause)
		return;
	view->screen.is_paused = pause;
	kin_signal(guard_pid(view->sv->guard), pause ? SIGSTOP : SIGCONT);
}

static void act(struct view *view, int key)
{
	bool asked = view->asks_stop;

	view->asks_stop = false;
	switch (key) {
	case 'p':
		pause_workers(view, !view->screen.is_paused);
		break;
	case '+':
		(void)raise(SIGUSR1);
		break;
	case '-':
		(void)raise(SIGUSR2);
		break;
	case 'x':
		view->asks_stop = true;
		screen_say(&view->screen, "raise the stop flag? y: yes");
		break;
	case 'y':
		if (asked)
			ring_stop(view->sv->ring, RING_STOP_SOFT, RING_CAUSE_USER);
		break;
	case 'q':
		(void)raise(SIGINT);
		screen_say(&view->screen, "what is left is drained; q again: stop at once");
		break;
	default:
		break;
	}
}

/* ---------------------------------------------------------------- frames */

/* A terminal that is held up, by ^S or by a slow line, must not hold up the run. */
static bool can_write(void)
{
	struct pollfd out = { .fd = terminal_fd(), .events = POLLOUT };

	return poll(&out, 1, 0) == 1 && (out.revents & POLLOUT);
}

static void draw(struct view *view)
{
	struct supervisor *sv = view->sv;
	struct view_look *look = view_look(sv);

	capture_show(&view->out, &view->screen);
	capture_show(&view->err, &view->screen);
	if (look && can_write())
		screen_draw(&view->screen, ring_name(sv->ring), &look->snapshot, &look->history);
}

/* Was there one? */
static bool take_keys(struct view *view)
{
	bool has_any = false;
	int key;

	while ((key = terminal_key()) != -1) {
		has_any = true;
		if (!screen_key(&view->screen, key))
			act(view, key);
	}
	return has_any;
}

static void on_frame(evutil_socket_t fd, short what, void *context)
{
	struct view *view = context;

	(void)fd;
	(void)what;
	/* A line that ends must be able to. */
	if (view->sv->state != RUNNING)
		pause_workers(view, false);
	(void)take_keys(view);	/* a new size comes as one, without being heard of */
	draw(view);
	run_arm(view->frame, VIEW_FRAME_NS);
}

static void on_key(evutil_socket_t fd, short what, void *context)
{
	struct view *view = context;

	(void)fd;
	(void)what;
	/* Readable, but nothing to read: the terminal is gone. The run goes on without it. */
	if (!take_keys(view)) {
		struct pollfd in = { .fd = terminal_fd(), .events = POLLIN };

		if (poll(&in, 1, 0) == 1 && (in.revents & (POLLHUP | POLLERR)))
			event_del(view->keys);
	}
	draw(view);
	course_review(view->sv);
}

void view_begin(struct view *view, struct supervisor *sv)
{
	sv->view = view;
	if (!view)
		return;
	view->sv = sv;
	view->frame = evtimer_new(sv->base, on_frame, view);
	view->keys = event_new(sv->base, terminal_fd(), EV_READ | EV_PERSIST, on_key, view);
	if (!view->frame || !view->keys || event_add(view->keys, NULL) < 0)
		diag_die(EXIT_SYSTEM, "no memory for the view");
	on_frame(-1, 0, view);
}

void view_end(struct view *view)
{
	if (!view)
		return;
	view->sv->view = NULL;
	event_free(view->frame);
	event_free(view->keys);
}

void view_suspend(struct view *view)
{
	if (view)
		terminal_suspend();
}

void view_resume(struct view *view)
{
	if (view)
		terminal_resume();
}
