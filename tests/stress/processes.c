/*
 * processes.c - producers share the tickets 1 to n, consumers ack what they get, and the parent, who is the
 * launcher, kills them at random and starts others in their places. Each ticket is published once and acked
 * once, whoever dies. (storm.c also stops its processes, kills the launcher and leaves the counting
 * to a ledger alone; here it is tickets and the ring's own books.)
 *
 *	processes [SECONDS [SEED]]
 */
#include "stress.h"

#include "shm/ring.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PRODUCERS = 3, CONSUMERS = 3, WORKERS = PRODUCERS + CONSUMERS, TICKETS = 20000, KILLS = 100 };

#define STUCK_NS UINT64_C(20000000000)	/* without progress, on a busy machine: a hang */

enum fault { FAILED, SPOILT, OUT_OF_ORDER, ACKED_TWICE, LOST, LATE, UNSOUND, HANGS, FAULTS };

static const char *const fault_texts[FAULTS] = {
	[FAILED] = "no call fails",
	[SPOILT] = "every item has the bytes that were published",
	[OUT_OF_ORDER] = "one producer's items first come in their order",
	[ACKED_TWICE] = "no ticket is acked twice",
	[LOST] = "every ticket is acked",
	[LATE] = "nothing is published once a strict stop is up",
	[UNSOUND] = "the ring is sound and its books balance",
	[HANGS] = "nobody hangs",
};

struct item { uint64_t ticket; uint32_t life, number; uint64_t copy_of_ticket; };

/* In memory that outlives whoever is killed. */
struct round {
	char name[40];
	uint64_t seed;
	unsigned life, kills;
	bool is_cut_short;
	struct ring *ring;	/* the launcher's */
	pid_t pids[WORKERS];	/* 0: done */
	atomic_uint faults[FAULTS];
	atomic_ulong progress;
	/* Written behind the ack; a kill in between leaves 0, so only more than 1 says something here. */
	atomic_uchar acked[TICKETS + 1];
};

static void fault(struct round *round, enum fault kind, const char *what)
{
	if (atomic_fetch_add(&round->faults[kind], 1) == 0)
		fprintf(stderr, "processes: %s: %s (%s %s)\n", fault_texts[kind], what,
			strerror(errno), ring_why());
}

/* ------------------------------------------------------------------ workers */

static int produce(struct round *round, struct ring *ring, unsigned life)
{
	struct ring_item item;
	struct item made = { .life = life };
	enum ring_result result;

	while ((result = ring_ticket(ring, TICKETS, &made.ticket)) == RING_OK) {
		result = ring_reserve(ring, &item, -1);
		if (result != RING_OK)
			break;
		made.number++;
		made.copy_of_ticket = made.ticket;
		memcpy(item.data, &made, sizeof(made));
		item.len = sizeof(made);
		item.mark = made.ticket;
		result = ring_publish(ring, &item);
		if (result != RING_OK)
			break;
		atomic_fetch_add(&round->progress, 1);
	}
	return result == RING_CLOSED ? 0 : 1;
}

/* Of each life of a producer a consumer gets the first deliveries in order. */
static void check_order(struct round *round, const struct item *item, struct item *last)
{
	if (last->life == item->life && item->number <= last->number)
		fault(round, OUT_OF_ORDER, "a first delivery");
	*last = *item;
}

