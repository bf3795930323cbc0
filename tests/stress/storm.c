/*
 * storm.c - 4 producers, 4 consumers and a launcher on one ring; one of them is killed or stopped
 * every few milliseconds. What they do to each item is in a ledger outside the ring, checked while it
 * is written and against the ring's books after each round.
 *
 *	storm [SECONDS [SEED]]
 *
 * The seed repeats the rings, the victims and when they are hit; the processes' own timing it can't.
 */
#include "storm_ledger.h"
#include "stress.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MS UINT64_C(1000000)

#define ROUND_MS 4000
#define ENDING_MS 300		/* of a round: the line is being ended, and victims still fall */
#define CEASE_MS 2000		/* without progress: nobody is hit or stopped any more, and then */
#define HANG_MS 5000		/* without progress, nobody stopped: a hang */

struct storm {
	struct arena *arena;
	struct tap tap;
	uint64_t seed, victims_seed;	/* of the rounds; of who is hit in one, and when */
	unsigned lives, kills, kills_of_launcher, stops;
	unsigned kills_before, at_risk;	/* this round: kills before it, items its victims may have taken */
	uint64_t stopped_until[WORKERS];	/* 0: not stopped */
	bool is_finished[WORKERS];
	uint64_t items, progress, progress_ns, longest_pause_ns;
};

void violation(struct arena *arena, const char *format, ...)
{
	char line[512];
	int used = snprintf(line, sizeof(line), "storm: VIOLATION, round %u: ", arena->round.number);
	va_list args;

	va_start(args, format);
	(void)vsnprintf(line + used, sizeof(line) - (size_t)used, format, args);
	va_end(args);
	atomic_fetch_add(&arena->violations, 1);
	fprintf(stderr, "%s\n", line);
}

/* ------------------------------------------------------------------ processes */

static void live(struct storm *storm, unsigned worker)
{
	struct place place = {
		.arena = storm->arena,
		.worker = worker,
		.number = worker < PRODUCERS ? worker + 1 : worker - PRODUCERS + 1,
		.life = storm->lives,
		.seed = storm->victims_seed ^ storm->lives,
	};

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (worker == LAUNCHER)
		_exit(storm_launch(&place));
	_exit(worker < PRODUCERS ? storm_produce(&place) : storm_consume(&place));
}

static void start(struct storm *storm, unsigned worker)
{
	struct worker *entry = &storm->arena->workers[worker];
	pid_t pid;

	storm->lives++;
	storm->is_finished[worker] = false;
	storm->stopped_until[worker] = 0;
	atomic_store(&entry->life, storm->lives);
	atomic_store(&entry->at_risk, 0);
	pid = fork();
	if (pid == 0)
		live(storm, worker);
	if (pid < 0) {
		perror("storm: fork");
		exit(STORM_FAILED);
	}
	atomic_store(&entry->pid, pid);
}

static bool was_killed(const struct storm *storm, unsigned worker)
{
	unsigned life = atomic_load(&storm->arena->workers[worker].life);

	return atomic_load(&storm->arena->was_killed[life % LIVES_MAX]);
}

static void note_end(struct storm *storm, unsigned worker, int status)
{
	storm->stopped_until[worker] = 0;
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL && was_killed(storm, worker)) {
		storm->at_risk += atomic_load(&storm->arena->workers[worker].at_risk);
		start(storm, worker);
	} else if (WIFEXITED(status) && WEXITSTATUS(status) == STORM_LEFT) {
		start(storm, worker);
	} else {
		storm->is_finished[worker] = true;
		if (status != 0)
			violation(storm->arena, "worker %u ended with status %#x", worker, status);
	}
}

static void reap(struct storm *storm)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (unsigned i = 0; i < WORKERS; i++)
			if (atomic_load(&storm->arena->workers[i].pid) == pid) {
				note_end(storm, i, status);
				break;
			}
}

/* ------------------------------------------------------------------ victims */

static void send(struct storm *storm, unsigned worker, int signal)
{
	/* Not reaped yet, so the number is still its own. */
	(void)kill(atomic_load(&storm->arena->workers[worker].pid), signal);
}

