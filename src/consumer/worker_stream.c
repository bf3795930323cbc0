/*
 * worker_stream.c - COMMAND is one long-lived process a consumer; its standard input is a stream of
 * records, handed over in blocks straight from the ring's slots, and it answers nothing. When no more items
 * come its input ends, and so should it; one that leaves before is started again.
 *
 * An item is given when COMMAND has read the last byte of its record out of the pipe; then it is acked, for
 * the ring can't keep all that a COMMAND has seen. What stands in the pipe or in our hands is in flight,
 * and goes back to the ring, uncharged, when COMMAND leaves. What it was given is confirmed when it ends
 * with exit code 0 after the end of its input. Until then the ring counts it as unconfirmed
 * (ring_count_unconfirmed()), so that it is known however the process, or this one, ends.
 */
#include "src/consumer/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "shm/ring.h"
#include "src/base/diag.h"
#include "src/base/exitcode.h"
#include "src/base/interrupt.h"
#include "src/consumer/hand.h"
#include "src/consumer/intake.h"
#include "src/consumer/lasting.h"
#include "src/consumer/process.h"
#include "src/consumer/protocol.h"
#include "src/consumer/settle.h"

#define NS_PER_MS UINT64_C(1000000)

/* Of a ring's slots, the part that one consumer's COMMAND may leave unread. */
#define SHARE_OF_SLOTS 8
#define PIECES_MAX 64		/* of one write: as much as a pipe takes, if they are small slots; a guess */
#define PIPE_MIN 4096u
#define PIPE_MAX (1u << 20)	/* what a kernel allows everybody, unless told otherwise */
#define LOOK_MS 250		/* how long a stop flag, or an idle COMMAND's end, may stay unseen */
#define QUIET_MS 20		/* how long it may stay unseen that COMMAND has read all there was */
#define NAP_MS 1		/* for a block to come together */
#define END_MS 25		/* the same once it is to end */
#define TURNS_GIVEN 20		/* of the processor; a guess: some microseconds */
#define GONE_NS UINT64_C(1000000000)	/* from there to its end; a guess */
#define STILLBORN_MAX 5
#define STILLBORN_PAUSE_NS (100 * NS_PER_MS)

/* A step's exit code, or: */
enum { GO_ON = -1 };

struct stream {
	const struct sink_request *request;
	struct protocol protocol;
	struct ring *ring;
	struct lasting lasting;
	struct intake *intake;
	struct settler *settler;
	struct process process;
	struct hand hand;		/* not read yet */
	size_t whole;			/* of these, the oldest that are sent whole */
	uint64_t queued, sent;		/* bytes, since the process began */
	uint64_t given;			/* items, likewise */
	uint64_t rest_until_ns;		/* --pace */
	uint64_t gone_since_ns;		/* it reads no more, as who leaves; 0: not yet */
	int quiet_ms;
	unsigned stillborn;		/* processes in a row that read nothing */
	bool at_end;			/* its input has ended */
	bool is_called_off, has_said;
	bool is_ahead;			/* the ring had nothing, and COMMAND has something to read */
	bool has_napped;		/* since the last item came */
};

/* ------------------------------------------------------------------ the process */

static int start(struct stream *stream)
{
	if (process_start(&stream->process, stream->lasting.line.argv,
			  environment_lasting(&stream->lasting.environment), false) < 0)
		return lasting_cannot_run(stream->lasting.line.argv[0], errno);
	stream->whole = 0;
	stream->queued = stream->sent = stream->given = stream->gone_since_ns = 0;
	return GO_ON;
}

/*
 * A pipe that is full says when there is room again; one that is not says nothing when it is read. So it
 * is made to hold less than our hands do, by the length of the first item, or of parcels that are full.
 */
static void fit_pipe(const struct stream *stream, size_t record)
{
	bool may_grow = ring_terminator(stream->ring) >= 0;
	size_t each = may_grow ? ring_item_max(stream->ring) : record;
	size_t room = stream->hand.size * each, size = PIPE_MIN;

	while (size * 2 <= room && size < PIPE_MAX)
		size *= 2;
	(void)fcntl(stream->process.in, F_SETPIPE_SZ, (int)size);
}

