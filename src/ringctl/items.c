/*
 * items.c - the items that stand in a ring, oldest first. The slots are looked at twice: once for
 * the order, without the bytes, so that a big ring costs little memory; then one by one to be shown.
 */
#include "src/ringctl/items.h"
#include "src/base/diag.h"
#include "src/base/exitcode.h"
#include "src/ringctl/json.h"
#include "src/ringctl/members.h"
#include "src/ringctl/reading.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define BYTES_FOR_PEOPLE 40	/* so that most lines fit a terminal */

/* What is needed to show one item after the other. */
struct gallery {
	struct ring *ring;
	const struct items_form *form;
	struct table *table;		/* NULL: as JSON */
	struct ring_member *members;	/* by index */
	unsigned char *bytes;		/* room for `room` */
	size_t room;
	size_t bytes_max;		/* to be shown of an item */
};

static bool is_of_kind(const struct ring_view *view, enum items_kind kind)
{
	return (view->state == RING_SLOT_DEAD) == (kind == ITEMS_DEAD);
}

static int compare_places(const void *a, const void *b)
{
	const struct item_place *left = a, *right = b;

	if (left->order_ns != right->order_ns)
		return left->order_ns < right->order_ns ? -1 : 1;
	return (left->id > right->id) - (left->id < right->id);
}

int64_t items_find(struct ring *ring, enum items_kind kind, struct item_place *places)
{
	int64_t n = 0;

	for (uint32_t slot = 0; slot < ring_slots(ring); slot++) {
		struct ring_view view;
		int found = ring_look(ring, slot, &view, NULL, 0);

		if (found == -1)
			return -1;
		if (found == 0 || !is_of_kind(&view, kind))
			continue;
		places[n++] = (struct item_place){
			.order_ns = kind == ITEMS_DEAD ? view.since_ns : view.published_ns,
			.id = view.id,
			.slot = slot,
			.records = view.records,
		};
	}
	qsort(places, (size_t)n, sizeof(*places), compare_places);
	return n;
}

static void show_item(const struct item_seen *seen, const struct gallery *gallery)
{
	json_t *item;

	if (gallery->table != NULL) {
		table_row(gallery->table);
		gallery->form->show_row(seen, gallery->table);
		return;
	}
	item = json_object();
	json_set(item, "id", json_count(seen->view.id));
	gallery->form->show_json(seen, item);
	json_set(item, "bytes", json_count(seen->view.len));
	json_set_item(item, seen->bytes, seen->view.shown, seen->view.len);
	json_line(item);
}

/* A member, if it is there still. Index 0 is nobody's. */
static const struct ring_member *find_holder(const struct gallery *gallery, uint32_t index)
{
	if (index > ring_member_limit(gallery->ring) || gallery->members[index].index == 0)
		return NULL;
	return &gallery->members[index];
}

/* One record of what was seen, `len` bytes of it at `bytes`. */
static void show_record(struct item_seen seen, const struct gallery *gallery, const unsigned char *bytes,
			size_t len)
{
	seen.bytes = bytes;
	seen.view.len = len;
	seen.view.shown = len < gallery->bytes_max ? len : gallery->bytes_max;
	show_item(&seen, gallery);
}

/* All records of a parcel, `limit` at most. Each ends with the last byte of all. Returns how many. */
static uint64_t show_records(struct item_seen seen, const struct gallery *gallery, uint64_t limit)
{
	const unsigned char *at = gallery->bytes, *end = at + seen.view.shown;
	uint64_t n = 0;

	for (; n < limit && at < end; n++, seen.view.id++) {
		const unsigned char *found = memchr(at, end[-1], (size_t)(end - at));

		show_record(seen, gallery, at, (size_t)(found - at));
		at = found + 1;
	}
	return n;
}

/* Is it what was found there, or what is left of it? */
static bool is_still(const struct ring_view *view, const struct item_place *place, enum items_kind kind)
{
	return view->id - place->id < place->records && is_of_kind(view, kind);
}

/* `limit` items at most. 0, or -1 with errno. */
static int show_places(const struct gallery *gallery, const struct item_place *places, uint64_t n,
		       uint64_t limit)
{
	struct item_seen seen = { .now_ns = ring_now_ns() };

	for (uint64_t i = 0; i < n && limit > 0; i++) {
		int found = ring_look(gallery->ring, places[i].slot, &seen.view, gallery->bytes,
				      gallery->room);

		if (found == -1)
			return -1;
		if (found == 0 || !is_still(&seen.view, &places[i], gallery->form->kind))
			continue;
		seen.holder = find_holder(gallery, seen.view.owner);
		if (seen.view.is_parcel) {
			limit -= show_records(seen, gallery, limit);
			continue;
		}
		show_record(seen, gallery, gallery->bytes, seen.view.len);
		limit--;
	}
	return 0;
}

static int show_items(struct gallery *gallery, uint64_t limit)
{
	struct item_place *places = calloc(ring_slots(gallery->ring), sizeof(*places));
	int64_t n;
	int result = -1;

	gallery->bytes = malloc(gallery->room + 1);
	if (places == NULL || gallery->bytes == NULL)
		diag_die(EXIT_SYSTEM, "out of memory");
	gallery->members = members_read(gallery->ring);
	n = items_find(gallery->ring, gallery->form->kind, places);
	if (n >= 0)
		result = show_places(gallery, places, (uint64_t)n, limit);
	free(gallery->members);
	free(gallery->bytes);
	free(places);
	return result;
}

static size_t bytes_to_show(const struct ring *ring, const struct settings *settings)
{
	uint64_t wanted = settings->bytes;

	if (wanted == SETTING_NONE && !settings->json)
		wanted = BYTES_FOR_PEOPLE;
	return wanted < ring_item_max(ring) ? (size_t)wanted : ring_item_max(ring);
}

int items_run(const struct items_form *form, const struct settings *settings, const char *name)
{
	int code = EXIT_OK;
	struct gallery gallery = { .form = form };

	gallery.ring = reading_open(name, RING_OBSERVER, &code);
	if (gallery.ring == NULL)
		return code;
	gallery.bytes_max = bytes_to_show(gallery.ring, settings);
	gallery.room = ring_terminator(gallery.ring) < 0 ? gallery.bytes_max
							 : ring_item_max(gallery.ring);
	if (!settings->json)
		gallery.table = table_new(stdout, form->columns);
	if (show_items(&gallery, settings->items) == -1)
		code = diag_ring_error("look into", name, ring_why());
	if (gallery.table != NULL)
		table_end(gallery.table);
	ring_close(gallery.ring);
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