static void hit(struct storm *storm, uint64_t now)
{
	unsigned victim = random_below(&storm->victims_seed, WORKERS);
	bool is_kill = random_one_in(&storm->victims_seed, 2);
	uint64_t stop_ms = random_one_in(&storm->victims_seed, 100) ? 500
			 : 1 + random_below(&storm->victims_seed, 40);

	if (storm->is_finished[victim] || was_killed(storm, victim))
		return;
	if (is_kill) {
		struct worker *worker = &storm->arena->workers[victim];

		atomic_store(&storm->arena->was_killed[atomic_load(&worker->life) % LIVES_MAX], 1);
		send(storm, victim, SIGKILL);
		storm->kills++;
		storm->kills_of_launcher += victim == LAUNCHER;
	} else if (!storm->stopped_until[victim]) {
		send(storm, victim, SIGSTOP);
		storm->stopped_until[victim] = now + stop_ms * MS;
		storm->stops++;
	}
}

static void go_on(struct storm *storm, uint64_t until)
{
	for (unsigned i = 0; i < WORKERS; i++)
		if (storm->stopped_until[i] && storm->stopped_until[i] <= until) {
			send(storm, i, SIGCONT);
			storm->stopped_until[i] = 0;
		}
}

/* ------------------------------------------------------------------ watching */

/* How long nothing has been published, acked or declared dead; 0 for what has just changed. */
static uint64_t pause_ns(struct storm *storm, uint64_t now)
{
	uint64_t progress = 0, pause;

	for (unsigned i = 0; i < WORKERS; i++)
		progress += atomic_load(&storm->arena->workers[i].progress);
	pause = now - storm->progress_ns;
	if (progress == storm->progress)
		return pause;
	if (pause > storm->longest_pause_ns)
		storm->longest_pause_ns = pause;
	storm->progress = progress;
	storm->progress_ns = now;
	return 0;
}

static void give_up(struct storm *storm)
{
	storm_dump(storm->arena);
	for (unsigned i = 0; i < WORKERS; i++)
		if (!storm->is_finished[i])
			send(storm, i, SIGKILL);
	while (wait(NULL) > 0)
		;
	(void)ring_unlink(storm->arena->round.ring, true);
}

/* One turn; false: it hangs. */
static bool turn(struct storm *storm, bool under_fire)
{
	uint64_t now = ring_now_ns(), pause = pause_ns(storm, now);

	reap(storm);
	if (under_fire && pause < CEASE_MS * MS) {
		go_on(storm, now);
		hit(storm, now);
	} else {
		go_on(storm, UINT64_MAX);
	}
	if (pause > (CEASE_MS + HANG_MS) * MS) {
		violation(storm->arena, "nothing has moved for %d s, and nobody is stopped",
			  HANG_MS / 1000);
		return false;
	}
	(void)nanosleep(&(struct timespec){ .tv_nsec = 1000000 + random_below(&storm->victims_seed, 5000000) },
			NULL);
	return true;
}

static bool rage(struct storm *storm, uint64_t ms)
{
	uint64_t until = ring_now_ns() + ms * MS;

	while (ring_now_ns() < until)
		if (!turn(storm, true))
			return false;
	return true;
}

/* Nobody is hit any more: the line ends by itself. */
static bool calm(struct storm *storm)
{
	unsigned finished = 0;

	storm->progress_ns = ring_now_ns();
	while (finished < WORKERS) {
		if (!turn(storm, false))
			return false;
		finished = 0;
		for (unsigned i = 0; i < WORKERS; i++)
			finished += storm->is_finished[i];
		if (finished == WORKERS - 1 && !storm->is_finished[LAUNCHER])
			atomic_store(&storm->arena->is_over, true);
	}
	return true;
}

/* ------------------------------------------------------------------ the account of a round */

static void report(const char *sentence, void *context)
{
	violation(context, "fsck: %s", sentence);
}

