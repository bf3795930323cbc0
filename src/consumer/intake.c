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

/* An item is in hand: may it be handed out now? */
static enum intake_result admit(struct intake *intake, struct ring_item *item,
				bool hands_are_empty, int *code)
{
	if (is_poison(intake, item)) {
		*code = settle_poison(intake->settler, item);
		return *code == EXIT_OK ? INTAKE_NOTHING : INTAKE_END;
	}
	intake->is_alone = is_suspect(intake, item);
	if (!intake->is_alone || hands_are_empty)
		return INTAKE_ITEM;
	intake->aside = *item;
	intake->has_aside = true;
	return INTAKE_NOTHING;
}

static enum intake_result take(struct intake *intake, struct ring_item *item, bool hands_are_empty,
			       int timeout_ms, int *code)
{
	struct ring *ring = intake->settler->ring;

	switch (ring_take(ring, item, timeout_ms)) {
	case RING_OK:
		intake->idle_since_ns = 0;
		return admit(intake, item, hands_are_empty, code);
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
	if (intake->has_aside) {
		*item = intake->aside;
		intake->has_aside = false;
		return INTAKE_ITEM;	/* is_alone stands since it came */
	}
	return take(intake, item, hands_are_empty, timeout_ms, code);
}

uint64_t intake_rest_ns(const struct intake *intake)
{
	const struct pace *pace = intake->pace;

	return pace_next_ns(pace, pace->chance > 0 ? arc4random() / 4294967296.0 : 0);
}

int intake_return(struct intake *intake)
{
	if (!intake->has_aside)
		return EXIT_OK;
	intake->has_aside = false;
	return settle_return(intake->settler, &intake->aside);
}
