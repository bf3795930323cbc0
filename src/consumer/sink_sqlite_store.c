/*
 * sink_sqlite_store.c - see sink_sqlite_store.h. The tables:
 *
 *	shmline_rings   number, identity, name, since           a ring whose items were stored
 *	invoices        id, customer, ..., ring, item           ring and item (its id) are the key
 *	items           id, payload, ..., ring                  ring and id are the key
 *
 * Rows stand in the order in which they were stored (they have a rowid), so that who watches can ask
 * for what is new.
 */
#include "src/consumer/sink_sqlite_store.h"

#include <stdio.h>
#include <string.h>

#include "src/consumer/sink_sqlite_fault.h"

/*
 * WAL: who reads doesn't stop who writes. NORMAL: what is committed survives every process. FULL would wait
 * for the disk at each commit (some 4 ms), against a loss of power that takes the ring, too.
 * The rings are few; ours is entered once, and found by whoever comes after a kill.
 */
static const char settings_sql[] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL";
static const char rings_sql[] =
	"CREATE TABLE IF NOT EXISTS shmline_rings (number INTEGER PRIMARY KEY, "
	"identity TEXT NOT NULL UNIQUE, name TEXT NOT NULL, since TEXT NOT NULL)";
static const char enter_sql[] = "INSERT INTO shmline_rings (identity, name, since) "
				"VALUES (?1, ?2, ?3) ON CONFLICT (identity) DO NOTHING";
static const char number_sql[] = "SELECT number FROM shmline_rings WHERE identity = ?1";
static const char form_sql[] =
	"SELECT count(*), count(*) FILTER (WHERE name = 'customer') FROM pragma_table_info(?1)";

static const struct {
	const char *name, *create, *columns, *key;
	int own;	/* parameters that a row has to itself; ?1 and ?2 are when, and which ring */
} forms[] = {
	[FORM_INVOICES] = {
		.name = "invoices",
		.create = "CREATE TABLE IF NOT EXISTS \"%w\" (id INTEGER NOT NULL, customer TEXT NOT NULL, "
			  "amount_cents INTEGER NOT NULL, currency TEXT NOT NULL, issued_at TEXT NOT NULL, "
			  "deliveries INTEGER NOT NULL, stored_at TEXT NOT NULL, "
			  "ring INTEGER NOT NULL REFERENCES shmline_rings, item INTEGER NOT NULL, "
			  "PRIMARY KEY (ring, item))",
		.columns = "stored_at, ring, deliveries, item, id, customer, amount_cents, currency, issued_at",
		.key = "ring, item",
		.own = 7,
	},
	[FORM_ITEMS] = {
		.name = "items",
		.create = "CREATE TABLE IF NOT EXISTS \"%w\" (id INTEGER NOT NULL, payload NOT NULL, "
			  "deliveries INTEGER NOT NULL, stored_at TEXT NOT NULL, "
			  "ring INTEGER NOT NULL REFERENCES shmline_rings, PRIMARY KEY (ring, id))",
		.columns = "stored_at, ring, deliveries, id, payload",
		.key = "ring, id",
		.own = 3,
	},
};

/* ------------------------------------------------------------------ faults */

static void note(struct sqlite_store *store, enum storage_fault fault, int error)
{
	const char *said = sqlite3_errmsg(store->db);

	if (fault == FAULT_FULL && error != 0 && sqlite3_errcode(store->db) != SQLITE_FULL)
		snprintf(store->why, sizeof(store->why), "%s (%s)", said, strerror(error));
	else
		snprintf(store->why, sizeof(store->why), "%s", said);
}

/* Of what the connection said last. */
static enum storage_fault check(struct sqlite_store *store, int code)
{
	int error = sqlite3_system_errno(store->db);
	enum storage_fault fault = sqlite_fault(code, error);

	if (fault != FAULT_NONE)
		note(store, fault, error);
	return fault;
}

static enum storage_fault run(struct sqlite_store *store, const char *sql)
{
	return check(store, sqlite3_exec(store->db, sql, NULL, NULL, NULL));
}

static enum storage_fault prepare(struct sqlite_store *store, const char *sql, sqlite3_stmt **statement)
{
	return check(store, sqlite3_prepare_v3(store->db, sql, -1, SQLITE_PREPARE_PERSISTENT, statement,
					       NULL));
}

/* One step, and ready for the next. The code of the reset is that of the step. */
static enum storage_fault step(struct sqlite_store *store, sqlite3_stmt *statement)
{
	sqlite3_step(statement);
	return check(store, sqlite3_reset(statement));
}

static void bind_text(sqlite3_stmt *statement, int at, const char *text)
{
	sqlite3_bind_text(statement, at, text, -1, SQLITE_STATIC);
}

static void bind_span(sqlite3_stmt *statement, int at, const struct span *text)
{
	sqlite3_bind_text(statement, at, text->at, (int)text->len, SQLITE_STATIC);
}

