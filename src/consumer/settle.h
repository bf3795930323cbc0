/*
 * settle.h - what becomes of the items that were taken: sinks say how each went, and here it is
 * acked, given back or declared dead, with the letter that tells of it. All calls return 0, or the
 * exit code with which the consumer must end, after saying why.
 */
#ifndef SHMLINE_SETTLE_H
#define SHMLINE_SETTLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/ring.h"
#include "src/consumer/verdict.h"

struct letters;

struct settler {
	struct ring *ring;
	struct rules rules;
	enum ring_stop_mode stop;	/* what a broken item raises; NONE: nothing */
	struct letters *letters;	/* dead letters go there as well; NULL: nowhere else */
	uint64_t acked, dead, returned;
	bool raised_flag;
	bool holds_open;		/* the line is kept open for producers to come (--keep-open) */
	bool is_launched;		/* a launcher says what there is to say */
};

/* How a run of COMMAND with one item ended. */
struct outcome {
	int code, signal;	/* its exit code, or the signal that killed it */
	const char *cause;	/* why, when neither tells; NULL: they do */
	const void *errors;	/* the last of what it wrote to standard error */
	size_t errors_len;
};

/* It is where it was to go. A widget that is broken raises the stop flag here. */
int settle_done(struct settler *settler, struct ring_item *item);

/* COMMAND has ended: see verdict.h. */
int settle_outcome(struct settler *settler, struct ring_item *item, const struct outcome *outcome);

/* COMMAND is done with all n of them. */
int settle_good(struct settler *settler, struct ring_item *items, size_t n);

/* COMMAND has done well with the first n records of a parcel, `bytes` long; the others stay in hand. */
int settle_records(struct settler *settler, struct ring_item *item, uint32_t n, size_t bytes);

/* It can't be dealt with by anybody, because of `outcome->cause`. */
int settle_dead(struct settler *settler, struct ring_item *item, const struct outcome *outcome);

/* It has killed too many consumers. */
int settle_poison(struct settler *settler, struct ring_item *item);

/* It goes back untried, through no fault of its own. */
int settle_return(struct settler *settler, struct ring_item *item);

/* What a broken item does to the line, before it is settled itself. */
void settle_raise_flag(struct settler *settler, const struct ring_item *item);
/* Nothing came: behind a stop flag that is up no producer can, and the line is held open no longer. */
void settle_let_go(struct settler *settler);

/* The exit code of a consumer that the stop flag, in mode now, shut out: it says so when items are left. */
int settle_forced_out(const struct settler *settler);

/* Is it still in hand? */
bool settle_is_pending(const struct ring_item *item);

#endif
