/* intake.c - see intake.h. */
#include "src/consumer/intake.h"

#include <errno.h>
#include <stdlib.h>

#include "src/base/diag.h"
#include "src/base/exitcode.h"
#include "src/consumer/verdict.h"

static bool is_poison(const struct intake *intake, const struct ring_item *item)
{
	return verdict_is_poison(&intake->settler->rules, item->deliveries, item->given_back);
}

static bool is_suspect(const struct intake *intake, const struct ring_item *item)
{
	uint32_t trusted = intake->trusts_returned ? item->given_back : 0;

	return intake->settler->rules.shares_hands && item->deliveries > trusted + 1;
}

static void drop(struct intake *intake)
{
	intake->first++;
	intake->n--;
}

/* Nothing came. Long enough to leave? */
static enum intake_result wait_more(struct intake *intake, int *code)
{
	uint64_t now;

	if (intake->idle_exit_ns == UINT64_MAX)
		return INTAKE_IDLE;
	now = ring_now_ns();
	if (intake->idle_since_ns == 0)
		intake->idle_since_ns = now;
	if (now - intake->idle_since_ns < intake->idle_exit_ns)
		return INTAKE_IDLE;
	*code = EXIT_OK;
	return INTAKE_END;
}

/* The oldest that was taken: may it be handed out now? One under suspicion waits to be alone, and what is
   behind it too. */
static enum intake_result hand_out(struct intake *intake, struct ring_item *item,
				   bool hands_are_empty, int *code)
{
	struct ring_item *oldest = &intake->stock[intake->first];

	if (is_poison(intake, oldest)) {
		*code = settle_poison(intake->settler, oldest);
		drop(intake);
		return *code == EXIT_OK ? INTAKE_NOTHING : INTAKE_END;
	}
	intake->is_alone = is_suspect(intake, oldest);
	if (intake->is_alone && !hands_are_empty)
		return INTAKE_NOTHING;
	*item = *oldest;
	drop(intake);
	return INTAKE_ITEM;
}

static bool may_take_several(const struct intake *intake)
{
	return intake->trusted / 2 >= ring_slots(intake->settler->ring);
}

static size_t want(const struct intake *intake)
{
	if (intake->want <= 1 || !may_take_several(intake))
		return 1;
	return intake->want < INTAKE_STOCK ? intake->want : INTAKE_STOCK;
}

/* Of those under suspicion only one stays, behind all others; another's hands may be empty. */
static int sort_out(struct intake *intake)
{
	struct ring_item *stock = intake->stock, suspect = { .id = 0 };
	size_t taken = intake->n, suspects = 0;
	int code = EXIT_OK;

	intake->n = 0;
	for (size_t i = 0; i < taken; i++) {
		if (!is_suspect(intake, &stock[i]))
			stock[intake->n++] = stock[i];
		else if (suspects++ == 0)
			suspect = stock[i];
		else if (code == EXIT_OK)
			code = settle_return(intake->settler, &stock[i]);
	}
	if (suspects > 0)
		stock[intake->n++] = suspect;
	intake->trusted = suspects > 0 ? 0 : intake->trusted + taken;
	return code;
}

static enum ring_result take_some(struct intake *intake, int timeout_ms, int *code)
{
	enum ring_result result;

	intake->first = 0;
	result = ring_take_batch(intake->settler->ring, intake->stock, want(intake), &intake->n, timeout_ms);
	*code = sort_out(intake);
	return result;
}

static enum intake_result take(struct intake *intake, struct ring_item *item, bool hands_are_empty,
			       int timeout_ms, int *code)
{
	struct ring *ring = intake->settler->ring;

	switch (take_some(intake, timeout_ms, code)) {
	case RING_OK:
		intake->idle_since_ns = 0;
		if (*code != EXIT_OK)
			return INTAKE_END;
		return hand_out(intake, item, hands_are_empty, code);
	case RING_TIMEOUT:
		settle_let_go(intake->settler);
		return hands_are_empty ? wait_more(intake, code) : INTAKE_IDLE;
	case RING_DRAINED:
		*code = EXIT_OK;
		return INTAKE_END;
	case RING_CLOSED:
		*code = settle_forced_out(intake->settler);
		return INTAKE_END;
	case RING_ERROR:
		break;
	}
	if (errno == EINTR)
		return INTAKE_NOTHING;
	*code = diag_ring_error("take from", ring_name(ring), ring_why());
	return INTAKE_END;
}

enum intake_result intake_take(struct intake *intake, struct ring_item *item, bool hands_are_empty,
			       int timeout_ms, int *code)
{
	if (!hands_are_empty && intake->is_alone)
		return INTAKE_NOTHING;
	if (intake->n > 0)
		return hand_out(intake, item, hands_are_empty, code);
	return take(intake, item, hands_are_empty, timeout_ms, code);
}

int intake_look_ahead(struct intake *intake)
{
	int code = EXIT_OK;

	/* What else there is to say of the ring, the next intake_take() will hear too. */
	if (intake->n == 0 && !intake->is_alone && may_take_several(intake))
		(void)take_some(intake, 0, &code);
	return code;
}

uint64_t intake_rest_ns(const struct intake *intake)
{
	const struct pace *pace = intake->pace;

	return pace_next_ns(pace, pace->chance > 0 ? arc4random() / 4294967296.0 : 0);
}

int intake_return(struct intake *intake)
{
	int code = EXIT_OK;

	for (; intake->n > 0 && code == EXIT_OK; drop(intake))
		code = settle_return(intake->settler, &intake->stock[intake->first]);
	return code;
}
