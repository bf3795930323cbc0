/* run.h - one run of COMMAND: started, waited for, and ended when its time is up or it is asked for. */
#ifndef SHMLINE_RUN_H
#define SHMLINE_RUN_H

#include <stdbool.h>
#include <stdint.h>

struct ring;

struct run {
	/* what is wanted */
	struct ring *ring;		/* whose stop flag, in mode now, ends it too */
	char *const *argv, *const *envp;
	int in, out, err;
	uint64_t time_limit_ns;		/* 0: none */
	uint64_t kill_after_ns;		/* from TERM to KILL */
	/* Called when a signal came while COMMAND runs, and again within 10 ms as long as it returns true.
	   NULL: nothing else is to be done meanwhile. */
	bool (*meanwhile)(void *context);
	void *context;

	/* how it went */
	int error;			/* errno when it could not be started; else 0 */
	int code, signal;		/* its exit code, or the signal that killed it */
	bool was_late;			/* the time limit ended it */
	bool was_called_off;		/* a signal to us, or the stop flag, ended it */
	uint64_t started_ns;		/* wall clock */
	uint64_t took_ns;
};

void run_command(struct run *run);

#endif
