/*
 * verb_top.c - the live view of a ring. What a key asks for is done as by hand: a signal to the launcher, or
 * the stop flag.
 */
#include "src/ringctl/verb.h"
#include "shm/ring.h"
#include "src/base/diag.h"
#include "src/base/exitcode.h"
#include "src/ringctl/reading.h"
#include "src/view/screen.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FRAME_MS 250
#define COST_SHARE 50	/* a look may cost a fiftieth of a core */

struct top {
	const char *name;
	struct screen screen;
	struct snapshot snapshot;
	struct history history;
	bool has_seen, asks_stop;
	int code;
};

static volatile sig_atomic_t ended_by;

static void note_end(int signal)
{
	ended_by = signal;
}

static void catch_ends(void)
{
	static const int ends[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	struct sigaction action = { .sa_handler = note_end };

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		(void)sigaction(ends[i], &action, NULL);
}

/* ------------------------------------------------------------------ looking */

/* A stopped launcher has stopped its line. */
static bool is_stopped(pid_t pid)
{
	char path[32], text[256];
	const char *end;
	size_t n;
	FILE *file;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	file = pid ? fopen(path, "re") : NULL;
	if (file == NULL)
		return false;
	n = fread(text, 1, sizeof(text) - 1, file);
	(void)fclose(file);
	text[n] = '\0';
	end = strrchr(text, ')');
	return end != NULL && strncmp(end, ") T", 3) == 0;
}

/* Opened anew each time: a ring that was made again is not mistaken for what it was. */
static bool look(struct top *top)
{
	struct ring *ring = ring_open(top->name, RING_OBSERVER, 0);
	int result = ring ? snapshot_take(ring, &top->snapshot) : -1;

	ring_close(ring);
	if (result == -1)
		return false;
	top->has_seen = true;
	top->screen.is_paused = is_stopped(top->snapshot.reading.launcher);
	history_note(&top->history, &top->snapshot);
	return true;
}

/* ------------------------------------------------------------------ keys */

static void tell_launcher(struct top *top, int signal, const char *done)
{
	pid_t launcher = top->snapshot.reading.launcher;

	if (launcher == 0)
		screen_say(&top->screen, "no launcher is attached that could do it");
	else if (kill(launcher, signal) == -1)
		screen_say(&top->screen, "launcher %d: %s", (int)launcher, strerror(errno));
	else
		screen_say(&top->screen, "launcher %d: %s", (int)launcher, done);
}

static void raise_flag(struct top *top)
{
	/* A consumer too many is noticed by nobody. */
	struct ring *ring = ring_open(top->name, RING_CONSUMER, 0);

	if (ring == NULL) {
		screen_say(&top->screen, "cannot open the ring: %s", strerror(errno));
		return;
	}
	ring_stop(ring, RING_STOP_SOFT, RING_CAUSE_USER);
	(void)ring_close_last(ring);
	screen_say(&top->screen, "the stop flag is up: what is left is drained");
}

/* false: enough. */
static bool on_key(struct top *top, int key)
{
	bool asked = top->asks_stop;

	top->asks_stop = false;
	if (screen_key(&top->screen, key))
		return true;
	switch (key) {
	case 'q':
		return false;
	case 'p':
		if (top->screen.is_paused)
			tell_launcher(top, SIGCONT, "the line goes on");
		else
			tell_launcher(top, SIGTSTP, "the line pauses");
		break;
	case '+':
		tell_launcher(top, SIGUSR1, "one consumer more");
		break;
	case '-':
		tell_launcher(top, SIGUSR2, "one consumer fewer");
		break;
	case 'x':
		top->asks_stop = true;
		screen_say(&top->screen, "raise the stop flag? y: yes");
		break;
	case 'y':
		if (asked)
			raise_flag(top);
		break;
	default:
		break;
	}
	return true;
}

/* ------------------------------------------------------------------ the loop */

static int frame_ms(const struct top *top)
{
	uint64_t needed_ms = top->snapshot.cost_ns * COST_SHARE / 1000000;

	return needed_ms > FRAME_MS ? (int)needed_ms : FRAME_MS;
}

static bool handle_keys(struct top *top)
{
	int key;

	while ((key = terminal_key()) != -1)
		if (!on_key(top, key))
			return false;
	return true;
}

/* Until it is enough, or the ring is gone. */
static void watch(struct top *top)
{
	uint64_t next_ns = 0;

	while (!ended_by) {
		struct pollfd keys = { .fd = terminal_fd(), .events = POLLIN };
		uint64_t now_ns = ring_now_ns();

		if (now_ns >= next_ns) {
			if (!look(top))
				return;
			next_ns = ring_now_ns() + (uint64_t)frame_ms(top) * 1000000;
		}
		screen_draw(&top->screen, top->name, &top->snapshot, &top->history);
		now_ns = ring_now_ns();
		(void)poll(&keys, 1, now_ns < next_ns ? (int)((next_ns - now_ns) / 1000000) + 1 : 0);
		if (keys.revents & (POLLHUP | POLLERR))
			return;
		if (!handle_keys(top)) {
			errno = 0;
			return;
		}
	}
	errno = 0;
}

static int say_end(const struct top *top, int error)
{
	if (error == 0)
		return ended_by ? 128 + ended_by : EXIT_OK;
	if (error == ENOENT && top->has_seen) {
		diag_info("ring \"%s\" is gone", top->name);
		return EXIT_OK;
	}
	errno = error;
	return diag_ring_error("read", top->name, ring_why());
}

static bool wants_color(void)
{
	const char *no_color = getenv("NO_COLOR");

	return no_color == NULL || *no_color == '\0';
}

static int top_run(const struct settings *settings, char **operands, int n)
{
	struct top top = { .name = operands[0] };
	int code = EXIT_OK, error;
	struct ring *ring;

	(void)n;
	if (settings->json) {	/* as a live view for programs */
		char second[] = "1", *watched[] = { operands[0], second };

		return verb_stat.run(settings, watched, 2);
	}
	top.screen.keys = "s sort  p pause  + - consumer  x stop  q quit";
	top.screen.keys_short = "s sort p pause +- consumer x stop q quit";
	ring = reading_open(top.name, RING_OBSERVER, &code);
	if (ring == NULL)
		return code;
	ring_close(ring);
	catch_ends();
	if (terminal_open(&top.screen.terminal, wants_color(), -1) == -1)
		diag_die(EXIT_BAD_USAGE, "top: expected a terminal that can move its cursor, and TERM "
					 "to name it");
	watch(&top);
	error = errno;
	terminal_close();
	snapshot_free(&top.snapshot);
	history_free(&top.history);
	return say_end(&top, error);
}

static const struct option_entry top_options[] = {
	OPTION_JSON,
	{ .name = NULL },
};

const struct verb verb_top = {
	.name = "top",
	.operands = "NAME",
	.help = "watch a ring live",
	.options = top_options,
	.operands_min = 1,
	.operands_max = 1,
	.run = top_run,
};
