/* turns.c - see turns.h. */
#include "src/consumer/turns.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shm/ring.h"
#include "src/base/diag.h"
#include "src/base/exitcode.h"
#include "src/base/lineio.h"
#include "src/consumer/out.h"

#define CAUSE_MAX 64

/* Tells a consumer that its turn may have come. It is a hint, which may be lost. Who doesn't expect it
   ignores it: that is this signal's default. */
#define SIGNAL_TURN SIGURG

struct kept {
	struct ring_item item;
	struct outcome outcome;		/* errors is memory of its own */
	char cause[CAUSE_MAX];
	off_t at, len;			/* its output in the spool */
};

/* Its coming ends whatever wait the consumer is in. */
static void on_turn(int signal)
{
	(void)signal;
}

static void hear_of_turns(void)
{
	const struct sigaction action = { .sa_handler = on_turn };

	sigaction(SIGNAL_TURN, &action, NULL);
}

int turns_open(struct turns *turns, struct ring *ring)
{
	*turns = (struct turns){ .ring = ring };
	hear_of_turns();
	turns->kept = calloc(ring_slots(ring), sizeof(*turns->kept));
	if (turns->kept && capture_open(&turns->spool) == 0)
		return EXIT_OK;
	diag_error("cannot keep results in order: %m");
	free(turns->kept);
	turns->kept = NULL;
	return EXIT_SYSTEM;
}

static void forget(struct turns *turns, struct kept *kept)
{
	free((void *)(uintptr_t)kept->outcome.errors);
	*kept = turns->kept[--turns->n];
}

void turns_close(struct turns *turns)
{
	if (!turns->kept)
		return;
	while (turns->n > 0)
		forget(turns, turns->kept);
	capture_close(&turns->spool);
	free(turns->kept);
}

/* ------------------------------------------------------------------ whose turn it is */

/* Does slot `slot` hold an item that comes before `id`, and is not done with? */
static bool comes_before(const struct turns *turns, uint32_t slot, uint64_t id)
{
	struct ring_view view;

	return ring_look(turns->ring, slot, &view, NULL, 0) == 1 && view.state != RING_SLOT_DEAD &&
	       view.id < id;
}

/*
 * What comes before an item that was taken stays in its slot until it is done with, and whatever is
 * published later has a higher id: so one pass is enough. The slot that was in the way last time most
 * likely still is.
 */
static bool is_turn_of(struct turns *turns, uint64_t id)
{
	if (comes_before(turns, turns->blocker, id))
		return false;
	for (uint32_t slot = 0; slot < ring_slots(turns->ring); slot++) {
		if (comes_before(turns, slot, id)) {
			turns->blocker = slot;
			return false;
		}
	}
	return true;
}

/* The member that has the first item of all in its hands; 0: none has. */
static uint32_t holder_of_first(struct turns *turns)
{
	struct ring_view view;
	uint64_t first = UINT64_MAX;
	uint32_t holder = 0;

	for (uint32_t slot = 0; slot < ring_slots(turns->ring); slot++) {
		if (ring_look(turns->ring, slot, &view, NULL, 0) != 1 ||
		    view.state == RING_SLOT_DEAD || view.id >= first)
			continue;
		first = view.id;
		holder = view.state == RING_SLOT_IN_FLIGHT ? view.owner : 0;
		turns->blocker = slot;
	}
	return holder;
}

static void tell_next(struct turns *turns)
{
	uint32_t holder = holder_of_first(turns);
	struct ring_member member;

	if (holder != 0 && holder != ring_member_index(turns->ring) &&
	    ring_member(turns->ring, holder, &member) == 1 && member.is_alive && member.pid > 0)
		kill(member.pid, SIGNAL_TURN);
}

/* ------------------------------------------------------------------ results */

static int cannot_write(void)
{
	diag_error("cannot write to standard output: %m");
	return EXIT_IO;
}

static int cannot_keep(const struct ring_item *item)
{
	diag_error("cannot keep the output of item %llu: %m", (unsigned long long)item->id);
	return EXIT_IO;
}

