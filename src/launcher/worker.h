/*
 * worker.h - one child process: start it, read its log, tell it to go, know what its end was. Whether
 * it is started again is supervisor.c's decision.
 */
#ifndef SHMLINE_LAUNCHER_WORKER_H
#define SHMLINE_LAUNCHER_WORKER_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "src/launcher/guard.h"
#include "src/launcher/logs.h"
#include "src/launcher/restart.h"
#include "src/launcher/team.h"

struct event;
struct supervisor;

/*
 *	WAITING --start--> RUNNING --its end--> DEAD --its items are back--> WAITING, to start again
 *	   |                                                            '--> GONE
 *	   '-- the line ends before --> GONE
 */
enum worker_state {
	WORKER_WAITING,		/* for its (next) start */
	WORKER_RUNNING,
	WORKER_DEAD,		/* the kernel has not yet given up what it held in the ring */
	WORKER_GONE,		/* not started again */
};

struct worker {
	const struct team *team;
	enum side side;
	unsigned number;		/* on its side, from 1 */
	enum worker_state state;
	char name[48];			/* "consumer 3" */
	struct guard *guard;		/* that started it */
	pid_t pid;			/* its session and process group as well */
	struct log *log;
	struct restart_history history;
	struct restart_run run;		/* the present one */
	unsigned restarts;		/* in all */
	int exit_code;			/* of the run before; 0 after a signal */
	bool was_told;			/* to go: how it ends then is no surprise */
	bool is_due, is_replaced;	/* to be replaced in its turn; told to go for a successor */
	struct event *timer;		/* the supervisor's: to start, to look again, or to KILL */
	struct supervisor *supervisor;	/* for the timer */
};

/* 0, or -1 without memory. */
int worker_init(struct worker *worker, const struct team *team, unsigned number);
void worker_free(struct worker *worker);

/* Start it, with `in` as its standard input. 0, or -1 with errno. */
int worker_start(struct worker *worker, struct guard *guard, struct logs *logs, int in, uint64_t now_ns);

/* Ask it to go, in its own way. */
void worker_tell(struct worker *worker, int signal);

/* KILL for it and its process group. */
void worker_kill(struct worker *worker);

/* It has ended, and all that it started with it. Notes how, and says so if nobody told it to. */
void worker_end(struct worker *worker, const struct guard_end *end, uint64_t now_ns);

#endif