static int consume(struct round *round, struct ring *ring, unsigned life)
{
	static struct item last[1 << 12];	/* by life; an old life makes place for one much later */
	uint64_t seed = round->seed ^ life;
	enum ring_result result;
	struct ring_item got;

	while ((result = ring_take(ring, &got, -1)) == RING_OK) {
		struct item item;

		memcpy(&item, got.data, sizeof(item));
		if (got.len != sizeof(item) || item.ticket != item.copy_of_ticket ||
		    item.ticket != got.mark || item.ticket < 1 || item.ticket > TICKETS) {
			fault(round, SPOILT, "an item");
			return 1;
		}
		if (got.deliveries == 1)
			check_order(round, &item, &last[item.life % (1 << 12)]);
		if (random_one_in(&seed, 16)) {
			if (ring_give_back(ring, &got, random_below(&seed, 3), false))
				return 1;
			continue;
		}
		if (atomic_load(&round->acked[item.ticket]))
			fault(round, ACKED_TWICE, "a delivery after the ack");
		if (ring_ack(ring, &got))
			return 1;
		if (atomic_fetch_add(&round->acked[item.ticket], 1))
			fault(round, ACKED_TWICE, "an ack");
		atomic_fetch_add(&round->progress, 1);
	}
	return result == RING_DRAINED ? 0 : 1;
}

static int work(struct round *round, unsigned worker, unsigned life)
{
	bool is_producer = worker < PRODUCERS;
	struct ring *ring = ring_open(round->name, is_producer ? RING_PRODUCER : RING_CONSUMER,
				      is_producer ? worker + 1 : 0);
	int failed = 1;

	if (ring)
		failed = is_producer ? produce(round, ring, life) : consume(round, ring, life);
	if (failed)
		fault(round, FAILED, is_producer ? "a producer" : "a consumer");
	ring_close(ring);
	return failed;
}

static void start(struct round *round, unsigned worker)
{
	unsigned life = ++round->life;	/* the parent goes on counting in this memory */
	pid_t pid = fork();

	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(work(round, worker, life));
	}
	if (pid < 0) {
		perror("processes: fork");
		exit(1);
	}
	round->pids[worker] = pid;
}

/* ------------------------------------------------------------------ the launcher */

static bool is_attached(struct round *round, pid_t pid)
{
	struct ring_member member;

	for (uint32_t i = 1; i <= ring_member_limit(round->ring); i++)
		if (ring_member(round->ring, i, &member) == 1 && member.pid == pid)
			return true;
	return false;
}

/* Another member may be recovering it just now. */
static void recover(struct round *round, pid_t pid)
{
	uint64_t deadline = ring_now_ns() + STUCK_NS;

	while (ring_recover(round->ring, pid) != 1 && is_attached(round, pid)) {
		if (ring_now_ns() > deadline) {
			fault(round, HANGS, "a recovery");
			return;
		}
		(void)usleep(100);
	}
}

static unsigned reap(struct round *round)
{
	unsigned ended = 0;

	for (unsigned i = 0; i < WORKERS; i++) {
		int status;

		if (round->pids[i] == 0 || waitpid(round->pids[i], &status, WNOHANG) <= 0)
			continue;
		if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) {
			recover(round, round->pids[i]);
			start(round, i);
			continue;
		}
		if (status != 0)
			fault(round, FAILED, "a worker's end");
		round->pids[i] = 0;
		ended++;
	}
	return ended;
}

static unsigned count(const struct round *round, unsigned from, unsigned to)
{
	unsigned n = 0;

	for (unsigned i = from; i < to; i++)
		n += round->pids[i] != 0;
	return n;
}

static void kill_one(struct round *round)
{
	unsigned victim = random_below(&round->seed, WORKERS);

	if (round->kills >= KILLS || round->pids[victim] == 0)
		return;
	(void)kill(round->pids[victim], SIGKILL);	/* not reaped yet: the number is its own */
	round->kills++;
}

static void give_up(struct round *round)
{
	fault(round, HANGS, "no progress");
	for (unsigned i = 0; i < WORKERS; i++)
		if (round->pids[i]) {
			(void)kill(round->pids[i], SIGKILL);
			(void)waitpid(round->pids[i], NULL, 0);
			round->pids[i] = 0;
		}
}

