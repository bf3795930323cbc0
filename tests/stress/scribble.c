/*
 * scribble.c - another process writes all over the segment while a line works on it. The line's processes
 * may end with an error of the library, or by the one line and exit code that diag.h makes of SIGBUS
 * and SIGABRT. They must not touch memory outside the segment, which stands between guard pages, nor
 * go on for ever.
 *
 *	scribble [SECONDS [SEED]]	of each kind (1)
 */
#include "stress.h"

#include "shm/handle.h"
#include "src/base/diag.h"
#include "src/base/exitcode.h"
#include "tests/guarded_map.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MS UINT64_C(1000000)
#define ROUND_MS 200	/* after which a new ring is made: a ring that was spoilt shows little more */
#define END_MS 10000	/* for a process to notice that it is over, on a slow machine */

enum { WORKERS = 5, SLOTS = 8, ITEM_MAX = 64, MEMBERS = 8 };

/* What the processes of a round share outside the segment. */
struct round {
	char ring[64], file[128];
	uint64_t seed;
	atomic_bool is_over;
	atomic_uint calls;
};

struct ends { unsigned good, told, bad, late; };

/* ------------------------------------------------------------------ the line */

/* Every byte of an item lies in the segment, or the guard pages tell. */
static void touch(const struct ring_item *item)
{
	volatile unsigned char *bytes = item->data;

	for (size_t i = 0; i < item->len; i++)
		bytes[i] = (unsigned char)(bytes[i] + 1);
}

static enum ring_result produce(struct ring *ring)
{
	struct ring_item item;
	uint64_t ticket;
	enum ring_result result = ring_ticket(ring, 0, &ticket);

	if (result == RING_OK)
		result = ring_reserve(ring, &item, 20);
	if (result != RING_OK)
		return result;
	touch(&item);
	item.mark = ticket;
	return ring_publish(ring, &item);
}

static enum ring_result consume(struct ring *ring)
{
	struct ring_item item;
	enum ring_result result = ring_take(ring, &item, 20);
	int failed;

	if (result != RING_OK)
		return result;
	touch(&item);
	switch (item.id % 8) {
	case 0:
		failed = ring_give_back(ring, &item, 1, true);
		break;
	case 1:
		failed = ring_dead(ring, &item, 1);
		break;
	default:
		failed = ring_ack(ring, &item);
	}
	return failed ? RING_ERROR : RING_OK;
}

static void say_nothing(const char *sentence, void *context)
{
	(void)sentence;
	(void)context;
}

static enum ring_result supervise(struct ring *ring)
{
	struct ring_stats stats;
	struct ring_member member;
	struct ring_view view;
	unsigned char bytes[ITEM_MAX];

	ring_sweep(ring);
	if (ring_recover(ring, 0) < 0)
		return RING_ERROR;
	(void)ring_stats(ring, &stats);
	(void)ring_fsck(ring, true, say_nothing, NULL);
	for (uint32_t i = 0; i < SLOTS; i++)
		(void)ring_look(ring, i, &view, bytes, sizeof(bytes));
	for (uint32_t i = 1; i <= MEMBERS; i++)
		(void)ring_member(ring, i, &member);
	return RING_OK;
}

static const struct { unsigned roles; enum ring_result (*work)(struct ring *); } parts[WORKERS] = {
	{ RING_PRODUCER, produce }, { RING_PRODUCER, produce },
	{ RING_CONSUMER, consume }, { RING_CONSUMER, consume },
	{ RING_LAUNCHER | RING_HOLDER, supervise },
};

/* The life of one of them; like the programs it ends at the first error. */
static int work(struct round *round, unsigned worker)
{
	struct ring *ring = ring_open(round->ring, parts[worker].roles, 0);

	if (!ring)
		return EXIT_INTERNAL;
	while (!atomic_load(&round->is_over)) {
		if (parts[worker].work(ring) == RING_ERROR)
			return EXIT_INTERNAL;
		atomic_fetch_add(&round->calls, 1);
	}
	ring_close(ring);
	return EXIT_OK;
}

/* ------------------------------------------------------------------ the scribblers */

/*
 * Spared in all kinds: the word of a sem_t that says whether it is shared. glibc makes the operation of its
 * system call of it, so that a forged one turns sem_post() into a sleep without end, which no caller
 * can bound.
 */
#define SHARED_AT 8

