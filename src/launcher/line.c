/* line.c - see line.h. */
#include "src/launcher/line.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "src/base/diag.h"
#include "src/base/exitcode.h"

/* How long --resume waits for the workers of a launcher that has just been killed: the kernel kills
   them with it, and is done within milliseconds unless the machine is overloaded. */
#define TAKE_UP_NS UINT64_C(1000000000)
#define TAKE_UP_STEP_NS 5000000L

void line_choose_name(struct line *line, const struct settings *settings)
{
	*line = (struct line){ .has_own_name = !settings->ring };
	if (settings->ring)
		snprintf(line->name, sizeof(line->name), "%s", settings->ring);
	else
		snprintf(line->name, sizeof(line->name), "run-%d-%08x", (int)getpid(), arc4random());
}

static int say_failure(const char *verb, const struct line *line)
{
	return diag_ring_error(verb, line->name, ring_why());
}

/* Without producers of its own the line is open as long as producers from outside are there. */
static int attach(struct line *line, const struct settings *settings)
{
	unsigned roles = RING_LAUNCHER | (settings->producers > 0 ? RING_HOLDER : 0);

	line->ring = ring_open(line->name, roles, 0);
	return line->ring ? 0 : say_failure("open", line);
}

/* Lines for a stream go together: only a COMMAND that answers nothing takes them so. */
static bool makes_parcels(const struct settings *settings)
{
	return settings->section_count == 0 && settings->worker && strcmp(settings->worker, "stream") == 0;
}

static int make(const struct line *line, const struct settings *settings)
{
	const struct ring_options options = {
		.slots = (uint32_t)settings->slots,
		.item_max = (uint32_t)settings->item_max_bytes,
		.members = settings_members(settings),
		.has_parcels = makes_parcels(settings),
		.terminator = settings->is_null ? '\0' : '\n',
	};

	return ring_create(line->name, &options);
}

/* ---------------------------------------------------------------- a ring that is there already */

struct found {
	struct ring_stats stats;
	unsigned living;		/* members */
	pid_t launcher;			/* that lives; 0: none */
};

static int look(const struct line *line, struct found *found)
{
	struct ring *ring = ring_open(line->name, RING_OBSERVER, 0);
	struct ring_member member;
	int result;

	*found = (struct found){ .living = 0 };
	if (!ring)
		return -1;
	result = ring_stats(ring, &found->stats);
	for (uint32_t i = 1; result == 0 && i <= ring_member_limit(ring); i++) {
		if (ring_member(ring, i, &member) != 1 || !member.is_alive)
			continue;
		found->living++;
		if (member.roles & RING_LAUNCHER)
			found->launcher = member.pid;
	}
	ring_close(ring);
	return result;
}

/* --resume and joining alike: the ring's sizes were fixed when it was made. */
static int check_room(const struct line *line, const struct settings *settings)
{
	uint64_t needed = settings->producers + settings->consumers + 1;

	if (ring_member_limit(line->ring) < needed) {
		diag_error("cannot use ring \"%s\": it has room for %u processes, expected %llu",
			   line->name, ring_member_limit(line->ring), (unsigned long long)needed);
		return EXIT_NO_RING;
	}
	return 0;
}

static int refuse_leftover(const struct line *line, const struct found *found)
{
	diag_error("ring \"%s\" is left from an earlier run, with %llu items in it: "
		   "go on with it by --resume, or remove it by \"ringctl rm%s %s\"",
		   line->name, (unsigned long long)found->stats.left,
		   found->stats.left > 0 ? " --force" : "", line->name);
	return EXIT_CANT_CREATE;
}

/* Somebody has made it before: producers or consumers who wait for a launcher, or one who is gone. */
static int join(struct line *line, const struct settings *settings)
{
	struct found found;
	int code;

	if (look(line, &found) < 0)
		return say_failure("open", line);
	if (found.launcher) {
		diag_error("ring \"%s\" is in use by launcher %d: expected another name", line->name,
			   (int)found.launcher);
		return EXIT_NO_RING;
	}
	if (found.living == 0)
		return refuse_leftover(line, &found);
	code = attach(line, settings);
	return code ? code : check_room(line, settings);
}

/* Lower the flag that the earlier run may have raised; wait for its workers to be gone. */
static int restart(struct line *line)
{
	const struct timespec step = { .tv_nsec = TAKE_UP_STEP_NS };
	uint64_t deadline_ns = ring_now_ns() + TAKE_UP_NS;

	while (ring_recover(line->ring, 0) < 0 || ring_restart(line->ring) < 0) {
		if (errno != EBUSY)
			return say_failure("take up", line);
		if (ring_now_ns() >= deadline_ns) {
			if (ring_stopped(line->ring) == RING_STOP_NONE)
				return 0;	/* others work on it, and may go on */
			diag_error("cannot take up ring \"%s\": it is being drained by others",
				   line->name);
			return EXIT_NO_RING;
		}
		nanosleep(&step, NULL);
	}
	return 0;
}

static int take_up(struct line *line, const struct settings *settings)
{
	struct ring_stats stats;
	int code = attach(line, settings);

	if (code == 0)
		code = check_room(line, settings);
	if (code == 0)
		code = restart(line);
	if (code == 0 && ring_stats(line->ring, &stats) == 0)
		diag_info("takes up ring \"%s\" with %llu items in it", line->name,
			  (unsigned long long)stats.left);
	return code;
}

int line_open(struct line *line, const struct settings *settings)
{
	int code;

	if (settings->resume)
		code = take_up(line, settings);
	else if (make(line, settings) == 0)
		code = attach(line, settings);
	else
		code = errno == EEXIST ? join(line, settings) : say_failure("create", line);
	if (code && line->ring) {
		ring_close(line->ring);
		line->ring = NULL;
	}
	return code;
}

/* ---------------------------------------------------------------- the end */

void line_close(struct line *line, const struct settings *settings, uint64_t left)
{
	if (left > 0)
		diag_warn("ring \"%s\" keeps the %llu items that are left: go on with them by "
			  "--ring %s --resume, or drop them by \"ringctl rm --force %s\"",
			  line->name, (unsigned long long)left, line->name, line->name);
	if (left > 0 || settings->keep)
		ring_close(line->ring);
	else
		ring_close_last(line->ring);
	line->ring = NULL;
}

void line_abandon(struct line *line)
{
	ring_close(line->ring);
	line->ring = NULL;
	if (line->has_own_name && ring_unlink(line->name, true) < 0)
		say_failure("remove", line);
}
