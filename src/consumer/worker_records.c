/*
 * worker_records.c - COMMAND is one long-lived process a consumer; it is handed items as records, up to
 * --window of them at once, and answers each, in their order, with one record. What it answers goes to
 * standard output in whole records, and then its item is acked.
 *
 * When a process ends (by itself, by a signal, since an item took too long, or since it answered too
 * much), what it had been sent falls in three:
 *	unread	 it read no byte of it: the next process gets it, as if nothing had been
 *	one	 it had read, and not answered, one item only: that one has failed, and is charged (but
 *		 not by a process that has answered others and ends with exit code 0: it retires)
 *	several	 nobody knows which one did it: all go back uncharged, and each is tried alone (intake.h)
 * A process that answers nothing and touches nothing is no item's fault; when that happens several
 * times in a row COMMAND can't be run.
 */
#include "src/consumer/sink.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "shm/ring.h"
#include "src/base/diag.h"
#include "src/base/exitcode.h"
#include "src/base/interrupt.h"
#include "src/base/quantity.h"
#include "src/consumer/buffer.h"
#include "src/consumer/environment.h"
#include "src/consumer/errors.h"
#include "src/consumer/hand.h"
#include "src/consumer/intake.h"
#include "src/consumer/joblog.h"
#include "src/consumer/lasting.h"
#include "src/consumer/out.h"
#include "src/consumer/process.h"
#include "src/consumer/protocol.h"
#include "src/consumer/run.h"
#include "src/consumer/settle.h"
#include "src/consumer/turns.h"

#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S UINT64_C(1000000000)

#define CODE_LATE 124			/* as timeout(1) has it */
#define CODE_SILENT 1			/* it ended well and gave no answer: failed like any other */
#define ANSWER_MAX (64u << 20)		/* a guess: far above what belongs into one record */
#define READ_BYTES (64u * 1024)		/* what a pipe holds */
#define SEND_BYTES (64u * 1024)
#define LOOK_MS 250			/* how long a stop flag, or an idle process's end, may stay unseen */
#define TURN_MS 10			/* how long a turn of what is kept may stay unseen */
#define RING_LOOK_MS 20			/* how long an item may wait while others are being answered */
#define HINT_NS (3 * NS_PER_S)		/* a guess: long for a small item, short for a person */
#define GONE_NS (1 * NS_PER_S)		/* from closing a pipe to its end; a guess */
#define STILLBORN_MAX 5
#define STILLBORN_PAUSE_NS (100 * NS_PER_MS)	/* the second time; then twice as long each time */

/* A step's exit code, or: */
enum { GO_ON = -1 };

struct records {
	const struct sink_request *request;
	const struct protocol *protocol;
	struct ring *ring;
	struct lasting lasting;
	struct joblog joblog;
	struct turns turns;		/* with --keep-order */
	struct intake *intake;
	struct settler *settler;
	struct process process;
	struct errors errors;
	struct hand hand;

	struct buffer to, from;
	size_t searched;		/* bytes of `from` that hold no end of a record */
	uint64_t queued, sent;		/* bytes, since the process began */
	uint64_t answers;		/* of this process */
	uint64_t oldest_since_ns;	/* when the oldest unanswered item became that */
	uint64_t rest_until_ns;		/* --pace */
	int quiet_ms;			/* how long the next wait may be while the ring is empty */
	unsigned stillborn;		/* processes in a row that did nothing */
	bool is_late, is_excessive, is_called_off;	/* why the process was asked to end */
	uint64_t late_item;		/* its id */
	uint64_t gone_since_ns;		/* it has closed a pipe, as who leaves does; 0: not yet */
	bool is_ending;			/* there are no more items */
	bool ever_answered, has_hinted, has_said_excess, is_noted;
};

/* ------------------------------------------------------------------ the process */

static int start(struct records *records)
{
	if (process_start(&records->process, records->lasting.line.argv,
			  environment_lasting(&records->lasting.environment), true) < 0)
		return lasting_cannot_run(records->lasting.line.argv[0], errno);
	errors_begin(&records->errors);
	records->from.start = records->from.end = records->searched = 0;
	records->to.start = records->to.end = 0;
	records->queued = records->sent = records->answers = 0;
	records->is_late = records->is_excessive = false;
	records->gone_since_ns = 0;
	return GO_ON;
}

