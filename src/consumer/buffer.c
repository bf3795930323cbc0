/* buffer.c - see buffer.h. */
#include "src/consumer/buffer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SIZE_MIN (64u * 1024)	/* what a pipe holds */

size_t buffer_used(const struct buffer *buffer)
{
	return buffer->end - buffer->start;
}

static int grow(struct buffer *buffer, size_t wanted)
{
	size_t size = buffer->size ? buffer->size : SIZE_MIN;
	char *bytes;

	while (size < wanted)
		size *= 2;
	bytes = realloc(buffer->bytes, size);
	if (!bytes)
		return -1;
	buffer->bytes = bytes;
	buffer->size = size;
	return 0;
}

char *buffer_room(struct buffer *buffer, size_t more)
{
	size_t used = buffer_used(buffer);

	if (buffer->size - buffer->end >= more)
		return buffer->bytes + buffer->end;
	if (used > 0)
		memmove(buffer->bytes, buffer->bytes + buffer->start, used);
	buffer->start = 0;
	buffer->end = used;
	if (buffer->size - used < more && grow(buffer, used + more) < 0)
		return NULL;
	return buffer->bytes + used;
}

void buffer_use(struct buffer *buffer, size_t len)
{
	buffer->start += len;
	if (buffer->start == buffer->end)
		buffer->start = buffer->end = 0;
}

ssize_t buffer_read(struct buffer *buffer, int fd, size_t room)
{
	char *to = buffer_room(buffer, room);
	ssize_t n;

	if (!to) {
		errno = ENOMEM;
		return -1;
	}
	n = read(fd, to, buffer->size - buffer->end);
	if (n > 0)
		buffer->end += (size_t)n;
	return n;
}

ssize_t buffer_write(struct buffer *buffer, int fd)
{
	ssize_t n = write(fd, buffer->bytes + buffer->start, buffer_used(buffer));

	if (n > 0)
		buffer_use(buffer, (size_t)n);
	return n;
}

void buffer_free(struct buffer *buffer)
{
	free(buffer->bytes);
}
