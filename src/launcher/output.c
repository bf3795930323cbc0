/* output.c - see output.h. */
#include "src/launcher/output.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* A buffer that a long line has made bigger than this is not kept for the next. */
#define BUFFER_KEPT_BYTES (256u << 10)

/* Most bytes of one write. To a pipe it is PIPE_BUF, which is written whole or not at all, so that
   no line is cut in two while others write to the same pipe. */
#define WRITE_BYTES (64u << 10)

struct output {
	int fd;
	bool owns_fd, is_socket, is_broken;
	size_t write_bytes;
	char *buffer;
	size_t start, end, size;	/* what is kept lies from start to end */
	struct event *writable;
	struct output_events events;
	char *path;			/* of a file */
	struct output_rotation rotation;
	size_t file_bytes;
};

static void on_writable(evutil_socket_t fd, short what, void *context)
{
	struct output *output = context;

	(void)fd;
	(void)what;
	output_flush(output);
	if (!output_is_full(output))
		output->events.drained(output, output->events.context);
}

static struct output *output_new(struct event_base *base, int fd, const struct output_events *events)
{
	struct output *output = calloc(1, sizeof(*output));

	if (!output)
		return NULL;
	output->fd = fd;
	output->write_bytes = WRITE_BYTES;
	output->events = *events;
	output->writable = event_new(base, fd, EV_WRITE, on_writable, output);
	if (!output->writable) {
		free(output);
		errno = ENOMEM;
		return NULL;
	}
	return output;
}

/*
 * O_NONBLOCK belongs to the open file, which others share; so a pipe or terminal is opened once more
 * to be had without waiting. Returns `fd` itself where that is not possible.
 */
static int open_again(int fd, const struct stat *status)
{
	char path[32];
	int again;

	if (!S_ISFIFO(status->st_mode) && !(S_ISCHR(status->st_mode) && isatty(fd)))
		return fd;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return again < 0 ? fd : again;
}

struct output *output_to_fd(struct event_base *base, int fd, const struct output_events *events)
{
	struct output *output;
	struct stat status;
	int own;

	if (fstat(fd, &status) < 0)
		return NULL;
	own = open_again(fd, &status);
	output = output_new(base, own, events);
	if (!output) {
		if (own != fd)
			close(own);
		return NULL;
	}
	output->owns_fd = own != fd;
	output->is_socket = S_ISSOCK(status.st_mode);
	if (S_ISFIFO(status.st_mode))
		output->write_bytes = PIPE_BUF;
	return output;
}

void output_close(struct output *output)
{
	if (!output)
		return;
	event_free(output->writable);
	if (output->owns_fd)
		close(output->fd);
	free(output->buffer);
	free(output->path);
	free(output);
}

/* ---------------------------------------------------------------- files */

static int open_file(const char *path, size_t *bytes)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	struct stat status;

	if (fd < 0)
		return -1;
	*bytes = fstat(fd, &status) == 0 ? (size_t)status.st_size : 0;
	return fd;
}

struct output *output_to_file(struct event_base *base, const char *path,
			      const struct output_rotation *rotation,
			      const struct output_events *events)
{
	struct output *output;
	size_t bytes;
	int fd = open_file(path, &bytes);

	if (fd < 0)
		return NULL;
	output = output_new(base, fd, events);
	if (!output || !(output->path = strdup(path))) {
		output_close(output);
		close(fd);
		errno = ENOMEM;
		return NULL;
	}
	output->owns_fd = true;
	output->file_bytes = bytes;
	output->rotation = *rotation;
	return output;
}

/* path.2 becomes path.3, path.1 path.2, path path.1. Ages that don't exist yet are no error. */
static int shift_files(const char *path, unsigned kept)
{
	char from[PATH_MAX], to[PATH_MAX];

	if (kept == 0)
		return unlink(path);
	for (unsigned age = kept; age >= 1; age--) {
		int n = age == 1 ? snprintf(from, sizeof(from), "%s", path)
				 : snprintf(from, sizeof(from), "%s.%u", path, age - 1);

		if (n >= (int)sizeof(from) - 5)
			return -1;
		snprintf(to, sizeof(to), "%s.%u", path, age);
		if (rename(from, to) < 0 && errno != ENOENT)
			return -1;
	}
	return 0;
}

/* When it can't be rotated the old file grows on: lines come before limits. */
static void rotate(struct output *output)
{
	size_t bytes;
	int fd;

	if (shift_files(output->path, output->rotation.files) < 0 || (fd = open_file(output->path, &bytes)) < 0) {
		output->file_bytes = 0;
		return;
	}
	close(output->fd);
	output->fd = fd;
	output->file_bytes = bytes;
}

/* ---------------------------------------------------------------- writing */

size_t output_kept(const struct output *output)
{
	return output->end - output->start;
}

bool output_is_full(const struct output *output)
{
	return output_kept(output) > 0;
}

/* Make room for `len` bytes behind `end`. */
static int reserve(struct output *output, size_t len)
{
	size_t used = output->end - output->start, size = output->size ? output->size : 4096;
	char *buffer;

	if (output->size - output->end >= len)
		return 0;
	while (size - used < len)
		size *= 2;
	buffer = malloc(size);
	if (!buffer)
		return -1;
	if (used > 0)
		memcpy(buffer, output->buffer + output->start, used);
	free(output->buffer);
	output->buffer = buffer;
	output->size = size;
	output->start = 0;
	output->end = used;
	return 0;
}

int output_add(struct output *output, const void *bytes, size_t len)
{
	if (output->is_broken || len == 0)
		return 0;
	if (reserve(output, len) < 0)
		return -1;
	memcpy(output->buffer + output->end, bytes, len);
	output->end += len;
	return 0;
}

/* How much of `used` bytes the next write takes: whole lines if any fit into it. */
static size_t next_write(const struct output *output, const char *from, size_t used)
{
	const char *newline;

	if (used <= output->write_bytes)
		return used;
	newline = memrchr(from, '\n', output->write_bytes);
	return newline ? (size_t)(newline + 1 - from) : output->write_bytes;
}

/* One write that doesn't wait. EINTR needs no care: the loop writes again. */
static ssize_t write_some(const struct output *output)
{
	const char *from = output->buffer + output->start;
	size_t len = next_write(output, from, output->end - output->start);

	if (output->is_socket)
		return send(output->fd, from, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	return write(output->fd, from, len);
}

static void forget(struct output *output)
{
	output->start = output->end = 0;
	if (output->size > BUFFER_KEPT_BYTES) {
		free(output->buffer);
		output->buffer = NULL;
		output->size = 0;
	}
}

static void note_written(struct output *output, size_t n)
{
	output->start += n;
	if (!output->path)
		return;
	output->file_bytes += n;
	if (output->file_bytes >= output->rotation.bytes)
		rotate(output);
}

void output_flush(struct output *output)
{
	if (output_is_full(output) && output->events.writes)
		output->events.writes();
	while (output_is_full(output)) {
		ssize_t n = write_some(output);

		if (n >= 0) {
			note_written(output, (size_t)n);
		} else if (errno == EAGAIN) {
			event_add(output->writable, NULL);
			return;
		} else if (errno != EINTR) {
			output->is_broken = true;
			forget(output);
			output->events.broken(output, errno, output->events.context);
			return;
		}
	}
	forget(output);
}
