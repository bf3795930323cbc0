/*
 * killpoints.c - what becomes of the others when a process is killed, or stopped, at any instruction?
 * killpoints.h has the picture. Here: the workers, and what they found.
 *
 *	killpoints [--full | --sample] [--first] [--workers N] [--base PATTERN]
 */
#include "killpoints.h"

#include <err.h>
#include <errno.h>
#include <fnmatch.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define STUCK_S 60	/* a worker that has looked at nothing new for so long hangs */

static const struct mode modes[] = {
	{ .name = "sample", .strides = { 1, 40, 200 }, .slow_stride = 16,
	  .pair_stride = 40 },
	{ .name = "full", .strides = { 1, 12, 160 }, .slow_stride = 1, .pair_stride = 3 },
};

struct settings {
	const struct mode *mode;
	bool ends_at_first_fault;
	unsigned workers;
	const char *pattern;
};

static void work(const struct settings *settings, struct totals *totals, unsigned number)
{
	static struct world world;

	(void)signal(SIGINT, SIG_DFL);
	(void)signal(SIGTERM, SIG_DFL);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	world = (struct world){ .totals = totals, .mode = settings->mode, .number = number,
				.ends_at_first_fault = settings->ends_at_first_fault };
	for (;;) {
		unsigned job = atomic_fetch_add(&totals->next_job, 1);

		if (job >= explore_jobs())
			break;
		if (fnmatch(settings->pattern, explore_job_name(job), 0))
			continue;
		if (job == LIFE_JOB)
			life_job(&world);
		else
			explore_job(&world, job);
	}
	if (world.base)
		world_close(&world);
}

/* ------------------------------------------------------------------ watching the workers */

struct watched {
	pid_t pid;
	uint64_t alive;
	time_t since;
};

/* What a worker leaves when it is killed. */
static void sweep_up(pid_t pid)
{
	static const char *const suffixes[] = { "work", "wake", "life" };
	char path[128];

	for (unsigned i = 0; i < COUNT(suffixes); i++) {
		(void)snprintf(path, sizeof(path), SEGMENT_FOLDER "/shmline.killpoints-%d-%s", (int)pid,
			       suffixes[i]);
		(void)unlink(path);
		(void)snprintf(path, sizeof(path), SEGMENT_FOLDER "/killpoints.killpoints-%d-%s",
			       (int)pid, suffixes[i]);
		(void)unlink(path);
	}
}

static void end_worker(struct watched *worker)
{
	(void)kill(worker->pid, SIGKILL);
	(void)waitpid(worker->pid, NULL, 0);
	sweep_up(worker->pid);
	worker->pid = 0;
}

/* 0 while it works, 1 when it has ended well, -1 else. */
static int look_at(struct watched *worker, struct totals *totals, unsigned number)
{
	uint64_t alive = atomic_load(&totals->workers[number].alive);
	int status;

	if (waitpid(worker->pid, &status, WNOHANG) == worker->pid) {
		sweep_up(worker->pid);
		worker->pid = 0;
		if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
			return 1;
		printf("# worker %u broke off, in %s\n", number, totals->workers[number].where);
		return -1;
	}
	if (alive != worker->alive) {
		worker->alive = alive;
		worker->since = time(NULL);
	} else if (time(NULL) - worker->since > STUCK_S) {
		printf("# hang: nothing has moved for %d s, in %s\n", STUCK_S,
		       totals->workers[number].where);
		atomic_fetch_add(&totals->faults[FAULT_HANG], 1);
		end_worker(worker);
		return -1;
	}
	return 0;
}

static volatile sig_atomic_t is_told_to_end;

static void end(int signal)
{
	is_told_to_end = signal;
}

static bool watch(struct watched *workers, const struct settings *settings, struct totals *totals)
{
	unsigned left = settings->workers;
	bool is_good = true;

	while (left > 0) {
		for (unsigned i = 0; i < settings->workers; i++) {
			int result = workers[i].pid ? look_at(&workers[i], totals, i) : 0;

			left -= result != 0;
			is_good &= result >= 0;
		}
		if (is_told_to_end || (!is_good && settings->ends_at_first_fault))
			break;
		(void)usleep(20000);
	}
	for (unsigned i = 0; i < settings->workers; i++)
		if (workers[i].pid)
			end_worker(&workers[i]);
	return is_good && !is_told_to_end;
}

