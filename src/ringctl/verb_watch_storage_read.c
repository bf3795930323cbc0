/*
 * verb_watch_storage_read.c - see verb_watch_storage_read.h. Rows have rowids in the order in which they
 * were stored, so what is new is what lies behind the last one.
 */
#include "src/ringctl/verb_watch_storage_read.h"
#include "src/base/diag.h"
#include "src/base/exitcode.h"
#include "src/base/invoice.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BUSY_MS 5000	/* a guess: nobody keeps readers out for so long */

/* ------------------------------------------------------------------ questions */

static int exit_code(const struct storage_file *file)
{
	return sqlite3_errcode(file->db) == SQLITE_NOTADB ? EXIT_BAD_DATA : EXIT_NO_INPUT;
}

static int failed(const struct storage_file *file)
{
	char shown[256];

	diag_error("cannot read \"%s\": %s", diag_quote(shown, sizeof(shown), file->path, strlen(file->path)),
		   sqlite3_errmsg(file->db));
	return exit_code(file);
}

/* A statement of `sql`, in which %w is the table. NULL after saying why. */
static sqlite3_stmt *prepare(struct storage_file *file, const char *sql, const char *table)
{
	char *text = sqlite3_mprintf(sql, table);
	sqlite3_stmt *statement = NULL;

	if (sqlite3_prepare_v2(file->db, text, -1, &statement, NULL) != SQLITE_OK)
		failed(file);
	sqlite3_free(text);
	return statement;
}

/* The two numbers of the only row. */
static int ask(struct storage_file *file, const char *sql, const char *table, sqlite3_int64 answer[2])
{
	sqlite3_stmt *statement = prepare(file, sql, table);
	int code = EXIT_OK;

	if (!statement)
		return exit_code(file);
	if (sqlite3_step(statement) == SQLITE_ROW) {
		answer[0] = sqlite3_column_int64(statement, 0);
		answer[1] = sqlite3_column_int64(statement, 1);
	} else {
		code = failed(file);
	}
	sqlite3_finalize(statement);
	return code;
}

/* ------------------------------------------------------------------ the table */

static const char columns_sql[] =
	"SELECT count(*) FILTER (WHERE name = 'stored_at'), count(*) FILTER (WHERE name = 'issued_at') "
	"FROM pragma_table_info('%w')";

static int look_for(struct storage_file *file, const char *table)
{
	sqlite3_int64 columns[2];
	int code = ask(file, columns_sql, table, columns);

	if (code == EXIT_OK && columns[0] > 0) {
		file->found = table;
		file->has_issued = columns[1] > 0;
	}
	return code;
}

static int find_table(struct storage_file *file)
{
	static const char *const tables[] = { "invoices", "items" };
	int code = EXIT_OK;

	if (file->table)
		return look_for(file, file->table);
	for (size_t i = 0; i < 2 && code == EXIT_OK && !file->found; i++)
		code = look_for(file, tables[i]);
	return code;
}

/* What was there before the first reading is counted, and the latest of it read. */
static int begin(struct storage_file *file)
{
	sqlite3_int64 there[2] = { 0, 0 };
	int code = find_table(file);

	if (code != EXIT_OK || !file->found)
		return code;
	code = ask(file, "SELECT count(*), max(rowid) FROM \"%w\"", file->found, there);
	if (there[1] > STORAGE_FIRST_ROWS) {
		file->last = there[1] - STORAGE_FIRST_ROWS;
		file->rows = (uint64_t)there[0] - STORAGE_FIRST_ROWS;
	}
	return code;
}

/* ------------------------------------------------------------------ rows */

static bool read_time(sqlite3_stmt *statement, int at, uint64_t *ns)
{
	const char *text = (const char *)sqlite3_column_text(statement, at);

	return text && invoice_time_parse(text, strlen(text), ns);
}

void storage_count(struct ring_histogram *histogram, uint64_t ns)
{
	unsigned low = 0, high = RING_BUCKETS - 1;	/* the bucket is one of these and those between */

	while (low < high) {
		unsigned middle = (low + high) / 2;

		if (ns < ring_bucket_end_ns(middle))
			high = middle;
		else
			low = middle + 1;
	}
	histogram->bucket[low]++;
	histogram->count++;
	histogram->sum_ns += ns;
}

static void count_row(struct storage_file *file, sqlite3_stmt *statement, struct storage_news *news)
{
	uint64_t stored_ns, issued_ns;

	file->last = sqlite3_column_int64(statement, 0);
	file->rows++;
	if (!read_time(statement, 1, &stored_ns))
		return;
	if (news->rows++ == 0 || stored_ns < news->first_ns)
		news->first_ns = stored_ns;
	if (stored_ns > news->last_ns)
		news->last_ns = stored_ns;
	if (file->has_issued && read_time(statement, 2, &issued_ns))
		storage_count(&news->lag, stored_ns > issued_ns ? stored_ns - issued_ns : 0);
}

static int read_rows(struct storage_file *file, struct storage_news *news)
{
	const char *sql = file->has_issued
		? "SELECT rowid, stored_at, issued_at FROM \"%w\" WHERE rowid > ?1 ORDER BY rowid"
		: "SELECT rowid, stored_at FROM \"%w\" WHERE rowid > ?1 ORDER BY rowid";
	sqlite3_stmt *statement = prepare(file, sql, file->found);
	int code = EXIT_OK, step;

	if (!statement)
		return exit_code(file);
	sqlite3_bind_int64(statement, 1, file->last);
	while ((step = sqlite3_step(statement)) == SQLITE_ROW)
		count_row(file, statement, news);
	if (step != SQLITE_DONE)
		code = failed(file);
	sqlite3_finalize(statement);
	return code;
}

/* ------------------------------------------------------------------ the file */

int storage_file_open(struct storage_file *file)
{
	char shown[256];

	if (access(file->path, R_OK) < 0) {
		diag_error("cannot read \"%s\": %m",
			   diag_quote(shown, sizeof(shown), file->path, strlen(file->path)));
		return EXIT_NO_INPUT;
	}
	if (sqlite3_open_v2(file->path, &file->db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK)
		return failed(file);
	sqlite3_busy_timeout(file->db, BUSY_MS);
	return EXIT_OK;
}

int storage_file_read(struct storage_file *file, struct storage_news *news)
{
	int code = file->found ? EXIT_OK : begin(file);

	memset(news, 0, sizeof(*news));
	return code == EXIT_OK && file->found ? read_rows(file, news) : code;
}

void storage_file_close(struct storage_file *file)
{
	sqlite3_close(file->db);
}
