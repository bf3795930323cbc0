/*
 * ipc.c - how fast items get from processes to processes: the ring beside what people would take
 * instead, in turn within one run, each item counted and its content checked. Cases and who takes part
 * stand in ipc_cases.c.
 *
 *	ipc [--quick] [--only TRANSPORT] [--case WORDS] [--json FILE]
 *
 * --only measures the ring, the textbook's and this one; --case the cases that have WORDS in their
 * names, "round trip, awake" and "round trip, asleep" being two more, or the one that is called so.
 */
#include "bench/ipc.h"

#include <err.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

struct settings {
	bool is_quick;
	unsigned rounds, ms, pings;
	const char *only, *words;
	FILE *json;
};

static bool is_wanted(const struct settings *settings, const struct transport *transport)
{
	return !why_absent(transport) &&
	       (!settings->only || strcmp(settings->only, transport->name) == 0 ||
		transport == &transport_textbook || transport == &transport_shmline);
}

static bool is_wanted_case(const struct settings *settings, const char *name, bool is_quick)
{
	if (!settings->words)
		return is_quick || !settings->is_quick;
	for (size_t i = 0; i < cases_n; i++)
		if (strcmp(cases[i].name, settings->words) == 0)
			return strcmp(name, settings->words) == 0;
	return strstr(name, settings->words) != NULL;
}

/* Of the first case, that has all but the servers, and the last, that has these. */
static void say_absent(const struct bench_case *it)
{
	for (unsigned i = 0; i < PEERS_MAX && it->peers[i]; i++)
		if (why_absent(it->peers[i]))
			printf("Left out: %s, %s.\n", it->peers[i]->name, why_absent(it->peers[i]));
}

/* ------------------------------------------------------------------ throughput */

static void add(struct series *series, struct result result)
{
	series->stalled += result.outcome == STALLED;
	series->failed += result.outcome == FAILED;
	if (result.outcome != ENDED_WELL)
		return;
	series->items_s[series->n] = result.items_s;
	series->cpu_us[series->n++] = result.cpu_us;
}

/* All of them in turn, and so again. One that stalls is not tried again. false: an item was lost, or came
   twice or changed; or ours has stalled. */
static bool measure(const struct settings *settings, const struct bench_case *it)
{
	struct series all[PEERS_MAX] = { 0 };
	bool is_good = true;

	for (unsigned round = 0; round < settings->rounds; round++)
		for (unsigned i = 0; i < PEERS_MAX && it->peers[i]; i++)
			if (is_wanted(settings, it->peers[i]) && all[i].stalled == 0)
				add(&all[i], ipc_run(it->peers[i], &it->shape, settings->ms));
	report_case(settings->json, it, all);
	for (unsigned i = 0; i < PEERS_MAX; i++)
		is_good &= all[i].failed == 0 && (it->peers[i] != &transport_shmline || all[i].stalled == 0);
	return is_good;
}

/* ------------------------------------------------------------------ round trips */

struct pings {
	double *ns, p50[ROUNDS_MAX], p99[ROUNDS_MAX];
	unsigned n, rounds, stalled;
};

static int compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void ping(const struct settings *settings, const struct transport *transport, unsigned pause_us,
		 struct pings *pings)
{
	static const struct channel shape = { .producers = 1, .consumers = 1, .slots = 64, .len = 64 };
	/* With a pause it is a fifth as many. */
	unsigned n = settings->pings / (pause_us ? 5 : 1);
	double *ns = pings->ns + pings->n;

	if (ipc_ping(transport, &shape, pause_us, ns, n) != ENDED_WELL) {
		pings->stalled++;
		return;
	}
	pings->p50[pings->rounds] = ns[n / 2];
	pings->p99[pings->rounds++] = ns[n * 99UL / 100];
	pings->n += n;
}

