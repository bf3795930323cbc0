/*
 * sink_log.c - a line an item on standard output: which consumer, which item, from whom, how old.
 *
 *	consumer 2: widget 7 from producer 1, 1.2ms old
 *	consumer 2: item 8, 11 bytes, 3.4ms old, delivery 2: "some\ttext\000"
 */
#include "src/consumer/sink.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shm/ring.h"
#include "src/base/diag.h"
#include "src/base/exitcode.h"
#include "src/base/quantity.h"
#include "src/base/widget.h"
#include "src/consumer/out.h"
#include "src/consumer/settle.h"

#define SHOWN_MAX 64	/* characters of an item's bytes */

struct log {
	unsigned number;
	char line[256];
};

static int log_open(const struct sink_request *request, void **state)
{
	struct log *log = calloc(1, sizeof(*log));

	if (!log) {
		diag_error("no memory for a sink");
		return EXIT_SYSTEM;
	}
	log->number = request->number;
	*state = log;
	return 0;
}

static int log_start(void *state, struct ring *ring)
{
	struct log *log = state;

	if (log->number == 0)
		log->number = ring_member_index(ring);
	return 0;
}

static const char *age(const struct ring_item *item, char text[16])
{
	return quantity_show_duration(text, 16, item->taken_ns - item->published_ns);
}

static const char *redelivery(const struct ring_item *item, char text[32])
{
	text[0] = '\0';
	if (item->deliveries > 1)
		snprintf(text, 32, ", delivery %" PRIu32, item->deliveries);
	return text;
}

static int show_widget(struct log *log, const struct ring_item *item, const struct widget *widget)
{
	char old[16], again[32];

	return snprintf(log->line, sizeof(log->line),
			"consumer %u: widget %" PRIu64 " from producer %" PRIu64 ", %s old%s%s\n",
			log->number, widget->id, widget->producer, age(item, old),
			redelivery(item, again), widget->is_broken ? ", broken" : "");
}

static int show_item(struct log *log, const struct ring_item *item)
{
	char old[16], again[32], shown[SHOWN_MAX + 1];

	return snprintf(log->line, sizeof(log->line),
			"consumer %u: item %" PRIu64 ", %zu bytes, %s old%s: \"%s\"\n", log->number,
			item->id, item->len, age(item, old), redelivery(item, again),
			diag_quote(shown, sizeof(shown), item->data, item->len));
}

static int log_item(struct log *log, const struct ring_item *item)
{
	struct widget widget;
	int len = widget_parse(item->data, item->len, &widget) ? show_widget(log, item, &widget)
							       : show_item(log, item);

	if (out_write(STDOUT_FILENO, log->line, (size_t)len) == 0)
		return EXIT_OK;
	diag_error("cannot write to standard output: %m");
	return EXIT_IO;
}

static int log_handle(void *state, struct settler *settler, struct ring_item *items, size_t n)
{
	int code = EXIT_OK;

	for (size_t i = 0; i < n && code == EXIT_OK; i++) {
		code = log_item(state, &items[i]);
		if (code == EXIT_OK)
			code = settle_done(settler, &items[i]);
	}
	return code;
}

const struct sink sink_log = {
	.name = "log",
	.help = "a line an item on standard output: who took what from whom",
	.batch = 1,
	.open = log_open,
	.start = log_start,
	.handle = log_handle,
	.close = free,
};
