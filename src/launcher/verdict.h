/*
 * verdict.h - the exit code of a run, from how it went. Pure.
 */
#ifndef SHMLINE_LAUNCHER_VERDICT_H
#define SHMLINE_LAUNCHER_VERDICT_H

#include <stdbool.h>
#include <stdint.h>

struct outcome {
	bool is_unsound;	/* the books don't balance, or the ring is damaged */
	int failure;		/* the worst exit code of what ended for good; 0: none did */
	bool gave_up;		/* a worker is not started again */
	uint64_t left, dead;	/* items */
	bool item_stopped;	/* an item raised the stop flag */
	int ended_by;		/* signal that ended it before it was drained; 0: none */
};

/*
 * The code that says most: what makes the result doubtful first, then why the line could not run,
 * then what became of the items, then how it was ended.
 */
int verdict_exit_code(const struct outcome *outcome);

/* Of two exit codes of workers (0: none) the one that says more. */
int verdict_worse(int a, int b);

#endif
