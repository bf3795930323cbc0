/*
 * sink_postgres_store.c - see sink_postgres_store.h. The tables are those of sink_sqlite_store.c. A
 * transaction is one pipeline: BEGIN, an INSERT a row, COMMIT, all sent before the first answer is read.
 * Only the answer "COMMIT" says that it is done; when it is lost, rows that were there are known again.
 */
#ifdef WITH_POSTGRES

#include "src/consumer/sink_postgres_store.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/consumer/sink_postgres_fault.h"

#define PARAMS_MAX 9
#define LOOK_MS 250
#define GRACE_NS UINT64_C(1000000000)	/* a guess: a server that is well has answered by then */

/* Who makes a table waits for others that do: two CREATE TABLE IF NOT EXISTS at once may fail. The number
   is ours: "shmline" in ASCII. */
#define LOCK_SQL "SELECT pg_advisory_xact_lock(32483351188041317)"

static const char rings_sql[] =
	"CREATE TABLE IF NOT EXISTS shmline_rings (number bigserial PRIMARY KEY, "
	"identity text NOT NULL UNIQUE, name text NOT NULL, since timestamptz NOT NULL DEFAULT now())";
static const char enter_sql[] = "INSERT INTO shmline_rings (identity, name) VALUES ($1, $2) "
				"ON CONFLICT (identity) DO NOTHING";
static const char number_sql[] = "SELECT number FROM shmline_rings WHERE identity = $1";
/* A row for each column: is it that of an invoice? None: no such table. */
static const char form_sql[] = "SELECT attname = 'customer' FROM pg_attribute WHERE attnum > 0 "
			       "AND attrelid = to_regclass(quote_ident($1)) ORDER BY 1 DESC";

static const struct {
	const char *name, *columns, *insert;
	int params;
} forms[] = {
	[FORM_INVOICES] = {
		.name = "invoices",
		.columns = "(id bigint NOT NULL, customer text NOT NULL, "
			   "amount_cents bigint NOT NULL, currency text NOT NULL, "
			   "issued_at timestamptz NOT NULL, deliveries int NOT NULL, "
			   "stored_at timestamptz NOT NULL, ring bigint NOT NULL, item bigint NOT NULL, "
			   "PRIMARY KEY (ring, item))",
		.insert = "(deliveries, stored_at, ring, item, id, amount_cents, issued_at, "
			  "customer, currency) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) "
			  "ON CONFLICT (ring, item) DO NOTHING",
		.params = 9,
	},
	[FORM_ITEMS] = {
		.name = "items",
		.columns = "(id bigint NOT NULL, payload bytea NOT NULL, "
			   "deliveries int NOT NULL, stored_at timestamptz NOT NULL, ring bigint NOT NULL, "
			   "PRIMARY KEY (ring, id))",
		.insert = "(deliveries, stored_at, ring, id, payload) "
			  "VALUES ($1, $2, $3, $4, $5) ON CONFLICT (ring, id) DO NOTHING",
		.params = 5,
	},
};

/* ------------------------------------------------------------------ faults */

/* libpq's messages are lines; the first says it. */
static void note(struct postgres_store *store, const char *message)
{
	if (strncmp(message, "ERROR:  ", 8) == 0 || strncmp(message, "FATAL:  ", 8) == 0)
		message += 8;
	snprintf(store->why, sizeof(store->why), "%.*s", (int)strcspn(message, "\n"), message);
}