/* Its output is in the spool, from `at` on. */
static void keep(struct turns *turns, struct ring_item *item, const struct outcome *outcome, off_t at)
{
	struct kept *kept = &turns->kept[turns->n++];
	void *errors = NULL;

	*kept = (struct kept){
		.item = *item, .outcome = *outcome, .at = at,
		.len = capture_size(&turns->spool) - at,
	};
	if (outcome->errors_len > 0)
		errors = malloc(outcome->errors_len);
	if (errors)
		memcpy(errors, outcome->errors, outcome->errors_len);
	else
		kept->outcome.errors_len = 0;
	kept->outcome.errors = errors;
	if (outcome->cause) {
		strncpy(kept->cause, outcome->cause, sizeof(kept->cause) - 1);
		kept->outcome.cause = kept->cause;
	}
	item->data = NULL;
}

static int settle_in_turn(struct turns *turns, struct settler *settler, struct ring_item *item,
			  const struct outcome *outcome)
{
	int code = settle_outcome(settler, item, outcome);

	tell_next(turns);
	return code;
}

int turns_ack(struct turns *turns, struct settler *settler, struct ring_item *item, const void *bytes,
	      size_t len)
{
	static const struct outcome good = { .code = ITEM_ACK };
	off_t at = capture_size(&turns->spool);

	if (is_turn_of(turns, item->id)) {
		if (out_write(STDOUT_FILENO, bytes, len) < 0)
			return cannot_write();
		return settle_in_turn(turns, settler, item, &good);
	}
	if (write_all(turns->spool.fd, bytes, len) < 0)
		return cannot_keep(item);
	keep(turns, item, &good, at);
	return EXIT_OK;
}

int turns_settle(struct turns *turns, struct settler *settler, struct ring_item *item,
		 const struct outcome *outcome, struct capture *out)
{
	off_t at = capture_size(&turns->spool);

	switch (verdict_of_run(&settler->rules, outcome->code, outcome->signal, item->failures)) {
	case VERDICT_RETRY:
	case VERDICT_LATER:
		capture_drop(out);
		return settle_outcome(settler, item, outcome);
	case VERDICT_STOP:
		settle_raise_flag(settler, item);
		break;
	case VERDICT_ACK:
	case VERDICT_DEAD:
		break;
	}
	if (is_turn_of(turns, item->id)) {
		if (capture_pass(out, STDOUT_FILENO) < 0)
			return cannot_write();
		return settle_in_turn(turns, settler, item, outcome);
	}
	if (capture_move(out, &turns->spool) < 0)
		return cannot_keep(item);
	keep(turns, item, outcome, at);
	return EXIT_OK;
}

static struct kept *first_of(const struct turns *turns)
{
	struct kept *first = turns->kept;

	for (size_t i = 1; i < turns->n; i++)
		if (turns->kept[i].item.id < first->item.id)
			first = &turns->kept[i];
	return first;
}

static int finish(struct turns *turns, struct settler *settler, struct kept *kept)
{
	int code;

	if (capture_pass_part(&turns->spool, kept->at, kept->len, STDOUT_FILENO) < 0)
		return cannot_write();
	/* The cause lies in what may move. */
	if (kept->outcome.cause)
		kept->outcome.cause = kept->cause;
	code = settle_outcome(settler, &kept->item, &kept->outcome);
	forget(turns, kept);
	if (turns->n == 0)
		capture_drop(&turns->spool);
	return code;
}

int turns_look(struct turns *turns, struct settler *settler)
{
	int code = EXIT_OK;
	bool has_settled = false;

	while (turns->n > 0 && code == EXIT_OK) {
		struct kept *first = first_of(turns);

		if (!is_turn_of(turns, first->item.id))
			break;
		code = finish(turns, settler, first);
		has_settled = true;
	}
	if (has_settled)
		tell_next(turns);
	return code;
}

int turns_return(struct turns *turns, struct settler *settler)
{
	int code = EXIT_OK;

	while (turns->n > 0 && code == EXIT_OK) {
		code = settle_return(settler, &turns->kept[0].item);
		forget(turns, turns->kept);
	}
	return code;
}
