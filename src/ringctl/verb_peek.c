/*
 * verb_peek.c - the items that are left in a ring, oldest first, with who holds which. Nothing is
 * taken.
 */
#include "src/ringctl/verb.h"
#include "shm/ring.h"
#include "src/ringctl/items.h"
#include "src/ringctl/json.h"
#include "src/ringctl/reading.h"
#include "src/ringctl/table.h"
#include "src/view/words.h"

static const struct column columns[] = {
	{ .title = "ID", .width = 6, .is_number = true },
	{ .title = "STATE", .width = 9 },
	{ .title = "AGE", .width = 6, .is_number = true },
	{ .title = "DELIVERIES", .is_number = true },
	{ .title = "HOLDER" },
	{ .title = "FOR", .width = 6, .is_number = true },
	{ .title = "BYTES", .width = 5, .is_number = true },
	{ .title = "ITEM" },
	{ .title = NULL },
};

/* "consumer 2 (1234)"; of one that left since, its index is all that is known. */
static void cell_holder(const struct item_seen *seen, struct table *table)
{
	const struct ring_member *holder = seen->holder;
	char roles[WORDS_ROLES_MAX];

	if (seen->view.owner == 0)
		table_cell(table, "-");
	else if (holder == NULL)
		table_cell(table, "member %u", seen->view.owner);
	else if (holder->number > 0)
		table_cell(table, "%s %u (%d)", words_roles(roles, holder->roles), holder->number,
			   (int)holder->pid);
	else
		table_cell(table, "%s (%d)", words_roles(roles, holder->roles), (int)holder->pid);
}

/* In flight: how long it has been held. Delayed: how long until it is due. */
static uint64_t span_ns(const struct item_seen *seen)
{
	if (seen->view.state == RING_SLOT_DELAYED)
		return reading_between_ns(seen->now_ns, seen->view.since_ns);
	return reading_between_ns(seen->view.since_ns, seen->now_ns);
}

static void cell_for(const struct item_seen *seen, struct table *table)
{
	if (seen->view.state == RING_SLOT_IN_FLIGHT || seen->view.state == RING_SLOT_DELAYED)
		table_cell_duration(table, span_ns(seen));
	else
		table_cell(table, "-");
}

static void show_row(const struct item_seen *seen, struct table *table)
{
	const struct ring_view *view = &seen->view;

	table_cell(table, "%llu", (unsigned long long)view->id);
	table_cell(table, "%s", words_slot_state(view->state));
	table_cell_duration(table, reading_between_ns(view->published_ns, seen->now_ns));
	table_cell(table, "%u", view->deliveries);
	cell_holder(seen, table);
	cell_for(seen, table);
	items_cell_bytes(seen, table);
}

static json_t *json_holder(const struct item_seen *seen)
{
	const struct ring_member *holder = seen->holder;
	char roles[WORDS_ROLES_MAX];
	int index = (int)seen->view.owner;

	if (index == 0)
		return json_null();
	if (holder == NULL)
		return json_pack("{s:i}", "index", index);
	return json_pack("{s:i, s:i, s:s, s:i}", "index", index, "pid", (int)holder->pid, "roles",
			 words_roles(roles, holder->roles), "number", (int)holder->number);
}

static void show_json(const struct item_seen *seen, json_t *item)
{
	const struct ring_view *view = &seen->view;

	json_set(item, "state", json_string(words_slot_state(view->state)));
	json_set(item, "age_seconds",
		 json_seconds(reading_between_ns(view->published_ns, seen->now_ns)));
	json_set(item, "deliveries", json_count(view->deliveries));
	json_set(item, "failures", json_count(view->failures));
	json_set(item, "mark", json_count(view->mark));
	json_set(item, "holder", json_holder(seen));
	if (view->state == RING_SLOT_IN_FLIGHT)
		json_set(item, "held_seconds", json_seconds(span_ns(seen)));
	if (view->state == RING_SLOT_DELAYED)
		json_set(item, "due_seconds", json_seconds(span_ns(seen)));
}

static int peek_run(const struct settings *settings, char **operands, int n)
{
	static const struct items_form form = {
		.kind = ITEMS_LEFT,
		.columns = columns,
		.show_row = show_row,
		.show_json = show_json,
	};

	(void)n;
	return items_run(&form, settings, operands[0]);
}

static const struct option_entry peek_options[] = {
	OPTION_ITEMS,
	OPTION_BYTES,
	OPTION_JSON,
	{ .name = NULL },
};

const struct verb verb_peek = {
	.name = "peek",
	.operands = "NAME",
	.help = "show the items left in a ring, oldest first",
	.options = peek_options,
	.operands_min = 1,
	.operands_max = 1,
	.run = peek_run,
};