/* ------------------------------------------------------------------ what it has read */

/* The oldest leaves our hands. */
static void drop(struct stream *stream)
{
	hand_drop(&stream->hand);
	if (stream->whole > 0)
		stream->whole--;
}

/* First: killed before the ack, we have counted too many, not too few. */
static void count_given(struct stream *stream, uint32_t records)
{
	ring_count_unconfirmed(stream->ring, records);
	stream->given += records;
}

static int ack_given(struct stream *stream, size_t n)
{
	static const struct outcome good = { .code = ITEM_ACK };
	int code = EXIT_OK;

	for (; n > 0 && code == EXIT_OK; n--) {
		struct ring_item *item = &hand_at(&stream->hand, 0)->item;

		count_given(stream, item->records);
		code = settle_outcome(stream->settler, item, &good);
		drop(stream);
	}
	return code == EXIT_OK ? GO_ON : code;
}

/* The records of the oldest parcel that end within what has been read. */
static int ack_part(struct stream *stream, uint64_t read)
{
	struct held *held = stream->hand.count > 0 ? hand_at(&stream->hand, 0) : NULL;
	const char *begin, *at, *end, *found;
	uint32_t n = 0;
	int code;

	if (!held || !held->item.is_parcel || held->from >= read)
		return GO_ON;
	begin = at = held->item.data;
	end = begin + (read - held->from);
	while (at < end && (found = memchr(at, stream->protocol.terminator, (size_t)(end - at)))) {
		at = found + 1;
		n++;
	}
	if (n == 0)
		return GO_ON;
	stream->quiet_ms = 0;
	stream->stillborn = 0;
	count_given(stream, n);
	held->from += (uint64_t)(at - begin);
	code = settle_records(stream->settler, &held->item, n, (size_t)(at - begin));
	return code == EXIT_OK ? GO_ON : code;
}

static int release(struct stream *stream)
{
	uint64_t read;
	int code = GO_ON;
	size_t n;

	if (stream->hand.count == 0)
		return GO_ON;
	read = stream->sent - process_unread(&stream->process);
	n = hand_read(&stream->hand, read);
	if (n > 0) {
		stream->quiet_ms = 0;
		stream->stillborn = 0;
		code = ack_given(stream, n);
	}
	return code == GO_ON ? ack_part(stream, read) : code;
}

static int return_all(struct stream *stream)
{
	int code = EXIT_OK;

	for (; stream->hand.count > 0 && code == EXIT_OK; drop(stream))
		code = settle_return(stream->settler, &hand_at(&stream->hand, 0)->item);
	return code == EXIT_OK ? GO_ON : code;
}

/* Said the first time; one that leaves again and again would say it without end. */
static void say_end(struct stream *stream)
{
	void (*say)(const char *, ...) DIAG_PRINTF(1, 2) =
		stream->has_said ? diag_verbose : diag_warn;
	const struct process *process = &stream->process;
	char how[64];

	if (process->signal)
		snprintf(how, sizeof(how), "was killed by signal %d", process->signal);
	else
		snprintf(how, sizeof(how), "ended with exit code %d", process->code);
	say("COMMAND %s%s; %llu items that it had been given are not confirmed", how,
	    stream->at_end ? "" : " before the end of its input", (unsigned long long)stream->given);
	stream->has_said = true;
}

static int note_stillborn(struct stream *stream)
{
	uint64_t until, now;

	if (++stream->stillborn >= STILLBORN_MAX) {
		diag_error("COMMAND ended %u times in a row before it read an item", stream->stillborn);
		return EXIT_CANT_RUN;
	}
	until = ring_now_ns() + (STILLBORN_PAUSE_NS << stream->stillborn) / 4;
	while ((now = ring_now_ns()) < until && !interrupt_wants_leave() &&
	       ring_stopped(stream->ring) != RING_STOP_NOW)
		interrupt_nap(until - now);
	return GO_ON;
}

