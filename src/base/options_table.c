/* options_table.c - see options_table.h. */
#include "src/base/options_table.h"

const struct option_entry option_help = {
	.name = "help",
	.help = "show this text and end",
	.kind = OPTION_FLAG,
};

const struct option_entry option_version = {
	.name = "version",
	.help = "show the version and end",
	.kind = OPTION_FLAG,
};

const struct option_entry option_list = {
	.name = "option-table",
	.kind = OPTION_FLAG,
};

static const struct option_entry *const common[] = { &option_help, &option_version, &option_list };

static size_t count_own(const struct option_table *table)
{
	size_t n = 0;

	while (table->entries[n].name)
		n++;
	return n;
}

size_t options_count(const struct option_table *table)
{
	return count_own(table) + sizeof(common) / sizeof(common[0]);
}

const struct option_entry *options_entry(const struct option_table *table, size_t i)
{
	size_t own = count_own(table);

	return i < own ? &table->entries[i] : common[i - own];
}
