/*
 * capture.h - what a run of COMMAND writes to one of its outputs: it goes into a nameless file in
 * $TMPDIR, as GNU parallel does it, and is passed on whole at the end of the run. So outputs of runs
 * side by side don't mix, and one that writes gigabytes takes no memory.
 */
#ifndef SHMLINE_CAPTURE_H
#define SHMLINE_CAPTURE_H

#include <stddef.h>
#include <sys/types.h>

struct capture {
	int fd;			/* for COMMAND to write to, at its end */
};

/* 0, or -1 with errno. */
int capture_open(struct capture *capture);
void capture_close(struct capture *capture);

/* Bytes that are in it. */
off_t capture_size(const struct capture *capture);

/* The last of it, at most `size` bytes. Returns how many. */
size_t capture_tail(const struct capture *capture, void *bytes, size_t size);

/* Write it to `fd`, kept together, and empty it. 0, or -1 with errno. */
int capture_pass(struct capture *capture, int fd);

/* Write a part of it to `fd`, kept together; the file system may have its room back. 0, or -1 with errno. */
int capture_pass_part(struct capture *capture, off_t at, off_t len, int fd);

/* Append what is in it to another, and empty it. 0, or -1 with errno. */
int capture_move(struct capture *capture, struct capture *to);

/* Empty it. */
void capture_drop(struct capture *capture);

#endif