/* It has ended: what had it read, and does that count as done? */
static int bury(struct stream *stream)
{
	int code = release(stream);

	process_reap(&stream->process);
	if (stream->at_end && stream->process.code == 0 && stream->process.signal == 0)
		ring_count_unconfirmed(stream->ring, -(int64_t)stream->given);
	else if (stream->given > 0)
		say_end(stream);
	if (code == GO_ON)
		code = return_all(stream);
	stream->queued = stream->sent = stream->gone_since_ns = 0;
	if (code == GO_ON && stream->given == 0 && !stream->at_end && !stream->is_called_off)
		code = note_stillborn(stream);
	return code;
}

/* ------------------------------------------------------------------ giving */

static int bury_untold(struct stream *stream, struct ring_item *item)
{
	static const struct outcome cannot_be_told = {
		.code = ITEM_DEAD, .cause = "holds the byte that ends a record",
	};
	int code = settle_dead(stream->settler, item, &cannot_be_told);

	stream->intake->is_alone = false;
	return code == EXIT_OK ? GO_ON : code;
}

/* The records of a parcel end already. */
static int queue(struct stream *stream, struct ring_item *item)
{
	struct held *held = hand_add(&stream->hand, item);
	size_t len = item->len + !item->is_parcel;

	held->from = stream->queued;
	held->to = stream->queued += len;
	if (held->from == 0)
		fit_pipe(stream, len);
	return GO_ON;
}

static int accept_item(struct stream *stream, struct ring_item *item)
{
	uint64_t rest_ns = intake_rest_ns(stream->intake);
	int code;

	if (rest_ns > 0)
		stream->rest_until_ns = ring_now_ns() + rest_ns;
	if (!item->is_parcel && !protocol_can_carry(&stream->protocol, item->data, item->len))
		return bury_untold(stream, item);
	code = stream->process.state == PROCESS_NONE ? start(stream) : GO_ON;
	if (code == GO_ON)
		return queue(stream, item);
	hand_add(&stream->hand, item);	/* to be returned with the others */
	return code;
}

static bool has_ended(const struct process *process)
{
	struct pollfd end = { .fd = process->pidfd, .events = POLLIN };

	return process->state != PROCESS_NONE && poll(&end, 1, 0) > 0;
}

/*
 * How long to wait for an item. While what was sent is not read yet we look round for that too, less and
 * less often: it tells nobody, and only acks wait for it.
 */
static int take_ms(struct stream *stream)
{
	stream->is_ahead = false;
	if (stream->queued > stream->sent)
		return 0;
	/* While COMMAND has something to read, a moment lets a block come together. */
	if (stream->hand.count > 0 && !stream->has_napped && process_unread(&stream->process) > 0) {
		stream->is_ahead = true;
		return 0;
	}
	if (stream->hand.count == 0)
		return LOOK_MS;
	stream->quiet_ms = stream->quiet_ms < QUIET_MS ? 2 * stream->quiet_ms + 1 : QUIET_MS;
	return stream->quiet_ms;
}

/* Ask the ring once. *more: it may have another. */
static int take_one(struct stream *stream, bool *more)
{
	bool hands_are_empty = stream->hand.count == 0;
	struct ring_item item;
	int code = EXIT_OK;

	*more = false;
	switch (intake_take(stream->intake, &item, hands_are_empty, take_ms(stream), &code)) {
	case INTAKE_ITEM:
		*more = true;
		stream->is_ahead = stream->has_napped = false;
		return accept_item(stream, &item);
	case INTAKE_NOTHING:
		*more = hands_are_empty;
		return GO_ON;
	case INTAKE_IDLE:
		return hands_are_empty && has_ended(&stream->process) ? bury(stream) : GO_ON;
	case INTAKE_END:
		break;
	}
	return code;
}

static bool is_resting(const struct stream *stream)
{
	return stream->rest_until_ns != 0 && ring_now_ns() < stream->rest_until_ns;
}

/* Up to a block, or to what there is. */
static int fill_block(struct stream *stream)
{
	bool more = true;
	int code = GO_ON;

	while (code == GO_ON && more && stream->hand.count < stream->hand.size &&
	       stream->queued - stream->sent < stream->request->block && !is_resting(stream) &&
	       !interrupt_wants_leave())
		code = take_one(stream, &more);
	return code;
}

