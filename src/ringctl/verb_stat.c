/*
 * verb_stat.c - a ring's counters: one reading with its members, or a line an interval. The ring is
 * opened anew for each line, so that one that was removed, or made again, is not mistaken for what
 * it was.
 */
#include "src/ringctl/verb.h"
#include "shm/ring.h"
#include "src/base/diag.h"
#include "src/base/exitcode.h"
#include "src/base/quantity.h"
#include "src/ringctl/interval.h"
#include "src/ringctl/json.h"
#include "src/ringctl/members.h"
#include "src/view/metrics.h"
#include "src/view/rates.h"
#include "src/ringctl/reading.h"
#include "src/ringctl/table.h"
#include "src/view/words.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct column columns[] = {
	{ .title = "READY", .width = 6, .is_number = true },
	{ .title = "FLIGHT", .width = 6, .is_number = true },
	{ .title = "DELAY", .width = 6, .is_number = true },
	{ .title = "OLDEST", .width = 6, .is_number = true },
	{ .title = "PUB/S", .width = 8, .is_number = true },
	{ .title = "ACK/S", .width = 8, .is_number = true },
	{ .title = "REDEL/S", .width = 7, .is_number = true },
	{ .title = "DEAD/S", .width = 6, .is_number = true },
	{ .title = "DROP/S", .width = 6, .is_number = true },
	{ .title = "FULL/S", .width = 6, .is_number = true },
	{ .title = "BLOCKED", .is_number = true },
	{ .title = "STARVED", .is_number = true },
	{ .title = NULL },
};

/* One `stat NAME INTERVAL [COUNT]`. */
struct watch {
	const char *name;
	struct interval interval;
	struct table *table;	/* NULL: as JSON */
	struct reading last;
	bool has_last;
	unsigned lines;		/* since the header */
};

/* ------------------------------------------------------------------ one reading */

#define PRINT_U(n) ((unsigned long long)(n))

static void print_head(const char *name, const struct reading *reading)
{
	const struct ring_stats *stats = &reading->stats;
	char age[16], size[16], item[16];

	quantity_show_duration(age, sizeof(age),
			       reading_between_ns(stats->created_ns, reading->now_ns));
	quantity_show_size(size, sizeof(size), stats->size_bytes);
	quantity_show_size(item, sizeof(item), stats->item_max);
	printf("ring %s  %s, made %s ago, %u slots of %s, %s in all", name,
	       words_ring_state(reading), age, stats->slots, item, size);
	if (reading->launcher != 0)
		printf(", launcher %d", (int)reading->launcher);
	putchar('\n');
}

static void print_items(const struct ring_stats *stats)
{
	char oldest[16], bytes[16];

	printf("books      published %llu = acked %llu + dead %llu + dropped %llu + left %llu\n",
	       PRINT_U(stats->published), PRINT_U(stats->acked), PRINT_U(stats->dead),
	       PRINT_U(stats->dropped), PRINT_U(stats->left));
	if (stats->unconfirmed > 0)
		printf("stream     %llu of the acked were given to a COMMAND and are not confirmed\n",
		       PRINT_U(stats->unconfirmed));
	printf("left       ready %u, delayed %u, in flight %u; oldest ready %s\n", stats->ready,
	       stats->delayed, stats->in_flight,
	       stats->oldest_ns ? quantity_show_duration(oldest, sizeof(oldest), stats->oldest_ns)
				: "none");
	printf("slots      free %u, writing %u, dead letters %u; most items ever %u\n", stats->free,
	       stats->writing, stats->dead_kept, stats->high_water);
	printf("flow       taken %llu, redelivered %llu, bytes published %s\n", PRINT_U(stats->taken),
	       PRINT_U(stats->redelivered), quantity_show_size(bytes, sizeof(bytes), stats->bytes));
}

static void print_times(struct ring *ring)
{
	struct ring_histogram wait, work;
	char wait50[16], wait99[16], work50[16], work99[16];

	ring_times(ring, &wait, &work);
	quantity_show_duration(wait50, sizeof(wait50), ring_quantile_ns(&wait, 0.5) / 1000 * 1000);
	quantity_show_duration(wait99, sizeof(wait99), ring_quantile_ns(&wait, 0.99) / 1000 * 1000);
	quantity_show_duration(work50, sizeof(work50), ring_quantile_ns(&work, 0.5) / 1000 * 1000);
	quantity_show_duration(work99, sizeof(work99), ring_quantile_ns(&work, 0.99) / 1000 * 1000);
	printf("times      waited: half under %s, 99%% under %s; worked on: half under %s, 99%% under %s\n",
	       wait50, wait99, work50, work99);
}

static void set_times(json_t *object, struct ring *ring)
{
	struct ring_histogram wait, work;

	ring_times(ring, &wait, &work);
	json_set(object, "wait_seconds", metrics_times_json(&wait));
	json_set(object, "work_seconds", metrics_times_json(&work));
}

