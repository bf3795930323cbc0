/*
 * afterkill.c - how long after a kill the others go on, when all that they need was in the victim's hands:
 * every item of a full ring, or every slot of an empty one. With a launcher, whom the kernel tells of
 * the death; and by themselves.
 *
 *	afterkill [LINES]	(40 of each kind)
 */
#include "tests/stress/stress.h"

#include "shm/ring.h"

#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MS UINT64_C(1000000)

/* What is promised, held by nine of ten: the slowest may have waited for a processor. */
#define LAUNCHED_NS (20 * MS)
#define ALONE_NS (1000 * MS)

enum { SLOTS = 4, OTHERS = 2 };

struct line {
	char ring[64];
	bool has_launcher, victim_produces;
	pid_t victim, others[OTHERS], launcher;
	uint64_t kill_at_ns, killed_ns;
	atomic_bool is_holding;		/* the victim has everything */
	atomic_uint ready;		/* of the others and the launcher */
	atomic_ullong went_on_ns;	/* the first of the others */
};

static void die(const char *what)
{
	perror(what);
	_exit(1);
}

static struct ring *open_ring(const struct line *line, unsigned roles)
{
	struct ring *ring = ring_open(line->ring, roles, 0);

	if (!ring)
		die("afterkill: ring_open");
	return ring;
}

/* ------------------------------------------------------------------ the processes of a line */

static void hold_everything(struct line *line)
{
	struct ring *ring = open_ring(line, RING_PRODUCER | RING_CONSUMER);
	struct ring_item items[SLOTS];

	for (int i = 0; i < SLOTS && !line->victim_produces; i++)
		if (ring_put(ring, "item", 4, 0) != RING_OK)
			die("afterkill: ring_put");
	for (int i = 0; i < SLOTS; i++)
		if ((line->victim_produces ? ring_reserve(ring, &items[i], 0)
					   : ring_take(ring, &items[i], 0)) != RING_OK)
			die("afterkill: ring_reserve or ring_take");
	atomic_store(&line->is_holding, true);
	for (;;)
		(void)pause();
}

static void want_something(struct line *line)
{
	struct ring *ring = open_ring(line, line->victim_produces ? RING_PRODUCER : RING_CONSUMER);
	unsigned long long none = 0;
	struct ring_item item;
	enum ring_result result;

	atomic_fetch_add(&line->ready, 1);
	result = line->victim_produces ? ring_reserve(ring, &item, -1) : ring_take(ring, &item, -1);
	if (result != RING_OK)
		die("afterkill: the other's call");
	(void)atomic_compare_exchange_strong(&line->went_on_ns, &none, ring_now_ns());
	ring_close(ring);
}

static void launch(struct line *line)
{
	struct ring *ring = open_ring(line, RING_LAUNCHER | RING_HOLDER);
	struct pollfd death = { .fd = pidfd_open(line->victim, 0), .events = POLLIN };

	atomic_fetch_add(&line->ready, 1);
	if (poll(&death, 1, -1) != 1 || ring_recover(ring, line->victim) < 0)
		die("afterkill: launcher");
	ring_close(ring);
}

static pid_t start(struct line *line, void (*live)(struct line *))
{
	pid_t pid = fork();

	if (pid < 0)
		die("afterkill: fork");
	if (pid > 0)
		return pid;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	live(line);
	_exit(0);
}

/* ------------------------------------------------------------------ lines */

static void nap_1ms(void)
{
	(void)nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
}

static void begin(struct line *line, unsigned number)
{
	struct ring_options options = { .slots = SLOTS, .item_max = 16, .members = 8 };

	(void)snprintf(line->ring, sizeof(line->ring), "afterkill-%d-%u", (int)getpid(), number);
	if (ring_create(line->ring, &options))
		die("afterkill: ring_create");
	line->victim = start(line, hold_everything);
	while (!atomic_load(&line->is_holding))
		nap_1ms();
	if (line->has_launcher)
		line->launcher = start(line, launch);
	for (int i = 0; i < OTHERS; i++)
		line->others[i] = start(line, want_something);
	while (atomic_load(&line->ready) < OTHERS + (unsigned)line->has_launcher)
		nap_1ms();
}

static void strike(struct line *line)
{
	line->killed_ns = ring_now_ns();
	(void)kill(line->victim, SIGKILL);
}

/* false: somebody of it ended as he should not. */
static bool finish(struct line *line)
{
	bool is_good = true;
	int status;

	(void)waitpid(line->victim, NULL, 0);
	for (int i = 0; i < OTHERS; i++)
		is_good &= waitpid(line->others[i], &status, 0) > 0 && status == 0;
	if (line->has_launcher)
		is_good &= waitpid(line->launcher, &status, 0) > 0 && status == 0;
	return ring_unlink(line->ring, true) == 0 && is_good;
}

/* All lines at once: each is struck at a time of its own, so that it falls anywhere between two looks of
   the others. */
static bool run(struct line *lines, unsigned n, uint64_t *seed)
{
	uint64_t begun;
	unsigned struck = 0;
	bool is_good = true;

	for (unsigned i = 0; i < n; i++)
		begin(&lines[i], i);
	begun = ring_now_ns() + 20 * MS;	/* the last of them is asleep */
	for (unsigned i = 0; i < n; i++)
		lines[i].kill_at_ns = begun + random_next(seed) % (1000 * MS);
	while (struck < n) {
		for (unsigned i = 0; i < n; i++)
			if (!lines[i].killed_ns && ring_now_ns() >= lines[i].kill_at_ns) {
				strike(&lines[i]);
				struck++;
			}
		nap_1ms();
	}
	for (unsigned i = 0; i < n; i++)
		is_good &= finish(&lines[i]);
	return is_good;
}

/* ------------------------------------------------------------------ the distribution */

static int compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void measure(struct tap *tap, unsigned n, bool has_launcher, bool victim_produces, uint64_t *seed)
{
	uint64_t limit = has_launcher ? LAUNCHED_NS : ALONE_NS;
	uint64_t *ns = calloc(n, sizeof(*ns));
	struct line *lines = mmap(NULL, n * sizeof(*lines), PROT_READ | PROT_WRITE,
				  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	bool is_good;

	if (!ns || lines == MAP_FAILED)
		die("afterkill: memory");
	for (unsigned i = 0; i < n; i++)
		lines[i] = (struct line){ .has_launcher = has_launcher,
					  .victim_produces = victim_produces };
	is_good = run(lines, n, seed);
	for (unsigned i = 0; i < n; i++)
		ns[i] = atomic_load(&lines[i].went_on_ns) - lines[i].killed_ns;
	qsort(ns, n, sizeof(*ns), compare);
	tap_check(tap, is_good && ns[n * 9 / 10] <= limit,
		  "others go on after a killed %s, %s: min %.3f, median %.3f, p99 %.3f, max %.3f ms of %u",
		  victim_produces ? "producer" : "consumer", has_launcher ? "with a launcher" : "alone",
		  (double)ns[0] / 1e6, (double)ns[n / 2] / 1e6, (double)ns[n * 99 / 100] / 1e6,
		  (double)ns[n - 1] / 1e6, n);
	(void)munmap(lines, n * sizeof(*lines));
	free(ns);
}

int main(int argc, char **argv)
{
	unsigned n = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 40;
	uint64_t seed = ring_now_ns();
	struct tap tap = { 0 };

	setlinebuf(stdout);
	for (int kind = 0; kind < 4 && n > 0; kind++)
		measure(&tap, n, kind < 2, kind % 2 == 0, &seed);
	return tap_end(&tap);
}
