/*
 * ipc.c - how fast items get from processes to processes: the ring beside what people would take instead, in turn
 * within one run, each item counted and its content checked. Prints tables in Markdown: the median of the
 * rounds, least and most, processor time an item, and the ratio to the textbook's ring.
 *
 *	ipc [--quick] [--only TRANSPORT] [--json FILE]
 */
#include "bench/ipc.h"

#include <err.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct transport *const transports[] = {
	&transport_shmline,
	&transport_textbook, &transport_two_semaphores, &transport_condition, &transport_robust,
	&transport_posix_mq, &transport_sysv_msg, &transport_pipe, &transport_seqpacket,
	&transport_vyukov, &transport_vyukov_futex, &transport_ck,
};

struct bench_case {
	const char *name;
	struct channel shape;
	bool is_quick;
};

#define SHAPE(p, c, n, l) { .producers = (p), .consumers = (c), .slots = (n), .len = (l) }
static const struct bench_case cases[] = {
	{ "1 to 1, 64 bytes", SHAPE(1, 1, 1024, 64), true },
	{ "3 to 5, 64 bytes", SHAPE(3, 5, 1024, 64), true },
	{ "16 to 16, 64 bytes", SHAPE(16, 16, 1024, 64), true },
	{ "1 to 16, 64 bytes", SHAPE(1, 16, 1024, 64), false },
	{ "16 to 1, 64 bytes", SHAPE(16, 1, 1024, 64), false },
	{ "32 to 32, 64 bytes", SHAPE(32, 32, 1024, 64), false },
	{ "1 to 1, 16 bytes", SHAPE(1, 1, 1024, 16), false },
	{ "1 to 1, 1,024 bytes", SHAPE(1, 1, 1024, 1024), false },
	{ "1 to 1, 64 KiB", SHAPE(1, 1, 64, 65536), false },
	{ "1 to 1, 64 bytes, 64 slots", SHAPE(1, 1, 64, 64), false },
	{ "1 to 1, 64 bytes, 65,536 slots", SHAPE(1, 1, 65536, 64), false },
};

enum { ROUNDS_MAX = 9, PINGS = 2000 };

struct settings {
	bool is_quick;
	unsigned rounds, ms;
	const char *only;
	FILE *json;
};

static bool is_wanted(const struct settings *settings, const struct transport *transport)
{
	return !settings->only || strcmp(settings->only, transport->name) == 0 ||
	       transport == &transport_textbook;
}

static bool fits(const struct transport *transport, const struct channel *shape)
{
	return !transport->absent && (!transport->len_max || shape->len <= transport->len_max);
}

static int compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* ------------------------------------------------------------------ throughput */

struct series {
	double items_s[ROUNDS_MAX], cpu_us[ROUNDS_MAX];
	unsigned n, wrong, stalled;
};

static void add(struct series *series, struct result result)
{
	series->stalled += result.is_stalled;
	series->wrong += !result.is_good && !result.is_stalled;
	if (!result.is_good)
		return;
	series->items_s[series->n] = result.items_s;
	series->cpu_us[series->n++] = result.cpu_us;
}

static void sort(struct series *series)
{
	qsort(series->items_s, series->n, sizeof(double), compare);
	qsort(series->cpu_us, series->n, sizeof(double), compare);
}

static void print_row(const struct settings *settings, const struct bench_case *this,
		      const struct transport *transport, const struct series *series, double textbook)
{
	double median = series->items_s[series->n / 2], cpu = series->cpu_us[series->n / 2];

	if (series->wrong)
		printf("| %s | **wrong** %u times | | | |\n", transport->name, series->wrong);
	else if (series->n == 0)
		printf("| %s | stalls | | | |\n", transport->name);
	else
		printf("| %s | %.2f | %.2f to %.2f | %.2f | %.2f |\n", transport->name, median,
		       series->items_s[0], series->items_s[series->n - 1], cpu, median / textbook);
	if (settings->json)
		fprintf(settings->json, "{\"case\":\"%s\",\"transport\":\"%s\",\"runs\":%u,"
			"\"stalled\":%u,\"wrong\":%u,\"million_items_s\":{\"median\":%.4f,\"min\":%.4f,"
			"\"max\":%.4f},\"cpu_us\":%.4f}\n", this->name, transport->name, series->n,
			series->stalled, series->wrong, median, series->items_s[0],
			series->n ? series->items_s[series->n - 1] : 0, cpu);
}

