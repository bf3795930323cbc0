/*
 * verb_ls.c - a line for each ring of this user. A ring that is not sound is shown with the reason.
 */
#include "src/ringctl/verb.h"
#include "shm/ring.h"
#include "src/base/diag.h"
#include "src/base/exitcode.h"
#include "src/base/quantity.h"
#include "src/ringctl/json.h"
#include "src/ringctl/reading.h"
#include "src/ringctl/table.h"
#include "src/view/words.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct column columns[] = {
	{ .title = "NAME", .width = 12 },
	{ .title = "STATE" },
	{ .title = "ITEMS/SLOTS", .is_number = true },
	{ .title = "PRODUCERS", .is_number = true },
	{ .title = "CONSUMERS", .is_number = true },
	{ .title = "LAUNCHER", .is_number = true },
	{ .title = "SIZE", .is_number = true },
	{ .title = "AGE", .is_number = true },
	{ .title = "MEMBERS", .is_number = true },
	{ .title = "OWNER" },
	{ .title = NULL },
};

struct names {
	char **names;
	size_t n;
};

static int gather_name(const char *name, void *context)
{
	struct names *names = context;
	char **grown = reallocarray(names->names, names->n + 1, sizeof(*grown));

	if (grown == NULL)
		return -1;
	names->names = grown;
	names->names[names->n] = strdup(name);
	return names->names[names->n++] == NULL ? -1 : 0;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void free_names(struct names *names)
{
	for (size_t i = 0; i < names->n; i++)
		free(names->names[i]);
	free(names->names);
}

/* Only rings of this user are listed, or can be opened. */
static const char *owner(void)
{
	static char number[16];
	const struct passwd *user = getpwuid(geteuid());

	if (user != NULL)
		return user->pw_name;
	snprintf(number, sizeof(number), "%u", (unsigned)geteuid());
	return number;
}

static void show_sound(struct table *table, const char *name, const struct reading *reading)
{
	const struct ring_stats *stats = &reading->stats;
	char size[16];

	table_row(table);
	table_cell(table, "%s", name);
	table_cell(table, "%s", words_ring_state(reading));
	table_cell(table, "%llu/%u", (unsigned long long)stats->left, stats->slots);
	table_cell(table, "%u", reading->producers);
	table_cell(table, "%u", reading->consumers);
	if (reading->launcher != 0)
		table_cell(table, "%d", (int)reading->launcher);
	else
		table_cell(table, "-");
	table_cell(table, "%s", quantity_show_size(size, sizeof(size), stats->size_bytes));
	table_cell_duration(table, reading_between_ns(stats->created_ns, reading->now_ns));
	table_cell(table, "%u/%u", reading->living, stats->members);
	table_cell(table, "%s", owner());
}

static void show_json(const char *name, const struct reading *reading)
{
	json_t *ring = json_ring(name, reading);

	json_set(ring, "owner", json_string(owner()));
	json_set(ring, "members", json_count(reading->living));
	json_line(ring);
}

/* errno says what is wrong with it. */
static void show_unsound(struct table *table, const char *name)
{
	int error = errno;
	const char *why = *ring_why() != '\0' ? ring_why() : strerror(error);

	if (table != NULL) {
		table_row(table);
		table_cell(table, "%s", name);
		table_cell(table, "%s", words_unsound(error));
		table_cell(table, "%s", why);
		return;
	}
	json_line(json_pack("{s:s, s:s, s:s}", "ring", name, "state", words_unsound(error), "why",
			    why));
}

/* `table` NULL: as JSON. */
static void show_ring(struct table *table, const char *name)
{
	struct ring *ring = ring_open(name, RING_OBSERVER, 0);
	struct reading reading;

	if (ring == NULL && errno == ENOENT)
		return;		/* removed since the names were read */
	if (ring == NULL || reading_take(ring, &reading) == -1)
		show_unsound(table, name);
	else if (table != NULL)
		show_sound(table, name, &reading);
	else
		show_json(name, &reading);
	ring_close(ring);
}

static int ls_run(const struct settings *settings, char **operands, int n)
{
	struct names names = { .names = NULL };
	struct table *table = NULL;

	(void)operands;
	(void)n;
	if (ring_list(gather_name, &names) == -1) {
		diag_error("cannot list rings: %s", strerror(errno));
		free_names(&names);
		return EXIT_SYSTEM;
	}
	if (names.n > 0)
		qsort(names.names, names.n, sizeof(*names.names), compare_names);
	if (!settings->json)
		table = table_new(stdout, columns);
	for (size_t i = 0; i < names.n; i++)
		show_ring(table, names.names[i]);
	if (table != NULL)
		table_end(table);
	free_names(&names);
	return EXIT_OK;
}

static const struct option_entry ls_options[] = {
	OPTION_JSON,
	{ .name = NULL },
};

const struct verb verb_ls = {
	.name = "ls",
	.operands = "",
	.help = "list the rings of this user",
	.options = ls_options,
	.run = ls_run,
};