/* The record of an item in hand, behind what is to be sent. */
static int queue(struct records *records, struct held *held)
{
	char *room = buffer_room(&records->to, held->item.len + PROTOCOL_EXTRA);
	size_t len;

	if (!room) {
		diag_error("no memory for items of %zu bytes", held->item.len);
		return EXIT_SYSTEM;
	}
	len = protocol_write(records->protocol, held->item.data, held->item.len, room);
	records->to.end += len;
	held->from = records->queued;
	held->to = records->queued += len;
	return GO_ON;
}

/* What the last process left untouched is the next one's. */
static int queue_again(struct records *records)
{
	int code = GO_ON;

	for (size_t i = 0; i < records->hand.count && code == GO_ON; i++)
		code = queue(records, hand_at(&records->hand, i));
	records->oldest_since_ns = ring_now_ns();
	return code;
}

static void end_process(struct records *records)
{
	process_ask_to_end(&records->process, ring_now_ns());
}

/* Said the first time; one that does so again and again would say it without end. */
static void say_excess(struct records *records)
{
	void (*say)(const char *, ...) DIAG_PRINTF(1, 2) =
		records->has_said_excess ? diag_verbose : diag_warn;

	if (!records->is_excessive)
		say("COMMAND answered more than it was asked; it is ended, and started again");
	records->is_excessive = records->has_said_excess = true;
	end_process(records);
}

/* ------------------------------------------------------------------ answers */

static int note_job(struct records *records, const struct ring_item *item, int code, int signal,
		    size_t output)
{
	uint64_t now = ring_now_ns();
	struct timespec wall;
	struct run run = {
		.argv = records->lasting.line.argv, .code = code, .signal = signal,
		.took_ns = now - item->taken_ns,
	};

	if (records->joblog.fd < 0)
		return EXIT_OK;
	clock_gettime(CLOCK_REALTIME, &wall);
	run.started_ns = (uint64_t)wall.tv_sec * NS_PER_S + (uint64_t)wall.tv_nsec - run.took_ns;
	return joblog_write(&records->joblog, item->id, &run, (off_t)output);
}

static int ack_oldest(struct records *records, const char *answer, size_t output)
{
	static const struct outcome good = { .code = ITEM_ACK };
	struct ring_item *item = &hand_at(&records->hand, 0)->item;
	int code = note_job(records, item, ITEM_ACK, 0, output);

	if (code == EXIT_OK && records->request->keep_order)
		code = turns_ack(&records->turns, records->settler, item, answer, output);
	else if (code == EXIT_OK)
		code = settle_outcome(records->settler, item, &good);
	hand_drop(&records->hand);
	return code;
}

/* Whole records at the beginning of `from`: how many, up to as many as were asked for, and their
   bytes. What lies behind stays. */
static size_t count_answers(struct records *records, size_t asked, size_t *bytes)
{
	const struct buffer *from = &records->from;
	size_t n = 0, used = buffer_used(from), len;

	for (*bytes = 0; n < asked; n++, *bytes += len) {
		len = protocol_cut(records->protocol, from->bytes + from->start + *bytes, used - *bytes,
				   records->searched);
		if (len == 0) {
			records->searched = used - *bytes;
			break;
		}
		records->searched = 0;
	}
	return n;
}

/* The records that are acked were cut once; here only their lengths are wanted. */
static size_t answer_length(const struct records *records, size_t at)
{
	const struct buffer *from = &records->from;

	return records->joblog.fd < 0 && !records->request->keep_order ? 0
	       : protocol_cut(records->protocol, from->bytes + from->start + at,
			      buffer_used(from) - at, 0);
}

static int settle_answers(struct records *records, size_t n)
{
	int code = EXIT_OK;

	for (size_t at = 0; n > 0 && code == EXIT_OK; n--) {
		size_t len = answer_length(records, at);

		code = ack_oldest(records, records->from.bytes + records->from.start + at, len);
		at += len;
	}
	return code;
}

