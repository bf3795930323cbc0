/*
 * worker_records.h - what the files of the long-lived workers share: worker_records.c (the loop),
 * worker_take.c, worker_talk.c, worker_answers.c, worker_silence.c, worker_pair.c, worker_end.c,
 * worker_say.c. Private to them.
 */
#ifndef SHMLINE_WORKER_RECORDS_H
#define SHMLINE_WORKER_RECORDS_H

#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/consumer/buffer.h"
#include "src/consumer/errors.h"
#include "src/consumer/hand.h"
#include "src/consumer/intake.h"
#include "src/consumer/joblog.h"
#include "src/consumer/lasting.h"
#include "src/consumer/pair.h"
#include "src/consumer/process.h"
#include "src/consumer/protocol.h"
#include "src/consumer/settle.h"
#include "src/consumer/sink.h"
#include "src/consumer/turns.h"

#define LOOK_MS 250	/* how long a stop flag, or an idle process's end, may stay unseen */
#define TURN_MS 10	/* how long a turn of what is kept may stay unseen */

/* A step's exit code, or: */
enum { GO_ON = -1 };

/* Items that are answered, and the answers, until these are written and those acked. */
struct answered {
	struct ring_item *items;
	size_t n, limit;		/* from `limit` on nothing more is kept */
	bool is_due;			/* to be written as soon as COMMAND has something to do */
	struct buffer bytes;
	uint64_t since_ns;		/* when the first of them came */
	uint64_t came_ns, before_ns;	/* when answers came last, and the time before */
};

/* Moments in which no answer is owed, see worker_silence.c. */
struct silence {
	uint64_t due_ns, began_ns;	/* the next; it was waited for since then, 0: not yet */
	uint64_t answers;		/* how many there had been at the last */
	uint64_t busy_ns;		/* time since then in which answers were owed */
};

/* Where the two may run: before they came together, and then. */
struct pairing {
	struct pair pair;
	cpu_set_t ours, theirs, one;
};

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

	struct answered answered;
	struct silence silence;
	struct pairing pairing;
	struct buffer to, from;
	size_t searched;		/* bytes of `from` that hold no end of a record */
	uint64_t queued, sent;		/* bytes, since the process began */
	uint64_t answers;		/* of this process */
	uint64_t oldest_since_ns;	/* when the oldest unanswered item became that */
	uint64_t rest_until_ns;		/* --pace */
	int quiet_ms;			/* how long the next wait may be while the ring is empty */
	uint64_t noted;			/* the item that the ring is told we wait for; 0: none */
	unsigned stillborn;		/* processes in a row that did nothing */
	bool is_late, is_excessive, is_called_off;	/* why the process was asked to end */
	uint64_t late_item;		/* its id */
	uint64_t gone_since_ns;		/* it has closed a pipe, as who leaves does; 0: not yet */
	bool is_ending;			/* there are no more items */
	bool ever_answered, has_hinted, has_said_excess;
};

/* Is all off, by a signal or by the stop flag in mode now? */
bool records_called_off(const struct records *records);

/* ------------------------------------------------------------------ worker_take.c */

/* May another item be taken, beside those in hand? */
bool take_may(struct records *records);

/* --pace: is there a pause just now? */
bool take_is_resting(const struct records *records);

/* From the ring, as many items as there are and the window has room for; waits when none is in hand. */
int take_fill(struct records *records);

/* While COMMAND answers fast, and has all that it may have: what it will be told next is taken meanwhile.
   When it has fallen silent, others shall have that. */
int take_ahead(struct records *records);
int take_ahead_no_more(struct records *records);

/* Is this consumer asked to leave, and done with what it has taken ahead? */
bool take_wants_leave(const struct records *records);

/* ------------------------------------------------------------------ worker_talk.c */

/* Start the process; and tell it what the last one left untouched. */
int talk_start(struct records *records);
int talk_start_again(struct records *records);

/* The record of an item in hand, behind what is to be sent. */
int talk_queue(struct records *records, struct held *held);

/* Send what goes without waiting. */
int talk_send(struct records *records);

/* All that can be read of it now. *ended: its standard output has ended. */
int talk_listen(struct records *records, bool *ended);

/* How long to wait for the process, and waiting for whatever it does next. */
int talk_wait_ms(struct records *records);
int talk_converse(struct records *records, int ms);

/* It has closed a pipe. Most who do are about to end, and shall say their exit code themselves. */
void talk_note_gone(struct records *records);
bool talk_is_leaving(const struct records *records);

void talk_ask_to_end(struct records *records);

/* ------------------------------------------------------------------ worker_answers.c */

/* What came in, for items that were sent whole. Anything more was not asked for. The answers are kept for
   a moment: before waiting for anything, see answers_wait_ms(). */
int answers_take(struct records *records);

/* Before the first answer, and behind the last. 0, or an exit code after saying why. */
int answers_open(struct records *records);
void answers_close(struct records *records);

/* Write what was kept, and ack its items. When it can't be written they go back. */
int answers_flush(struct records *records);
int answers_flush_due(struct records *records);

/* Do they come one after the other, just now? */
bool answers_come_fast(const struct records *records);

/* How long one may wait before answers_flush(), for what may come meanwhile. */
int answers_wait_ms(const struct records *records);

int answers_note_job(struct records *records, const struct ring_item *item, int code, int signal,
		     size_t output);

/* ------------------------------------------------------------------ worker_silence.c */

/* A process has begun. */
void silence_begin(struct records *records);

/* Answers came, which were owed for so long. */
void silence_note_busy(struct records *records, uint64_t busy_ns);

/* Is it time for one? Then nothing more is sent before it was kept. */
bool silence_is_due(struct records *records);

/* All is answered: wait a moment for what was not asked for. GO_ON, or an exit code after saying why. */
int silence_keep(struct records *records);

/* ------------------------------------------------------------------ worker_pair.c */

/* Do this process and COMMAND share one processor just now? Then waiting awake is in COMMAND's way. */
bool pairing_is_together(const struct records *records);

/* Answers came, which were owed for so long. */
void pairing_answered(struct records *records, uint64_t answers, uint64_t took_ns);

/* There is a pause, or COMMAND has ended: each may go where it likes. Leaves errno. */
void pairing_pause(struct records *records);

/* ------------------------------------------------------------------ worker_end.c */

/* The process has ended: hear the last of it, and see what it leaves. */
int end_bury(struct records *records);

/* The n oldest items in hand go back to the ring, uncharged. */
int end_return(struct records *records, size_t n);

/* ------------------------------------------------------------------ worker_say.c */

/* It answers too much, and is ended. Said the first time; one that does so again and again would say it
   without end. */
void say_excess(struct records *records);

void say_bad_end(const struct records *records);
void say_waiting(struct records *records);

/* Perhaps it keeps its answers in a buffer. */
void say_hint(struct records *records, uint64_t now);

#endif
