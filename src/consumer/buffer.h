/* buffer.h - bytes between a pipe and us: added at the end, used up from the start. */
#ifndef SHMLINE_BUFFER_H
#define SHMLINE_BUFFER_H

#include <stddef.h>
#include <sys/types.h>

struct buffer {
	char *bytes;
	size_t start, end, size;	/* what is in it lies from start to end */
};

size_t buffer_used(const struct buffer *buffer);

/* Room for `more` bytes at the end. Returns where, or NULL without memory. */
char *buffer_room(struct buffer *buffer, size_t more);

/* The first `len` bytes are used up. */
void buffer_use(struct buffer *buffer, size_t len);

/* Read once from `fd` into at least `room` bytes, or write once to it: read(2)'s and write(2)'s result. */
ssize_t buffer_read(struct buffer *buffer, int fd, size_t room);
ssize_t buffer_write(struct buffer *buffer, int fd);

void buffer_free(struct buffer *buffer);

#endif
