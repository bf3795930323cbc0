/*
 * options_list.c - a table as lines of text, for the shell completions and for the test that holds the
 * pages against it: letter, name, argument, what its values are, and help, between tabs, "-" for none.
 */
#include "src/base/options_table.h"
#include "src/base/text.h"

static void add_values(struct text *text, const struct option_entry *entry)
{
	if (!entry->arg)
		text_add(text, "-");
	else if (entry->takes_ring)
		text_add(text, "ring");
	else if (entry->takes_file)
		text_add(text, "file");
	else if (!entry->choices)
		text_add(text, "text");
	else
		text_add(text, "choice");
	for (size_t i = 0; entry->arg && entry->choices && entry->choices[i]; i++)
		text_add(text, " %s", entry->choices[i]);
}

int options_list(const struct option_table *table, char *out, size_t size)
{
	struct text text = { .out = out, .size = size };

	for (size_t i = 0; i < options_count(table); i++) {
		const struct option_entry *entry = options_entry(table, i);

		if (!entry->help)
			continue;
		text_add(&text, "%c\t%s\t%s\t", entry->letter ? entry->letter : '-', entry->name,
			 entry->arg ? entry->arg : "-");
		add_values(&text, entry);
		text_add(&text, "\t%s\n", entry->help);
	}
	return (int)text.used;
}
