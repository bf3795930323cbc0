/*
 * ipc_report.c - what ipc.c has measured, as tables in Markdown and as JSON, an object a line. Ratios
 * are taken round by round, since the machine may be another from one round to the next, and their
 * median is shown.
 */
#include "bench/ipc.h"

#include <gnu/libc-version.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

static int compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

struct middle middle_of(const double *values, unsigned n)
{
	double sorted[ROUNDS_MAX];

	if (n == 0)
		return (struct middle){ 0 };
	memcpy(sorted, values, n * sizeof(*values));
	qsort(sorted, n, sizeof(*sorted), compare);
	return (struct middle){ sorted[n / 2], sorted[0], sorted[n - 1] };
}

/* What is called so in tables: a transport that does the same with one item a call and with many
   needs both. */
static const char *title(const struct bench_case *it, const struct transport *transport)
{
	static char text[64];
	unsigned batch = transport->batches && it->shape.batch ? it->shape.batch : 1;

	if (batch == 1)
		return transport->name;
	(void)snprintf(text, sizeof(text), "%s, %u a call", transport->name, batch);
	return text;
}

/* ------------------------------------------------------------------ the machine */

static void read_model(char *model, size_t size)
{
	char line[256], *colon;
	FILE *info = fopen("/proc/cpuinfo", "r");

	(void)snprintf(model, size, "processor of an unknown model");
	while (info && fgets(line, sizeof(line), info)) {
		colon = strchr(line, ':');
		if (strncmp(line, "model name", strlen("model name")) != 0 || !colon)
			continue;
		(void)snprintf(model, size, "%.*s", (int)strcspn(colon + 2, "\n"), colon + 2);
		break;
	}
	if (info)
		(void)fclose(info);
}

void report_machine(FILE *json)
{
	char model[128];
	struct utsname kernel;
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	long mib = sysconf(_SC_PHYS_PAGES) / 1024 * (sysconf(_SC_PAGESIZE) / 1024);
	double load[1] = { 0 };

	read_model(model, sizeof(model));
	(void)uname(&kernel);
	(void)getloadavg(load, 1);
	printf("%s, %ld cores, %ld MiB of memory; Linux %s, glibc %s; load %.2f.\n"
	       "Processes, not threads; not pinned.\n", model, cores, mib, kernel.release,
	       gnu_get_libc_version(), load[0]);
	if (json)
		fprintf(json, "{\"machine\":\"%s\",\"cores\":%ld,\"memory_mib\":%ld,\"kernel\":\"%s\","
			      "\"glibc\":\"%s\",\"load\":%.2f}\n", model, cores, mib, kernel.release,
			gnu_get_libc_version(), load[0]);
}

/* Seconds: of all processors since the machine came up; ours, of this process and those it has started. */
struct spent {
	double at, busy, stolen, ours;
};

static double seconds_of(const struct timeval *time)
{
	return (double)time->tv_sec + (double)time->tv_usec / 1e6;
}

static struct spent spent_now(void)
{
	unsigned long long user = 0, nice = 0, system = 0, idle, wait, irq = 0, soft = 0, stolen = 0;
	double tick = 1.0 / (double)sysconf(_SC_CLK_TCK);
	FILE *stat = fopen("/proc/stat", "r");
	struct rusage self, children;

	if (stat && fscanf(stat, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &user, &nice, &system, &idle, &wait,
			   &irq, &soft, &stolen) != 8)
		user = nice = system = irq = soft = stolen = 0;
	if (stat)
		(void)fclose(stat);
	(void)getrusage(RUSAGE_SELF, &self);
	(void)getrusage(RUSAGE_CHILDREN, &children);
	return (struct spent){
		.at = (double)now_ns() / 1e9,
		.busy = (double)(user + nice + system + irq + soft) * tick,
		.stolen = (double)stolen * tick,
		.ours = seconds_of(&self.ru_utime) + seconds_of(&self.ru_stime) + seconds_of(&children.ru_utime) +
			seconds_of(&children.ru_stime),
	};
}

