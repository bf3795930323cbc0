/*
 * guard_wire.h - private to guard*.c: what the launcher and its guard say to each other. Both are the
 * same program, so structs go as they are.
 */
#ifndef SHMLINE_LAUNCHER_GUARD_WIRE_H
#define SHMLINE_LAUNCHER_GUARD_WIRE_H

#include <sys/types.h>

#include "src/launcher/guard.h"

enum guard_verb {
	GUARD_START,		/* with three descriptors; answered by a guard_answer */
	GUARD_SIGNAL,		/* not answered */
};

struct guard_request {
	enum guard_verb verb;
	unsigned team, number;	/* start: which worker */
	pid_t pid;		/* signal: whom, by itself or with its process group */
	int signal;
	bool group;
};

struct guard_answer {
	pid_t pid;		/* -1: */
	int error;
};

/*
 * The guard itself: never returns. It serves `requests` (a SOCK_SEQPACKET socket) until its other end
 * is closed, which the launcher's death does too, and writes each end of a worker as a struct
 * guard_end to the pipe `ends`.
 */
_Noreturn void guard_serve(const struct teams *teams, int requests, int ends);

#endif
