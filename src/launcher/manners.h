/*
 * manners.h - what workers may have: resource limits, niceness, and whose they are.
 */
#ifndef SHMLINE_LAUNCHER_MANNERS_H
#define SHMLINE_LAUNCHER_MANNERS_H

#include <stddef.h>

#include "src/base/child.h"

#define LIMITS_MAX 16	/* as many as Linux has resources */

struct limits {
	struct child_limit list[LIMITS_MAX];
	size_t count;
};

#define LIMIT_EXPECTED \
	"NAME=SOFT[:HARD], as nofile=1024 or as=2G:4G; NAME one of as, core, cpu, data, fsize, memlock, " \
	"nofile, nproc, stack; unlimited is a value too"

/* Add "nofile=1024:4096"; of two for one resource the later holds. 0, or -1 when it is something else. */
int limits_add(struct limits *limits, const char *text);

/* "-20" to "19". 0, or -1. */
int nice_parse(const char *text, int *out);

/*
 * Become this user, with the groups that it has and no other, for good: HOME, USER and LOGNAME are set.
 * 0, or an exit code, and why has been said.
 */
int user_become(const char *name);

#endif