/* What came in, for items that were sent whole. Anything more was not asked for. */
static int take_answers(struct records *records)
{
	size_t asked = hand_read(&records->hand, records->sent), bytes;
	size_t n = count_answers(records, asked, &bytes);
	const struct buffer *from = &records->from;
	int code = EXIT_OK;

	if (n > 0) {
		if (!records->request->keep_order && out_write(STDOUT_FILENO, from->bytes + from->start, bytes) < 0) {
			diag_error("cannot write to standard output: %m");
			return EXIT_IO;
		}
		records->answers += n;
		records->ever_answered = true;
		records->stillborn = 0;
		if (records->request->time_limit_ns || !records->has_hinted)
			records->oldest_since_ns = ring_now_ns();
		code = settle_answers(records, n);
		buffer_use(&records->from, bytes);
	}
	if ((n == asked && buffer_used(from) > 0) || buffer_used(from) > ANSWER_MAX)
		say_excess(records);
	return code == EXIT_OK ? GO_ON : code;
}

/* All that can be read now. *ended: its standard output has ended. */
static int listen_to(struct records *records, bool *ended)
{
	int code = GO_ON;

	*ended = false;
	while (code == GO_ON && records->process.out >= 0) {
		size_t before = buffer_used(&records->from);
		ssize_t n = buffer_read(&records->from, records->process.out, READ_BYTES);
		bool is_all = n < (ssize_t)READ_BYTES;

		if (n < 0 && errno != EAGAIN && errno != EINTR) {
			diag_error("cannot read what COMMAND answers: %m");
			return EXIT_SYSTEM;
		}
		*ended = n == 0;
		/* Who answers too much is not listened to any more. */
		if (records->is_excessive)
			records->from.end = records->from.start + before;
		else if (n > 0)
			code = take_answers(records);
		if (is_all)
			break;
	}
	return code;
}

/* ------------------------------------------------------------------ its end */

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
	code = note_job(records, item, outcome.code, outcome.signal, 0);
	if (code == EXIT_OK)
		code = settle_outcome(records->settler, item, &outcome);
	hand_drop(&records->hand);
	return code;
}

static int return_oldest(struct records *records, size_t n)
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
	return return_oldest(records, touched);
}

static void say_bad_end(const struct records *records)
{
	const struct process *process = &records->process;

	if (records->is_called_off || records->is_excessive || records->is_late)
		return;
	if (process->signal)
		diag_warn("COMMAND was killed by signal %d behind its last item", process->signal);
	else if (process->code)
		diag_warn("COMMAND ended with exit code %d behind its last item", process->code);
}

/* Did it live in vain, and of its own accord? Then no item is the cause. */
static bool is_stillborn(const struct records *records, size_t touched)
{
	if (records->is_called_off || records->is_ending || records->answers > 0)
		return false;
	return touched == 0 || records->is_excessive;
}

