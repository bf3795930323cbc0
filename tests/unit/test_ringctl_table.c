/* test_ringctl_table.c - rows of aligned cells, read back from memory. */
#include "src/ringctl/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct column columns[] = {
	{ .title = "NAME", .width = 6 },
	{ .title = "N", .is_number = true },
	{ .title = "TEXT" },
	{ .title = NULL },
};

struct capture {
	FILE *out;
	char *text;
	size_t size;
	struct table *table;
};

static struct capture *capture_new(const struct column *with)
{
	struct capture *capture = calloc(1, sizeof(*capture));

	assert_non_null(capture);
	capture->out = open_memstream(&capture->text, &capture->size);
	assert_non_null(capture->out);
	capture->table = table_new(capture->out, with);
	return capture;
}

static void capture_expect(struct capture *capture, const char *expected)
{
	table_end(capture->table);
	assert_int_equal(fclose(capture->out), 0);
	assert_string_equal(capture->text, expected);
	free(capture->text);
	free(capture);
}

static void add_row(struct table *table, const char *name, int n, const char *text)
{
	table_row(table);
	table_cell(table, "%s", name);
	table_cell(table, "%d", n);
	table_cell(table, "%s", text);
}

static void test_columns_grow_with_their_cells(void **state)
{
	struct capture *capture = capture_new(columns);

	(void)state;
	add_row(capture->table, "a", 1, "x");
	add_row(capture->table, "long-name", 12345, "long text at the end pads nothing");
	capture_expect(capture, "NAME           N  TEXT\n"
				"a              1  x\n"
				"long-name  12345  long text at the end pads nothing\n");
}

static void test_empty_table_is_its_header(void **state)
{
	(void)state;
	capture_expect(capture_new(columns), "NAME    N  TEXT\n");
}

static void test_last_cell_of_a_short_row_is_free_text(void **state)
{
	struct capture *capture = capture_new(columns);

	(void)state;
	table_row(capture->table);
	table_cell(capture->table, "b");
	table_cell(capture->table, "%s", "why this row has no more");
	add_row(capture->table, "a", 1, "x");
	capture_expect(capture, "NAME    N  TEXT\n"
				"b       why this row has no more\n"
				"a       1  x\n");
}

static void test_last_column_of_numbers_is_aligned(void **state)
{
	static const struct column numbers[] = {
		{ .title = "A", .is_number = true },
		{ .title = "B", .is_number = true },
		{ .title = NULL },
	};
	struct capture *capture = capture_new(numbers);

	(void)state;
	for (int i = 1; i <= 1000; i *= 1000) {
		table_row(capture->table);
		table_cell(capture->table, "%d", i);
		table_cell(capture->table, "%d", i);
	}
	capture_expect(capture, "   A     B\n"
				"   1     1\n"
				"1000  1000\n");
}

static void test_header_comes_again_when_asked(void **state)
{
	struct capture *capture = capture_new(columns);

	(void)state;
	add_row(capture->table, "a", 1, "x");
	table_flush(capture->table);
	add_row(capture->table, "b", 2, "y");
	table_flush(capture->table);
	table_head(capture->table);
	add_row(capture->table, "c", 3, "z");
	capture_expect(capture, "NAME    N  TEXT\n"
				"a       1  x\n"
				"b       2  y\n"
				"NAME    N  TEXT\n"
				"c       3  z\n");
}

static void test_long_tables_have_one_header(void **state)
{
	struct capture *capture = capture_new(columns);
	int lines = 0;

	(void)state;
	for (int i = 0; i < 2000; i++)
		add_row(capture->table, "a", i, "x");
	table_end(capture->table);
	assert_int_equal(fclose(capture->out), 0);
	for (const char *at = capture->text; (at = strchr(at, '\n')) != NULL; at++)
		lines++;
	assert_int_equal(lines, 2001);
	assert_null(strstr(capture->text + 1, "NAME"));
	free(capture->text);
	free(capture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_columns_grow_with_their_cells),
		cmocka_unit_test(test_empty_table_is_its_header),
		cmocka_unit_test(test_last_cell_of_a_short_row_is_free_text),
		cmocka_unit_test(test_last_column_of_numbers_is_aligned),
		cmocka_unit_test(test_header_comes_again_when_asked),
		cmocka_unit_test(test_long_tables_have_one_header),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
