/*
 * verb_dead.c - the dead letters that a ring keeps, the one that died first first.
 */
#include "src/ringctl/verb.h"
#include "shm/ring.h"
#include "src/ringctl/items.h"
#include "src/ringctl/json.h"
#include "src/ringctl/reading.h"
#include "src/ringctl/table.h"

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

static int dead_run(const struct settings *settings, char **operands, int n)
{
	static const struct items_form form = {
		.kind = ITEMS_DEAD,
		.columns = columns,
		.show_row = show_row,
		.show_json = show_json,
	};

	(void)n;
	return items_run(&form, settings, operands[0]);
}

static const struct option_entry dead_options[] = {
	OPTION_ITEMS,
	OPTION_BYTES,
	OPTION_JSON,
	{ .name = NULL },
};

const struct verb verb_dead = {
	.name = "dead",
	.operands = "NAME",
	.help = "show the dead letters that a ring keeps",
	.options = dead_options,
	.operands_min = 1,
	.operands_max = 1,
	.run = dead_run,
};