/* ------------------------------------------------------------------ transactions */

/* Tables that were made in it are gone with it. */
static void roll_back(struct sqlite_store *store)
{
	for (size_t i = 0; i < STORAGE_FORMS; i++) {
		sqlite3_finalize(store->tables[i].insert);
		sqlite3_finalize(store->tables[i].insert_many);
		store->tables[i] = (struct sqlite_table){ .name = NULL };
	}
	if (!sqlite3_get_autocommit(store->db))
		sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
}

/* The lock for writing is taken at its beginning: one that is begun only waits for the disk. */
static enum storage_fault begin(struct sqlite_store *store)
{
	return run(store, "BEGIN IMMEDIATE");
}

static enum storage_fault end(struct sqlite_store *store, enum storage_fault fault)
{
	if (fault == FAULT_NONE)
		fault = run(store, "COMMIT");
	if (fault != FAULT_NONE)
		roll_back(store);
	return fault;
}

/* ------------------------------------------------------------------ the ring */

static enum storage_fault enter(struct sqlite_store *store, const char *ring, const char *identity)
{
	char now[INVOICE_TIME_MAX];
	sqlite3_stmt *statement;
	enum storage_fault fault = prepare(store, enter_sql, &statement);

	if (fault != FAULT_NONE)
		return fault;
	bind_text(statement, 1, identity);
	bind_text(statement, 2, ring);
	bind_text(statement, 3, storage_now(now));
	fault = step(store, statement);
	sqlite3_finalize(statement);
	return fault;
}

static enum storage_fault read_number(struct sqlite_store *store, const char *identity)
{
	sqlite3_stmt *statement;
	enum storage_fault fault = prepare(store, number_sql, &statement);

	if (fault != FAULT_NONE)
		return fault;
	bind_text(statement, 1, identity);
	fault = check(store, sqlite3_step(statement));
	store->ring = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	return fault;
}

static enum storage_fault enter_ring(struct sqlite_store *store, const char *ring, const char *identity)
{
	enum storage_fault fault = begin(store);

	if (fault != FAULT_NONE)
		return fault;
	fault = run(store, rings_sql);
	if (fault == FAULT_NONE)
		fault = enter(store, ring, identity);
	if (fault == FAULT_NONE)
		fault = read_number(store, identity);
	return end(store, fault);
}

/* A handle that could not be opened still says why. */
static enum storage_fault connect_to(struct sqlite_store *store)
{
	const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
	const char *file = store->target->place;
	char *path;
	int code;

	if (store->db)
		return FAULT_NONE;
	/* ":memory:" would be no file, and its rows gone with the process. */
	path = sqlite3_mprintf("%s%s", *file == '/' ? "" : "./", file);
	code = sqlite3_open_v2(path, &store->db, flags, NULL);
	sqlite3_free(path);
	return check(store, code);
}

enum storage_fault sqlite_store_open(struct sqlite_store *store, const char *ring, const char *identity)
{
	enum storage_fault fault = connect_to(store);

	if (fault == FAULT_NONE)
		fault = run(store, settings_sql);
	if (fault == FAULT_NONE)
		fault = enter_ring(store, ring, identity);
	return fault;
}

void sqlite_store_close(struct sqlite_store *store)
{
	if (store->db)
		roll_back(store);
	sqlite3_close(store->db);
	store->db = NULL;
}

/* ------------------------------------------------------------------ tables */

/* A table that was named may be there already, with its form. */
static enum storage_fault find_form(struct sqlite_store *store, const char *name, enum storage_form *form)
{
	sqlite3_stmt *statement;
	enum storage_fault fault = prepare(store, form_sql, &statement);

	if (fault != FAULT_NONE)
		return fault;
	bind_text(statement, 1, name);
	fault = check(store, sqlite3_step(statement));
	if (sqlite3_column_int(statement, 0) > 0)
		*form = sqlite3_column_int(statement, 1) > 0 ? FORM_INVOICES : FORM_ITEMS;
	sqlite3_finalize(statement);
	return fault;
}

/* INSERT INTO t (...) VALUES (?1, ?2, ?3, ...), (?1, ?2, ...), ... */
static enum storage_fault prepare_insert(struct sqlite_store *store, const struct sqlite_table *table,
					 int rows, sqlite3_stmt **statement)
{
	sqlite3_str *sql = sqlite3_str_new(store->db);
	enum storage_fault fault;
	char *text;

	sqlite3_str_appendf(sql, "INSERT INTO \"%w\" (%s) VALUES ", table->name, forms[table->form].columns);
	for (int row = 0, at = 3; row < rows; row++) {
		sqlite3_str_appendall(sql, row > 0 ? ", (?1, ?2" : "(?1, ?2");
		for (int i = 0; i < forms[table->form].own; i++)
			sqlite3_str_appendf(sql, ", ?%d", at++);
		sqlite3_str_appendall(sql, ")");
	}
	sqlite3_str_appendf(sql, " ON CONFLICT (%s) DO NOTHING", forms[table->form].key);
	text = sqlite3_str_finish(sql);
	fault = text ? prepare(store, text, statement) : check(store, SQLITE_NOMEM);
	sqlite3_free(text);
	return fault;
}

