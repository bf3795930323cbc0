/*
 * table.c - rows of aligned cells.
 */
#include "src/ringctl/table.h"
#include "src/base/diag.h"
#include "src/base/exitcode.h"
#include "src/base/quantity.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS_MAX 16
#define ROWS_HELD 256	/* guess: enough that widths settle, little enough to be no load */

struct row {
	char *cells[COLUMNS_MAX];
	int n;
};

struct table {
	FILE *out;
	const struct column *columns;
	int n_columns, n_rows;
	bool is_headed;
	int widths[COLUMNS_MAX];
	struct row rows[ROWS_HELD];
};

static int wider(int width, const char *text)
{
	int length = (int)strlen(text);

	return length > width ? length : width;
}

struct table *table_new(FILE *out, const struct column *columns)
{
	struct table *table = calloc(1, sizeof(*table));

	if (table == NULL)
		diag_die(EXIT_SYSTEM, "out of memory");
	table->out = out;
	table->columns = columns;
	while (columns[table->n_columns].title != NULL) {
		const struct column *column = &columns[table->n_columns];

		table->widths[table->n_columns++] = wider(column->width, column->title);
	}
	return table;
}

void table_row(struct table *table)
{
	if (table->n_rows == ROWS_HELD)
		table_flush(table);
	table->rows[table->n_rows++].n = 0;
}

void table_cell(struct table *table, const char *format, ...)
{
	struct row *row = &table->rows[table->n_rows - 1];
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vasprintf(&row->cells[row->n], format, arguments);
	va_end(arguments);
	if (length == -1)
		diag_die(EXIT_SYSTEM, "out of memory");
	row->n++;
}

void table_cell_duration(struct table *table, uint64_t ns)
{
	char text[16];

	table_cell(table, "%s", quantity_show_duration(text, sizeof(text), ns));
}

/* Free text: no column grows for it and nothing pads it. */
static bool is_free_text(const struct table *table, int c, int n)
{
	bool is_short_row = n < table->n_columns;

	return c == n - 1 && (is_short_row || !table->columns[c].is_number);
}

static void grow_columns(struct table *table)
{
	for (int r = 0; r < table->n_rows; r++) {
		const struct row *row = &table->rows[r];

		for (int c = 0; c < row->n; c++)
			if (!is_free_text(table, c, row->n))
				table->widths[c] = wider(table->widths[c], row->cells[c]);
	}
}

static void print_cell(const struct table *table, int c, int n, const char *text)
{
	bool is_last = c == n - 1;
	int width = is_free_text(table, c, n) ? 0 : table->widths[c];

	fprintf(table->out, "%*s%s", table->columns[c].is_number ? width : -width, text,
		is_last ? "\n" : "  ");
}

static void print_head(struct table *table)
{
	for (int c = 0; c < table->n_columns; c++)
		print_cell(table, c, table->n_columns, table->columns[c].title);
	table->is_headed = true;
}

static void print_row(const struct table *table, struct row *row)
{
	for (int c = 0; c < row->n; c++) {
		print_cell(table, c, row->n, row->cells[c]);
		free(row->cells[c]);
	}
}

void table_flush(struct table *table)
{
	grow_columns(table);
	if (!table->is_headed)
		print_head(table);
	for (int r = 0; r < table->n_rows; r++)
		print_row(table, &table->rows[r]);
	table->n_rows = 0;
}

void table_head(struct table *table)
{
	table->is_headed = false;
}

void table_free(struct table *table)
{
	for (int r = 0; r < table->n_rows; r++)
		for (int c = 0; c < table->rows[r].n; c++)
			free(table->rows[r].cells[c]);
	free(table);
}

void table_end(struct table *table)
{
	table_flush(table);
	table_free(table);
}
