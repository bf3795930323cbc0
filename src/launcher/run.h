/*
 * run.h - private to the supervisor: a run, its one state, and what its parts ask of each other.
 * course.c takes it from state to state, keeper.c keeps its workers going, guarding.c has the guard that
 * stands between, signals.c hears what people want of it, supervisor.c turns the loop.
 */
#ifndef SHMLINE_LAUNCHER_RUN_H
#define SHMLINE_LAUNCHER_RUN_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "shm/ring.h"
#include "src/launcher/crew.h"
#include "src/launcher/logs.h"
#include "src/launcher/summary.h"
#include "src/launcher/view.h"

struct event;
struct notifier;
struct scaler;
struct event_base;

/*
 *	RUNNING --all is made | INT, TERM | an item's flag | a side is gone--> DRAINING
 *	DRAINING --second INT, TERM | --drain-timeout | mode now--> STOPPING: TERM is sent
 *	STOPPING --third INT, TERM--> KILLING: KILL is sent (--kill-after sends it to each that stays)
 *	any --QUIT | the ring is damaged--> KILLING
 *	any --the last worker is gone, and where others consume, the ring is drained--> DONE
 */
enum state { RUNNING, DRAINING, STOPPING, KILLING, DONE };

struct supervisor {
	const struct settings *settings;
	const struct teams *teams;
	int null_fd;			/* standard input of consumers */
	struct event_base *base;
	struct event *signals[NSIG];
	struct event *tick, *drain_timer;
	struct guard *guard;
	bool guard_is_gone, has_lost_guard;	/* at the end; before its time */
	struct event *ends;		/* of workers, as the guard tells them */
	struct logs *logs;
	struct ring *ring;
	struct crew crew;
	struct report *report;
	struct view *view;		/* NULL: none */
	struct view_look look;
	struct notifier *notifier;	/* NULL: there is no service manager */
	struct scaler *scaler;		/* NULL: as many consumers as at the start */
	struct worker *leaving, *heir;	/* a consumer that goes when its heir is there; NULL: none does */
	struct event *handover;		/* to look for the heir */
	unsigned lost_consumers;	/* given up */
	enum state state;
	unsigned stops;			/* INT and TERM so far */
	bool forsakes_output;		/* its reader may never come: don't wait */
};

/* A timer of libevent, that many nanoseconds from now. */
void run_arm(struct event *timer, uint64_t after_ns);

/* course.c. Each does nothing if the run is further on already. */
void course_drain(struct supervisor *sv, enum ring_stop_cause cause);
void course_stop(struct supervisor *sv, enum ring_stop_cause cause);
void course_kill(struct supervisor *sv, enum ring_stop_cause cause);
void course_note_damage(struct supervisor *sv);	/* of the ring, with errno EBADMSG */
/* After anything that may have changed the state of the run. */
void course_review(struct supervisor *sv);

/* keeper.c */
/* Room for one more worker, which waits for its start. NULL with errno. */
struct worker *keeper_add(struct supervisor *sv, const struct team *team);
void keeper_start(struct supervisor *sv, struct worker *worker);
/* Its process has ended. */
void keeper_end(struct supervisor *sv, struct worker *worker, const struct guard_end *end);

/* replace.c */
/* New processes for all workers, one by one. */
void replace_all(struct supervisor *sv);
/* The next that is due, if none is being replaced now. */
void replace_next(struct supervisor *sv);

/* One consumer fewer: the last that was not asked to go already, after its item. NULL: there is none. */
struct worker *keeper_drop(struct supervisor *sv, const struct team *team);

/* scaler.c */
/* 0, or -1 without memory. */
int scaler_begin(struct supervisor *sv);
/* Every tick: as many consumers as keep up. */
void scaler_look(struct supervisor *sv);
/* Notes the balance that was found in the report. */
void scaler_end(struct supervisor *sv);

/* guarding.c */
/* A guard, and ears for it. 0, or -1 with errno. */
int guarding_begin(struct supervisor *sv);
/* One that is killed has taken its workers with it: another takes its place, and they start again. */
void guarding_renew(struct supervisor *sv);
/* All workers are gone: the guard goes, and what they left. false: not yet. */
bool guarding_end(struct supervisor *sv);
/* A child that is no worker has ended. */
void guarding_note_child(struct supervisor *sv, pid_t pid);

/* signals.c. 0, or -1 with errno. */
int signals_listen(struct supervisor *sv);

#endif
