/* errors.h - the standard error of a long-lived COMMAND: passed on in whole lines, and the last of it kept
   for the dead letters. */
#ifndef SHMLINE_ERRORS_H
#define SHMLINE_ERRORS_H

#include <stdbool.h>
#include <stddef.h>

#include "src/consumer/buffer.h"

#define ERRORS_KEPT 4096

struct errors {
	struct buffer line;		/* not passed on yet */
	char kept[ERRORS_KEPT];
	size_t kept_len;
};

/* Another process writes from now on. */
void errors_begin(struct errors *errors);

/* Read what is there, without waiting. false: the end, or an error; there is no more. */
bool errors_listen(struct errors *errors, int fd);

/* No more will come: a last line without its newline goes out as well. */
void errors_end(struct errors *errors);

void errors_free(struct errors *errors);

#endif
