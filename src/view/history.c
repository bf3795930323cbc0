/*
 * history.c - see history.h.
 */
#include "src/view/history.h"

#include <stdlib.h>
#include <string.h>

#define SAMPLE_NS UINT64_C(1000000000)
/* Looks come at a quarter of a second: what is nearly a second is one. */
#define NEARLY_NS (SAMPLE_NS - SAMPLE_NS / 10)

static struct history_worker *find(const struct history *history, const struct view_worker *worker)
{
	for (size_t i = 0; i < history->n_workers; i++)
		if (history->workers[i].index == worker->index &&
		    history->workers[i].pid == worker->pid)
			return &history->workers[i];
	return NULL;
}

static void show_rates(const struct history *history, struct snapshot *snapshot)
{
	for (size_t i = 0; i < snapshot->n_workers; i++) {
		const struct history_worker *known = find(history, &snapshot->workers[i]);

		snapshot->workers[i].rate = known ? known->rate : 0;
	}
}

/* Without memory the rates stay what they were. */
static void note_workers(struct history *history, const struct snapshot *snapshot, double seconds)
{
	struct history_worker *workers = calloc(snapshot->n_workers + 1, sizeof(*workers));

	if (workers == NULL)
		return;
	for (size_t i = 0; i < snapshot->n_workers; i++) {
		const struct view_worker *worker = &snapshot->workers[i];
		const struct history_worker *known = find(history, worker);
		uint64_t before = known ? known->done : 0;

		workers[i] = (struct history_worker){
			.index = worker->index, .pid = worker->pid, .done = worker->done,
		};
		if (seconds > 0 && worker->done > before)
			workers[i].rate = (double)(worker->done - before) / seconds;
	}
	free(history->workers);
	history->workers = workers;
	history->n_workers = snapshot->n_workers;
}

static void add_sample(struct history *history, const struct ring_stats *stats)
{
	if (history->n == HISTORY_SAMPLES) {
		memmove(&history->samples[0], &history->samples[1],
			sizeof(history->samples) - sizeof(history->samples[0]));
		history->n--;
	}
	history->samples[history->n++] = (struct sample){
		.published = (float)history->rates.published,
		.acked = (float)history->rates.acked,
		.ready = stats->ready,
		.in_flight = stats->in_flight,
		.delayed = stats->delayed,
	};
}

static void begin(struct history *history, const struct snapshot *snapshot)
{
	history_free(history);
	history->last = snapshot->reading.stats;
	history->last_ns = snapshot->reading.now_ns;
	note_workers(history, snapshot, 0);
}

void history_note(struct history *history, struct snapshot *snapshot)
{
	const struct ring_stats *stats = &snapshot->reading.stats;
	uint64_t now_ns = snapshot->reading.now_ns;
	uint64_t passed_ns = reading_between_ns(history->last_ns, now_ns);
	double seconds = (double)passed_ns / 1e9;

	if (history->last_ns == 0 || history->last.created_ns != stats->created_ns) {
		begin(history, snapshot);
	} else if (passed_ns >= NEARLY_NS) {
		history->rates = rates_between(&history->last, stats, seconds);
		add_sample(history, stats);
		note_workers(history, snapshot, seconds);
		history->last = *stats;
		history->last_ns = now_ns;
	}
	show_rates(history, snapshot);
}

void history_free(struct history *history)
{
	free(history->workers);
	memset(history, 0, sizeof(*history));
}
