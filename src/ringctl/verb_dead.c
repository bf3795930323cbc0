/*
 * verb_dead.c - the dead letters that a ring keeps, the one that died first first: shown, or put back.
 */
#include "src/ringctl/verb.h"
#include "shm/ring.h"
#include "src/base/diag.h"
#include "src/base/exitcode.h"
#include "src/ringctl/items.h"
#include "src/ringctl/json.h"
#include "src/ringctl/reading.h"
#include "src/ringctl/table.h"

#include <stdlib.h>

static const struct column columns[] = {
	{ .title = "ID", .width = 6, .is_number = true },
	{ .title = "DEAD FOR", .is_number = true },
	{ .title = "DELIVERIES", .is_number = true },
	{ .title = "FAILURES", .is_number = true },
	{ .title = "REASON", .is_number = true },
	{ .title = "BYTES", .width = 5, .is_number = true },
	{ .title = "ITEM" },
	{ .title = NULL },
};

static uint64_t dead_for_ns(const struct item_seen *seen)
{
	return reading_between_ns(seen->view.since_ns, seen->now_ns);
}

static void show_row(const struct item_seen *seen, struct table *table)
{
	const struct ring_view *view = &seen->view;

	table_cell(table, "%llu", (unsigned long long)view->id);
	table_cell_duration(table, dead_for_ns(seen));
	table_cell(table, "%u", view->deliveries);
	table_cell(table, "%u", view->failures);
	table_cell(table, "%u", view->reason);
	items_cell_bytes(seen, table);
}

static void show_json(const struct item_seen *seen, json_t *item)
{
	const struct ring_view *view = &seen->view;

	json_set(item, "state", json_string("dead"));
	json_set(item, "dead_seconds", json_seconds(dead_for_ns(seen)));
	json_set(item, "deliveries", json_count(view->deliveries));
	json_set(item, "failures", json_count(view->failures));
	json_set(item, "reason", json_count(view->reason));
}

/* ---------------------------------------------------------------- putting them back */

static enum ring_result put_back(struct ring *ring, const struct item_place *place)
{
	struct ring_item item;
	enum ring_result result = ring_reserve_dead(ring, place->slot, place->id, &item);

	return result == RING_OK ? ring_publish(ring, &item) : result;
}

static int say_how_many(struct ring *ring, const struct settings *settings, uint64_t done)
{
	if (settings->json)
		json_line(json_pack("{s:s, s:I}", "ring", ring_name(ring), "put_back",
				    (json_int_t)done));
	else
		diag_info("ring \"%s\": put %llu dead items back", ring_name(ring),
			  (unsigned long long)done);
	return EXIT_OK;
}

static uint64_t count_items(const struct item_place *places, uint64_t n)
{
	uint64_t items = 0;

	for (uint64_t i = 0; i < n; i++)
		items += places[i].records;
	return items;
}

/* What came together goes together, also when it is more than were asked for. */
static int kick_places(struct ring *ring, const struct settings *settings,
		       const struct item_place *places, uint64_t n)
{
	uint64_t done = 0;

	for (uint64_t i = 0; i < n && done < settings->items; i++) {
		switch (put_back(ring, &places[i])) {
		case RING_OK:
			done += places[i].records;
			break;
		case RING_CLOSED:
			diag_error("ring \"%s\" is closed, its stop flag is up: %llu of %llu dead items "
				   "put back", ring_name(ring), (unsigned long long)done,
				   (unsigned long long)count_items(places, n));
			return EXIT_NO_RING;
		case RING_TIMEOUT:
			break;		/* somebody else has, or it made room meanwhile */
		default:
			return diag_ring_error("publish to", ring_name(ring), ring_why());
		}
	}
	return say_how_many(ring, settings, done);
}

static int kick_all(struct ring *ring, const struct settings *settings)
{
	struct item_place *places = calloc(ring_slots(ring), sizeof(*places));
	int64_t n;
	int code;

	if (places == NULL)
		diag_die(EXIT_SYSTEM, "out of memory");
	n = items_find(ring, ITEMS_DEAD, places);
	code = n < 0 ? diag_ring_error("look into", ring_name(ring), ring_why())
		     : kick_places(ring, settings, places, (uint64_t)n);
	free(places);
	return code;
}

/* Whoever finds a ring that everybody has left begins anew: so the flag comes down that its last run had
   raised. A ring that is not there is not made. */
static int kick(const struct settings *settings, const char *name)
{
	const struct ring_options options = { .slots = 0 };
	int code = EXIT_OK;
	struct ring *ring = reading_open(name, RING_OBSERVER, &code);

	if (ring == NULL)
		return code;
	ring_close(ring);
	ring = ring_open_or_create(name, &options, RING_PRODUCER, 0);
	if (ring == NULL)
		return diag_ring_error("open", name, ring_why());
	code = kick_all(ring, settings);
	ring_close(ring);
	return code;
}

static int dead_run(const struct settings *settings, char **operands, int n)
{
	static const struct items_form form = {
		.kind = ITEMS_DEAD,
		.columns = columns,
		.show_row = show_row,
		.show_json = show_json,
	};

	(void)n;
	if (settings->kick)
		return kick(settings, operands[0]);
	return items_run(&form, settings, operands[0]);
}

static const struct option_entry dead_options[] = {
	{
		.name = "kick",
		.letter = 'k',
		.help = "put them back into the ring, to be delivered again, instead of showing them",
		.kind = OPTION_FLAG,
		.field = offsetof(struct settings, kick),
	},
	OPTION_ITEMS,
	OPTION_BYTES,
	OPTION_JSON,
	{ .name = NULL },
};

const struct verb verb_dead = {
	.name = "dead",
	.operands = "NAME",
	.help = "show the dead letters that a ring keeps, or put them back",
	.options = dead_options,
	.operands_min = 1,
	.operands_max = 1,
	.run = dead_run,
};