static void compare(struct arena *arena, const char *what, uint64_t found, uint64_t least, uint64_t most)
{
	if (found < least || found > most)
		violation(arena, "%s: %" PRIu64 ", but the ledger says %" PRIu64 " to %" PRIu64, what, found,
			  least, most);
}

/* Every item that was accepted has ended once, or is left. What a killed consumer was about to say of an
   item (ENDING) may have come through or not; the books know, and all has to add up. */
static void check_sums(struct storm *storm, const struct ring_books *books, uint64_t left)
{
	struct arena *arena = storm->arena;
	struct ledger_sums sums = ledger_sum(arena);
	const uint64_t *by = sums.by_state;
	uint64_t unended = by[LEDGER_PUBLISHED] + by[LEDGER_TAKEN] + by[LEDGER_GIVING] + by[LEDGER_BACK];
	uint64_t unsure = by[LEDGER_ENDING_ACKED] + by[LEDGER_ENDING_DEAD];

	compare(arena, "published", books->published, sums.accepted, sums.accepted);
	compare(arena, "acked", books->acked, by[LEDGER_ACKED],
		by[LEDGER_ACKED] + by[LEDGER_ENDING_ACKED]);
	compare(arena, "dead", books->dead, by[LEDGER_DEAD], by[LEDGER_DEAD] + by[LEDGER_ENDING_DEAD]);
	compare(arena, "acked and dead", books->acked + books->dead, sums.accepted - left,
		sums.accepted - left);
	compare(arena, "left", left, unended, unended + unsure);
	compare(arena, "ends that are uncertain", unsure, 0,
		storm->kills - storm->kills_before);
	compare(arena, "deliveries that nobody saw", atomic_load(&arena->unseen), 0, storm->at_risk);
	if (arena->round.mode != RING_STOP_NOW)
		compare(arena, "left after the drain", left, 0, 0);
}

/* Returns how many are left. */
static uint64_t check_ring(struct storm *storm)
{
	struct arena *arena = storm->arena;
	struct ring *ring = ring_open(arena->round.ring, RING_LAUNCHER, 0);
	struct ring_books books;
	struct ring_stats stats;

	if (!ring) {
		violation(arena, "cannot open the ring again: %s", strerror(errno));
		return 0;
	}
	if (ring_recover(ring, 0) < 0 || ring_stats(ring, &stats))
		violation(arena, "cannot recover or read the ring: %s", ring_why());
	(void)ring_fsck(ring, true, report, arena);
	ring_books(ring, &books);
	if (books.published != stats.published || books.acked != stats.acked)
		violation(arena, "the two sides of the books differ");
	check_sums(storm, &books, stats.left);
	if (stats.left == 0)
		storm->items += books.acked + books.dead;
	if (stats.left > 0 && ring_restart(ring))
		violation(arena, "cannot take up the ring: %s", ring_why());
	if (ring_close_last(ring) != (stats.left == 0))
		violation(arena, "the ring is %s", stats.left ? "gone with its items" : "still there");
	return stats.left;
}

/* ------------------------------------------------------------------ rounds */

static void set_round(struct storm *storm)
{
	static const uint32_t sizes[] = { 2, 4, 16, 64, 1024 };
	static const enum ring_stop_mode modes[] = { RING_STOP_SOFT, RING_STOP_STRICT, RING_STOP_NOW };
	static const uint32_t rests[][2] = { { 0, 0 }, { 50, 0 }, { 0, 50 }, { 200, 200 } };
	struct round *round = &storm->arena->round;
	unsigned size = random_below(&storm->seed, 5), rest = random_below(&storm->seed, 4);

	*round = (struct round){
		.number = round->number + 1,
		.slots = sizes[size],
		.item_max = 16 + random_below(&storm->seed, 200),
		.batch = sizes[size] >= 64 ? 1 + random_below(&storm->seed, BATCH_MAX) : 1,
		.producer_rest = rests[rest][0],
		.consumer_rest = rests[rest][1],
		.mode = modes[random_below(&storm->seed, 3)],
	};
	storm->victims_seed = random_next(&storm->seed);
	(void)snprintf(round->ring, sizeof(round->ring), "storm-%d-%u", (int)getpid(), round->number);
}

