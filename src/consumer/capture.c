/*
 * capture.c - see capture.h. One file serves all runs of a consumer: what a process that COMMAND left
 * behind writes later comes with the output of a later run.
 */
#include "src/consumer/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/lineio.h"
#include "src/consumer/out.h"

/* A file with a name for a moment, where the file system knows none without. */
static int open_unlinked(const char *folder)
{
	char *path;
	int fd;

	if (asprintf(&path, "%s/shmline-XXXXXX", folder) < 0)
		return -1;
	fd = mkostemp(path, O_APPEND | O_CLOEXEC);
	if (fd >= 0)
		unlink(path);
	free(path);
	return fd;
}

int capture_open(struct capture *capture)
{
	const char *folder = getenv("TMPDIR");

	if (!folder || !*folder)
		folder = "/tmp";
	capture->fd = open(folder, O_TMPFILE | O_RDWR | O_APPEND | O_CLOEXEC, 0600);
	if (capture->fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR))
		capture->fd = open_unlinked(folder);
	return capture->fd < 0 ? -1 : 0;
}

void capture_close(struct capture *capture)
{
	close(capture->fd);
}

off_t capture_size(const struct capture *capture)
{
	struct stat status;

	return fstat(capture->fd, &status) < 0 ? 0 : status.st_size;
}

static ssize_t read_at(int fd, void *bytes, size_t size, off_t at)
{
	ssize_t n;

	do
		n = pread(fd, bytes, size, at);
	while (n < 0 && errno == EINTR);
	return n;
}

size_t capture_tail(const struct capture *capture, void *bytes, size_t size)
{
	off_t all = capture_size(capture);
	off_t from = all > (off_t)size ? all - (off_t)size : 0;
	ssize_t n = all > 0 ? read_at(capture->fd, bytes, size, from) : 0;

	return n > 0 ? (size_t)n : 0;
}

/* `len` bytes from `at` on, or to the end. */
static int copy(int from, off_t at, off_t len, int to)
{
	char bytes[64 * 1024];

	while (len > 0) {
		size_t size = len < (off_t)sizeof(bytes) ? (size_t)len : sizeof(bytes);
		ssize_t n = read_at(from, bytes, size, at);

		if (n <= 0)
			return (int)n;
		if (write_all(to, bytes, (size_t)n) < 0)
			return -1;
		at += n;
		len -= n;
	}
	return 0;
}

int capture_pass_part(struct capture *capture, off_t at, off_t len, int fd)
{
	int result;

	if (len == 0)
		return 0;
	out_begin(fd);
	result = copy(capture->fd, at, len, fd);
	out_end(fd);
	/* Not every file system can; then it keeps the room until the file is empty. */
	(void)fallocate(capture->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, len);
	return result;
}

int capture_pass(struct capture *capture, int fd)
{
	off_t size = capture_size(capture);
	int result;

	if (size == 0)
		return 0;
	out_begin(fd);
	result = copy(capture->fd, 0, size, fd);
	out_end(fd);
	if (ftruncate(capture->fd, 0) < 0)
		return -1;
	return result;
}

int capture_move(struct capture *capture, struct capture *to)
{
	if (copy(capture->fd, 0, capture_size(capture), to->fd) < 0)
		return -1;
	return ftruncate(capture->fd, 0);
}

void capture_drop(struct capture *capture)
{
	if (ftruncate(capture->fd, 0) < 0)
		return;		/* then it comes with the next output */
}