/* The process has ended: hear the last of it, and see what it leaves. */
static int bury(struct records *records)
{
	const struct process *process = &records->process;
	size_t touched;
	bool ended;
	int code = listen_to(records, &ended);

	touched = hand_touched(&records->hand, records->sent - process_unread(process));
	errors_listen(&records->errors, process->err);
	errors_end(&records->errors);
	process_reap(&records->process);
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

/* ------------------------------------------------------------------ sending and waiting */

/* It has closed a pipe. Most who do are about to end, and shall say their exit code themselves. */
static void note_gone(struct records *records)
{
	if (records->gone_since_ns == 0)
		records->gone_since_ns = ring_now_ns();
}

static bool is_leaving(const struct records *records)
{
	return records->process.state > PROCESS_RUNNING ||
	       (records->process.state == PROCESS_RUNNING && records->gone_since_ns != 0);
}

static int send_queued(struct records *records)
{
	ssize_t n;

	while (buffer_used(&records->to) > 0) {
		n = buffer_write(&records->to, records->process.in);
		if (n > 0) {
			records->sent += (uint64_t)n;
			continue;
		}
		if (errno == EINTR)
			continue;
		if (errno == EAGAIN)
			return GO_ON;
		if (errno != EPIPE) {
			diag_error("cannot write to COMMAND: %m");
			return EXIT_SYSTEM;
		}
		/* What is queued will be the next one's. */
		records->to.start = records->to.end = 0;
		note_gone(records);
	}
	return GO_ON;
}

static bool may_take_more(const struct records *records)
{
	return records->hand.count < records->hand.size && !records->intake->is_alone &&
	       records->process.state == PROCESS_RUNNING && !is_leaving(records) &&
	       !interrupt_wants_leave();
}

static int until_ms(uint64_t at_ns, uint64_t now)
{
	return at_ns <= now ? 0 : (int)((at_ns - now + NS_PER_MS - 1) / NS_PER_MS);
}

static int sooner(int a, int b)
{
	return a < b ? a : b;
}

/* How long to wait for the process. While there is room for more items the ring is asked too, less and
   less often. */
static int wait_ms(struct records *records)
{
	const struct process *process = &records->process;
	uint64_t limit_ns = records->request->time_limit_ns, now;
	int ms = records->turns.n > 0 ? TURN_MS : LOOK_MS;

	if (may_take_more(records)) {
		ms = sooner(ms, records->quiet_ms);
		records->quiet_ms = sooner(2 * ms + 1, RING_LOOK_MS);
	}
	if (process->state == PROCESS_KILLED || (process->state == PROCESS_RUNNING && limit_ns == 0))
		return ms;
	now = ring_now_ns();
	if (process->state == PROCESS_RUNNING)
		return sooner(ms, until_ms(records->oldest_since_ns + limit_ns, now));
	return sooner(ms, until_ms(process->asked_ns + records->request->kill_after_ns, now));
}

static void note_waiting(struct records *records)
{
	char text[RING_NOTE_MAX];

	snprintf(text, sizeof(text), "item %llu",
		 (unsigned long long)hand_at(&records->hand, 0)->item.id);
	ring_note(records->ring, text);
	records->is_noted = true;
}

static void hint_at_buffering(struct records *records, uint64_t now)
{
	if (records->has_hinted || records->ever_answered || records->hand.count == 0 ||
	    records->request->number > 1 ||
	    now - records->oldest_since_ns < HINT_NS || process_unread(&records->process) > 0)
		return;
	records->has_hinted = true;
	diag_warn("COMMAND has read an item and not answered for a while; if it keeps its answers in a "
		  "buffer, make it write each at once: stdbuf -oL, python3 -u, awk -W interactive, "
		  "fflush()");
}

/* Nothing came: has it taken too long, was it asked to end long enough ago? */
static void look_at_clock(struct records *records)
{
	uint64_t limit_ns = records->request->time_limit_ns, now = ring_now_ns();

	if (records->hand.count > 0 && !records->is_noted)
		note_waiting(records);
	hint_at_buffering(records, now);
	if (records->gone_since_ns && now - records->gone_since_ns >= GONE_NS)
		end_process(records);
	if (limit_ns && records->process.state == PROCESS_RUNNING &&
	    now - records->oldest_since_ns >= limit_ns) {
		records->is_late = true;
		records->late_item = records->hand.count ? hand_at(&records->hand, 0)->item.id : 0;
		end_process(records);
	}
	process_press(&records->process, now, records->request->kill_after_ns,
		      interrupt_count() > 1);
}

/* Wait for whatever the process does next, up to `ms`. */
static int converse(struct records *records, int ms)
{
	struct process *process = &records->process;
	struct pollfd fds[] = {
		{ .fd = process->out, .events = POLLIN },
		{ .fd = process->pidfd, .events = POLLIN },
		{ .fd = process->err, .events = POLLIN },
		{ .fd = buffer_used(&records->to) > 0 ? process->in : -1, .events = POLLOUT },
	};
	bool ended = false;
	int n = poll(fds, sizeof(fds) / sizeof(fds[0]), ms), code = GO_ON;

	if (n <= 0 || records->request->time_limit_ns || records->gone_since_ns || process->state != PROCESS_RUNNING)
		look_at_clock(records);
	if (n <= 0)
		return GO_ON;
	if (fds[2].revents && !errors_listen(&records->errors, process->err))
		process_close_errors(process);
	if (fds[1].revents)
		return bury(records);
	if (fds[0].revents)
		code = listen_to(records, &ended);
	/* Without a standard output it can't answer any more. */
	if (ended) {
		process_close_output(process);
		note_gone(records);
	}
	return code;
}

/* ------------------------------------------------------------------ taking */

/* Before an idle process gets an item: is it still there, and silent? */
static int freshen(struct records *records)
{
	bool ended;
	int code = GO_ON;

	if (records->process.state != PROCESS_NONE) {
		code = listen_to(records, &ended);
		if (code == GO_ON && ended) {
			process_close_output(&records->process);
			note_gone(records);
		}
		while (code == GO_ON && is_leaving(records))
			code = converse(records, wait_ms(records));
	}
	if (code == GO_ON && records->process.state == PROCESS_NONE)
		code = start(records);
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
		code = freshen(records);
	}
	if (code == GO_ON && records->process.state == PROCESS_RUNNING)
		code = queue(records, hand_at(&records->hand, records->hand.count - 1));
	rest_ns = intake_rest_ns(records->intake);
	if (rest_ns > 0)
		records->rest_until_ns = ring_now_ns() + rest_ns;
	return code;
}