/* ------------------------------------------------------------------ main */

static bool report_bases(const struct totals *totals, const char *pattern)
{
	bool is_good = true;
	unsigned n = 0;

	for (unsigned i = 0; i < bases_count; i++) {
		uint64_t faults = atomic_load(&totals->base_faults[i]);

		if (fnmatch(pattern, bases[i].name, 0))
			continue;
		printf("%s %u - killed and stopped anywhere: %s (%" PRIu64 " states)\n",
		       faults ? "not ok" : "ok", ++n, bases[i].name,
		       atomic_load(&totals->base_states[i]));
		is_good &= faults == 0;
	}
	printf("1..%u\n", n);
	return is_good;
}

static void report_totals(const struct totals *totals, uint64_t began_ns)
{
	printf("# %" PRIu64 " instructions stepped in %" PRIu64 " calls, %" PRIu64
	       " distinct crash states, %" PRIu64 " recoveries, %" PRIu64
	       " calls inside others, %.0f s\n",
	       atomic_load(&totals->instructions), atomic_load(&totals->runs),
	       atomic_load(&totals->states), atomic_load(&totals->inspections),
	       atomic_load(&totals->preemptions),
	       (double)(ring_now_ns() - began_ns) / 1e9);
	printf("# %" PRIu64 " lost, %" PRIu64 " acked twice, %" PRIu64 " hangs, %" PRIu64
	       " otherwise wrong\n", atomic_load(&totals->faults[FAULT_LOST]),
	       atomic_load(&totals->faults[FAULT_TWICE]), atomic_load(&totals->faults[FAULT_HANG]),
	       atomic_load(&totals->faults[FAULT_OTHER]));
}

static void usage(void)
{
	errx(64, "usage: killpoints [--full | --sample] [--first] [--workers N] [--base PATTERN]");
}

static struct settings parse(int argc, char **argv)
{
	static const struct option options[] = {
		{ "full", no_argument, NULL, 'f' }, { "sample", no_argument, NULL, 's' },
		{ "first", no_argument, NULL, '1' }, { "workers", required_argument, NULL, 'w' },
		{ "base", required_argument, NULL, 'b' }, { 0 },
	};
	struct settings settings = { .mode = &modes[0], .pattern = "*" };
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	int option;

	settings.workers = cpus > 4 ? 4 : cpus > 1 ? (unsigned)cpus : 1;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'f': settings.mode = &modes[1]; break;
		case 's': settings.mode = &modes[0]; break;
		case '1': settings.ends_at_first_fault = true; break;
		case 'w': settings.workers = (unsigned)atoi(optarg); break;
		case 'b': settings.pattern = optarg; break;
		default: usage();
		}
	}
	if (optind != argc || settings.workers < 1 || settings.workers > WORKERS_MAX)
		usage();
	return settings;
}

/* ptrace() of code that a sanitizer has changed shows the sanitizer's instructions. */
static bool is_sanitized(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	return true;
#elif defined(__has_feature)
	return __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
	return false;
#endif
}

int main(int argc, char **argv)
{
	struct settings settings = parse(argc, argv);
	struct watched workers[WORKERS_MAX] = { { 0 } };
	struct totals *totals = mmap(NULL, sizeof(*totals), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t began = ring_now_ns();
	bool is_good;

	if (is_sanitized()) {
		printf("ok 1 - killed and stopped anywhere # skip built with a sanitizer\n1..1\n");
		return 0;
	}
	if (totals == MAP_FAILED)
		err(2, "mmap");
	seen_init();
	(void)signal(SIGINT, end);
	(void)signal(SIGTERM, end);
	for (unsigned i = 0; i < settings.workers; i++) {
		workers[i] = (struct watched){ .pid = fork_evenly(), .since = time(NULL) };
		if (workers[i].pid == 0) {
			work(&settings, totals, i);
			_exit(0);
		}
	}
	is_good = watch(workers, &settings, totals);
	is_good &= report_bases(totals, settings.pattern);
	report_totals(totals, began);
	return is_good ? 0 : 1;
}
