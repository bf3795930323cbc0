/*
 * wait.h - private: sleeping and waking. The only user of semaphores, and they only park: a wake-up too
 * many costs a look, a wake-up lost is issued again by recovery and by the sweep.
 *
 * `wanted` counts the wake-ups that sleepers ask for. A sleeper raises it, looks once more, sleeps.
 * Whoever makes something available looks at it after that, and if it is not 0 lowers it by one and
 * posts: so semaphores cost nothing while nobody sleeps. wanted + tokens + posts under way is never
 * less than the sleepers that need a wake-up: that is all the protocol rests on. Surplus comes from
 * killed sleepers and pollers in a race; the cap on `wanted` (the number of members) keeps it small.
 */
#ifndef SHMLINE_WAIT_H
#define SHMLINE_WAIT_H

#include "shm/layout.h"

enum waiting_for { WAITING_NOTHING, WAITING_READY, WAITING_FREE };

/* A sleeper looks round at least this often, for what no wake-up tells it: a second, since a waiting
   process should cost no more than one wake-up a second. */
#define WAIT_SLICE_NS UINT64_C(1000000000)

enum wait_result { WAIT_WOKEN, WAIT_TIMEOUT, WAIT_INTERRUPTED, WAIT_BROKEN };

/* Prepare a fresh segment's. 0, or -1 with errno. */
int wait_init(struct waiting *waiting);

/* Ask for a wake-up; then look once more; then wait_sleep(), or wait_unask() if the look found something. */
void wait_ask(struct waiting *waiting, uint32_t cap);
void wait_unask(struct waiting *waiting);

/* Sleep until woken or until the clock reads until_ns. Unasks on a time-out or a signal. */
enum wait_result wait_sleep(struct waiting *waiting, uint64_t until_ns);

/* After many wake-ups for nothing: can there be as many to come as there are? Else nobody would sleep. */
bool wait_is_plausible(struct waiting *waiting);

/* Wake one sleeper, if one has asked. */
void wait_wake(struct waiting *waiting);

/* A member died: the wake-up it may have swallowed, or may have owed, is issued in its place. It must be
   one more than there was, or a sleeper stays uncounted; the dead one's own asking is taken back. */
void wait_replace(struct waiting *waiting, bool was_waiting);

/* Issue a wake-up again that a stopped process may owe. Never more than one token above what was there,
   since it is done every so often. */
void wait_nudge(struct waiting *waiting);

#endif