static enum storage_fault make_table(struct sqlite_store *store, struct sqlite_table *table)
{
	char *create = sqlite3_mprintf(forms[table->form].create, table->name);
	enum storage_fault fault = create ? run(store, create) : check(store, SQLITE_NOMEM);

	sqlite3_free(create);
	if (fault == FAULT_NONE)
		fault = prepare_insert(store, table, 1, &table->insert);
	if (fault == FAULT_NONE)
		fault = prepare_insert(store, table, SQLITE_MANY, &table->insert_many);
	return fault;
}

/* The table where a row goes; one that was named has the form of its first row. */
static enum storage_fault find_table(struct sqlite_store *store, const struct storage_row *row,
				     struct sqlite_table **found)
{
	const char *named = store->target->table[0] ? store->target->table : NULL;
	struct sqlite_table *table = &store->tables[named ? 0 : row->form];
	enum storage_fault fault = FAULT_NONE;

	*found = table;
	if (table->name)
		return FAULT_NONE;
	table->name = named ? named : forms[row->form].name;
	table->form = row->form;
	if (named)
		fault = find_form(store, named, &table->form);
	return fault == FAULT_NONE ? make_table(store, table) : fault;
}

/* ------------------------------------------------------------------ rows */

static void bind_invoice(sqlite3_stmt *insert, int at, const struct invoice *invoice)
{
	sqlite3_bind_int64(insert, at, (sqlite3_int64)invoice->id);
	bind_span(insert, at + 1, &invoice->customer);
	sqlite3_bind_int64(insert, at + 2, (sqlite3_int64)invoice->amount_cents);
	bind_span(insert, at + 3, &invoice->currency);
	bind_span(insert, at + 4, &invoice->issued_at);
}

static void bind_row(const struct sqlite_table *table, sqlite3_stmt *insert, int at,
		     const struct storage_row *row)
{
	const struct ring_item *item = row->item;

	sqlite3_bind_int64(insert, at, item->deliveries);
	sqlite3_bind_int64(insert, at + 1, (sqlite3_int64)item->id);
	if (table->form == FORM_INVOICES)
		bind_invoice(insert, at + 2, &row->invoice);
	else
		sqlite3_bind_blob64(insert, at + 2, item->data, item->len, SQLITE_STATIC);
}

/* How many rows from the first one on can be one INSERT: all of a kind, as many as it has, or one. */
static size_t take_run(const struct storage_row *rows, size_t n)
{
	if (n < SQLITE_MANY)
		return 1;
	for (size_t i = 1; i < SQLITE_MANY; i++)
		if (rows[i].form != rows[0].form)
			return 1;
	return SQLITE_MANY;
}

static enum storage_fault insert_run(struct sqlite_store *store, const struct sqlite_table *table,
				     const struct storage_row *rows, size_t n, const char *now)
{
	sqlite3_stmt *insert = n > 1 ? table->insert_many : table->insert;

	bind_text(insert, 1, now);
	sqlite3_bind_int64(insert, 2, store->ring);
	for (size_t i = 0; i < n; i++)
		bind_row(table, insert, 3 + (int)i * forms[table->form].own, &rows[i]);
	return step(store, insert);
}

static enum storage_fault insert_rows(struct sqlite_store *store, struct storage_row *rows, size_t n,
				      const char *now)
{
	enum storage_fault fault = FAULT_NONE;
	size_t taken;

	for (; n > 0 && fault == FAULT_NONE; rows += taken, n -= taken) {
		struct sqlite_table *table;
		bool is_misfit;

		taken = take_run(rows, n);
		fault = find_table(store, rows, &table);
		is_misfit = table->form == FORM_INVOICES && rows->form != FORM_INVOICES;
		for (size_t i = 0; i < taken; i++)
			rows[i].is_misfit = is_misfit;
		if (fault == FAULT_NONE && !is_misfit)
			fault = insert_run(store, table, rows, taken, now);
	}
	return fault;
}

enum storage_fault sqlite_store_rows(struct sqlite_store *store, struct storage_row *rows, size_t n)
{
	enum storage_fault fault = begin(store);
	sqlite3_int64 before = sqlite3_total_changes64(store->db);
	uint64_t stored;
	char now[INVOICE_TIME_MAX];

	if (fault != FAULT_NONE)
		return fault;
	storage_now(now);
	fault = end(store, insert_rows(store, rows, n, now));
	if (fault != FAULT_NONE)
		return fault;
	stored = (uint64_t)(sqlite3_total_changes64(store->db) - before);
	store->stored += stored;
	store->known += n - stored;
	return FAULT_NONE;
}