static bool begin(struct storm *storm)
{
	struct arena *arena = storm->arena;
	struct ring_options options = { .slots = arena->round.slots, .item_max = arena->round.item_max,
					.members = 2 * WORKERS };

	ledger_clear(arena);
	storm->at_risk = 0;
	storm->kills_before = storm->kills;
	atomic_store(&arena->is_ending, false);
	atomic_store(&arena->is_shut, false);
	atomic_store(&arena->is_over, false);
	atomic_store(&arena->is_drained, false);
	if (ring_create(arena->round.ring, &options)) {
		violation(arena, "cannot make a ring: %s", strerror(errno));
		return false;
	}
	storm->progress_ns = ring_now_ns();
	start(storm, LAUNCHER);
	for (unsigned i = 0; i < LAUNCHER; i++)
		start(storm, i);
	return true;
}

/* What a stop in mode now left is taken up again, as by a launcher with --resume, and drained. */
static bool resume(struct storm *storm)
{
	struct arena *arena = storm->arena;

	arena->round.mode = RING_STOP_SOFT;
	atomic_store(&arena->is_over, false);
	atomic_store(&arena->is_drained, false);
	start(storm, LAUNCHER);
	for (unsigned i = PRODUCERS; i < LAUNCHER; i++)
		start(storm, i);
	return calm(storm);
}

static bool play(struct storm *storm, uint64_t ms)
{
	if (!begin(storm))
		return false;
	if (!rage(storm, ms - ENDING_MS)) {
		give_up(storm);
		return false;
	}
	atomic_store(&storm->arena->is_ending, true);
	if (!rage(storm, ENDING_MS) || !calm(storm)) {
		give_up(storm);
		return false;
	}
	while (check_ring(storm) > 0)
		if (!resume(storm)) {
			give_up(storm);
			return false;
		}
	return true;
}

static const char *const mode_names[] = {
	[RING_STOP_SOFT] = "soft", [RING_STOP_STRICT] = "strict", [RING_STOP_NOW] = "now",
};

static bool play_round(struct storm *storm, uint64_t ms)
{
	struct arena *arena = storm->arena;
	unsigned violations = atomic_load(&arena->violations), kills = storm->kills;
	uint64_t items = storm->items;
	enum ring_stop_mode mode;
	bool ended;

	set_round(storm);
	mode = arena->round.mode;
	ended = play(storm, ms);
	return tap_check(&storm->tap, ended && atomic_load(&arena->violations) == violations,
			 "round %u: %u slots, batches of %u, ended %s: %" PRIu64 " items, %u kills",
			 arena->round.number, arena->round.slots, arena->round.batch,
			 mode_names[mode], storm->items - items, storm->kills - kills);
}

static void sum_up(const struct storm *storm, uint64_t seconds)
{
	printf("# %u kills (%u of the launcher), %u stops, %" PRIu64 " items, %" PRIu64 " items/s\n",
	       storm->kills, storm->kills_of_launcher, storm->stops, storm->items,
	       storm->items / (seconds ? seconds : 1));
	printf("# longest time without progress %" PRIu64 " ms, violations %u\n",
	       storm->longest_pause_ns / MS, atomic_load(&storm->arena->violations));
}

int main(int argc, char **argv)
{
	uint64_t seconds = argc > 1 ? strtoull(argv[1], NULL, 10) : 20;
	uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 0) : ring_now_ns();
	struct storm storm = { .seed = seed };
	uint64_t until = ring_now_ns() + seconds * 1000 * MS;

	storm.arena = mmap(NULL, sizeof(*storm.arena), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (storm.arena == MAP_FAILED) {
		perror("storm: mmap");
		return STORM_FAILED;
	}
	setlinebuf(stdout);	/* or each child would print what its parent had not */
	printf("# %" PRIu64 " seconds, seed %" PRIu64 "\n", seconds, seed);
	while (ring_now_ns() + ROUND_MS * MS <= until && play_round(&storm, ROUND_MS))
		;
	sum_up(&storm, seconds);
	return tap_end(&storm.tap);
}
