/* worker_talk.c - the process of COMMAND and the pipes to it: it is started, told items, listened to, and
   watched by the clock. What it says is worker_answers.c's, what its end means worker_end.c's. */
#include "src/consumer/worker_records.h"

#include <errno.h>
#include <poll.h>

#include "shm/ring.h"
#include "src/base/diag.h"
#include "src/base/exitcode.h"
#include "src/base/interrupt.h"

#define READ_BYTES (64u * 1024)		/* what a pipe holds */
#define RING_LOOK_MS 20			/* how long an item may wait while others are being answered */
#define AWAKE_NS (50 * NS_PER_US)	/* asleep it takes 10 to 25 us there and back, awake 5 to 10 */
#define LOOKS 8				/* between two readings of the clock; a guess */
#define NS_PER_US UINT64_C(1000)
#define GONE_NS (1 * NS_PER_S)		/* from closing a pipe to its end; a guess */
#define NS_PER_S UINT64_C(1000000000)
#define NS_PER_MS UINT64_C(1000000)

/* ------------------------------------------------------------------ its beginning */

int talk_start(struct records *records)
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
	silence_begin(records);
	return GO_ON;
}

/* The record of an item in hand, behind what is to be sent. */
int talk_queue(struct records *records, struct held *held)
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
		code = talk_queue(records, hand_at(&records->hand, i));
	records->oldest_since_ns = ring_now_ns();
	return code;
}

/* What the last process left in our hands untouched. */
int talk_start_again(struct records *records)
{
	int code = talk_start(records);

	return code == GO_ON ? queue_again(records) : code;
}

void talk_ask_to_end(struct records *records)
{
	process_ask_to_end(&records->process, ring_now_ns());
}

/* ------------------------------------------------------------------ to and from it */

/* It has closed a pipe. Most who do are about to end, and shall say their exit code themselves. */
void talk_note_gone(struct records *records)
{
	if (records->gone_since_ns == 0)
		records->gone_since_ns = ring_now_ns();
}

bool talk_is_leaving(const struct records *records)
{
	return records->process.state > PROCESS_RUNNING ||
	       (records->process.state == PROCESS_RUNNING && records->gone_since_ns != 0);
}

int talk_send(struct records *records)
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
		talk_note_gone(records);
	}
	return GO_ON;
}

/* All that can be read now. *ended: its standard output has ended. */
int talk_listen(struct records *records, bool *ended)
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
			code = answers_take(records);
		if (is_all)
			break;
	}
	return code;
}

/* ------------------------------------------------------------------ waiting for it */

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
int talk_wait_ms(struct records *records)
{
	const struct process *process = &records->process;
	uint64_t limit_ns = records->request->time_limit_ns, now;
	int ms = records->turns.n > 0 ? TURN_MS : LOOK_MS;

	if (take_may(records)) {
		ms = sooner(ms, records->quiet_ms);
		records->quiet_ms = sooner(2 * ms + 1, RING_LOOK_MS);
	}
	if (records->intake->n > 0)
		ms = sooner(ms, RING_LOOK_MS);
	if (process->state == PROCESS_KILLED || (process->state == PROCESS_RUNNING && limit_ns == 0))
		return ms;
	now = ring_now_ns();
	if (process->state == PROCESS_RUNNING)
		return sooner(ms, until_ms(records->oldest_since_ns + limit_ns, now));
	return sooner(ms, until_ms(process->asked_ns + records->request->kill_after_ns, now));
}

/* Nothing came: has it taken too long, was it asked to end long enough ago? */
static void look_at_clock(struct records *records)
{
	uint64_t limit_ns = records->request->time_limit_ns, now = ring_now_ns();

	if (records->hand.count > 0)
		say_waiting(records);
	say_hint(records, now);
	if (records->gone_since_ns && now - records->gone_since_ns >= GONE_NS)
		talk_ask_to_end(records);
	if (limit_ns && records->process.state == PROCESS_RUNNING &&
	    now - records->oldest_since_ns >= limit_ns) {
		records->is_late = true;
		records->late_item = records->hand.count ? hand_at(&records->hand, 0)->item.id : 0;
		talk_ask_to_end(records);
	}
	process_press(&records->process, now, records->request->kill_after_ns,
		      interrupt_count() > 1);
}

/*
 * Sleeping and being woken takes longer than a quick answer; so one that is likely to come at once is waited
 * for awake, for no longer than it would have taken to come. Only while answers are kept: when they have
 * been written, everything else is looked at too.
 */
static int listen_awake(struct records *records, bool *came)
{
	const struct answered *answered = &records->answered;
	uint64_t answers = records->answers, until = answered->came_ns + AWAKE_NS;
	bool ended = false;
	int code = GO_ON;

	/* With more in its hands there is no such hurry. */
	if (records->hand.size > 1 || pairing_is_together(records) || answered->n == 0 ||
	    answered->came_ns - answered->before_ns > AWAKE_NS)
		return GO_ON;
	for (int look = 0; code == GO_ON && !ended && records->answers == answers; look++) {
		if (look % LOOKS == 0 && ring_now_ns() >= until)
			break;
		code = talk_listen(records, &ended);
	}
	*came = records->answers != answers;
	return code;
}

/* Answers that were kept are kept no longer than they may be. */
static int wait(struct records *records, struct pollfd *fds, nfds_t count, int ms, int *n)
{
	int kept_ms = answers_wait_ms(records), code = GO_ON;

	if (kept_ms == 0)
		code = answers_flush(records);
	if (code != GO_ON)
		return code;
	*n = poll(fds, count, kept_ms > 0 ? sooner(ms, kept_ms) : ms);
	return *n == 0 && kept_ms > 0 && kept_ms <= ms ? answers_flush(records) : GO_ON;
}

/* Wait for whatever the process does next, up to `ms`. */
int talk_converse(struct records *records, int ms)
{
	struct process *process = &records->process;
	struct pollfd fds[] = {
		{ .fd = process->out, .events = POLLIN },
		{ .fd = process->pidfd, .events = POLLIN },
		{ .fd = process->err, .events = POLLIN },
		{ .fd = buffer_used(&records->to) > 0 ? process->in : -1, .events = POLLOUT },
	};
	bool ended = false, came = false;
	int n, code = answers_flush_due(records);

	if (code == GO_ON)
		code = listen_awake(records, &came);
	if (came || code != GO_ON)
		return code;
	code = wait(records, fds, sizeof(fds) / sizeof(fds[0]), ms, &n);
	if (code != GO_ON)
		return code;
	code = take_ahead_no_more(records);
	if (code != GO_ON)
		return code;
	if (n <= 0 || records->request->time_limit_ns || records->gone_since_ns || process->state != PROCESS_RUNNING)
		look_at_clock(records);
	if (n == 0)
		pairing_pause(records);
	if (n <= 0)
		return GO_ON;
	if (fds[2].revents && !errors_listen(&records->errors, process->err))
		process_close_errors(process);
	if (fds[1].revents)
		return end_bury(records);
	if (fds[0].revents)
		code = talk_listen(records, &ended);
	/* Without a standard output it can't answer any more. */
	if (ended) {
		process_close_output(process);
		talk_note_gone(records);
	}
	return code;
}
