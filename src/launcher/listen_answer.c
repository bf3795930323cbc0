/* listen_answer.c - what --listen answers to which path. */
#include "src/launcher/listen.h"

#include <event2/buffer.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/diag.h"
#include "src/launcher/run.h"
#include "src/view/metrics.h"
#include "src/view/words.h"

/* Dead letters and bytes of each that are shown. */
#define LETTERS_MAX 20
#define LETTER_BYTES 80

static void add_header(struct evhttp_request *request, const char *name, const char *value)
{
	(void)evhttp_add_header(evhttp_request_get_output_headers(request), name, value);
}

static const char *phrase(int code)
{
	switch (code) {
	case HTTP_OK:
		return "OK";
	case HTTP_NOTFOUND:
		return "Not Found";
	case HTTP_BADMETHOD:
		return "Method Not Allowed";
	default:
		return "Service Unavailable";
	}
}

static void reply(struct evhttp_request *request, int code, const char *type, const char *body, size_t len)
{
	struct evbuffer *buffer = evbuffer_new();

	add_header(request, "Content-Type", type);
	add_header(request, "Cache-Control", "no-store");
	add_header(request, "X-Content-Type-Options", "nosniff");
	if (buffer && body)
		(void)evbuffer_add(buffer, body, len);
	evhttp_send_reply(request, code, phrase(code), buffer);
	if (buffer)
		evbuffer_free(buffer);
}

static void reply_text(struct evhttp_request *request, int code, const char *text)
{
	reply(request, code, "text/plain; charset=utf-8", text, strlen(text));
}

/* What is made of a look is made once, however many ask for it. */
struct made {
	char *(*make)(struct supervisor *sv, const struct view_look *look, size_t *size);
	char *text;
	size_t size;
	uint64_t serial;	/* of the look */
};

static void reply_made(struct evhttp_request *request, struct supervisor *sv, struct made *made,
		       const char *type)
{
	const struct view_look *look = view_look(sv);

	if (look && made->serial != look->serial) {
		free(made->text);
		made->text = made->make(sv, look, &made->size);
		made->serial = look->serial;
	}
	if (look && made->text)
		reply(request, HTTP_OK, type, made->text, made->size);
	else
		reply_text(request, HTTP_SERVUNAVAIL, "the ring can't be read\n");
}

/* ---------------------------------------------------------------- / */

static void answer_page(struct evhttp_request *request, struct supervisor *sv)
{
	(void)sv;
	/* Nothing from elsewhere, whatever gets into it. */
	add_header(request, "Content-Security-Policy",
		   "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
		   "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
		   "frame-ancestors 'none'");
	add_header(request, "Referrer-Policy", "no-referrer");
	reply(request, HTTP_OK, "text/html; charset=utf-8", listen_page, listen_page_size);
}

/* ---------------------------------------------------------------- /metrics */

static void print_restarts(FILE *out, const struct supervisor *sv)
{
	fputs("# HELP shmline_restarts_total Starts of a worker after its first.\n"
	      "# TYPE shmline_restarts_total counter\n", out);
	for (size_t i = 0; i < sv->crew.count; i++) {
		const struct worker *worker = &sv->crew.workers[i];

		/* Names come from the command line: the format wants these three escaped. */
		fputs("shmline_restarts_total{worker=\"", out);
		for (const char *c = worker->name; *c; c++)
			fprintf(out, *c == '"' || *c == '\\' ? "\\%c" : "%c", *c == '\n' ? ' ' : *c);
		fprintf(out, "\"} %u\n", worker->restarts);
	}
}

static char *metrics_answer(struct supervisor *sv, const struct view_look *look, size_t *size)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, size);

	if (!out)
		return NULL;
	metrics_text(out, &look->snapshot.reading);
	metrics_times_text(out, "wait_seconds", "From an item's publishing to its first delivery.",
			   &look->snapshot.wait);
	metrics_times_text(out, "work_seconds", "From an item's delivery to its ack.",
			   &look->snapshot.work);
	print_restarts(out, sv);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