/* Some bytes, without those that are sent already. */
static void add_piece(struct iovec *pieces, int *n, const void *bytes, size_t len, uint64_t *skip)
{
	size_t sent = *skip < len ? (size_t)*skip : len;

	*skip -= sent;
	if (sent < len)
		pieces[(*n)++] = (struct iovec){ .iov_base = (char *)(uintptr_t)bytes + sent,
						 .iov_len = len - sent };
}

/* What is to be sent of the items in hand, the oldest first. */
static int gather(struct stream *stream, struct iovec pieces[PIECES_MAX])
{
	int n = 0;

	for (size_t i = stream->whole; i < stream->hand.count && n + 2 <= PIECES_MAX; i++) {
		const struct held *held = hand_at(&stream->hand, i);
		uint64_t skip = stream->sent > held->from ? stream->sent - held->from : 0;

		add_piece(pieces, &n, held->item.data, held->item.len, &skip);
		if (!held->item.is_parcel)
			add_piece(pieces, &n, &stream->protocol.terminator, 1, &skip);
	}
	return n;
}

static void note_sent(struct stream *stream, size_t bytes)
{
	stream->sent += bytes;
	while (stream->whole < stream->hand.count &&
	       hand_at(&stream->hand, stream->whole)->to <= stream->sent)
		stream->whole++;
}

/* Nobody has its input open: it is about to end, and shall say its exit code itself. */
static void note_gone(struct stream *stream)
{
	stream->gone_since_ns = ring_now_ns();
}

static int send_block(struct stream *stream)
{
	while (stream->queued > stream->sent) {
		struct iovec pieces[PIECES_MAX];
		ssize_t n = writev(stream->process.in, pieces, gather(stream, pieces));

		if (n > 0)
			note_sent(stream, (size_t)n);
		else if (errno == EAGAIN)
			return GO_ON;
		else if (errno == EPIPE)
			break;
		else if (errno != EINTR) {
			diag_error("cannot write to COMMAND: %m");
			return EXIT_SYSTEM;
		}
	}
	if (stream->queued > stream->sent)
		note_gone(stream);
	return GO_ON;
}

/* Our hands are full, and all is sent: COMMAND is about to read it. Give it a moment to, without a sleep. */
static bool is_read_soon(const struct stream *stream)
{
	size_t before = process_unread(&stream->process), now = before;

	for (int i = 0; i < TURNS_GIVEN && now > 0 && now == before; i++) {
		sched_yield();
		now = process_unread(&stream->process);
	}
	return now < before || now == 0;
}

/* How long to wait for COMMAND: it says when there is room in a full pipe, and when it has ended. */
static int wait_ms(struct stream *stream)
{
	if (stream->process.state != PROCESS_RUNNING || stream->at_end || stream->gone_since_ns)
		return END_MS;
	if (stream->queued > stream->sent)
		return LOOK_MS;
	if (stream->is_ahead) {
		stream->is_ahead = false;
		stream->has_napped = true;
		return NAP_MS;
	}
	if (stream->hand.count < stream->hand.size || is_read_soon(stream))
		return 0;
	stream->quiet_ms = stream->quiet_ms < QUIET_MS ? 2 * stream->quiet_ms + 1 : QUIET_MS;
	return stream->quiet_ms;
}

static bool can_send(const struct stream *stream)
{
	return stream->process.state == PROCESS_RUNNING && stream->gone_since_ns == 0;
}

static int wait_for_it(struct stream *stream)
{
	struct process *process = &stream->process;
	struct pollfd fds[] = {
		{ .fd = process->pidfd, .events = POLLIN },
		{ .fd = can_send(stream) ? process->in : -1,
		  .events = stream->queued > stream->sent ? POLLOUT : 0 },
	};
	int n = poll(fds, sizeof(fds) / sizeof(fds[0]), wait_ms(stream));

	if (stream->gone_since_ns && ring_now_ns() - stream->gone_since_ns >= GONE_NS)
		process_ask_to_end(process, ring_now_ns());
	if (process->state > PROCESS_RUNNING)
		process_press(process, ring_now_ns(), stream->request->kill_after_ns,
			      interrupt_count() > 1);
	if (n > 0 && fds[0].revents)
		return bury(stream);
	if (n > 0 && (fds[1].revents & POLLERR))
		note_gone(stream);
	return release(stream);
}

