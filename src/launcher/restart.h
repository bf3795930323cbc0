/*
 * restart.h - is a worker that has ended started again, and when? Pure: what it decides depends on
 * its arguments alone, random numbers and the time included.
 */
#ifndef SHMLINE_LAUNCHER_RESTART_H
#define SHMLINE_LAUNCHER_RESTART_H

#include <stdbool.h>
#include <stdint.h>

#include "src/base/backoff.h"

enum restart_policy { RESTART_ON_FAILURE, RESTART_ALWAYS, RESTART_NEVER };

struct restart_rules {
	int policy;		/* enum restart_policy; an int for the table of options */
	uint32_t limit;		/* restarts of one worker within window_ns before it is given up */
	uint64_t window_ns;
	struct backoff backoff;
};

#define RESTART_LIMIT_MAX 10000
#define RESTART_LIMIT_EXPECTED "N/DURATION, at most 10000 restarts, as 5/60s"

/* "5/60s" into limit and window. 0, or -1 when `text` is something else. */
int restart_limit_parse(const char *text, struct restart_rules *rules);

/* A run at least as long is healthy: what went wrong before it is forgiven. A guess: shorter runs
   are hardly more than start and crash, and the default window still holds five of them. */
#define RESTART_HEALTHY_NS UINT64_C(10000000000)

/* How a worker ended. */
enum ending {
	ENDING_GOOD,		/* it had nothing more to do */
	ENDING_BAD,		/* it crashed, was killed, or failed at what may go better next time */
	ENDING_FINAL,		/* it would fail again in the same way: wrong usage, bad data */
};

/* The ending that an exit code means. (A signal is always ENDING_BAD.) */
enum ending restart_ending(bool is_producer, int exit_code);

/* What is remembered of one worker. Starts as zeroes. */
struct restart_history {
	uint64_t *restarted_ns;	/* the last `limit` restarts, a ring */
	uint32_t count, next;	/* how many of them count, and where the next goes */
	uint32_t attempt;	/* bad ends since the last healthy run: the backoff's */
};

enum restart_verdict {
	RESTART_AGAIN,		/* after delay_ns */
	RESTART_DONE,		/* not: it had finished */
	RESTART_GIVE_UP,	/* not: policy, limit, or an end that is final */
};

struct restart_run {
	enum ending ending;
	uint64_t started_ns, ended_ns;
	bool made_progress;	/* acked or published something */
};

/*
 * Decide on a run that has ended, and note it. A run that made progress takes the backoff back to
 * its minimum; one that lived RESTART_HEALTHY_NS clears the count of restarts too.
 */
enum restart_verdict restart_decide(const struct restart_rules *rules,
				    struct restart_history *history, const struct restart_run *run,
				    double random01, uint64_t *delay_ns);

/* Room for the history that these rules need. 0, or -1 without memory. */
int restart_history_create(struct restart_history *history, const struct restart_rules *rules);
void restart_history_free(struct restart_history *history);

#endif