static void answer_metrics(struct evhttp_request *request, struct supervisor *sv)
{
	static struct made made = { .make = metrics_answer };

	reply_made(request, sv, &made, "text/plain; version=0.0.4; charset=utf-8");
}

/* ---------------------------------------------------------------- /stats */

static const char *run_state(const struct supervisor *sv)
{
	static const char *const states[] = {
		[RUNNING] = "running", [DRAINING] = "draining", [STOPPING] = "stopping",
		[KILLING] = "stopping", [DONE] = "done",
	};

	return states[sv->state];
}

/* Names and notes are others' text: what is cut in the middle of a character is no JSON. */
static json_t *text_json(const char *text)
{
	json_t *string = json_string(text);

	return string ? string : json_string("?");
}

static json_t *worker_json(const struct view_worker *worker)
{
	json_t *object = json_pack(
		"{s:o, s:s, s:s, s:I, s:i, s:I, s:I, s:f, s:i, s:f}",
		"name", text_json(worker->name), "state", worker->state,
		"role", worker->roles & RING_PRODUCER ? "producer" : "consumer",
		"number", (json_int_t)worker->number, "pid", (int)worker->pid,
		"done_total", (json_int_t)worker->done, "dead_total", (json_int_t)worker->dead,
		"rate", worker->rate, "restarts", (int)worker->restarts,
		"waited_seconds", (double)worker->blocked_ns / 1e9);

	if (worker->item)
		(void)json_object_set_new(object, "item", json_integer((json_int_t)worker->item));
	if (worker->item)
		(void)json_object_set_new(object, "held_seconds", json_real((double)worker->held_ns / 1e9));
	return object;
}

static json_t *workers_json(const struct snapshot *snapshot)
{
	json_t *array = json_array();

	for (size_t i = 0; i < snapshot->n_workers; i++)
		(void)json_array_append_new(array, worker_json(&snapshot->workers[i]));
	return array;
}

static json_t *history_json(const struct history *history)
{
	json_t *published = json_array(), *acked = json_array(), *ready = json_array(),
	       *in_flight = json_array();

	for (size_t i = 0; i < history->n; i++) {
		const struct sample *sample = &history->samples[i];

		(void)json_array_append_new(published, json_real((double)sample->published));
		(void)json_array_append_new(acked, json_real((double)sample->acked));
		(void)json_array_append_new(ready, json_integer(sample->ready));
		(void)json_array_append_new(in_flight, json_integer(sample->in_flight));
	}
	return json_pack("{s:o, s:o, s:o, s:o}", "published", published, "acked", acked, "ready", ready,
			 "in_flight", in_flight);
}

static json_t *letter_json(const struct ring_view *view, const char *bytes, uint64_t now_ns)
{
	char quoted[4 * LETTER_BYTES + 1];

	return json_pack("{s:I, s:i, s:I, s:i, s:f, s:o}", "id", (json_int_t)view->id, "deliveries",
			 (int)view->deliveries, "bytes", (json_int_t)view->len, "reason",
			 (int)view->reason, "age_seconds",
			 (double)reading_between_ns(view->since_ns, now_ns) / 1e9, "item",
			 text_json(diag_quote(quoted, sizeof(quoted), bytes, view->shown)));
}

/* Some of those that the ring keeps. */
static json_t *letters_json(struct supervisor *sv, const struct ring_stats *stats)
{
	json_t *array = json_array();
	uint32_t left = stats->dead_kept;

	for (uint32_t slot = 0; slot < ring_slots(sv->ring) && left > 0; slot++) {
		char bytes[LETTER_BYTES];
		struct ring_view view;

		if (ring_look(sv->ring, slot, &view, bytes, sizeof(bytes)) != 1 ||
		    view.state != RING_SLOT_DEAD)
			continue;
		left--;
		if (json_array_size(array) < LETTERS_MAX)
			(void)json_array_append_new(array, letter_json(&view, bytes, ring_now_ns()));
	}
	return array;
}

