/*
 * bar.c - see bar.h. Blanks wipe it out, so that any terminal will do. A terminal that takes nothing
 * just now (^S) is not waited for.
 */
#include "src/launcher/bar.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "shm/ring.h"
#include "src/base/diag.h"
#include "src/base/quantity.h"
#include "src/base/text.h"

#define NS_PER_S UINT64_C(1000000000)
#define COLUMNS_DEFAULT 80
#define COLUMNS_MAX 512
#define GAUGE_MAX 20			/* cells of the gauge */
#define RATE_WINDOW_NS (5 * NS_PER_S)	/* the rate is that of one to two of them: a guess */
#define RATE_MIN_NS (NS_PER_S / 2)	/* less tells nothing */

/* ---------------------------------------------------------------- the text */

static void add_gauge(struct text *text, double part, unsigned cells)
{
	unsigned full = (unsigned)(part * cells);

	text_add(text, " [");
	for (unsigned i = 0; i < cells; i++)
		text_add(text, "%s", i < full ? "#" : " ");
	text_add(text, "]");
}

static void add_numbers(struct text *text, const struct bar_reading *reading)
{
	char left[16];

	if (reading->rate >= 0)
		text_add(text, reading->rate < 10 ? ", %.1f/s" : ", %.0f/s", reading->rate);
	text_add(text, ", %llu in flight, %llu dead", (unsigned long long)reading->in_flight,
		 (unsigned long long)reading->dead);
	if (reading->total > reading->done && reading->rate > 0) {
		double seconds = (double)(reading->total - reading->done) / reading->rate;

		if (seconds < 1e9)
			text_add(text, ", %s left",
				 quantity_show_duration(left, sizeof(left),
							(uint64_t)(seconds + 0.5) * NS_PER_S));
	}
}

size_t bar_text(const struct bar_reading *reading, unsigned columns, char *out, size_t size)
{
	char numbers[160];
	struct text head = { .out = out, .size = size }, tail = { .out = numbers, .size = sizeof(numbers) };

	add_numbers(&tail, reading);
	text_add(&head, "%llu", (unsigned long long)reading->done);
	if (reading->total > 0) {
		double part = (double)reading->done / (double)reading->total;
		unsigned room;

		part = part < 1 ? part : 1;
		text_add(&head, " of %llu done, %u%%", (unsigned long long)reading->total,
			 (unsigned)(part * 100));
		room = (unsigned)(head.used + tail.used) + 3;
		if (columns > room + 4)
			add_gauge(&head, part, columns - room < GAUGE_MAX ? columns - room : GAUGE_MAX);
	} else {
		text_add(&head, " done");
	}
	text_add(&head, "%s", numbers);
	if (head.used > columns)
		head.used = columns;
	if (head.used >= size)
		head.used = size - 1;
	out[head.used] = '\0';
	return head.used;
}

/* ---------------------------------------------------------------- the terminal */

static struct {
	int fd;				/* -1: there is no bar */
	size_t shown;			/* characters that stand there */
	uint64_t began_done;		/* what was done before the run */
	struct point { uint64_t ns, done; } older, newer;	/* what the rate is reckoned from */
} bar = { .fd = -1 };

static uint64_t done_of(const struct ring_stats *stats)
{
	return stats->acked + stats->dead + stats->dropped;
}

void bar_start(const struct ring_stats *stats, uint64_t now_ns)
{
	if (!isatty(STDERR_FILENO))
		return;
	/* O_NONBLOCK belongs to the open file, which others share: so it is opened once more. */
	bar.fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (bar.fd < 0)
		return;
	bar.began_done = done_of(stats);
	bar.older = bar.newer = (struct point){ .ns = now_ns };
	diag_before_line(bar_hide);
}

static void put(const char *text, size_t len)
{
	if (write(bar.fd, text, len) < 0)
		return;		/* it takes nothing: then nothing is shown */
}

void bar_hide(void)
{
	char line[COLUMNS_MAX + 2];

	if (bar.fd < 0 || bar.shown == 0)
		return;
	memset(line, ' ', sizeof(line));
	line[0] = line[bar.shown + 1] = '\r';
	put(line, bar.shown + 2);
	bar.shown = 0;
}

void bar_stop(void)
{
	bar_hide();
	if (bar.fd >= 0)
		close(bar.fd);
	bar.fd = -1;
}

static unsigned columns(void)
{
	struct winsize size;
	unsigned wide = ioctl(bar.fd, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;

	/* The last column stays free: some terminals move on when it is written. */
	wide = (wide > 0 ? wide : COLUMNS_DEFAULT) - 1;
	return wide < COLUMNS_MAX ? wide : COLUMNS_MAX;
}

static double rate(uint64_t done, uint64_t now_ns)
{
	if (now_ns - bar.newer.ns >= RATE_WINDOW_NS) {
		bar.older = bar.newer;
		bar.newer = (struct point){ .ns = now_ns, .done = done };
	}
	if (now_ns - bar.older.ns < RATE_MIN_NS)
		return -1;
	return (double)(done - bar.older.done) * 1e9 / (double)(now_ns - bar.older.ns);
}

/* In the background of its shell it would write over what is in the foreground. */
static bool is_foreground(void)
{
	pid_t group = tcgetpgrp(bar.fd);

	return group < 0 || group == getpgrp();
}

void bar_draw(const struct ring_stats *stats, uint64_t total, uint64_t now_ns)
{
	uint64_t done = done_of(stats) - bar.began_done;
	char text[COLUMNS_MAX + 2] = "\r";
	struct bar_reading reading;
	size_t len;

	if (bar.fd < 0 || !is_foreground())
		return;
	reading = (struct bar_reading){
		.done = done,
		.total = total > bar.began_done ? total - bar.began_done : 0,
		.in_flight = stats->in_flight,
		.dead = stats->dead,
		.rate = rate(done, now_ns),
	};
	bar_hide();
	len = bar_text(&reading, columns(), text + 1, sizeof(text) - 1);
	put(text, len + 1);
	bar.shown = len;
}
