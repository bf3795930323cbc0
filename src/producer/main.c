/*
 * main.c - producer: reads its options, opens its source and the ring, publishes, leaves. The source
 * is opened first, so that a wrong FILE makes no ring.
 */
#include "src/producer/publish.h"
#include "src/producer/settings.h"
#include "src/producer/show.h"

#include "shm/ring.h"
#include "src/base/child.h"
#include "src/base/diag.h"
#include "src/base/exitcode.h"
#include "src/base/interrupt.h"
#include "src/base/standard.h"

/* By hand, whoever comes first makes the ring; under a launcher it is there. */
static struct ring *open_ring(const struct settings *settings)
{
	const struct ring_options options = {
		.slots = (uint32_t)settings->slots,
		.item_max = (uint32_t)settings->item_max,
	};

	if (settings->is_launched)
		return ring_open(settings->ring, RING_PRODUCER, settings->request.number);
	return ring_open_or_create(settings->ring, &options, RING_PRODUCER, 0);
}

/* A ring that was there already keeps the sizes it was made with. */
static void warn_of_sizes(const struct settings *settings, const struct ring *ring)
{
	if ((settings->slots && settings->slots != ring_slots(ring)) ||
	    (settings->item_max && settings->item_max != ring_item_max(ring)))
		diag_warn("ring \"%s\" is there already, with %u slots for items of up to %u bytes",
			  ring_name(ring), ring_slots(ring), ring_item_max(ring));
}

static void sum_up(const struct publisher *publisher)
{
	void (*say)(const char *, ...) DIAG_PRINTF(1, 2) =
		publisher->settings->is_launched ? diag_verbose : diag_info;

	say("ring \"%s\": published %llu, dropped %llu", ring_name(publisher->ring),
	    (unsigned long long)publisher->published, (unsigned long long)publisher->dropped);
}

static int produce(const struct settings *settings, struct ring *ring, void *source)
{
	struct publisher publisher = { .ring = ring, .settings = settings };
	uint64_t mark = settings->is_launched ? ring_mark(ring) : 0;
	int code = settings->source->attach(source, ring, mark);

	if (code != EXIT_OK)
		return code;
	code = publish_all(&publisher, source);
	if (code == EXIT_OK && settings->keep_open)
		code = publish_hold(&publisher);
	sum_up(&publisher);
	return code;
}

static int run(const struct settings *settings, void *source)
{
	struct ring *ring = open_ring(settings);
	int code;

	if (!ring)
		return diag_ring_error("open", settings->ring, ring_why());
	warn_of_sizes(settings, ring);
	code = produce(settings, ring, source);
	ring_close_last(ring);
	return code;
}

int main(int argc, char **argv)
{
	struct settings settings;
	void *source = NULL;
	int code;

	standard_reserve();
	diag_init("producer");
	diag_catch_damage();
	interrupt_catch();
	child_bury_strangers();
	settings_read(&settings, argc, argv);
	code = settings.source->open(&settings.request, &source);
	if (code == EXIT_OK && settings.only_show)
		code = show_all(&settings, source);
	else if (code == EXIT_OK && !settings.only_check)
		code = run(&settings, source);
	if (source)
		settings.source->close(source);
	settings_free(&settings);
	return code;
}
