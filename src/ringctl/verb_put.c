/*
 * verb_put.c - publish items by hand. All are gathered and checked before the first is published, so
 * that a slow standard input holds no slot and an item too long leaves the ring as it was.
 */
#include "src/ringctl/verb.h"
#include "shm/ring.h"
#include "src/base/diag.h"
#include "src/base/exitcode.h"
#include "src/ringctl/json.h"
#include "src/ringctl/reading.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#define CHUNK 65536	/* what a pipe holds */

static bool is_stdin(const char *operand)
{
	return strcmp(operand, "-") == 0;
}

/* Standard input to its end, or until it is longer than item_max. false with errno when it fails. */
static bool read_stdin(struct iovec *item, uint32_t item_max)
{
	ssize_t got = 1;

	while (got > 0 && item->iov_len <= item_max) {
		char *grown = realloc(item->iov_base, item->iov_len + CHUNK);

		if (grown == NULL)
			return false;
		item->iov_base = grown;
		do {
			got = read(STDIN_FILENO, grown + item->iov_len, CHUNK);
		} while (got == -1 && errno == EINTR);
		if (got > 0)
			item->iov_len += (size_t)got;
	}
	return got != -1;
}

/* The operands as items. Returns the exit code; has said what is wrong with which. */
static int gather(struct iovec *items, char **operands, int n, uint32_t item_max)
{
	for (int i = 0; i < n; i++) {
		if (!is_stdin(operands[i])) {
			items[i] = (struct iovec){ operands[i], strlen(operands[i]) };
		} else if (!read_stdin(&items[i], item_max)) {
			diag_error("cannot read standard input: %s", strerror(errno));
			return EXIT_NO_INPUT;
		}
		if (items[i].iov_len > item_max) {
			diag_error("item %d is too long: expected at most %u bytes, this ring's longest",
				   i + 1, item_max);
			return EXIT_BAD_DATA;
		}
	}
	return EXIT_OK;
}

static int remaining_ms(uint64_t deadline_ns)
{
	uint64_t left_ms;

	if (deadline_ns == SETTING_NONE)
		return -1;
	left_ms = (reading_between_ns(ring_now_ns(), deadline_ns) + 999999) / 1000000;
	return left_ms < INT_MAX ? (int)left_ms : INT_MAX;
}

static enum ring_result publish(struct ring *ring, const struct iovec *bytes, struct ring_item *item,
				uint64_t deadline_ns)
{
	enum ring_result result = ring_reserve(ring, item, remaining_ms(deadline_ns));

	if (result != RING_OK)
		return result;
	memcpy(item->data, bytes->iov_base, bytes->iov_len);
	item->len = bytes->iov_len;
	return ring_publish(ring, item);
}

/* Why item `done` of n, from 0, was not published. */
static int explain(struct ring *ring, enum ring_result result, int done, int n)
{
	switch (result) {
	case RING_TIMEOUT:
		diag_error("ring \"%s\" is full: %d of %d items published", ring_name(ring), done, n);
		return EXIT_ITEMS_LEFT;
	case RING_CLOSED:
		diag_error("ring \"%s\" is closed, its stop flag is up: %d of %d items published",
			   ring_name(ring), done, n);
		return EXIT_NO_RING;
	default:
		return diag_ring_error("publish to", ring_name(ring), ring_why());
	}
}

static int publish_all(struct ring *ring, const struct settings *settings, const struct iovec *items,
		       int n)
{
	uint64_t deadline_ns = settings->timeout_ns == SETTING_NONE
				       ? SETTING_NONE
				       : ring_now_ns() + settings->timeout_ns;

	for (int i = 0; i < n; i++) {
		struct ring_item item;
		enum ring_result result = publish(ring, &items[i], &item, deadline_ns);

		if (result != RING_OK)
			return explain(ring, result, i, n);
		if (settings->json)
			json_line(json_pack("{s:s, s:I, s:I}", "ring", ring_name(ring), "id",
					    (json_int_t)item.id, "bytes", (json_int_t)item.len));
	}
	return EXIT_OK;
}

static int put_into(struct ring *ring, const struct settings *settings, char **operands, int n)
{
	struct iovec *items = calloc((size_t)n, sizeof(*items));
	int code;

	if (items == NULL)
		diag_die(EXIT_SYSTEM, "out of memory");
	code = gather(items, operands, n, ring_item_max(ring));
	if (code == EXIT_OK)
		code = publish_all(ring, settings, items, n);
	for (int i = 0; i < n; i++)
		if (is_stdin(operands[i]))
			free(items[i].iov_base);
	free(items);
	return code;
}

static void refuse_second_stdin(char **operands, int n)
{
	int count = 0;

	for (int i = 0; i < n; i++)
		count += is_stdin(operands[i]);
	if (count > 1)
		diag_die(EXIT_BAD_USAGE, "put: \"-\" given %d times: standard input is one item", count);
}

static int put_run(const struct settings *settings, char **operands, int n)
{
	int code = EXIT_OK;
	struct ring *ring;

	refuse_second_stdin(operands + 1, n - 1);
	ring = reading_open(operands[0], RING_PRODUCER, &code);
	if (ring == NULL)
		return code;
	code = put_into(ring, settings, operands + 1, n - 1);
	ring_close_last(ring);
	return code;
}

static const struct option_entry put_options[] = {
	{
		.name = "timeout",
		.letter = 't',
		.arg = "DURATION",
		.help = "how long to wait, in all, while the ring is full; 0: not at all (no limit)",
		.kind = OPTION_DURATION,
		.max = 31 * 86400 * UINT64_C(1000000000),
		.field = offsetof(struct settings, timeout_ns),
	},
	OPTION_JSON,
	{ .name = NULL },
};

const struct verb verb_put = {
	.name = "put",
	.operands = "NAME ITEM...",
	.help = "publish each ITEM; - is standard input, to its end",
	.options = put_options,
	.operands_min = 2,
	.operands_max = INT_MAX,
	.operands_before_end = 1,
	.run = put_run,
};