static bool is_good(const PGresult *result)
{
	ExecStatusType status = PQresultStatus(result);

	return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

static enum storage_fault lost(struct postgres_store *store)
{
	note(store, PQerrorMessage(store->connection));
	return FAULT_BUSY;
}

/* Of an answer that may be none. It is not freed. */
static enum storage_fault check(struct postgres_store *store, const PGresult *result)
{
	if (is_good(result))
		return FAULT_NONE;
	if (!result || PQstatus(store->connection) == CONNECTION_BAD)
		return lost(store);
	note(store, PQresultErrorMessage(result));
	return postgres_fault(PQresultErrorField(result, PG_DIAG_SQLSTATE));
}

static enum storage_fault run(struct postgres_store *store, const char *sql)
{
	PGresult *result = PQexec(store->connection, sql);
	enum storage_fault fault = check(store, result);

	PQclear(result);
	return fault;
}

/* A query with texts; *answer, when it is wanted, is freed by the caller, whatever is returned. */
static enum storage_fault ask(struct postgres_store *store, const char *sql, int n, const char *const *texts,
			      PGresult **answer)
{
	PGresult *result = PQexecParams(store->connection, sql, n, NULL, texts, NULL, NULL, 0);
	enum storage_fault fault = check(store, result);

	if (answer)
		*answer = result;
	else
		PQclear(result);
	return fault;
}

/* ------------------------------------------------------------------ the connection */

bool postgres_conninfo_is_valid(const char *conninfo, char **why)
{
	PQconninfoOption *options = PQconninfoParse(conninfo, why);

	PQconninfoFree(options);
	return options != NULL;
}

/* Notices ("exists already, skipping") are nobody's business. */
static void ignore_notice(void *context, const char *message)
{
	(void)context;
	(void)message;
}

/* What comes later wins: the time may be another in the place, our name may not be missed there. */
enum storage_fault postgres_store_connect(struct postgres_store *store)
{
	static const char *const keys[] = {
		"connect_timeout", "fallback_application_name", "dbname", NULL,
	};
	const char *const values[] = { "10", "shmline", store->target->place, NULL };

	if (store->connection && PQstatus(store->connection) == CONNECTION_OK)
		return FAULT_NONE;
	postgres_store_close(store);
	store->connection = PQconnectdbParams(keys, values, 1);
	if (PQstatus(store->connection) != CONNECTION_OK) {
		note(store, PQerrorMessage(store->connection));
		return PQpingParams(keys, values, 1) == PQPING_OK ? FAULT_REFUSED : FAULT_BUSY;
	}
	PQsetNoticeProcessor(store->connection, ignore_notice, NULL);
	return FAULT_NONE;
}

void postgres_store_close(struct postgres_store *store)
{
	for (size_t i = 0; i < STORAGE_FORMS; i++)
		store->tables[i].is_ready = false;
	PQfinish(store->connection);
	store->connection = NULL;
}

/* ------------------------------------------------------------------ tables */

/* `create` in a transaction of its own, one process after the other. */
static enum storage_fault make(struct postgres_store *store, const char *create)
{
	enum storage_fault fault = run(store, "BEGIN");

	if (fault == FAULT_NONE)
		fault = run(store, LOCK_SQL);
	if (fault == FAULT_NONE)
		fault = run(store, create);
	if (fault == FAULT_NONE)
		return run(store, "COMMIT");
	PQclear(PQexec(store->connection, "ROLLBACK"));
	return fault;
}

/* Is the table there, and of which form? */
static enum storage_fault find_form(struct postgres_store *store, const char *name, bool *is_there,
				    enum storage_form *form)
{
	PGresult *answer;
	enum storage_fault fault = ask(store, form_sql, 1, &name, &answer);

	*is_there = fault == FAULT_NONE && PQntuples(answer) > 0;
	if (*is_there)
		*form = *PQgetvalue(answer, 0, 0) == 't' ? FORM_INVOICES : FORM_ITEMS;
	PQclear(answer);
	return fault;
}

static enum storage_fault prepare(struct postgres_store *store, const char *name, enum storage_form form)
{
	char sql[512];
	PGresult *result;
	enum storage_fault fault;

	snprintf(sql, sizeof(sql), "INSERT INTO \"%s\" %s", name, forms[form].insert);
	result = PQprepare(store->connection, forms[form].name, sql, 0, NULL);
	fault = check(store, result);
	PQclear(result);
	return fault;
}

/* A table that is there is used as it is: whoever made it may not want us to make any. */
static enum storage_fault ready_table(struct postgres_store *store, struct postgres_table *table,
				      enum storage_form wanted)
{
	const char *named = store->target->table;
	const char *name = *named ? named : forms[wanted].name;
	enum storage_form form = wanted;
	bool is_there;
	char sql[512];
	enum storage_fault fault = find_form(store, name, &is_there, &form);

	table->form = *named ? form : wanted;
	snprintf(sql, sizeof(sql), "CREATE TABLE IF NOT EXISTS \"%s\" %s", name,
		 forms[table->form].columns);
	if (fault == FAULT_NONE && !is_there)
		fault = make(store, sql);
	/* Another may have made it just before. */
	if (fault == FAULT_NONE && !is_there && *named)
		fault = find_form(store, name, &is_there, &table->form);
	if (fault == FAULT_NONE)
		fault = prepare(store, name, table->form);
	table->is_ready = fault == FAULT_NONE;
	return fault;
}

static struct postgres_table *table_of(struct postgres_store *store, const struct storage_row *row)
{
	return &store->tables[store->target->table[0] ? 0 : row->form];
}

/* Before the pipeline, in which no answers are read. */
static enum storage_fault ready_tables(struct postgres_store *store, struct storage_row *rows, size_t n)
{
	enum storage_fault fault = FAULT_NONE;

	for (size_t i = 0; i < n && fault == FAULT_NONE; i++) {
		struct postgres_table *table = table_of(store, &rows[i]);

		if (!table->is_ready)
			fault = ready_table(store, table, rows[i].form);
		rows[i].is_misfit = table->form == FORM_INVOICES && rows[i].form != FORM_INVOICES;
	}
	return fault;
}

/* ------------------------------------------------------------------ the ring */

static enum storage_fault read_number(struct postgres_store *store, const char *identity)
{
	PGresult *answer;
	enum storage_fault fault = ask(store, number_sql, 1, &identity, &answer);

	if (fault == FAULT_NONE && PQntuples(answer) == 1)
		snprintf(store->ring, sizeof(store->ring), "%s", PQgetvalue(answer, 0, 0));
	PQclear(answer);
	return fault;
}

static enum storage_fault enter_ring(struct postgres_store *store, struct ring *ring, const char *identity)
{
	const char *const texts[] = { identity, ring_name(ring) };
	enum storage_form form;
	bool is_there;
	enum storage_fault fault = find_form(store, "shmline_rings", &is_there, &form);

	if (fault == FAULT_NONE && !is_there)
		fault = make(store, rings_sql);
	if (fault == FAULT_NONE)
		fault = ask(store, enter_sql, 2, texts, NULL);
	return fault == FAULT_NONE ? read_number(store, identity) : fault;
}

enum storage_fault postgres_store_open(struct postgres_store *store, struct ring *ring, const char *identity)
{
	enum storage_fault fault = postgres_store_connect(store);

	if (fault != FAULT_NONE || store->ring[0])
		return fault;
	return enter_ring(store, ring, identity);
}

/* ------------------------------------------------------------------ rows: sending */

struct params {
	char deliveries[12], item[24], id[24], cents[24], issued[INVOICE_TIME_MAX];
	const char *values[PARAMS_MAX];
	int lengths[PARAMS_MAX];
	int are_bytes[PARAMS_MAX];
};

static void set_bytes(struct params *params, int at, const void *bytes, size_t len)
{
	params->values[at] = len > 0 ? bytes : "";
	params->lengths[at] = (int)len;
	params->are_bytes[at] = 1;
}

static void set_invoice(struct params *params, const struct invoice *invoice)
{
	snprintf(params->id, sizeof(params->id), "%llu", (unsigned long long)invoice->id);
	snprintf(params->cents, sizeof(params->cents), "%llu", (unsigned long long)invoice->amount_cents);
	snprintf(params->issued, sizeof(params->issued), "%.*s", (int)invoice->issued_at.len,
		 invoice->issued_at.at);
	params->values[4] = params->id;
	params->values[5] = params->cents;
	params->values[6] = params->issued;
	set_bytes(params, 7, invoice->customer.at, invoice->customer.len);
	set_bytes(params, 8, invoice->currency.at, invoice->currency.len);
}

static bool send_row(struct postgres_store *store, const struct storage_row *row, const char *now)
{
	enum storage_form form = table_of(store, row)->form;
	const struct ring_item *item = row->item;
	struct params params = { .are_bytes = { 0 } };

	snprintf(params.deliveries, sizeof(params.deliveries), "%u", item->deliveries);
	snprintf(params.item, sizeof(params.item), "%llu", (unsigned long long)item->id);
	params.values[0] = params.deliveries;
	params.values[1] = now;
	params.values[2] = store->ring;
	params.values[3] = params.item;
	if (form == FORM_INVOICES)
		set_invoice(&params, &row->invoice);
	else
		set_bytes(&params, 4, item->data, item->len);
	return PQsendQueryPrepared(store->connection, forms[form].name, forms[form].params, params.values,
				   params.lengths, params.are_bytes, 0);
}

static bool send_text(struct postgres_store *store, const char *sql)
{
	return PQsendQueryParams(store->connection, sql, 0, NULL, NULL, NULL, NULL, 0);
}

static bool send_rows(struct postgres_store *store, const struct storage_row *rows, size_t n)
{
	char now[INVOICE_TIME_MAX];
	bool is_sent = PQenterPipelineMode(store->connection) && send_text(store, "BEGIN");

	storage_now(now);
	for (size_t i = 0; i < n && is_sent; i++)
		if (!rows[i].is_misfit)
			is_sent = send_row(store, &rows[i], now);
	return is_sent && send_text(store, "COMMIT") && PQpipelineSync(store->connection);
}

/* ------------------------------------------------------------------ rows: the answers */

/* Until an answer can be read without waiting. false: the connection is lost, or given up with the line. */
static bool wait_for_answer(struct postgres_store *store, struct ring *ring)
{
	struct pollfd socket = { .fd = PQsocket(store->connection), .events = POLLIN };
	uint64_t called_off_ns = 0;

	while (PQisBusy(store->connection)) {
		if (storage_is_called_off(ring) && called_off_ns == 0)
			called_off_ns = ring_now_ns();
		if (called_off_ns != 0 && ring_now_ns() - called_off_ns > GRACE_NS)
			return false;
		poll(&socket, 1, LOOK_MS);
		if (!PQconsumeInput(store->connection))
			return false;
	}
	return true;
}

/* One answer; those behind the first fault only repeat that there was one. */
static void read_answer(struct postgres_store *store, const PGresult *result, enum storage_fault *fault,
			uint64_t *stored, bool *is_committed)
{
	if (PQresultStatus(result) == PGRES_PIPELINE_ABORTED)
		return;
	if (*fault == FAULT_NONE)
		*fault = check(store, result);
	*is_committed |= strcmp(PQcmdStatus((PGresult *)result), "COMMIT") == 0;
	*stored += strtoull(PQcmdTuples((PGresult *)result), NULL, 10);
}

/* Up to the mark behind the pipeline, which comes whatever went wrong, unless the connection is lost. */
static enum storage_fault read_answers(struct postgres_store *store, struct ring *ring, uint64_t *stored)
{
	enum storage_fault fault = FAULT_NONE;
	bool is_committed = false, is_end = false;

	while (!is_end) {
		PGresult *result;

		if (!wait_for_answer(store, ring) || PQstatus(store->connection) == CONNECTION_BAD)
			return lost(store);
		result = PQgetResult(store->connection);
		is_end = PQresultStatus(result) == PGRES_PIPELINE_SYNC;
		if (result && !is_end)
			read_answer(store, result, &fault, stored, &is_committed);
		PQclear(result);
	}
	PQexitPipelineMode(store->connection);
	if (fault == FAULT_NONE && !is_committed)
		return lost(store);
	return fault;
}

enum storage_fault postgres_store_rows(struct postgres_store *store, struct ring *ring,
				       struct storage_row *rows, size_t n)
{
	enum storage_fault fault = ready_tables(store, rows, n);
	uint64_t stored = 0;

	if (fault != FAULT_NONE)
		return fault;
	fault = send_rows(store, rows, n) ? read_answers(store, ring, &stored) : lost(store);
	/* What is in the pipeline of a fault is not sorted out: the next attempt has a new connection. */
	if (fault != FAULT_NONE) {
		postgres_store_close(store);
		return fault;
	}
	store->stored += stored;
	store->known += n - stored;
	return FAULT_NONE;
}

#endif