static bool is_spared(size_t at)
{
	return at == offsetof(struct header, ready.sem) + SHARED_AT ||
	       at == offsetof(struct header, free.sem) + SHARED_AT;
}

struct victim { struct segment segment; unsigned char *bytes; size_t size; int fd; };

static void anything_anywhere(struct victim *victim, uint64_t *seed)
{
	uint64_t value = random_one_in(seed, 2) ? random_next(seed) : random_below(seed, 16);
	size_t at = random_below(seed, (uint32_t)(victim->size / 8)) * 8;

	if (!is_spared(at))
		memcpy(victim->bytes + at, &value, 1 + random_below(seed, 8));
}

/* Words and cells only, as if slots went from hand to hand without end. */
static void words_that_flip(struct victim *victim, uint64_t *seed)
{
	struct segment *segment = &victim->segment;
	uint32_t slot = random_below(seed, SLOTS), cell = random_below(seed, segment->at.cells);

	atomic_store(&segment->words[slot], random_next(seed) & ~UINT64_C(8));
	atomic_store(&segment->cells[cell], atomic_load(&segment->cells[cell]) ^
		     UINT64_C(1) << random_below(seed, 64));
	atomic_fetch_add(random_one_in(seed, 2) ? &segment->header->head : &segment->header->tail,
			 random_next(seed) % 3 - 1);
}

static void slots_that_lie(struct victim *victim, uint64_t *seed)
{
	struct slot *slot = segment_slot(&victim->segment, random_below(seed, SLOTS));

	atomic_store(&slot->len, (uint32_t)random_next(seed) >> random_below(seed, 32));
	atomic_store(&slot->lane, (uint16_t)random_next(seed));
	atomic_store(&slot->mark, random_next(seed));
	atomic_store(&slot->id, random_next(seed));
}

static void forged_semaphores(struct victim *victim, uint64_t *seed)
{
	static const uint32_t counts[] = { 0, 1, SEM_VALUE_MAX - 1, SEM_VALUE_MAX, UINT32_MAX };
	struct header *header = victim->segment.header;
	struct waiting *waiting = random_one_in(seed, 2) ? &header->ready : &header->free;
	uint32_t count = counts[random_below(seed, 5)];

	if (random_one_in(seed, 2))
		atomic_store(&waiting->wanted, count);
	else
		memcpy((unsigned char *)&waiting->sem + 4 * random_below(seed, SHARED_AT / 4), &count, 4);
}

static void members_that_never_were(struct victim *victim, uint64_t *seed)
{
	struct segment *segment = &victim->segment;
	uint64_t *field = (void *)&segment->members[random_below(seed, MEMBERS)];
	uint64_t *lane = (void *)&segment->lanes[random_below(seed, MEMBERS)];

	field[random_below(seed, sizeof(struct member) / 8)] = random_next(seed);
	lane[random_below(seed, 4)] = random_below(seed, 2 * MEMBERS);
	atomic_store(&segment->header->stop, random_below(seed, 256));
	atomic_store(&segment->header->stop, 0);
}

/* Not written to but cut off. */
static void a_file_that_shrinks(struct victim *victim, uint64_t *seed)
{
	(void)nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL);
	(void)ftruncate(victim->fd, random_one_in(seed, 2) ? 0 : 4096);
}

static const struct { const char *name; void (*act)(struct victim *, uint64_t *); } kinds[] = {
	{ "anything anywhere", anything_anywhere },
	{ "words that flip", words_that_flip },
	{ "slots that lie", slots_that_lie },
	{ "forged semaphores", forged_semaphores },
	{ "members that never were", members_that_never_were },
	{ "a file that shrinks", a_file_that_shrinks },
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* Until it is killed. */
static int scribble(struct round *round, unsigned kind)
{
	struct victim victim = { .fd = open(round->file, O_RDWR | O_CLOEXEC) };
	uint64_t seed = round->seed;
	struct geometry at;

	segment_measure(&(struct ring_options){ .slots = SLOTS, .item_max = ITEM_MAX,
						.members = MEMBERS }, &at);
	victim.size = at.size;
	victim.bytes = mmap(NULL, at.size, PROT_READ | PROT_WRITE, MAP_SHARED, victim.fd, 0);
	if (victim.fd < 0 || victim.bytes == MAP_FAILED)
		return 1;
	segment_place(&victim.segment, victim.bytes, &at);
	for (;;)
		kinds[kind].act(&victim, &seed);
}

/* ------------------------------------------------------------------ rounds */

static pid_t start(struct round *round, int (*live)(struct round *, unsigned), unsigned which)
{
	pid_t pid = fork();

	if (pid < 0) {
		perror("scribble: fork");
		exit(EXIT_SYSTEM);
	}
	if (pid > 0)
		return pid;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (live == work) {
		int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);

		/* Their line on standard error is expected; a sanitizer's report goes where it is told. */
		if (nowhere >= 0 && !getenv("SCRIBBLE_VERBOSE"))
			(void)dup2(nowhere, STDERR_FILENO);
		diag_init("scribble");
		diag_catch_damage();
	}
	_exit(live(round, which));
}

