/*
 * bar.h - the progress bar of --bar: one line at the bottom of the terminal that is standard error,
 * drawn again and again, and out of the way whenever a line is written. Anywhere else it does nothing.
 */
#ifndef SHMLINE_LAUNCHER_BAR_H
#define SHMLINE_LAUNCHER_BAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ring_stats;

/* What the bar shows. */
struct bar_reading {
	uint64_t done, total;	/* items; total 0: not known (yet) */
	uint64_t in_flight, dead;
	double rate;		/* items done in a second, lately; below 0: not known yet */
};

/* The line, without control characters, at most `columns` wide. Returns its length. Pure. */
size_t bar_text(const struct bar_reading *reading, unsigned columns, char *out, size_t size);

/* From now on, if standard error is a terminal. */
void bar_start(const struct ring_stats *stats, uint64_t now_ns);

/* Draw it, unless the terminal is somebody else's just now. `total` as in the reading. */
void bar_draw(const struct ring_stats *stats, uint64_t total, uint64_t now_ns);

/* Take it away, since something else is about to be written. Drawn again by the next bar_draw(). */
void bar_hide(void);

/* Take it away for good. */
void bar_stop(void);

#endif