static bool is_resting(const struct records *records)
{
	return records->rest_until_ns != 0 && ring_now_ns() < records->rest_until_ns;
}

/* No item is in hand: hear what the process says unasked. */
static int watch_idle(struct records *records)
{
	if (records->is_noted)
		ring_note(records->ring, "");
	records->is_noted = false;
	return records->process.state == PROCESS_NONE ? GO_ON : converse(records, 0);
}

/* Ask the ring once. *more: it may have another. */
static int take_one(struct records *records, bool *more)
{
	bool hands_are_empty = records->hand.count == 0;
	int wait_ms = records->turns.n > 0 ? TURN_MS : LOOK_MS, code = EXIT_OK;
	struct ring_item item;

	*more = false;
	switch (intake_take(records->intake, &item, hands_are_empty,
			    hands_are_empty ? wait_ms : 0, &code)) {
	case INTAKE_ITEM:
		*more = true;
		return accept_item(records, &item);
	case INTAKE_NOTHING:
		*more = hands_are_empty;
		return GO_ON;
	case INTAKE_IDLE:
		return hands_are_empty ? watch_idle(records) : GO_ON;
	case INTAKE_END:
		break;
	}
	return code;
}

static int fill_hand(struct records *records)
{
	bool more = true;
	int code = GO_ON;

	while (code == GO_ON && more && !is_resting(records) && !interrupt_wants_leave() &&
	       (records->hand.count == 0 || may_take_more(records)))
		code = take_one(records, &more);
	return code;
}

/* ------------------------------------------------------------------ the loop */

static bool is_called_off(const struct records *records)
{
	return interrupt_signal() != 0 || ring_stopped(records->ring) == RING_STOP_NOW;
}

/* What the last process left in our hands untouched. */
static int start_again(struct records *records)
{
	int code = start(records);

	return code == GO_ON ? queue_again(records) : code;
}

static int serve_hand(struct records *records)
{
	int code = GO_ON;

	if (records->process.state == PROCESS_NONE)
		code = start_again(records);
	if (code == GO_ON && !is_leaving(records))
		code = send_queued(records);
	return code == GO_ON ? converse(records, wait_ms(records)) : code;
}

static int leave(void)
{
	return interrupt_signal() ? EXIT_BY_SIGNAL + interrupt_signal() : EXIT_OK;
}

static int turn(struct records *records)
{
	int code;

	if (is_called_off(records))
		return interrupt_signal() ? leave() : settle_forced_out(records->settler);
	code = turns_look(&records->turns, records->settler);
	if (code != EXIT_OK)
		return code;
	code = fill_hand(records);
	if (code != GO_ON)
		return code;
	if (records->hand.count > 0)
		return serve_hand(records);
	if (interrupt_wants_leave())
		return leave();
	if (is_resting(records))
		interrupt_nap(records->rest_until_ns - ring_now_ns());
	return GO_ON;
}