static json_t *stats_json(struct supervisor *sv, const struct view_look *look)
{
	const struct reading *reading = &look->snapshot.reading;
	const struct rates *rates = &look->history.rates;
	json_t *object = json_pack(
		"{s:s, s:s, s:s, s:s, s:f, s:I, s:I, s:i, s:i}", "ring", ring_name(sv->ring),
		"state", words_ring_state(reading), "run", run_state(sv),
		"stop", words_stop_mode(reading->stats.stop), "age_seconds",
		(double)reading_between_ns(reading->stats.created_ns, reading->now_ns) / 1e9,
		"producers_at", (json_int_t)(reading->stats.tail % reading->stats.slots),
		"slots", (json_int_t)reading->stats.slots, "launcher", (int)reading->launcher,
		"restarts_total", (int)sv->report->restarts);

	if (!object || metrics_json(object, reading) < 0) {
		json_decref(object);
		return NULL;
	}
	(void)json_object_set_new(object, "published_rate", json_real(rates->published));
	(void)json_object_set_new(object, "acked_rate", json_real(rates->acked));
	(void)json_object_set_new(object, "wait_seconds", metrics_times_json(&look->snapshot.wait));
	(void)json_object_set_new(object, "work_seconds", metrics_times_json(&look->snapshot.work));
	(void)json_object_set_new(object, "history", history_json(&look->history));
	(void)json_object_set_new(object, "workers", workers_json(&look->snapshot));
	(void)json_object_set_new(object, "dead_letters", letters_json(sv, &reading->stats));
	return object;
}

static char *stats_answer(struct supervisor *sv, const struct view_look *look, size_t *size)
{
	json_t *object = stats_json(sv, look);
	char *text = object ? json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;

	json_decref(object);
	*size = text ? strlen(text) : 0;
	return text;
}

static void answer_stats(struct evhttp_request *request, struct supervisor *sv)
{
	static struct made made = { .make = stats_answer };

	reply_made(request, sv, &made, "application/json");
}

/* ---------------------------------------------------------------- /healthz */

static void answer_health(struct evhttp_request *request, struct supervisor *sv)
{
	if (sv->report->is_damaged)
		reply_text(request, HTTP_SERVUNAVAIL, "the ring is damaged\n");
	else if (sv->report->gave_up || sv->report->failure)
		reply_text(request, HTTP_SERVUNAVAIL, "a worker was given up\n");
	else
		reply_text(request, HTTP_OK, "ok\n");
}

/* ---------------------------------------------------------------- which path is what */

static const struct {
	const char *path;
	void (*answer)(struct evhttp_request *request, struct supervisor *sv);
} answers[] = {
	{ .path = "/", .answer = answer_page },
	{ .path = "/metrics", .answer = answer_metrics },
	{ .path = "/stats", .answer = answer_stats },
	{ .path = "/healthz", .answer = answer_health },
};

void listen_answer(struct evhttp_request *request, void *sv)
{
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
	const char *path = uri ? evhttp_uri_get_path(uri) : NULL;
	enum evhttp_cmd_type method = evhttp_request_get_command(request);

	if (method != EVHTTP_REQ_GET && method != EVHTTP_REQ_HEAD) {
		add_header(request, "Allow", "GET, HEAD");
		reply_text(request, HTTP_BADMETHOD, "expected GET or HEAD: nothing is changed here\n");
		return;
	}
	for (size_t i = 0; path && i < sizeof(answers) / sizeof(answers[0]); i++) {
		if (strcmp(path, answers[i].path) == 0) {
			answers[i].answer(request, sv);
			return;
		}
	}
	reply_text(request, HTTP_NOTFOUND, "expected /, /metrics, /stats or /healthz\n");
}
