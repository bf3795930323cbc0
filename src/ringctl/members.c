/*
 * members.c - who is attached to a ring, and what each holds. A member knows how many items it holds;
 * which ones is in the slots, so one pass over them finds for each member the item it has held the
 * longest.
 */
#include "src/ringctl/members.h"
#include "src/base/diag.h"
#include "src/base/exitcode.h"
#include "src/ringctl/json.h"
#include "src/ringctl/reading.h"
#include "src/ringctl/table.h"
#include "src/view/words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct column columns[] = {
	{ .title = "ROLES", .width = 8 },
	{ .title = "NUMBER", .is_number = true },
	{ .title = "PID", .width = 7, .is_number = true },
	{ .title = "STATE", .width = 5 },
	{ .title = "AGE", .width = 6, .is_number = true },
	{ .title = "PUBLISHED", .is_number = true },
	{ .title = "ACKED", .is_number = true },
	{ .title = "DEAD", .is_number = true },
	{ .title = "REDELIVERED", .is_number = true },
	{ .title = "HOLDS", .is_number = true },
	{ .title = "ITEM", .is_number = true },
	{ .title = "FOR", .width = 6, .is_number = true },
	{ .title = "NOTE" },
	{ .title = NULL },
};

/* The item that a member has held the longest; id 0: none. */
struct held {
	uint64_t id;
	uint64_t since_ns;
};

/* By member index. A slot that can't be read is nobody's: fsck tells of it. */
static struct held *find_held(struct ring *ring)
{
	uint32_t limit = ring_member_limit(ring);
	struct held *held = calloc((size_t)limit + 1, sizeof(*held));

	if (held == NULL)
		diag_die(EXIT_SYSTEM, "out of memory");
	for (uint32_t slot = 0; slot < ring_slots(ring); slot++) {
		struct ring_view view;

		if (ring_look(ring, slot, &view, NULL, 0) != 1 || view.state != RING_SLOT_IN_FLIGHT ||
		    view.owner > limit)
			continue;
		if (held[view.owner].id == 0 || view.since_ns < held[view.owner].since_ns)
			held[view.owner] = (struct held){ .id = view.id, .since_ns = view.since_ns };
	}
	return held;
}

struct ring_member *members_read(struct ring *ring)
{
	uint32_t limit = ring_member_limit(ring);
	struct ring_member *members = calloc((size_t)limit + 1, sizeof(*members));

	if (members == NULL)
		diag_die(EXIT_SYSTEM, "out of memory");
	for (uint32_t i = 1; i <= limit; i++)
		if (ring_member(ring, i, &members[i]) != 1)
			members[i].index = 0;
	return members;
}

static void each_member(struct ring *ring, uint64_t now_ns, void *out,
			void (*show)(const struct ring_member *member, const struct held *held,
				     uint64_t now_ns, void *out))
{
	struct ring_member *members = members_read(ring);
	struct held *held = find_held(ring);

	for (uint32_t i = 1; i <= ring_member_limit(ring); i++)
		if (members[i].index != 0)
			show(&members[i], &held[i], now_ns, out);
	free(held);
	free(members);
}

static void cell_count(struct table *table, uint64_t count)
{
	table_cell(table, "%llu", (unsigned long long)count);
}

static void cells_held(struct table *table, const struct ring_member *member,
		       const struct held *held, uint64_t now_ns)
{
	table_cell(table, "%u", member->holding);
	if (held->id == 0) {
		table_cell(table, "-");
		table_cell(table, "-");
		return;
	}
	cell_count(table, held->id);
	table_cell_duration(table, reading_between_ns(held->since_ns, now_ns));
}

/* The note is another process's text. */
static void show_row(const struct ring_member *member, const struct held *held, uint64_t now_ns,
		     void *out)
{
	struct table *table = out;
	char roles[WORDS_ROLES_MAX], note[RING_NOTE_MAX * 4 + 1];

	table_row(table);
	table_cell(table, "%s", words_roles(roles, member->roles));
	if (member->number > 0)
		table_cell(table, "%u", member->number);
	else
		table_cell(table, "-");
	table_cell(table, "%d", (int)member->pid);
	table_cell(table, "%s", member->is_alive ? "alive" : "dead");
	table_cell_duration(table, reading_between_ns(member->started_ns, now_ns));
	cell_count(table, member->published);
	cell_count(table, member->acked);
	cell_count(table, member->dead);
	cell_count(table, member->redelivered);
	cells_held(table, member, held, now_ns);
	table_cell(table, "%s", diag_quote(note, sizeof(note), member->note,
					   strnlen(member->note, sizeof(member->note))));
}

void members_print(struct ring *ring, uint64_t now_ns)
{
	struct table *table = table_new(stdout, columns);

	each_member(ring, now_ns, table, show_row);
	table_end(table);
}

static json_t *json_note(const char note[static RING_NOTE_MAX])
{
	char quoted[RING_NOTE_MAX * 4 + 1];

	return json_string(diag_quote(quoted, sizeof(quoted), note, strnlen(note, RING_NOTE_MAX)));
}

static void set_held(json_t *object, const struct held *held, uint64_t now_ns)
{
	if (held->id == 0)
		return;
	json_set(object, "item", json_count(held->id));
	json_set(object, "held_seconds", json_seconds(reading_between_ns(held->since_ns, now_ns)));
}

static void append_json(const struct ring_member *member, const struct held *held, uint64_t now_ns,
			void *out)
{
	char roles[WORDS_ROLES_MAX];
	json_t *object = json_object();

	json_set(object, "index", json_count(member->index));
	json_set(object, "roles", json_string(words_roles(roles, member->roles)));
	json_set(object, "number", json_count(member->number));
	json_set(object, "pid", json_integer(member->pid));
	json_set(object, "is_alive", json_boolean(member->is_alive));
	json_set(object, "age_seconds", json_seconds(reading_between_ns(member->started_ns, now_ns)));
	json_set(object, "published_total", json_count(member->published));
	json_set(object, "taken_total", json_count(member->taken));
	json_set(object, "acked_total", json_count(member->acked));
	json_set(object, "dead_total", json_count(member->dead));
	json_set(object, "dropped_total", json_count(member->dropped));
	json_set(object, "redelivered_total", json_count(member->redelivered));
	json_set(object, "published_bytes_total", json_count(member->bytes));
	json_set(object, "full_total", json_count(member->full));
	json_set(object, "blocked_seconds_total", json_seconds(member->blocked_ns));
	json_set(object, "starved_seconds_total", json_seconds(member->starved_ns));
	json_set(object, "in_flight", json_count(member->holding));
	set_held(object, held, now_ns);
	json_set(object, "note", json_note(member->note));
	if (json_array_append_new(out, object) == -1)
		diag_die(EXIT_SYSTEM, "out of memory");
}

json_t *members_json(struct ring *ring, uint64_t now_ns)
{
	json_t *members = json_array();

	each_member(ring, now_ns, members, append_json);
	return members;
}