/* Its input ends, and so should it; what is in hand, or what we are called off from, it is ended at. */
static int end_conversation(struct records *records)
{
	int code = GO_ON;

	records->oldest_since_ns = ring_now_ns();
	records->is_ending = records->hand.count == 0;
	if (records->is_ending)
		process_end_input(&records->process);
	while (records->process.state != PROCESS_NONE && code == GO_ON) {
		if (records->hand.count > 0 || is_called_off(records)) {
			records->is_called_off = true;
			end_process(records);
		}
		code = converse(records, wait_ms(records));
	}
	if (records->process.state != PROCESS_NONE) {
		process_ask_to_end(&records->process, 0);
		process_press(&records->process, 0, 0, true);
		process_reap(&records->process);
	}
	return code;
}

static int records_work(void *state, struct intake *intake)
{
	struct records *records = state;
	int code, ended, returned;

	records->intake = intake;
	records->settler = intake->settler;
	code = start(records);
	while (code == GO_ON)
		code = turn(records);
	ended = end_conversation(records);
	returned = return_oldest(records, records->hand.count);
	if (returned == EXIT_OK && records->request->keep_order)
		returned = turns_return(&records->turns, records->settler);
	ring_note(records->ring, "");
	if (code == EXIT_OK && ended != GO_ON)
		code = ended;
	return code != EXIT_OK ? code : returned;
}

/* ------------------------------------------------------------------ open and close */

static int records_open(const struct sink_request *request, void **state,
			const struct protocol *protocol)
{
	struct records *records = calloc(1, sizeof(*records));

	if (!records || hand_init(&records->hand, request->window) < 0) {
		diag_error("no memory for a worker with a window of %zu items", request->window);
		free(records);
		return EXIT_SYSTEM;
	}
	records->request = request;
	records->protocol = protocol;
	records->process = (struct process)PROCESS_INIT;
	records->joblog.fd = -1;
	*state = records;
	return lasting_check(request);
}

static int records_start(void *state, struct ring *ring)
{
	struct records *records = state;
	int code = lasting_prepare(&records->lasting, records->request, ring);

	records->ring = ring;
	if (code == EXIT_OK && records->request->keep_order)
		code = turns_open(&records->turns, ring);
	if (code != EXIT_OK || !records->request->joblog)
		return code;
	return joblog_open(&records->joblog, records->request->joblog);
}

static void records_close(void *state)
{
	struct records *records = state;

	turns_close(&records->turns);
	if (records->joblog.fd >= 0)
		joblog_close(&records->joblog);
	buffer_free(&records->to);
	buffer_free(&records->from);
	errors_free(&records->errors);
	hand_free(&records->hand);
	lasting_free(&records->lasting);
	free(records);
}

static int lines_open(const struct sink_request *request, void **state)
{
	static const struct protocol protocol = { .terminator = '\n' };

	return records_open(request, state, &protocol);
}

static int nul_open(const struct sink_request *request, void **state)
{
	static const struct protocol protocol = { .terminator = '\0' };

	return records_open(request, state, &protocol);
}

static int len32_open(const struct sink_request *request, void **state)
{
	static const struct protocol protocol = { .has_length = true };

	return records_open(request, state, &protocol);
}

const struct sink worker_lines = {
	.name = "lines",
	.help = "COMMAND stays; it reads a line an item, and answers each with a line",
	.is_worker = true,
	.open = lines_open,
	.start = records_start,
	.work = records_work,
	.close = records_close,
};

const struct sink worker_nul = {
	.name = "nul",
	.help = "the same with NUL bytes instead of newlines",
	.is_worker = true,
	.open = nul_open,
	.start = records_start,
	.work = records_work,
	.close = records_close,
};

const struct sink worker_len32 = {
	.name = "len32",
	.help = "the same with a length (4 bytes, the lowest first) before each record",
	.is_worker = true,
	.open = len32_open,
	.start = records_start,
	.work = records_work,
	.close = records_close,
};
