/*
 * items.c - the items that stand in a ring, oldest first. The slots are looked at twice: once for
 * the order, without the bytes, so that a big ring costs little memory; then one by one to be shown.
 */
#include "src/ringctl/items.h"

#include <stdbool.h>
#include <stdlib.h>

#include "src/base/diag.h"
#include "src/base/exitcode.h"
#include "src/ringctl/json.h"
#include "src/ringctl/reading.h"

#define BYTES_FOR_PEOPLE 40	/* so that most lines fit a terminal */

struct place {
	uint64_t order_ns;
	uint64_t id;
	uint32_t slot;
};

static bool is_of_kind(const struct ring_view *view, enum items_kind kind)
{
	return (view->state == RING_SLOT_DEAD) == (kind == ITEMS_DEAD);
}

static int compare_places(const void *a, const void *b)
{
	const struct place *left = a, *right = b;

	if (left->order_ns != right->order_ns)
		return left->order_ns < right->order_ns ? -1 : 1;
	return (left->id > right->id) - (left->id < right->id);
}

/* Fill `places`, which has room for every slot, in order. Returns how many, -1 with errno. */
static int64_t find_places(struct ring *ring, enum items_kind kind, struct place *places)
{
	int64_t n = 0;

	for (uint32_t slot = 0; slot < ring_slots(ring); slot++) {
		struct ring_view view;
		int found = ring_look(ring, slot, &view, NULL, 0);

		if (found == -1)
			return -1;
		if (found == 0 || !is_of_kind(&view, kind))
			continue;
		places[n++] = (struct place){
			.order_ns = kind == ITEMS_DEAD ? view.since_ns : view.published_ns,
			.id = view.id,
			.slot = slot,
		};
	}
	qsort(places, (size_t)n, sizeof *places, compare_places);
	return n;
}

static void show_item(const struct item_seen *seen, const struct items_form *form,
		      struct table *table)
{
	json_t *item;

	if (table != NULL) {
		table_row(table);
		form->show_row(seen, table);
		return;
	}
	item = json_object();
	json_set(item, "id", json_count(seen->view.id));
	form->show_json(seen, item);
	json_set(item, "bytes", json_count(seen->view.len));
	json_set_item(item, seen->bytes, seen->view.shown, seen->view.len);
	json_line(item);
}

/* 0, or -1 with errno. */
static int show_places(struct item_seen *seen, size_t bytes_max, const struct items_form *form,
		       const struct place *places, uint64_t n, struct table *table)
{
	for (uint64_t i = 0; i < n; i++) {
		int found = ring_look(seen->ring, places[i].slot, &seen->view, seen->bytes, bytes_max);

		if (found == -1)
			return -1;
		if (found == 1 && seen->view.id == places[i].id && is_of_kind(&seen->view, form->kind))
			show_item(seen, form, table);
	}
	return 0;
}

static int show_items(struct ring *ring, const struct items_form *form,
		      const struct settings *settings, struct table *table)
{
	uint64_t wanted = settings->bytes == SETTING_NONE && table ? BYTES_FOR_PEOPLE : settings->bytes;
	size_t bytes_max = wanted < ring_item_max(ring) ? (size_t)wanted : ring_item_max(ring);
	struct place *places = calloc(ring_slots(ring), sizeof *places);
	struct item_seen seen = {
		.ring = ring,
		.bytes = malloc(bytes_max + 1),
		.now_ns = ring_now_ns(),
	};
	int64_t n;
	int result;

	if (places == NULL || seen.bytes == NULL)
		diag_die(EXIT_SYSTEM, "out of memory");
	n = find_places(ring, form->kind, places);
	if (n > 0 && (uint64_t)n > settings->items)
		n = (int64_t)settings->items;
	result = n < 0 ? -1 : show_places(&seen, bytes_max, form, places, (uint64_t)n, table);
	free(seen.bytes);
	free(places);
	return result;
}

int items_run(const struct items_form *form, const struct settings *settings, const char *name)
{
	int code = EXIT_OK;
	struct ring *ring = reading_open(name, RING_OBSERVER, &code);
	struct table *table = NULL;

	if (ring == NULL)
		return code;
	if (!settings->json)
		table = table_new(stdout, form->columns);
	if (show_items(ring, form, settings, table) == -1)
		code = diag_ring_error("look into", name, ring_why());
	if (table != NULL)
		table_end(table);
	ring_close(ring);
	return code;
}

void items_cell_bytes(const struct item_seen *seen, struct table *table)
{
	const struct ring_view *view = &seen->view;
	size_t size = view->shown * 4 + 1;	/* no byte takes more than \\ooo */
	char *quoted = malloc(size);

	if (quoted == NULL)
		diag_die(EXIT_SYSTEM, "out of memory");
	table_cell(table, "%zu", view->len);
	table_cell(table, "%s%s", diag_quote(quoted, size, seen->bytes, view->shown),
		   view->shown < view->len ? "..." : "");
	free(quoted);
}
