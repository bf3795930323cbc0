/*
 * joblog.h - a line for each run of COMMAND, with GNU parallel's header and columns, so that what
 * reads its logs reads ours. Seq is the id of the (first) item; Command is escaped as by vis(3).
 */
#ifndef SHMLINE_JOBLOG_H
#define SHMLINE_JOBLOG_H

#include <stdint.h>
#include <sys/types.h>

struct run;

struct joblog {
	const char *path;
	int fd;
};

/* Open it, with the header when it is new. 0, or EXIT_CANT_CREATE after saying why. */
int joblog_open(struct joblog *joblog, const char *path);

/* `output`: bytes that the run wrote to standard output. 0, or EXIT_IO after saying why. */
int joblog_write(const struct joblog *joblog, uint64_t item, const struct run *run, off_t output);

void joblog_close(struct joblog *joblog);

#endif