static void note_end(struct ends *ends, int status)
{
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_OK)
		ends->good++;
	else if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_INTERNAL)
		ends->told++;
	else
		ends->bad++;
	if (WIFSIGNALED(status))
		printf("# ended by signal %d\n", WTERMSIG(status));
	else if (WEXITSTATUS(status) != EXIT_OK && WEXITSTATUS(status) != EXIT_INTERNAL)
		printf("# ended with exit code %d\n", WEXITSTATUS(status));
}

/* Who has ended is started anew until the round is over, then waited for. */
static void watch(struct round *round, pid_t *workers, struct ends *ends)
{
	uint64_t over_ns = ring_now_ns() + ROUND_MS * MS, late_ns = over_ns + END_MS * MS;
	unsigned running = WORKERS;

	while (running > 0) {
		uint64_t now = ring_now_ns();
		int status;

		if (now >= over_ns)
			atomic_store(&round->is_over, true);
		for (unsigned i = 0; i < WORKERS; i++) {
			if (workers[i] == 0)
				continue;
			if (now >= late_ns) {
				(void)kill(workers[i], SIGKILL);
				(void)waitpid(workers[i], NULL, 0);
				ends->late++;
			} else if (waitpid(workers[i], &status, WNOHANG) != workers[i]) {
				continue;
			} else {
				note_end(ends, status);
			}
			workers[i] = now < over_ns ? start(round, work, i) : 0;
			running -= workers[i] == 0;
		}
		(void)nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
}

static void play(struct round *round, unsigned kind, unsigned number, struct ends *ends)
{
	const struct ring_options options = { .slots = SLOTS, .item_max = ITEM_MAX, .members = MEMBERS };
	pid_t workers[WORKERS], scribbler;

	(void)snprintf(round->ring, sizeof(round->ring), "scribble-%d-%u", (int)getpid(), number);
	(void)snprintf(round->file, sizeof(round->file), "/dev/shm/shmline.%s", round->ring);
	atomic_store(&round->is_over, false);
	if (ring_create(round->ring, &options)) {
		perror("scribble: ring_create");
		exit(EXIT_CANT_CREATE);
	}
	for (unsigned i = 0; i < WORKERS; i++)
		workers[i] = start(round, work, i);
	scribbler = start(round, scribble, kind);
	watch(round, workers, ends);
	(void)kill(scribbler, SIGKILL);
	(void)waitpid(scribbler, NULL, 0);
	(void)unlink(round->file);
}

int main(int argc, char **argv)
{
	uint64_t seconds = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
	uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 0) : ring_now_ns();
	struct round *round = __real_mmap(NULL, sizeof(*round), PROT_READ | PROT_WRITE,
					  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct tap tap = { 0 };
	unsigned number = 0;

	if (round == MAP_FAILED)
		return EXIT_SYSTEM;
	setlinebuf(stdout);
	printf("# seed %llu\n", (unsigned long long)seed);
	for (unsigned kind = 0; kind < KINDS; kind++) {
		uint64_t until = ring_now_ns() + seconds * 1000 * MS;
		struct ends ends = { 0 };

		atomic_store(&round->calls, 0);
		while (ring_now_ns() < until) {
			round->seed = random_next(&seed);
			play(round, kind, ++number, &ends);
		}
		tap_check(&tap, ends.bad == 0 && ends.late == 0,
			  "%s: %u calls, %u ended well, %u with an error, %u otherwise, %u not at all",
			  kinds[kind].name, atomic_load(&round->calls), ends.good, ends.told, ends.bad,
			  ends.late);
	}
	return tap_end(&tap);
}