void report_others(FILE *json)
{
	static struct spent before;
	struct spent now = spent_now();
	double all = (now.at - before.at) * (double)sysconf(_SC_NPROCESSORS_ONLN);
	double others = (now.busy - before.busy - (now.ours - before.ours)) / all * 100;
	double stolen = (now.stolen - before.stolen) / all * 100;

	if (others < 0)
		others = 0;
	if (before.at > 0) {
		printf("\nMeanwhile other processes had %.0f %% of the processors, other machines %.0f %%.\n",
		       others, stolen);
		if (json)
			fprintf(json, "{\"others_percent\":%.1f,\"stolen_percent\":%.1f}\n", others, stolen);
	}
	before = now;
}

/* ------------------------------------------------------------------ throughput */

/* How many times as fast as the other's, round by round. */
static struct middle ratio(const struct series *ours, const struct series *theirs)
{
	double ratios[ROUNDS_MAX];
	unsigned n = ours->n < theirs->n ? ours->n : theirs->n;

	for (unsigned i = 0; i < n; i++)
		ratios[i] = ours->items_s[i] / theirs->items_s[i];
	return middle_of(ratios, n);
}

static void print_ratio(const struct series *ours, const struct series *theirs)
{
	double median = theirs ? ratio(ours, theirs).median : 0;

	if (median > 0)
		printf(" %.*f |", median < 100 ? 2 : 0, median);
	else
		printf(" |");
}

static void print_values(FILE *json, const char *name, const double *values, unsigned n)
{
	struct middle middle = middle_of(values, n);

	fprintf(json, ",\"%s\":{\"median\":%.4f,\"min\":%.4f,\"max\":%.4f,\"runs\":[", name,
		middle.median, middle.min, middle.max);
	for (unsigned i = 0; i < n; i++)
		fprintf(json, "%s%.4f", i ? "," : "", values[i]);
	fprintf(json, "]}");
}

static void write_row(FILE *json, const struct bench_case *it, const struct transport *transport,
		      const struct series *series)
{
	const struct channel *shape = &it->shape;

	fprintf(json, "{\"case\":\"%s\",\"transport\":\"%s\",\"producers\":%u,\"consumers\":%u,\"slots\":%u,"
		      "\"bytes\":%zu,\"work_ns\":%u,\"batch\":%u,\"stalled\":%u,\"failed\":%u", it->name, transport->name,
		shape->producers, shape->consumers, shape->slots, shape->len,
		shape->work_ns[END_PRODUCER] + shape->work_ns[END_CONSUMER],
		transport->batches && shape->batch ? shape->batch : 1, series->stalled, series->failed);
	print_values(json, "million_items_s", series->items_s, series->n);
	print_values(json, "cpu_us", series->cpu_us, series->n);
	fprintf(json, "}\n");
}

static void print_row(const struct bench_case *it, const struct transport *transport,
		      const struct series *series, const struct series *textbook, const struct series *ours)
{
	struct middle items_s = middle_of(series->items_s, series->n);
	struct middle cpu_us = middle_of(series->cpu_us, series->n);
	int digits = items_s.median < 1 ? 3 : 2;

	printf("| %s |", title(it, transport));
	if (series->failed) {
		printf(" **wrong** in %u runs | | | | |\n", series->failed);
	} else if (series->n == 0) {
		printf(" stalls | | | | |\n");
	} else {
		printf(" %.*f | %.*f to %.*f | %.2f |", digits, items_s.median, digits, items_s.min, digits,
		       items_s.max, cpu_us.median);		print_ratio(series, textbook);
		print_ratio(ours, series == ours ? NULL : series);
		printf("\n");
	}
}

