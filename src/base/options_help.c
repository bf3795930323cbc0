/* options_help.c - the text of --help, from the same table as everything else. */
#include "src/base/options_table.h"
#include "src/base/text.h"

#include <string.h>

/* Width of a line, and where its second column begins. */
#define HELP_WIDTH 80
#define HELP_COLUMN 28

/* Words from `column` on, wrapped at HELP_WIDTH under `indent`. */
static void add_wrapped(struct text *text, const char *words, size_t column, size_t indent)
{
	while (*words) {
		size_t len = strcspn(words, " ");

		if (column > indent && column + 1 + len > HELP_WIDTH) {
			text_add(text, "\n%*s", (int)indent, "");
			column = indent;
		} else if (column > indent) {
			text_add(text, " ");
			column++;
		}
		text_add(text, "%.*s", (int)len, words);
		column += len;
		words += len;
		words += strspn(words, " ");
	}
	text_add(text, "\n");
}

static void add_entry(struct text *text, const struct option_entry *entry)
{
	char left[96];
	struct text head = { .out = left, .size = sizeof(left) };

	if (entry->group)
		text_add(text, "\n%s:\n", entry->group);
	if (!entry->help)
		return;
	if (entry->letter)
		text_add(&head, "  -%c, ", entry->letter);
	else
		text_add(&head, "      ");
	text_add(&head, "--%s%s%s", entry->name, entry->arg ? " " : "", entry->arg ? entry->arg : "");
	if (head.used + 2 > HELP_COLUMN)
		text_add(text, "%s\n%*s", left, HELP_COLUMN, "");
	else
		text_add(text, "%-*s", HELP_COLUMN, left);
	add_wrapped(text, entry->help, HELP_COLUMN, HELP_COLUMN);
}

/* `usage` may have several lines; each gets the program's name. */
static void add_usage(struct text *text, const struct option_table *table)
{
	const char *lead = "usage:";

	for (const char *line = table->usage; *line; lead = "      ") {
		size_t len = strcspn(line, "\n");

		text_add(text, "%s %s %.*s\n", lead, table->program, (int)len, line);
		line += len + (line[len] == '\n');
	}
}

int options_help(const struct option_table *table, char *out, size_t size)
{
	struct text text = { .out = out, .size = size };

	add_usage(&text, table);
	text_add(&text, "\n%s\n", table->about);
	if (!table->entries[0].group)
		text_add(&text, "\nOptions:\n");
	for (size_t i = 0; i < options_count(table); i++)
		add_entry(&text, options_entry(table, i));
	if (table->closing)
		text_add(&text, "\n%s\n", table->closing);
	return (int)text.used;
}