/* false: an item was lost or came out changed. */
static bool measure(const struct settings *settings, const struct bench_case *this)
{
	static struct series all[COUNT(transports)];
	double textbook = 0;
	bool is_good = true;

	memset(all, 0, sizeof(all));
	for (unsigned round = 0; round < settings->rounds; round++)
		for (size_t i = 0; i < COUNT(transports); i++)
			if (is_wanted(settings, transports[i]) && fits(transports[i], &this->shape) &&
			    all[i].stalled < 2)
				add(&all[i], ipc_run(transports[i], &this->shape, settings->ms));
	for (size_t i = 0; i < COUNT(transports); i++) {
		sort(&all[i]);
		if (transports[i] == &transport_textbook)
			textbook = all[i].items_s[all[i].n / 2];
	}
	printf("\n### %s, %u slots\n| | M items/s | of %u runs | CPU us an item | to the textbook |\n"
	       "|---|---|---|---|---|\n", this->name, this->shape.slots, settings->rounds);
	for (size_t i = 0; i < COUNT(transports); i++) {
		if (!is_wanted(settings, transports[i]) || !fits(transports[i], &this->shape))
			continue;
		print_row(settings, this, transports[i], &all[i], textbook);
		is_good &= all[i].wrong == 0;
	}
	return is_good;
}

/* ------------------------------------------------------------------ round trips */

static void measure_pings(const struct settings *settings, unsigned pause_us)
{
	static const struct channel shape = SHAPE(1, 1, 64, 64);
	static double ns[PINGS];
	unsigned n = settings->is_quick ? PINGS / 10 : PINGS;

	printf("\n### round trip of a 64-byte item, the other side %s\n"
	       "| | p50 us | p99 us | p99.9 us |\n|---|---|---|---|\n", pause_us ? "asleep" : "awake");
	for (size_t i = 0; i < COUNT(transports); i++) {
		if (!is_wanted(settings, transports[i]) || !fits(transports[i], &shape))
			continue;
		if (!ipc_ping(transports[i], &shape, pause_us, ns, n)) {
			printf("| %s | stalls | | |\n", transports[i]->name);
			continue;
		}
		printf("| %s | %.2f | %.2f | %.2f |\n", transports[i]->name, ns[n / 2] / 1e3,
		       ns[n * 99 / 100] / 1e3, ns[n * 999 / 1000] / 1e3);
		if (settings->json)
			fprintf(settings->json, "{\"case\":\"round trip, %s\",\"transport\":\"%s\","
				"\"p50_us\":%.3f,\"p99_us\":%.3f,\"p99_9_us\":%.3f}\n",
				pause_us ? "asleep" : "awake", transports[i]->name, ns[n / 2] / 1e3,
				ns[n * 99 / 100] / 1e3, ns[n * 999 / 1000] / 1e3);
	}
}

/* ------------------------------------------------------------------ */

static void say_machine(void)
{
	char line[256], model[256] = "processor of an unknown model";
	FILE *info = fopen("/proc/cpuinfo", "r");

	while (info && fgets(line, sizeof(line), info))
		if (sscanf(line, "model name%*[ \t]: %255[^\n]", model) == 1)
			break;
	if (info)
		(void)fclose(info);
	printf("%s, %ld cores, %ld MiB of memory. Processes, not threads; not pinned.\n", model,
	       sysconf(_SC_NPROCESSORS_ONLN),
	       sysconf(_SC_PHYS_PAGES) / 1024 * (sysconf(_SC_PAGESIZE) / 1024));
	for (size_t i = 0; i < COUNT(transports); i++)
		if (transports[i]->absent)
			printf("Left out: %s, %s.\n", transports[i]->name, transports[i]->absent);
}

static struct settings read_settings(int argc, char **argv)
{
	static const struct option options[] = {
		{ "quick", no_argument, NULL, 'q' },
		{ "only", required_argument, NULL, 'o' },
		{ "json", required_argument, NULL, 'j' },
		{ 0 },
	};
	struct settings settings = { .rounds = 5, .ms = 250 };
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'q':
			settings.is_quick = true;
			settings.rounds = 3;
			settings.ms = 100;
			break;
		case 'o':
			settings.only = optarg;
			break;
		case 'j':
			settings.json = fopen(optarg, "w");
			if (!settings.json)
				err(1, "cannot write %s", optarg);
			break;
		default:
			exit(64);
		}
	}
	return settings;
}

int main(int argc, char **argv)
{
	struct settings settings = read_settings(argc, argv);
	bool is_good = true;

	setlinebuf(stdout);
	say_machine();
	for (size_t i = 0; i < COUNT(cases); i++)
		if (cases[i].is_quick || !settings.is_quick)
			is_good &= measure(&settings, &cases[i]);
	measure_pings(&settings, 0);
	measure_pings(&settings, 1000);
	if (settings.json && fclose(settings.json))
		err(1, "cannot write the JSON");
	return !is_good;
}
