/*
 * source_files.c - records of files and of standard input: the sources "lines", "nul" and "len32",
 * which differ in how records are told apart.
 */
#include "src/producer/records.h"

#include <stdlib.h>

#include "shm/ring.h"
#include "src/base/diag.h"
#include "src/base/exitcode.h"

static int open_files(const struct source_request *request, const struct framing *framing,
		      void **state)
{
	struct records *records = calloc(1, sizeof(*records));

	if (!records) {
		diag_error("no memory for a source");
		return EXIT_SYSTEM;
	}
	*state = records;
	return records_open(records, framing, request);
}

static int open_delimited(const struct source_request *request, char delimiter, void **state)
{
	struct framing framing = { .kind = FRAME_DELIMITED, .delimiter = delimiter };

	if (request->delimiter >= 0)
		framing.delimiter = (char)request->delimiter;
	return open_files(request, &framing, state);
}

static int lines_open(const struct source_request *request, void **state)
{
	return open_delimited(request, '\n', state);
}

static int nul_open(const struct source_request *request, void **state)
{
	return open_delimited(request, '\0', state);
}

static int len32_open(const struct source_request *request, void **state)
{
	const struct framing framing = { .kind = FRAME_LEN32 };

	return open_files(request, &framing, state);
}

static int files_attach(void *state, struct ring *ring, uint64_t mark)
{
	const struct records *records = state;

	return records_attach(state, ring ? ring_item_max(ring) : records->record_max, mark);
}

static enum source_result files_next(void *state, struct record *record, int *code)
{
	return records_next(state, record, code);
}

static enum source_result files_next_run(void *state, char delimiter, uint32_t most,
					 struct record *record, int *code)
{
	return records_next_run(state, delimiter, most, record, code);
}

static enum source_result files_next_many(void *state, struct record *records, uint32_t max, uint32_t *n,
					  int *code)
{
	return records_next_many(state, records, max, n, code);
}

static void files_close(void *state)
{
	records_close(state);
	free(state);
}

const struct source source_lines = {
	.name = "lines",
	.arg = "FILE",
	.help = "an item a line, of files or of standard input",
	.reads_files = true,
	.has_delimiter = true,
	.open = lines_open,
	.attach = files_attach,
	.next = files_next,
	.next_run = files_next_run,
	.next_many = files_next_many,
	.close = files_close,
};

const struct source source_nul = {
	.name = "nul",
	.arg = "FILE",
	.help = "the same with items that end with NUL, as of find -print0",
	.reads_files = true,
	.open = nul_open,
	.attach = files_attach,
	.next = files_next,
	.next_run = files_next_run,
	.next_many = files_next_many,
	.close = files_close,
};

const struct source source_len32 = {
	.name = "len32",
	.arg = "FILE",
	.help = "the same with 4 bytes of length, little-endian, before each item",
	.reads_files = true,
	.open = len32_open,
	.attach = files_attach,
	.next = files_next,
	.next_many = files_next_many,
	.close = files_close,
};
