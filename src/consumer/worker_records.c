/*
 * worker_records.c - COMMAND is one long-lived process a consumer; it is handed items as records, up to
 * --window of them at once, and answers each, in their order, with one record. What it answers goes to
 * standard output in whole records, and then its item is acked. Here is the loop that all of it goes
 * round in.
 */
#include "src/consumer/worker_records.h"

#include <stdlib.h>

#include "shm/ring.h"
#include "src/base/diag.h"
#include "src/base/exitcode.h"
#include "src/base/interrupt.h"
#include "src/consumer/sink.h"

/* ------------------------------------------------------------------ the loop */

bool records_called_off(const struct records *records)
{
	return interrupt_signal() != 0 || ring_stopped(records->ring) == RING_STOP_NOW;
}

static int serve_hand(struct records *records)
{
	int code = GO_ON;

	if (records->process.state == PROCESS_NONE)
		code = talk_start_again(records);
	if (code == GO_ON && !talk_is_leaving(records))
		code = talk_send(records);
	if (code == GO_ON)
		code = take_ahead(records);
	return code == GO_ON ? talk_converse(records, talk_wait_ms(records)) : code;
}

static int leave(void)
{
	return interrupt_signal() ? EXIT_BY_SIGNAL + interrupt_signal() : EXIT_OK;
}

static int call_off(struct records *records)
{
	int code = answers_flush(records);

	if (code != GO_ON)
		return code;
	return interrupt_signal() ? leave() : settle_forced_out(records->settler);
}

static int turn(struct records *records)
{
	int code;

	if (records_called_off(records))
		return call_off(records);
	code = turns_look(&records->turns, records->settler);
	if (code != EXIT_OK)
		return code;
	code = take_fill(records);
	if (code != GO_ON)
		return code;
	if (records->hand.count > 0)
		return serve_hand(records);
	if (take_wants_leave(records))
		return leave();
	if (!take_is_resting(records))
		return GO_ON;
	code = answers_flush(records);
	if (code == GO_ON)
		interrupt_nap(records->rest_until_ns - ring_now_ns());
	return code;
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
		if (records->hand.count > 0 || records_called_off(records)) {
			records->is_called_off = true;
			talk_ask_to_end(records);
		}
		code = talk_converse(records, talk_wait_ms(records));
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
	int code, ended, written, returned;

	records->intake = intake;
	records->settler = intake->settler;
	code = talk_start(records);
	while (code == GO_ON)
		code = turn(records);
	ended = end_conversation(records);
	written = answers_flush(records);
	returned = end_return(records, records->hand.count);
	if (returned == EXIT_OK && records->request->keep_order)
		returned = turns_return(&records->turns, records->settler);
	ring_note(records->ring, "");
	if (code == EXIT_OK && ended != GO_ON)
		code = ended;
	if (code == EXIT_OK && written != GO_ON)
		code = written;
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
	if (code == EXIT_OK && records->request->joblog)
		code = joblog_open(&records->joblog, records->request->joblog);
	return code == EXIT_OK ? answers_open(records) : code;
}

static void records_close(void *state)
{
	struct records *records = state;

	turns_close(&records->turns);
	if (records->joblog.fd >= 0)
		joblog_close(&records->joblog);
	answers_close(records);
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
