/*
 * intake.h - what a consumer takes from its ring: items, without those that nobody should touch again,
 * and with those under suspicion by themselves.
 *
 * Suspicion. When a COMMAND, or a whole consumer, dies with several items in its hands, nobody knows
 * which one did it. All go back to the ring and none is charged; but their delivery count is above 1
 * from then on, and that is the mark: a redelivered item is handed out alone, when nothing else is in
 * the consumer's hands, and nothing beside it until it is settled. So the one that kills is found at its
 * next delivery, and only it is charged. The mark stands in the ring, so it survives whoever is killed,
 * and every consumer goes by it.
 *
 * Several are taken at once only when items for two rings full came without suspicion: what went back
 * comes again behind what is ready by then. What is in hand beside one that kills its consumer has one
 * more delivery that ended so; nobody must have that again and again. The same holds for taking the next
 * ones while others are being worked on.
 */
#ifndef SHMLINE_INTAKE_H
#define SHMLINE_INTAKE_H

#include <stdbool.h>
#include <stddef.h>

#include "shm/ring.h"
#include "src/base/pace.h"
#include "src/consumer/settle.h"

#define INTAKE_STOCK 64		/* many enough that their taking together costs little */

struct intake {
	struct settler *settler;
	const struct pace *pace;
	uint64_t idle_exit_ns;		/* UINT64_MAX: never */
	uint64_t idle_since_ns;		/* 0: an item came last */
	bool trusts_returned;		/* only a consumer's death makes suspect */
	bool is_alone;			/* what was given out last is under suspicion */
	size_t want;			/* how many to take at once, when there are as many; 0: one */
	size_t trusted;			/* items without suspicion in a row */

	/* Taken, and not given out yet, oldest first. */
	struct ring_item stock[INTAKE_STOCK];
	size_t first, n;
};

enum intake_result {
	INTAKE_ITEM,
	INTAKE_NOTHING,		/* none may be handed out now */
	INTAKE_IDLE,		/* none came in time */
	INTAKE_END,		/* none will come, or something went wrong: *code is the exit code */
};

/*
 * The next item, waiting up to timeout_ms for one. `hands_are_empty`: all that was given out before is
 * settled.
 */
enum intake_result intake_take(struct intake *intake, struct ring_item *item, bool hands_are_empty,
			       int timeout_ms, int *code);

/* Take what will be given out next, as many as are wanted. Does not wait. 0, or the exit code after saying
   why. */
int intake_look_ahead(struct intake *intake);

/* How long to rest after an item. */
uint64_t intake_rest_ns(const struct intake *intake);

/* What was not given out goes back. 0, or an exit code after saying why. */
int intake_return(struct intake *intake);

#endif