static void measure_pings(const struct settings *settings, unsigned pause_us)
{
	struct pings all[PEERS_MAX] = { 0 };

	for (unsigned i = 0; i < PEERS_MAX && ping_peers[i]; i++) {
		all[i].ns = calloc((size_t)settings->rounds * settings->pings, sizeof(double));
		if (!all[i].ns)
			err(1, "no memory");
	}
	for (unsigned round = 0; round < settings->rounds; round++)
		for (unsigned i = 0; i < PEERS_MAX && ping_peers[i]; i++)
			if (is_wanted(settings, ping_peers[i]) && all[i].stalled == 0)
				ping(settings, ping_peers[i], pause_us, &all[i]);
	report_pings_head(pause_us > 0);
	for (unsigned i = 0; i < PEERS_MAX && ping_peers[i]; i++) {
		qsort(all[i].ns, all[i].n, sizeof(double), compare);
		if (is_wanted(settings, ping_peers[i]))
			report_pings(settings->json, pause_us > 0, ping_peers[i]->name, all[i].ns, all[i].n,
				     all[i].p50, all[i].p99, all[i].rounds);
		free(all[i].ns);
	}
}

/* ------------------------------------------------------------------ the limit */

/* How fast one process copies 1,024-byte items between two places that are in no cache but the last. */
static void measure_memcpy(const struct settings *settings)
{
	enum { LEN = 1024, ITEMS = 4096, TURNS = 20 };
	unsigned char *from = map_shared(LEN * ITEMS), *to = map_shared(LEN * ITEMS);
	double items_s[ROUNDS_MAX];
	struct middle middle;

	memset(from, 1, LEN * ITEMS);
	memset(to, 2, LEN * ITEMS);
	for (unsigned round = 0; round < settings->rounds; round++) {
		uint64_t began = now_ns();

		for (unsigned i = 0; i < TURNS * ITEMS; i++) {
			memcpy(to + i % ITEMS * LEN, from + i % ITEMS * LEN, LEN);
			__asm__ volatile ("" : : "r" (to) : "memory");
		}
		items_s[round] = TURNS * ITEMS * 1e3 / (double)(now_ns() - began);
	}
	middle = middle_of(items_s, settings->rounds);
	printf("\nmemcpy of 1,024 bytes: %.2f million/s (%.2f to %.2f)\n", middle.median, middle.min, middle.max);
	if (settings->json)
		fprintf(settings->json, "{\"case\":\"1,024 bytes\",\"transport\":\"memcpy\",\"million_items_s\":"
					"{\"median\":%.4f,\"min\":%.4f,\"max\":%.4f}}\n", middle.median, middle.min, middle.max);
}

/* ------------------------------------------------------------------ */

static struct settings read_settings(int argc, char **argv)
{
	static const struct option options[] = {
		{ "quick", no_argument, NULL, 'q' },
		{ "only", required_argument, NULL, 'o' },
		{ "case", required_argument, NULL, 'c' },
		{ "json", required_argument, NULL, 'j' },
		{ 0 },
	};
	struct settings settings = { .rounds = 5, .ms = 200, .pings = 2000 };
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'q':
			settings.is_quick = true;
			settings.rounds = 3;
			settings.ms = 30;
			settings.pings = 200;
			break;
		case 'o':
			settings.only = optarg;
			break;
		case 'c':
			settings.words = optarg;
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
	report_machine(settings.json);
	report_others(settings.json);
	say_absent(&cases[0]);
	say_absent(&cases[cases_n - 1]);
	for (size_t i = 0; i < cases_n; i++)
		if (is_wanted_case(&settings, cases[i].name, cases[i].is_quick))
			is_good &= measure(&settings, &cases[i]);
	if (is_wanted_case(&settings, "1,024 bytes", true))
		measure_memcpy(&settings);
	if (is_wanted_case(&settings, "round trip, awake", true))
		measure_pings(&settings, 0);
	if (is_wanted_case(&settings, "round trip, asleep", true))
		measure_pings(&settings, 1000);
	report_others(settings.json);
	if (settings.json && fclose(settings.json))
		err(1, "cannot write the JSON");
	return !is_good;
}
