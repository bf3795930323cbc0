/* lineio.h - writing whole. */
#ifndef SHMLINE_LINEIO_H
#define SHMLINE_LINEIO_H

#include <stddef.h>

/*
 * Write all of `len` bytes, however many writes it takes; waits when the descriptor is non-blocking
 * and full. 0, or -1 with errno (then some of it may have been written).
 */
int write_all(int fd, const void *bytes, size_t len);

#endif
