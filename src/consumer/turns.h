/*
 * turns.h - results in the order of the items (--keep-order). An item's turn has come when nothing with
 * a lower id is left in the ring. Until then its result is kept: the item stays in hand, unsettled, its
 * output in a nameless file; and the consumer goes on with other items. So what is kept is bounded by
 * the ring, and nobody waits for a turn who could bring it nearer: an item that is tried again is taken
 * by whoever comes by.
 *
 * A consumer that is killed leaves its kept items to be delivered, and run, again.
 */
#ifndef SHMLINE_TURNS_H
#define SHMLINE_TURNS_H

#include <stdbool.h>
#include <stddef.h>

#include "src/consumer/capture.h"
#include "src/consumer/settle.h"

struct kept;

struct turns {
	struct ring *ring;
	struct capture spool;		/* outputs that are kept */
	struct kept *kept;		/* room for every slot of the ring */
	size_t n;
	uint32_t blocker;		/* the slot of an item that came before, when last looked */
};

/* 0, or an exit code after saying why. */
int turns_open(struct turns *turns, struct ring *ring);

/*
 * The item is done with, `outcome` says how; `out` has its output, and is empty afterwards. The item is
 * settled if it is its turn, else kept and no longer the caller's (settle_is_pending() is false). One
 * that is to be tried again is given back, and that output thrown away. 0, or an exit code after saying
 * why.
 */
int turns_settle(struct turns *turns, struct settler *settler, struct ring_item *item,
		 const struct outcome *outcome, struct capture *out);

/* The same for an item that went well, with its output as bytes, which stay the caller's. */
int turns_ack(struct turns *turns, struct settler *settler, struct ring_item *item, const void *bytes,
	      size_t len);

/* Settle those whose turn has come. 0, or an exit code after saying why. */
int turns_look(struct turns *turns, struct settler *settler);

/* Give back what is still kept. 0, or an exit code after saying why. */
int turns_return(struct turns *turns, struct settler *settler);

void turns_close(struct turns *turns);

#endif
