/*
 * worker_end.c - the process of COMMAND has ended, by itself, by a signal, since an item took too long, or
 * since it answered too much. What it had been sent falls in three:
 *	unread	 it read no byte of it: the next process gets it, as if nothing had been
 *	one	 it had read, and not answered, one item only: that one has failed, and is charged (but
 *		 not by a process that has answered others and ends with exit code 0: it retires)
 *	several	 nobody knows which one did it: all go back uncharged, and each is tried alone (intake.h)
 * A process that answers nothing and touches nothing is no item's fault; when that happens several
 * times in a row COMMAND can't be run.
 */
#include "src/consumer/worker_records.h"

#include <stdio.h>

#include "shm/ring.h"
#include "src/base/diag.h"
#include "src/base/exitcode.h"
#include "src/base/interrupt.h"
#include "src/base/quantity.h"

#define NS_PER_MS UINT64_C(1000000)
#define CODE_LATE 124			/* as timeout(1) has it */
#define CODE_SILENT 1			/* it ended well and gave no answer: failed like any other */
#define STILLBORN_MAX 5
#define STILLBORN_PAUSE_NS (100 * NS_PER_MS)	/* the second time; then twice as long each time */

/* How the process ended, for the one item that it was at. */
static void describe(const struct records *records, struct outcome *outcome, char cause[64])
{
	char limit[16];

	*outcome = (struct outcome){
		.code = records->process.code, .signal = records->process.signal,
		.errors = records->errors.kept, .errors_len = records->errors.kept_len,
	};
	if (records->is_late) {
		quantity_show_duration(limit, sizeof(limit), records->request->time_limit_ns);
		snprintf(cause, 64, "took longer than %s (--time-limit)", limit);
		outcome->cause = cause;
		if (outcome->signal == 0)
			outcome->code = CODE_LATE;
	} else if (outcome->signal == 0 && outcome->code == ITEM_ACK) {
		outcome->code = CODE_SILENT;
		outcome->cause = "COMMAND ended without an answer to it";
	}
}

static int charge_oldest(struct records *records)
{
	struct ring_item *item = &hand_at(&records->hand, 0)->item;
	struct outcome outcome;
	char cause[64];
	int code;

	describe(records, &outcome, cause);
	code = answers_note_job(records, item, outcome.code, outcome.signal, 0);
	if (code == EXIT_OK)
		code = settle_outcome(records->settler, item, &outcome);
	hand_drop(&records->hand);
	return code;
}

int end_return(struct records *records, size_t n)
{
	int code = EXIT_OK;

	for (; n > 0 && code == EXIT_OK; n--) {
		code = settle_return(records->settler, &hand_at(&records->hand, 0)->item);
		hand_drop(&records->hand);
	}
	return code;
}

static int give_up(const struct records *records)
{
	diag_error("COMMAND ended %u times in a row before it read an item or answered one%s",
		   records->stillborn, records->is_excessive ? ": it writes what is no answer" : "");
	return EXIT_CANT_RUN;
}

/* It did nothing, and no item is the cause. Wait longer each time, then give up. */
static int note_stillborn(struct records *records)
{
	uint64_t until, now;

	if (++records->stillborn >= STILLBORN_MAX)
		return give_up(records);
	until = ring_now_ns() + (STILLBORN_PAUSE_NS << records->stillborn) / 4;
	while ((now = ring_now_ns()) < until && !interrupt_wants_leave() &&
	       ring_stopped(records->ring) != RING_STOP_NOW)
		interrupt_nap(until - now);
	return GO_ON;
}

/* Is the one item that it was at to blame? */
static bool is_culpable(const struct records *records)
{
	const struct process *process = &records->process;

	if (records->is_excessive || records->is_called_off)
		return false;
	/* It may have answered the late one after all, and died with the next. */
	if (records->is_late)
		return hand_at(&records->hand, 0)->item.id == records->late_item;
	return records->answers == 0 || process->code != 0 || process->signal != 0;
}

static int settle_touched(struct records *records, size_t touched)
{
	if (touched == 1 && is_culpable(records))
		return charge_oldest(records);
	if (touched > 1)
		records->intake->trusted = 0;	/* they will come again, perhaps to this consumer */
	return end_return(records, touched);
}

/* Did it live in vain, and of its own accord? Then no item is the cause. */
static bool is_stillborn(const struct records *records, size_t touched)
{
	if (records->is_called_off || records->is_ending || records->answers > 0)
		return false;
	return touched == 0 || records->is_excessive;
}

/* The process has ended: hear the last of it, and see what it leaves. */
int end_bury(struct records *records)
{
	const struct process *process = &records->process;
	size_t touched;
	bool ended;
	int code;

	pairing_pause(records);
	code = talk_listen(records, &ended);
	touched = hand_touched(&records->hand, records->sent - process_unread(process));
	errors_listen(&records->errors, process->err);
	errors_end(&records->errors);
	process_reap(&records->process);
	if (code == GO_ON)
		code = answers_flush(records);
	if (code != GO_ON)
		return code;
	diag_verbose("COMMAND ended (exit code %d, signal %d) after %llu answers, with %zu items to answer",
		     process->code, process->signal, (unsigned long long)records->answers, touched);
	if (records->is_ending)
		say_bad_end(records);
	code = settle_touched(records, touched);
	if (code != EXIT_OK)
		return code;
	return is_stillborn(records, touched) ? note_stillborn(records) : GO_ON;
}
