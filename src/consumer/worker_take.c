/* worker_take.c - items from the ring into the hand, and on their way to COMMAND. */
#include "src/consumer/worker_records.h"

#include "shm/ring.h"
#include "src/base/exitcode.h"
#include "src/base/interrupt.h"

#define FRESH_NS 5000		/* less than a look at the pipe would tell more than the last one; a guess */

#define AHEAD_NS UINT64_C(20000000)	/* of silence, while others could do what was taken ahead; a guess */

bool take_wants_leave(const struct records *records)
{
	return interrupt_wants_leave() && records->intake->n == 0;
}

bool take_may(struct records *records)
{
	return records->hand.count < records->hand.size && !records->intake->is_alone &&
	       records->process.state == PROCESS_RUNNING && !talk_is_leaving(records) &&
	       !take_wants_leave(records) && !silence_is_due(records);
}

/* Has it just answered? Then all that it had said was read. */
static bool is_fresh(const struct records *records, const struct ring_item *item)
{
	return records->answers > 0 && (int64_t)(item->taken_ns - records->answered.came_ns) < FRESH_NS;
}

/* Before an idle process gets an item: is it still there, and silent? */
static int freshen(struct records *records, const struct ring_item *item)
{
	bool ended, may_have_news = !is_fresh(records, item);
	int code = GO_ON;

	if (records->process.state == PROCESS_RUNNING && silence_is_due(records)) {
		code = silence_keep(records);
		may_have_news = true;
	}
	if (records->process.state != PROCESS_NONE && code == GO_ON && may_have_news) {
		code = talk_listen(records, &ended);
		if (code == GO_ON && ended) {
			process_close_output(&records->process);
			talk_note_gone(records);
		}
	}
	while (code == GO_ON && talk_is_leaving(records))
		code = talk_converse(records, talk_wait_ms(records));
	if (code == GO_ON && records->process.state == PROCESS_NONE)
		code = talk_start(records);
	return code;
}

static int bury_untold(struct records *records, struct ring_item *item)
{
	static const struct outcome cannot_be_told = {
		.code = ITEM_DEAD,
		.cause = "holds the byte that ends a record; use --worker=len32",
	};
	int code = settle_dead(records->settler, item, &cannot_be_told);

	records->intake->is_alone = false;
	return code == EXIT_OK ? GO_ON : code;
}

static int accept_item(struct records *records, struct ring_item *item)
{
	int code = GO_ON;
	uint64_t rest_ns;

	records->quiet_ms = 0;
	if (!protocol_can_carry(records->protocol, item->data, item->len))
		return bury_untold(records, item);
	hand_add(&records->hand, item);
	if (records->hand.count == 1) {
		records->oldest_since_ns = item->taken_ns;
		code = freshen(records, item);
		/* It may have waited to be alone, or for silence. */
		if (records->request->time_limit_ns || !records->ever_answered)
			records->oldest_since_ns = ring_now_ns();
	}
	if (code == GO_ON && records->process.state == PROCESS_RUNNING)
		code = talk_queue(records, hand_at(&records->hand, records->hand.count - 1));
	rest_ns = intake_rest_ns(records->intake);
	if (rest_ns > 0)
		records->rest_until_ns = ring_now_ns() + rest_ns;
	return code;
}

bool take_is_resting(const struct records *records)
{
	return records->rest_until_ns != 0 && ring_now_ns() < records->rest_until_ns;
}

/* No item is in hand: hear what the process says unasked. */
static int watch_idle(struct records *records)
{
	if (records->noted != 0)
		ring_note(records->ring, "");
	records->noted = 0;
	return records->process.state == PROCESS_NONE ? GO_ON : talk_converse(records, 0);
}

static bool has_pauses(const struct intake *intake)
{
	return intake->pace->every_ns + intake->pace->extra_ns > 0;
}

/* As many as there is room for; with a pause after each, one. */
static size_t wanted(const struct records *records)
{
	return has_pauses(records->intake) ? 1 : records->hand.size - records->hand.count;
}

/* Nothing is to be had now. What was answered is kept no longer: an item may wait for it to be settled. */
static int take_none(struct records *records, bool *more)
{
	if (records->hand.count > 0)
		return GO_ON;
	*more = true;
	return answers_flush(records);
}

/* Ask the ring once. *more: it may have another. */
static int take_one(struct records *records, bool *more)
{
	bool hands_are_empty = records->hand.count == 0 && records->answered.n == 0;
	int wait_ms = records->turns.n > 0 ? TURN_MS : LOOK_MS, code = EXIT_OK;
	struct ring_item item;

	*more = false;
	records->intake->want = wanted(records);
	switch (intake_take(records->intake, &item, hands_are_empty, hands_are_empty ? wait_ms : 0, &code)) {
	case INTAKE_ITEM:
		*more = true;
		return accept_item(records, &item);
	case INTAKE_NOTHING:
		*more = hands_are_empty;
		return hands_are_empty ? GO_ON : take_none(records, more);
	case INTAKE_IDLE:
		return hands_are_empty ? watch_idle(records) : take_none(records, more);
	case INTAKE_END:
		break;
	}
	return code;
}

int take_fill(struct records *records)
{
	bool more = true;
	int code = GO_ON;

	while (code == GO_ON && more && !take_is_resting(records) && !take_wants_leave(records) &&
	       (records->hand.count == 0 || take_may(records)))
		code = take_one(records, &more);
	return code;
}

int take_ahead(struct records *records)
{
	struct intake *intake = records->intake;
	int code;

	if (intake->n > 0 || records->hand.count < records->hand.size || has_pauses(intake) ||
	    interrupt_wants_leave() || !answers_come_fast(records))
		return GO_ON;
	intake->want = records->hand.size;
	code = intake_look_ahead(intake);
	return code == EXIT_OK ? GO_ON : code;
}

int take_ahead_no_more(struct records *records)
{
	int code = EXIT_OK;

	if (records->intake->n > 0 && ring_now_ns() - records->answered.came_ns > AHEAD_NS)
		code = intake_return(records->intake);
	return code == EXIT_OK ? GO_ON : code;
}