static void print_waits(const struct reading *reading)
{
	const struct ring_stats *stats = &reading->stats;
	char blocked[16], starved[16];

	printf("waits      full %llu times, producers blocked %s, consumers starved %s\n",
	       PRINT_U(stats->full), quantity_show_duration(blocked, sizeof(blocked), stats->blocked_ns),
	       quantity_show_duration(starved, sizeof(starved), stats->starved_ns));
	if (stats->stop == RING_STOP_NONE)
		printf("stop flag  down\n");
	else
		printf("stop flag  %s, cause %s, %llu published when it had gone up\n",
		       words_stop_mode(stats->stop), words_stop_cause(stats->stop_cause),
		       PRINT_U(stats->stop_published));
	printf("members    producers %u, consumers %u, holders %u, dead %u\n", reading->producers,
	       reading->consumers, reading->holders, reading->dead);
}

/* 0, or -1 with errno. */
static int show_once(struct ring *ring, bool as_json)
{
	struct reading reading;
	json_t *object;

	if (reading_take(ring, &reading) == -1)
		return -1;
	if (as_json) {
		object = json_ring(ring_name(ring), &reading);
		set_times(object, ring);
		json_set(object, "members", members_json(ring, reading.now_ns));
		json_line(object);
		return 0;
	}
	print_head(ring_name(ring), &reading);
	putchar('\n');
	print_items(&reading.stats);
	print_times(ring);
	print_waits(&reading);
	if (reading.living + reading.dead > 0) {
		putchar('\n');
		members_print(ring, reading.now_ns);
	}
	return 0;
}

static int stat_once(const char *name, bool as_json)
{
	int code = EXIT_OK;
	struct ring *ring = reading_open(name, RING_OBSERVER, &code);

	if (ring == NULL)
		return code;
	if (show_once(ring, as_json) == -1)
		code = diag_ring_error("read", name, ring_why());
	ring_close(ring);
	return code;
}

/* ------------------------------------------------------------------ a line an interval */

static void cell_rate(struct table *table, double rate)
{
	table_cell(table, rate > 0 && rate < 10 ? "%.1f" : "%.0f", rate);
}

static void line_cells(struct table *table, const struct ring_stats *stats,
		       const struct rates *rates)
{
	table_row(table);
	table_cell(table, "%u", stats->ready);
	table_cell(table, "%u", stats->in_flight);
	table_cell(table, "%u", stats->delayed);
	table_cell_duration(table, stats->oldest_ns);
	cell_rate(table, rates->published);
	cell_rate(table, rates->acked);
	cell_rate(table, rates->redelivered);
	cell_rate(table, rates->dead);
	cell_rate(table, rates->dropped);
	cell_rate(table, rates->full);
	table_cell(table, "%.2f", rates->blocked);
	table_cell(table, "%.2f", rates->starved);
}

static void show_line(struct watch *watch, const struct reading *reading)
{
	const struct reading *then = &watch->last;
	bool is_same_ring = watch->has_last && then->stats.created_ns == reading->stats.created_ns;
	uint64_t from_ns = is_same_ring ? then->now_ns : reading->stats.created_ns;
	double seconds = (double)reading_between_ns(from_ns, reading->now_ns) / 1e9;
	struct rates rates =
		rates_between(is_same_ring ? &then->stats : NULL, &reading->stats, seconds);

	if (watch->lines > 0 && watch->lines == interval_screen_lines()) {
		table_head(watch->table);
		watch->lines = 0;
	}
	line_cells(watch->table, &reading->stats, &rates);
	table_flush(watch->table);
	watch->lines++;
}

/* One line. false with errno when the ring can't be read. */
static bool watch_read(struct watch *watch)
{
	struct ring *ring = ring_open(watch->name, RING_OBSERVER, 0);
	struct reading reading;

	if (ring == NULL)
		return false;
	if (reading_take(ring, &reading) == -1) {
		ring_close(ring);
		return false;
	}
	ring_close(ring);
	if (watch->table != NULL)
		show_line(watch, &reading);
	else
		json_line(json_ring(watch->name, &reading));
	watch->last = reading;
	watch->has_last = true;
	return true;
}

/* A ring that is gone after it was seen is how a line ends, not a failure. */
static int watch_failed(const struct watch *watch)
{
	if (errno == ENOENT && watch->has_last) {
		diag_info("ring \"%s\" is gone", watch->name);
		return EXIT_OK;
	}
	return diag_ring_error("read", watch->name, ring_why());
}

static int watch_run(struct watch *watch)
{
	for (uint64_t i = 0; i < watch->interval.count; i++) {
		interval_wait(&watch->interval);
		if (!watch_read(watch))
			return watch_failed(watch);
		if (fflush(stdout) == EOF)
			return EXIT_IO;		/* main() says so */
	}
	return EXIT_OK;
}

static int stat_run(const struct settings *settings, char **operands, int n)
{
	struct watch watch = { .name = operands[0] };
	int code;

	if (n == 1)
		return stat_once(operands[0], settings->json);
	interval_read(&watch.interval, "stat", operands + 1, n - 1);
	if (!settings->json)
		watch.table = table_new(stdout, columns);
	code = watch_run(&watch);
	if (watch.table != NULL)
		table_free(watch.table);
	return code;
}

static const struct option_entry stat_options[] = {
	OPTION_JSON,
	{ .name = NULL },
};

const struct verb verb_stat = {
	.name = "stat",
	.operands = "NAME [INTERVAL [COUNT]]",
	.help = "show a ring's counters, once or at each INTERVAL",
	.options = stat_options,
	.operands_min = 1,
	.operands_max = 3,
	.run = stat_run,
};
