/*
 * main.c - consumer: reads its options, opens its sink and the ring, works, leaves. What can be checked
 * without the ring is checked before, so that a wrong option makes none.
 */
#include "src/consumer/settings.h"
#include "src/consumer/show.h"
#include "src/consumer/title.h"
#include "src/consumer/work.h"

#include "src/base/child.h"
#include "src/base/diag.h"
#include "src/base/exitcode.h"
#include "src/base/interrupt.h"
#include "src/base/standard.h"
#include "src/consumer/letters.h"
#include "src/consumer/out.h"
#include "src/consumer/writable.h"

/* By hand, whoever comes first makes the ring; under a launcher it is there. */
static struct ring *open_ring(const struct settings *settings)
{
	const unsigned roles = RING_CONSUMER | (settings->keep_open ? RING_HOLDER : 0) |
			       (settings->sink->takes_parcels ? RING_PARCELS : 0);
	const struct ring_options options = {
		.slots = (uint32_t)settings->slots,
		.item_max = (uint32_t)settings->item_max,
	};

	if (settings->is_launched)
		return ring_open(settings->ring, roles, settings->request.number);
	return ring_open_or_create(settings->ring, &options, roles, 0);
}

/* A ring that was there already keeps the sizes it was made with. */
static void warn_of_sizes(const struct settings *settings, const struct ring *ring)
{
	if ((settings->slots && settings->slots != ring_slots(ring)) ||
	    (settings->item_max && settings->item_max != ring_item_max(ring)))
		diag_warn("ring \"%s\" is there already, with %u slots for items of up to %u bytes",
			  ring_name(ring), ring_slots(ring), ring_item_max(ring));
}

static void sum_up(const struct settings *settings, const struct settler *settler)
{
	void (*say)(const char *, ...) DIAG_PRINTF(1, 2) =
		settings->is_launched ? diag_verbose : diag_info;

	say("ring \"%s\": acked %llu, dead %llu, given back %llu", ring_name(settler->ring),
	    (unsigned long long)settler->acked, (unsigned long long)settler->dead,
	    (unsigned long long)settler->returned);
}

/*
 * A launcher knows of the items from the ring, and takes a consumer that did its duty for a good one.
 * By hand, trouble comes first, then what became of the items, then the signal that ended it.
 */
static int exit_code(const struct settings *settings, const struct settler *settler, int code)
{
	if (settings->is_launched)
		return code == EXIT_ITEMS_LEFT ? EXIT_OK : code;
	if (code != EXIT_OK && code < EXIT_BY_SIGNAL)
		return code;
	if (settler->raised_flag)
		return EXIT_ITEM_STOPPED;
	return settler->dead > 0 ? EXIT_ITEMS_DEAD : code;
}

static int consume(const struct settings *settings, struct ring *ring, void *sink,
		   struct letters *letters)
{
	struct settler settler = {
		.ring = ring, .rules = settings->rules, .stop = settings->stop, .letters = letters,
		.holds_open = settings->keep_open, .is_launched = settings->is_launched,
	};
	int code = settings->sink->start(sink, ring);

	if (code != EXIT_OK)
		return code;
	code = work_all(settings, sink, &settler);
	sum_up(settings, &settler);
	return exit_code(settings, &settler, code);
}

static int run_with_letters(const struct settings *settings, void *sink, struct letters *letters)
{
	struct ring *ring = open_ring(settings);
	int code;

	if (!ring)
		return diag_ring_error("open", settings->ring, ring_why());
	warn_of_sizes(settings, ring);
	code = consume(settings, ring, sink, letters);
	ring_close_last(ring);
	return code;
}

static int run(const struct settings *settings, void *sink)
{
	struct letters letters;
	int code;

	if (!settings->dead_file)
		return run_with_letters(settings, sink, NULL);
	code = letters_open(&letters, settings->dead_file);
	if (code != EXIT_OK)
		return code;
	code = run_with_letters(settings, sink, &letters);
	letters_close(&letters);
	return code;
}

static int check_files(const struct settings *settings)
{
	int code = writable_check("--dead", settings->dead_file);

	return code != EXIT_OK ? code : writable_check("--joblog", settings->request.joblog);
}

int main(int argc, char **argv)
{
	struct settings settings;
	void *sink = NULL;
	int code;

	standard_reserve();
	title_keep(argc, argv);
	diag_init("consumer");
	diag_catch_damage();
	interrupt_catch();
	child_bury_strangers();
	settings_read(&settings, argc, argv);
	if (settings.only_show)
		return show_all(&settings);
	if (settings.is_launched) {
		out_is_ours_alone();
		if (settings.request.command.words)
			title_begin(settings.request.number);
	}
	code = settings.sink->open(&settings.request, &sink);
	if (code == EXIT_OK)
		code = check_files(&settings);
	if (code == EXIT_OK && !settings.only_check)
		code = run(&settings, sink);
	if (sink)
		settings.sink->close(sink);
	return code;
}
