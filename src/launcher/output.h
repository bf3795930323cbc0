/*
 * output.h - where workers' lines end: the launcher's own standard output or error, or a log file
 * that is rotated. Writing never waits; what doesn't fit is kept, and whoever brings lines is told to
 * hold back until it is gone.
 */
#ifndef SHMLINE_LAUNCHER_OUTPUT_H
#define SHMLINE_LAUNCHER_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event_base;
struct output;

struct output_events {
	/* All that was kept is written: bring more. */
	void (*drained)(struct output *output, void *context);
	/* It can't be written any more (errno `error`). Said once; what comes from now on is dropped. */
	void (*broken)(struct output *output, int error, void *context);
	/* Something is about to be written. NULL: nobody wants to know. */
	void (*writes)(void);
	void *context;
};

/* Write to `fd`, which stays the caller's. NULL with errno. */
struct output *output_to_fd(struct event_base *base, int fd, const struct output_events *events);

struct output_rotation {
	uint64_t bytes;		/* at which a file is rotated */
	unsigned files;		/* old ones that are kept */
};

/* Append to a file, which is rotated to path.1, path.2, ... as it grows. NULL with errno. */
struct output *output_to_file(struct event_base *base, const char *path,
			      const struct output_rotation *rotation,
			      const struct output_events *events);

/* Frees it; lines that are still kept are lost. NULL is allowed. */
void output_close(struct output *output);

/* Add bytes; they are written by the next output_flush(). 0, or -1 without memory. */
int output_add(struct output *output, const void *bytes, size_t len);

/* Write as much as goes without waiting. The rest follows by itself from the event loop. */
void output_flush(struct output *output);

/* How many bytes are kept. */
size_t output_kept(const struct output *output);

/* Is something kept? Then bring nothing more. */
bool output_is_full(const struct output *output);

#endif