/* ------------------------------------------------------------------ the loop */

static bool is_called_off(const struct stream *stream)
{
	return interrupt_signal() != 0 || ring_stopped(stream->ring) == RING_STOP_NOW;
}

static int leave(const struct stream *stream)
{
	if (interrupt_signal())
		return EXIT_BY_SIGNAL + interrupt_signal();
	return is_called_off(stream) ? settle_forced_out(stream->settler) : EXIT_OK;
}

static int turn(struct stream *stream)
{
	int code;

	if (is_called_off(stream) || (interrupt_wants_leave() && stream->hand.count == 0))
		return leave(stream);
	code = stream->process.state == PROCESS_NONE || can_send(stream) ? fill_block(stream) : GO_ON;
	if (code == GO_ON && can_send(stream))
		code = send_block(stream);
	if (code != GO_ON)
		return code;
	if (stream->hand.count > 0 || (stream->process.state != PROCESS_NONE && !can_send(stream)))
		return wait_for_it(stream);
	if (is_resting(stream))
		interrupt_nap(stream->rest_until_ns - ring_now_ns());
	return GO_ON;
}

/* Its input ends, and so should it. */
static int end_stream(struct stream *stream, bool is_good)
{
	int code = GO_ON;

	if (is_good && stream->process.state == PROCESS_RUNNING) {
		process_end_input(&stream->process);
		stream->at_end = true;
	}
	while (stream->process.state != PROCESS_NONE && code == GO_ON) {
		stream->is_called_off = !is_good || is_called_off(stream);
		if (stream->is_called_off)
			process_ask_to_end(&stream->process, ring_now_ns());
		code = wait_for_it(stream);
	}
	if (code == GO_ON)
		code = return_all(stream);
	return code == GO_ON ? EXIT_OK : code;
}

static int stream_work(void *state, struct intake *intake)
{
	struct stream *stream = state;
	int code, ended;

	stream->intake = intake;
	stream->settler = intake->settler;
	intake->trusts_returned = true;
	code = start(stream);
	while (code == GO_ON)
		code = turn(stream);
	ended = end_stream(stream, code == EXIT_OK && !is_called_off(stream));
	return code != EXIT_OK ? code : ended;
}

/* ------------------------------------------------------------------ open and close */

static int stream_open(const struct sink_request *request, void **state)
{
	struct stream *stream = calloc(1, sizeof(*stream));

	if (!stream) {
		diag_error("no memory for a worker");
		return EXIT_SYSTEM;
	}
	stream->request = request;
	stream->protocol.terminator = request->terminator;
	stream->process = (struct process)PROCESS_INIT;
	*state = stream;
	return lasting_check(request);
}

static int stream_start(void *state, struct ring *ring)
{
	struct stream *stream = state;
	size_t share = ring_slots(ring) / SHARE_OF_SLOTS;

	stream->ring = ring;
	if (ring_terminator(ring) >= 0 && (char)ring_terminator(ring) != stream->protocol.terminator) {
		diag_error("ring \"%s\" has records that end with byte %d: expected %s", ring_name(ring),
			   ring_terminator(ring), ring_terminator(ring) == 0 ? "--null" : "no --null");
		return EXIT_BAD_USAGE;
	}
	if (hand_init(&stream->hand, share ? share : 1) < 0) {
		diag_error("no memory for a worker");
		return EXIT_SYSTEM;
	}
	return lasting_prepare(&stream->lasting, stream->request, ring);
}

static void stream_close(void *state)
{
	struct stream *stream = state;

	hand_free(&stream->hand);
	lasting_free(&stream->lasting);
	free(stream);
}

const struct sink worker_stream = {
	.name = "stream",
	.help = "COMMAND stays; it reads a stream of lines (NUL with -0), and answers nothing",
	.is_worker = true,
	.takes_parcels = true,
	.open = stream_open,
	.start = stream_start,
	.work = stream_work,
	.close = stream_close,
};
