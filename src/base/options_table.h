/* options_table.h - private to options*.c: the program's own options and, behind them, the common ones. */
#ifndef SHMLINE_OPTIONS_TABLE_H
#define SHMLINE_OPTIONS_TABLE_H

#include "src/base/options.h"

extern const struct option_entry option_help, option_version, option_list;

/* How many, both together; and entry i of them. */
size_t options_count(const struct option_table *table);
const struct option_entry *options_entry(const struct option_table *table, size_t i);

#endif
