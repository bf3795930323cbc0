/*
 * source_widgets.c - widgets, numbered by the ring's tickets: however many producers make them, and
 * however many of those are killed, each number is made once.
 */
#include "src/producer/source.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "shm/ring.h"
#include "src/base/diag.h"
#include "src/base/exitcode.h"
#include "src/base/widget.h"

struct widgets {
	const struct source_request *request;
	struct ring *ring;
	char text[WIDGET_TEXT_MAX];
};

static int widgets_open(const struct source_request *request, void **state)
{
	struct widgets *widgets = calloc(1, sizeof(*widgets));

	if (!widgets) {
		diag_error("no memory for a source");
		return EXIT_SYSTEM;
	}
	widgets->request = request;
	*state = widgets;
	return 0;
}

static int widgets_attach(void *state, struct ring *ring, uint64_t mark)
{
	struct widgets *widgets = state;

	(void)mark;	/* tickets need none */
	widgets->ring = ring;
	return 0;
}

static uint64_t wall_clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static unsigned producer_number(const struct widgets *widgets)
{
	unsigned number = widgets->request->number;

	return number ? number : ring_member_index(widgets->ring);
}

static void make_widget(struct widgets *widgets, uint64_t ticket, struct record *record)
{
	const struct widget widget = {
		.id = ticket,
		.producer = producer_number(widgets),
		.made_ns = wall_clock_ns(),
		.is_broken = ticket == widgets->request->broken,
	};

	*record = (struct record){
		.data = widgets->text,
		.len = widget_format(&widget, widgets->text),
		.mark = ticket,
	};
}

static enum source_result widgets_next(void *state, struct record *record, int *code)
{
	struct widgets *widgets = state;
	uint64_t ticket;

	switch (ring_ticket(widgets->ring, widgets->request->limit, &ticket)) {
	case RING_OK:
		make_widget(widgets, ticket, record);
		return SOURCE_RECORD;
	case RING_CLOSED:
		return SOURCE_END;
	default:
		*code = diag_ring_error("take a ticket of", ring_name(widgets->ring), ring_why());
		return SOURCE_FAILED;
	}
}

const struct source source_widgets = {
	.name = "widgets",
	.help = "widgets for trying a line out, numbered over all producers",
	.is_generated = true,
	.has_broken = true,
	.open = widgets_open,
	.attach = widgets_attach,
	.next = widgets_next,
	.close = free,
};
