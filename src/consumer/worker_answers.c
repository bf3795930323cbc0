/*
 * worker_answers.c - what COMMAND answers: records, matched to the items that it has read, in their order.
 *
 * An answer goes to standard output before its item is acked: who is killed in between has an item that is
 * answered again, not one whose answer is lost. Of a COMMAND that answers fast, a few answers are kept for a
 * moment, so that they are written, and their items acked, together: while COMMAND has its next items.
 */
#include "src/consumer/worker_records.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "shm/ring.h"
#include "src/base/diag.h"
#include "src/base/exitcode.h"
#include "src/consumer/out.h"
#include "src/consumer/run.h"

#define NS_PER_S UINT64_C(1000000000)
#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_US UINT64_C(1000)
#define KEPT_ITEMS 64		/* more gain nothing any more */
#define SHARE_OF_SLOTS 16	/* of the ring, for what is kept: others need slots too */
#define KEPT_BYTES (32u * 1024)	/* half of what a pipe holds */
#define KEPT_NS (1 * NS_PER_MS)	/* so short that nobody sees it */
#define FAST_NS (100 * NS_PER_US)	/* answers that come slower than this are not worth keeping */
#define ANSWER_MAX (64u << 20)		/* a guess: far above what belongs into one record */

int answers_note_job(struct records *records, const struct ring_item *item, int code, int signal,
		     size_t output)
{
	struct timespec wall;
	struct run run = { .argv = records->lasting.line.argv, .code = code, .signal = signal };

	if (records->joblog.fd < 0)
		return EXIT_OK;
	run.took_ns = ring_now_ns() - item->taken_ns;
	clock_gettime(CLOCK_REALTIME, &wall);
	run.started_ns = (uint64_t)wall.tv_sec * NS_PER_S + (uint64_t)wall.tv_nsec - run.took_ns;
	return joblog_write(&records->joblog, item->id, &run, (off_t)output);
}

/* ------------------------------------------------------------------ kept for a moment */

int answers_open(struct records *records)
{
	struct answered *answered = &records->answered;
	size_t share = ring_slots(records->ring) / SHARE_OF_SLOTS;

	answered->limit = share < 1 ? 1 : share < KEPT_ITEMS ? share : KEPT_ITEMS;
	if (records->joblog.fd >= 0)
		answered->limit = 1;
	answered->items = calloc(records->request->window + answered->limit, sizeof(*answered->items));
	if (answered->items)
		return EXIT_OK;
	diag_error("no memory for a worker with a window of %zu items", records->request->window);
	return EXIT_SYSTEM;
}

void answers_close(struct records *records)
{
	free(records->answered.items);
	buffer_free(&records->answered.bytes);
}

/* The lengths of the answers, which were cut once before, are only wanted for the job log. */
static int note_jobs(struct records *records)
{
	const struct answered *answered = &records->answered;
	const char *answer = answered->bytes.bytes + answered->bytes.start;
	size_t left = buffer_used(&answered->bytes), len;
	int code = EXIT_OK;

	for (size_t i = 0; i < answered->n && records->joblog.fd >= 0 && code == EXIT_OK; i++) {
		len = protocol_cut(records->protocol, answer, left, 0);
		code = answers_note_job(records, &answered->items[i], ITEM_ACK, 0, len);
		answer += len;
		left -= len;
	}
	return code;
}

/* Who can't write his answers has not done his work. Returns `code`, why that is. */
static int give_up(struct records *records, int code)
{
	struct answered *answered = &records->answered;
	int returned = EXIT_OK;

	for (size_t i = 0; i < answered->n && returned == EXIT_OK; i++)
		if (settle_is_pending(&answered->items[i]))
			returned = settle_return(records->settler, &answered->items[i]);
	answered->n = 0;
	return code;
}

int answers_flush(struct records *records)
{
	struct answered *answered = &records->answered;
	struct buffer *bytes = &answered->bytes;
	int code;

	if (answered->n == 0)
		return GO_ON;
	if (out_write(STDOUT_FILENO, bytes->bytes + bytes->start, buffer_used(bytes)) < 0) {
		diag_error("cannot write to standard output: %m");
		return give_up(records, EXIT_IO);
	}
	code = note_jobs(records);
	if (code == EXIT_OK)
		code = settle_good(records->settler, answered->items, answered->n);
	if (code != EXIT_OK)
		return give_up(records, code);
	buffer_use(bytes, buffer_used(bytes));
	answered->n = 0;
	answered->is_due = false;
	return GO_ON;
}