static void launch(struct round *round)
{
	uint64_t progress = 0, progress_ns = ring_now_ns(), swept_ns = 0;
	bool is_over = false;

	while (count(round, 0, WORKERS) > 0) {
		uint64_t now = ring_now_ns(), seen = atomic_load(&round->progress);

		(void)usleep(random_below(&round->seed, 3000));
		kill_one(round);
		(void)reap(round);
		if (now - swept_ns > 250000000) {
			ring_sweep(round->ring);
			swept_ns = now;
		}
		if (round->is_cut_short && seen > TICKETS)
			ring_stop(round->ring, RING_STOP_STRICT, RING_CAUSE_USER);
		if (!is_over && count(round, 0, PRODUCERS) == 0) {
			ring_stop(round->ring, RING_STOP_SOFT, RING_CAUSE_END);
			ring_hold(round->ring, false);
			is_over = true;
		}
		if (seen != progress) {
			progress = seen;
			progress_ns = now;
		} else if (now - progress_ns > STUCK_NS) {
			give_up(round);
		}
	}
}

static void report(const char *sentence, void *round)
{
	fault(round, UNSOUND, sentence);
}

static void check_books(struct round *round)
{
	struct ring_books books;
	struct ring_stats stats;

	(void)ring_fsck(round->ring, true, report, round);
	ring_books(round->ring, &books);
	if (ring_stats(round->ring, &stats) || stats.published != books.published ||
	    stats.acked != books.acked || books.dead + books.dropped + stats.left > 0 ||
	    books.acked != books.published)
		fault(round, UNSOUND, "the books");
	if (stats.stop == RING_STOP_STRICT) {
		if (stats.stop_published != books.published)
			fault(round, LATE, "stop_published");
		return;
	}
	/* Nothing was published twice either, or one would have been acked twice or a ticket be missing. */
	if (books.published != TICKETS)
		fault(round, LOST, "the books");
}

static void play(struct round *round)
{
	const struct ring_options options = {
		.slots = 4 + random_below(&round->seed, 60),
		.item_max = sizeof(struct item),
		.members = WORKERS + 1,		/* so that each place of a dead one is needed */
	};

	round->ring = ring_open_or_create(round->name, &options, RING_LAUNCHER | RING_HOLDER, 0);
	if (!round->ring) {
		fprintf(stderr, "processes: no ring: %s (%s)\n", strerror(errno), ring_why());
		exit(1);
	}
	for (unsigned i = 0; i < WORKERS; i++)
		start(round, i);
	launch(round);
	check_books(round);
	if (!ring_close_last(round->ring)) {
		fault(round, UNSOUND, "the ring is not removed");
		(void)ring_unlink(round->name, true);
	}
}

int main(int argc, char **argv)
{
	uint64_t seconds = argc > 1 ? strtoull(argv[1], NULL, 10) : 3;
	uint64_t first_seed = argc > 2 ? strtoull(argv[2], NULL, 10) : ring_now_ns();
	uint64_t seed = first_seed, end = ring_now_ns() + seconds * 1000000000, faults[FAULTS] = { 0 };
	unsigned rounds = 0, kills = 0;
	struct tap tap = { 0 };

	do {
		struct round *round = mmap(NULL, sizeof(*round), PROT_READ | PROT_WRITE,
					   MAP_SHARED | MAP_ANONYMOUS, -1, 0);

		if (round == MAP_FAILED)
			return 1;
		round->seed = random_next(&seed);
		round->is_cut_short = rounds++ % 2;
		(void)snprintf(round->name, sizeof(round->name), "processes-%d", (int)getpid());
		play(round);
		kills += round->kills;
		for (int i = 0; i < FAULTS; i++)
			faults[i] += atomic_load(&round->faults[i]);
		(void)munmap(round, sizeof(*round));
	} while (ring_now_ns() < end);

	printf("# %u rounds, %u kills, seed %" PRIu64 "\n", rounds, kills, first_seed);
	for (int i = 0; i < FAULTS; i++)
		(void)tap_check(&tap, faults[i] == 0, "processes: %s", fault_texts[i]);
	return tap_end(&tap);
}
