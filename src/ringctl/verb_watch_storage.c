/*
 * verb_watch_storage.c - what consumers have stored in an SQLite file: rows, rows a second, and how long
 * after they were issued. One reading, or a line an interval.
 */
#include "src/ringctl/verb.h"
#include "shm/ring.h"
#include "src/base/diag.h"
#include "src/base/exitcode.h"
#include "src/ringctl/interval.h"
#include "src/ringctl/json.h"
#include "src/ringctl/table.h"
#include "src/ringctl/verb_watch_storage_read.h"

#include <stdio.h>

static const struct column columns[] = {
	{ .title = "ROWS", .width = 10, .is_number = true },
	{ .title = "ROWS/S", .width = 8, .is_number = true },
	{ .title = "LAG-P50", .width = 8, .is_number = true },
	{ .title = "LAG-P99", .width = 8, .is_number = true },
	{ .title = NULL },
};

struct view {
	struct storage_file file;
	struct table *table;	/* NULL: as JSON */
	uint64_t read_ns;	/* when the last reading was; 0: there was none */
	unsigned lines;		/* since the header */
};

/* In the first reading between the first and the last row that it saw, then between readings. */
static double rows_a_second(const struct view *view, const struct storage_news *news, uint64_t now_ns)
{
	uint64_t ns = view->read_ns ? now_ns - view->read_ns : news->last_ns - news->first_ns;

	return ns > 0 ? (double)news->rows * 1e9 / (double)ns : 0;
}

static void cell_lag(struct table *table, const struct ring_histogram *lag, double share)
{
	if (lag->count == 0)
		table_cell(table, "-");
	else
		table_cell_duration(table, ring_quantile_ns(lag, share));
}

static void show_line(struct view *view, const struct storage_news *news, double rate)
{
	if (view->lines > 0 && view->lines == interval_screen_lines()) {
		table_head(view->table);
		view->lines = 0;
	}
	table_row(view->table);
	table_cell(view->table, "%llu", (unsigned long long)view->file.rows);
	table_cell(view->table, rate > 0 && rate < 10 ? "%.1f" : "%.0f", rate);
	cell_lag(view->table, &news->lag, 0.5);
	cell_lag(view->table, &news->lag, 0.99);
	table_flush(view->table);
	view->lines++;
}

static json_t *lag_json(const struct ring_histogram *lag, double share)
{
	return lag->count > 0 ? json_seconds(ring_quantile_ns(lag, share)) : json_null();
}

static void show_json(const struct view *view, const struct storage_news *news, double rate)
{
	json_t *object = json_object();

	json_set(object, "table", view->file.found ? json_string(view->file.found) : json_null());
	json_set(object, "rows", json_count(view->file.rows));
	json_set(object, "rows_per_second", json_real(rate));
	json_set(object, "lag_seconds_p50", lag_json(&news->lag, 0.5));
	json_set(object, "lag_seconds_p99", lag_json(&news->lag, 0.99));
	json_line(object);
}

static int show(struct view *view)
{
	struct storage_news news;
	int code = storage_file_read(&view->file, &news);
	uint64_t now_ns = ring_now_ns();
	double rate;

	if (code != EXIT_OK)
		return code;
	rate = rows_a_second(view, &news, now_ns);
	if (view->table)
		show_line(view, &news, rate);
	else
		show_json(view, &news, rate);
	view->read_ns = now_ns;
	return fflush(stdout) == EOF ? EXIT_IO : EXIT_OK;	/* main() says so */
}

static int watch_run(const struct settings *settings, char **operands, int n)
{
	struct view view = { .file = { .path = operands[0], .table = settings->table } };
	struct interval interval = { .count = 1 };
	int code;

	if (n > 1)
		interval_read(&interval, "watch-storage", operands + 1, n - 1);
	code = storage_file_open(&view.file);
	if (code == EXIT_OK && !settings->json)
		view.table = table_new(stdout, columns);
	for (uint64_t i = 0; i < interval.count && code == EXIT_OK; i++) {
		interval_wait(&interval);
		code = show(&view);
	}
	if (view.table)
		table_free(view.table);
	storage_file_close(&view.file);
	return code;
}

static const struct option_entry watch_options[] = {
	OPTION_JSON,
	{ .name = "table", .letter = 't', .arg = "TABLE",
	  .help = "the table (invoices, or items when there are none)", .kind = OPTION_TEXT,
	  .field = offsetof(struct settings, table) },
	{ .name = NULL },
};

const struct verb verb_watch_storage = {
	.name = "watch-storage",
	.operands = "FILE [INTERVAL [COUNT]]",
	.help = "show what consumers store in an SQLite file",
	.options = watch_options,
	.operands_min = 1,
	.operands_max = 3,
	.takes_file = true,
	.run = watch_run,
};
