/* worker_answers.c - what COMMAND answers: records, matched to the items that it has read, in their order. */
#include "src/consumer/worker_records.h"

#include <time.h>
#include <unistd.h>

#include "shm/ring.h"
#include "src/base/diag.h"
#include "src/base/exitcode.h"
#include "src/consumer/out.h"
#include "src/consumer/run.h"

#define NS_PER_S UINT64_C(1000000000)
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

static int ack_oldest(struct records *records, const char *answer, size_t output)
{
	static const struct outcome good = { .code = ITEM_ACK };
	struct ring_item *item = &hand_at(&records->hand, 0)->item;
	int code = answers_note_job(records, item, ITEM_ACK, 0, output);

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
int answers_take(struct records *records)
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
