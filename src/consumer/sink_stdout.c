/*
 * sink_stdout.c - items as they are, on standard output, each with a newline (or NUL) behind it. What
 * is taken together is written together, and acked when it is written.
 */
#include "src/consumer/sink.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shm/ring.h"
#include "src/base/diag.h"
#include "src/base/exitcode.h"
#include "src/base/lineio.h"
#include "src/consumer/out.h"
#include "src/consumer/settle.h"

#define BUFFER_SIZE (64u * 1024)

struct records {
	char terminator;
	char *bytes;		/* room for BUFFER_SIZE, or for the longest item */
	size_t size, used;
};

static int stdout_open(const struct sink_request *request, void **state)
{
	struct records *records = calloc(1, sizeof(*records));

	if (!records) {
		diag_error("no memory for a sink");
		return EXIT_SYSTEM;
	}
	records->terminator = request->terminator;
	*state = records;
	return 0;
}

static int stdout_start(void *state, struct ring *ring)
{
	struct records *records = state;
	size_t longest = (size_t)ring_item_max(ring) + 1;

	records->size = longest > BUFFER_SIZE ? longest : BUFFER_SIZE;
	records->bytes = malloc(records->size);
	if (records->bytes)
		return 0;
	diag_error("no memory for items of %u bytes", ring_item_max(ring));
	return EXIT_SYSTEM;
}

static int flush(struct records *records)
{
	size_t used = records->used;

	records->used = 0;
	return write_all(STDOUT_FILENO, records->bytes, used);
}

static int add(struct records *records, const struct ring_item *item)
{
	if (records->size - records->used < item->len + 1 && flush(records) < 0)
		return -1;
	memcpy(records->bytes + records->used, item->data, item->len);
	records->used += item->len;
	records->bytes[records->used++] = records->terminator;
	return 0;
}

static int write_items(struct records *records, const struct ring_item *items, size_t n)
{
	int result = 0;

	out_begin(STDOUT_FILENO);
	for (size_t i = 0; i < n && result == 0; i++)
		result = add(records, &items[i]);
	if (result == 0)
		result = flush(records);
	out_end(STDOUT_FILENO);
	return result;
}

static int stdout_handle(void *state, struct settler *settler, struct ring_item *items, size_t n)
{
	int code = EXIT_OK;

	if (write_items(state, items, n) < 0) {
		diag_error("cannot write to standard output: %m");
		return EXIT_IO;
	}
	for (size_t i = 0; i < n && code == EXIT_OK; i++)
		code = settle_done(settler, &items[i]);
	return code;
}

static void stdout_close(void *state)
{
	struct records *records = state;

	free(records->bytes);
	free(records);
}

const struct sink sink_stdout = {
	.name = "stdout",
	.help = "standard output, a newline behind each item (NUL with -0)",
	.batch = 64,
	.open = stdout_open,
	.start = stdout_start,
	.handle = stdout_handle,
	.close = stdout_close,
};