void report_case(FILE *json, const struct bench_case *it, const struct series *all)
{
	const struct channel *shape = &it->shape;
	const struct series *textbook = NULL;

	printf("\n### %s\n%u to %u, %zu bytes, %u slots", it->name, shape->producers, shape->consumers, shape->len,
	       shape->slots);
	if (shape->work_ns[END_PRODUCER] || shape->work_ns[END_CONSUMER])
		printf(", own work of a producer %u ns an item, of a consumer %u ns", shape->work_ns[END_PRODUCER],
		       shape->work_ns[END_CONSUMER]);
	printf("\n\n| | million items/s | least to most | CPU us an item | to the textbook | shmline to it |\n"
	       "|---|---|---|---|---|---|\n");
	for (unsigned i = 0; i < PEERS_MAX && it->peers[i]; i++)
		if (it->peers[i] == &transport_textbook)
			textbook = &all[i];
	for (unsigned i = 0; i < PEERS_MAX && it->peers[i]; i++) {
		if (all[i].n + all[i].failed + all[i].stalled == 0)
			continue;
		print_row(it, it->peers[i], &all[i], textbook, &all[0]);
		if (json)
			write_row(json, it, it->peers[i], &all[i]);
	}
}

/* ------------------------------------------------------------------ round trips */

/* Ends of the histogram's columns, in microseconds; the last has all that took longer. */
static const double columns_us[] = { 0.25, 0.5, 1, 2, 4, 8, 16, 32, 64, 128 };
enum { COLUMNS = sizeof(columns_us) / sizeof(columns_us[0]) + 1 };

static void count_columns(const double *ns, unsigned n, unsigned *counts)
{
	unsigned column = 0;

	for (unsigned i = 0; i < n; i++) {
		while (column < COLUMNS - 1 && ns[i] >= columns_us[column] * 1e3)
			column++;
		counts[column]++;
	}
}

void report_pings_head(bool is_asleep)
{
	printf("\n### round trip, %s\nOne 64-byte item there and back%s. Times in microseconds; shares of the "
	       "round trips in percent.\n\n| | p50 | of rounds | p99 | of rounds | p99.9 |",
	       is_asleep ? "asleep" : "awake",
	       is_asleep ? ", each after a pause of a millisecond" : ", one after the other");
	for (unsigned i = 0; i < COLUMNS - 1; i++)
		printf(" < %g |", columns_us[i]);
	printf(" more |\n|---|---|---|---|---|---|");
	for (unsigned i = 0; i < COLUMNS; i++)
		printf("---|");
	printf("\n");
}

void report_pings(FILE *json, bool is_asleep, const char *name, const double *ns, unsigned n,
		  const double *p50, const double *p99, unsigned rounds)
{
	struct middle a = middle_of(p50, rounds), b = middle_of(p99, rounds);
	unsigned counts[COLUMNS] = { 0 };
	double p99_9 = n ? ns[n * 999UL / 1000] : 0;

	if (rounds == 0) {
		printf("| %s | stalls |\n", name);
		return;
	}
	count_columns(ns, n, counts);
	printf("| %s | %.2f | %.2f to %.2f | %.2f | %.2f to %.2f | %.2f |", name, a.median / 1e3, a.min / 1e3,
	       a.max / 1e3, b.median / 1e3, b.min / 1e3, b.max / 1e3, p99_9 / 1e3);
	for (unsigned i = 0; i < COLUMNS; i++)
		counts[i] ? printf(" %.1f |", 100.0 * counts[i] / n) : printf(" |");
	printf("\n");
	if (!json)
		return;
	fprintf(json, "{\"case\":\"round trip, %s\",\"transport\":\"%s\",\"p99_9_ns\":%.0f",
		is_asleep ? "asleep" : "awake", name, p99_9);
	print_values(json, "p50_ns", p50, rounds);
	print_values(json, "p99_ns", p99, rounds);
	fprintf(json, ",\"histogram\":[");
	for (unsigned i = 0; i < COLUMNS - 1; i++)
		fprintf(json, "{\"below_us\":%g,\"n\":%u},", columns_us[i], counts[i]);
	fprintf(json, "{\"n\":%u}]}\n", counts[COLUMNS - 1]);
}
