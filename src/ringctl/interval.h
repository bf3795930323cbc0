/* interval.h - private to ringctl: "INTERVAL [COUNT]", as vmstat has it, and the sleep between two lines. */
#ifndef SHMLINE_RINGCTL_INTERVAL_H
#define SHMLINE_RINGCTL_INTERVAL_H

#include <stdint.h>

struct interval {
	uint64_t ns;
	uint64_t count;		/* lines; UINT64_MAX: no end */
	uint64_t next_ns;	/* when the next line is due */
};

/* Of n operands, 1 or 2. Ends the program when they are wrong. */
void interval_read(struct interval *interval, const char *verb, char **operands, int n);

/* Sleep until the next line is due; the first one is at once. */
void interval_wait(struct interval *interval);

/* Lines that fit the terminal under a header; 0: standard output is none, one header is enough. */
unsigned interval_screen_lines(void);

#endif
