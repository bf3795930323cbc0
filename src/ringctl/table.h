/*
 * table.h - private to ringctl: rows of aligned cells. Columns grow with what they hold; a long table
 * is printed in parts, so that its memory is bounded.
 */
#ifndef SHMLINE_RINGCTL_TABLE_H
#define SHMLINE_RINGCTL_TABLE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct column {
	const char *title;
	int width;		/* at least */
	bool is_number;		/* stands to the right */
};

struct table;

/* `columns` ends with an entry without title and is kept, not copied. Exits when memory is out. */
struct table *table_new(FILE *out, const struct column *columns);

/*
 * Begin a row, then give its cells from left to right. A row may be short: then its last cell is free
 * text, and no column grows for it. Nor does the last column, unless it holds numbers.
 */
void table_row(struct table *table);
void table_cell(struct table *table, const char *format, ...)
__attribute__((format(printf, 2, 3)));
void table_cell_duration(struct table *table, uint64_t ns);

/* Print the rows given so far; the header comes first, once, and again after table_head(). */
void table_flush(struct table *table);
void table_head(struct table *table);

void table_free(struct table *table);

/* table_flush() and table_free(). */
void table_end(struct table *table);

#endif
