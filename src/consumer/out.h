/*
 * out.h - writing to an output that other consumers may share: what is written between out_begin() and
 * out_end() stays together.
 */
#ifndef SHMLINE_OUT_H
#define SHMLINE_OUT_H

#include <stdbool.h>
#include <stddef.h>

/* Nobody shares our outputs: each worker of a launcher has pipes of its own. */
void out_is_ours_alone(void);

/*
 * Take and leave turns at `fd`. A kernel keeps writes of PIPE_BUF bytes together, not larger ones, so
 * consumers that were started with one output take a file lock on it. One that is stopped in the
 * middle of its turn keeps the others waiting; they could only tear its output apart.
 */
void out_begin(int fd);
void out_end(int fd);

/* Write all of it, kept together. 0, or -1 with errno. */
int out_write(int fd, const void *bytes, size_t len);

#endif