int answers_flush_due(struct records *records)
{
	return records->answered.is_due ? answers_flush(records) : GO_ON;
}

static bool are_fast(const struct answered *answered)
{
	return answered->came_ns - answered->before_ns < FAST_NS;
}

bool answers_come_fast(const struct records *records)
{
	return are_fast(&records->answered) && ring_now_ns() - records->answered.came_ns < FAST_NS;
}

int answers_wait_ms(const struct records *records)
{
	const struct answered *answered = &records->answered;

	if (answered->n == 0)
		return INT_MAX;
	return are_fast(answered) ? 1 : 0;
}

static int keep(struct records *records, size_t n, size_t bytes)
{
	struct answered *answered = &records->answered;
	const struct buffer *from = &records->from;
	int code = answers_flush_due(records);
	char *room;

	if (code != GO_ON)
		return code;
	room = buffer_room(&answered->bytes, bytes);
	if (!room) {
		diag_error("no memory for answers of %zu bytes", bytes);
		return EXIT_SYSTEM;
	}
	memcpy(room, from->bytes + from->start, bytes);
	answered->bytes.end += bytes;
	if (answered->n == 0)
		answered->since_ns = answered->came_ns;
	for (; n > 0; n--) {
		answered->items[answered->n++] = hand_at(&records->hand, 0)->item;
		hand_drop(&records->hand);
	}
	answered->is_due = answered->n >= answered->limit || buffer_used(&answered->bytes) >= KEPT_BYTES ||
			   answered->came_ns - answered->since_ns >= KEPT_NS;
	return GO_ON;
}

/* ------------------------------------------------------------------ as they come */

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

/* With --keep-order each waits for its turn by itself. */
static int settle_in_order(struct records *records, size_t n)
{
	const struct buffer *from = &records->from;
	const char *answer = from->bytes + from->start;
	int code = EXIT_OK;

	for (size_t left = buffer_used(from), len; n > 0 && code == EXIT_OK; n--) {
		struct ring_item *item = &hand_at(&records->hand, 0)->item;

		len = protocol_cut(records->protocol, answer, left, 0);
		code = answers_note_job(records, item, ITEM_ACK, 0, len);
		if (code == EXIT_OK)
			code = turns_ack(&records->turns, records->settler, item, answer, len);
		hand_drop(&records->hand);
		answer += len;
		left -= len;
	}
	return code == EXIT_OK ? GO_ON : code;
}

/* How long they were owed: since the answer before, or since the oldest item was taken. */
static uint64_t owed_ns(const struct records *records)
{
	const struct answered *answered = &records->answered;
	uint64_t taken_ns = hand_at(&records->hand, 0)->item.taken_ns;
	uint64_t from = answered->before_ns > taken_ns ? answered->before_ns : taken_ns;

	return answered->came_ns > from ? answered->came_ns - from : 0;
}

static void note_answers(struct records *records, size_t n)
{
	struct answered *answered = &records->answered;

	records->answers += n;
	records->ever_answered = true;
	records->stillborn = 0;
	answered->before_ns = answered->came_ns;
	answered->came_ns = records->oldest_since_ns = ring_now_ns();
	silence_note_busy(records, owed_ns(records));
	pairing_answered(records, n, owed_ns(records));
}

/* What came in, for items that were sent whole. Anything more was not asked for. */
int answers_take(struct records *records)
{
	size_t asked = hand_read(&records->hand, records->sent), bytes;
	size_t n = count_answers(records, asked, &bytes);
	const struct buffer *from = &records->from;
	int code = GO_ON;

	if (n > 0) {
		note_answers(records, n);
		code = records->request->keep_order ? settle_in_order(records, n) : keep(records, n, bytes);
		buffer_use(&records->from, bytes);
	}
	if ((n == asked && buffer_used(from) > 0) || buffer_used(from) > ANSWER_MAX)
		say_excess(records);
	return code;
}
