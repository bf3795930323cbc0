/* ipc_run.c - one run: the processes of a shape, every item counted and its content checked. */
#include "bench/ipc.h"

#include <err.h>
#include <inttypes.h>
#include <semaphore.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PROCESSES_MAX = 128 };

/* After this long behind the end it has stalled: nearly all end within milliseconds. In servers and sockets
   there may stand more than in a ring, and it is yet to be taken. */
enum { STALLED_MS = 2000, STALLED_LONG_MS = 8000, SILENCES_MAX = 6000 / SILENT_MS };

/* What one process says at its end; a line each. */
struct tally {
	_Alignas(128) _Atomic uint64_t items;
	uint64_t hash, ended_ns;
};

struct board {
	atomic_uint ready, producers_done, consumers_done;
	_Alignas(128) sem_t go;		/* a post for each process */
	_Alignas(128) atomic_bool stops;
	struct tally tally[PROCESSES_MAX];
};

/* ------------------------------------------------------------------ what items hold */

#define MULTIPLIER UINT64_C(0x9e3779b97f4a7c15)

/* Its number, and words that follow from it: whoever mixes up two items' bytes is seen. */
static void fill(void *data, size_t len, uint64_t number)
{
	uint64_t *words = data;

	words[0] = number;
	for (size_t i = 1; i < len / sizeof(*words); i++)
		words[i] = number * (MULTIPLIER + 2 * i);
}

static uint64_t scatter(uint64_t sum)
{
	return (sum ^ sum >> 29) * MULTIPLIER;
}

/* Of what has come. */
static uint64_t hash(const void *data, size_t len)
{
	const uint64_t *words = data;
	uint64_t sum = 0;

	for (size_t i = 0; i < len / sizeof(*words); i++)
		sum += words[i] * (2 * i + 1);
	return scatter(sum);
}

/* scatter(number * factor(len)) is what hash() makes of an item as fill() fills it: so who writes it
   needs not read it again. */
static uint64_t factor(size_t len)
{
	uint64_t sum = 1;

	for (size_t i = 1; i < len / sizeof(sum); i++)
		sum += (MULTIPLIER + 2 * i) * (2 * i + 1);
	return sum;
}

/* ------------------------------------------------------------------ processes */

static void work(unsigned ns)
{
	uint64_t until;

	if (ns == 0)
		return;
	until = now_ns() + ns;
	while (now_ns() < until)
		__builtin_ia32_pause();
}

static void produce(struct end *end, struct board *board, struct tally *tally)
{
	const struct transport *transport = end->channel->transport;
	size_t len = end->channel->len;
	uint64_t number = ((uint64_t)end->number + 1) << 40, items = 0, sum = 0, by = factor(len);

	while (!atomic_load_explicit(&board->stops, memory_order_relaxed)) {
		work(end->channel->work_ns[END_PRODUCER]);
		fill(transport->begin_put(end), len, ++number);
		sum += scatter(number * by);
		items++;
		transport->end_put(end);
	}
	atomic_store(&tally->items, items);
	tally->hash = sum;
	tally->ended_ns = now_ns();
}

static bool is_over(const struct channel *channel, const struct board *board)
{
	return atomic_load(&board->producers_done) == channel->producers;
}

/* Has all that was put been got? Each consumer tells what it has when it has been silent. */
static bool is_all_there(const struct channel *channel, const struct board *board)
{
	uint64_t missing = 0;

	if (!is_over(channel, board))
		return false;
	for (unsigned i = 0; i < channel->producers; i++)
		missing += atomic_load(&board->tally[i].items);
	for (unsigned i = 0; i < channel->consumers; i++)
		missing -= atomic_load(&board->tally[channel->producers + i].items);
	return missing == 0;
}

/* Until transport->ending says that nothing more will come. */
static void consume(struct end *end, const struct board *board, struct tally *tally)
{
	const struct transport *transport = end->channel->transport;
	size_t len = end->channel->len;
	uint64_t items = 0, sum = 0, silent_ns = 0;
	unsigned silences = 0;

	for (;;) {
		const uint64_t *data = transport->begin_get(end);

		if (!data && transport->ending == ENDS_SILENT) {
			silent_ns = silent_ns ? silent_ns : now_ns() - SILENT_MS * UINT64_C(1000000);
			silences += is_over(end->channel, board);
			atomic_store(&tally->items, items);
			if (!is_all_there(end->channel, board) && silences < SILENCES_MAX)
				continue;
		}
		if (!data)
			break;
		if (data[0] == 0) {
			transport->end_get(end);
			break;
		}
		sum += hash(data, len);
		items++;
		work(end->channel->work_ns[END_CONSUMER]);
		transport->end_get(end);
		silent_ns = 0;
	}
	atomic_store(&tally->items, items);
	tally->hash = sum;
	tally->ended_ns = silent_ns ? silent_ns : now_ns();
}

static pid_t start(struct channel *channel, struct board *board, int side, unsigned number)
{
	struct end end = { .channel = channel, .side = side, .number = number };
	pid_t pid = fork();

	if (pid < 0)
		err(1, "fork");
	if (pid > 0)
		return pid;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	enter(&end);
	atomic_fetch_add(&board->ready, 1);
	while (sem_wait(&board->go))
		;
	if (side == END_PRODUCER) {
		produce(&end, board, &board->tally[number]);
		atomic_fetch_add(&board->producers_done, 1);
		while (channel->transport->ending == ENDS_SILENT &&
		       atomic_load(&board->consumers_done) < channel->consumers)
			nap(1000);
		leave(&end);
	} else {
		consume(&end, board, &board->tally[channel->producers + number]);
		leave(&end);
		atomic_fetch_add(&board->consumers_done, 1);
	}
	_exit(0);
}

/* An end mark for each consumer, one after the other, so that no batch has two of them. From a
   process of its own, which a stalled transport may keep. */
static pid_t start_marks(struct channel *channel, struct board *board)
{
	struct end end = { .channel = channel, .side = END_PRODUCER, .number = channel->producers };
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)prctl(PR_SET_TIMERSLACK, 1UL);
	for (unsigned i = 0; i < channel->consumers; i++) {
		enter(&end);
		memset(channel->transport->begin_put(&end), 0, channel->len);
		channel->transport->end_put(&end);
		leave(&end);
		while (atomic_load(&board->consumers_done) <= i)
			nap(20);
	}
	_exit(0);
}

static enum outcome worse(enum outcome a, enum outcome b)
{
	return a > b ? a : b;
}

enum outcome wait_for_all(const pid_t *pids, unsigned n, uint64_t until_ns)
{
	enum outcome worst = ENDED_WELL;

	for (unsigned i = 0; i < n; i++) {
		enum outcome end = ENDED_WELL;
		int status = 0;

		while (waitpid(pids[i], &status, WNOHANG) == 0) {
			if (now_ns() > until_ns) {
				(void)kill(pids[i], SIGKILL);
				end = STALLED;
			}
			nap(200);
		}
		if (status != 0 && end == ENDED_WELL)
			end = FAILED;
		worst = worse(worst, end);
	}
	return worst;
}

static double children_cpu_us(void)
{
	struct rusage usage;

	(void)getrusage(RUSAGE_CHILDREN, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

/* ------------------------------------------------------------------ a run */

/* Is it all the same that came, and how fast did it? */
static struct result sum_up(const struct board *board, const struct channel *shape, uint64_t began_ns,
			    const char *name)
{
	struct tally in = { 0 }, out = { 0 };
	uint64_t ended_ns = began_ns + 1;

	for (unsigned i = 0; i < shape->producers + shape->consumers; i++) {
		struct tally *side = i < shape->producers ? &in : &out;

		side->items += atomic_load(&board->tally[i].items);
		side->hash += board->tally[i].hash;
		if (board->tally[i].ended_ns > ended_ns)
			ended_ns = board->tally[i].ended_ns;
	}
	if (in.items != out.items || in.hash != out.hash)
		warnx("%s: %" PRIu64 " items put, %" PRIu64 " got, their contents %s", name, in.items, out.items,
		      in.hash == out.hash ? "the same" : "not the same");
	return (struct result){
		.outcome = in.items == out.items && in.hash == out.hash && out.items > 0 ? ENDED_WELL : FAILED,
		.items = out.items,
		.items_s = (double)out.items * 1e3 / (double)(ended_ns - began_ns),
	};
}

/* Until so many are ready. Nobody may end before. */
static void wait_ready(struct channel *channel, const struct board *board, unsigned n)
{
	while (atomic_load(&board->ready) < n) {
		siginfo_t ended = { .si_pid = 0 };

		if (waitid(P_ALL, 0, &ended, WEXITED | WNOHANG | WNOWAIT) == 0 && ended.si_pid != 0) {
			close_channel(channel);
			errx(1, "%s: a process ended before the run began", channel->transport->name);
		}
		nap(100);
	}
}

static void start_all(struct channel *channel, struct board *board, pid_t *pids)
{
	/* Consumers first: what listens is there before those who call. */
	for (unsigned i = 0; i < channel->consumers; i++)
		pids[channel->producers + i] = start(channel, board, END_CONSUMER, i);
	wait_ready(channel, board, channel->consumers);
	for (unsigned i = 0; i < channel->producers; i++)
		pids[i] = start(channel, board, END_PRODUCER, i);
	wait_ready(channel, board, channel->consumers + channel->producers);
}

static enum outcome stop_all(struct channel *channel, struct board *board, const pid_t *pids)
{
	enum ending ending = channel->transport->ending;
	bool is_long = channel->transport->program || ending == ENDS_SILENT;
	uint64_t until_ns = now_ns() + (is_long ? STALLED_LONG_MS : STALLED_MS) * UINT64_C(1000000);
	const pid_t *producers = pids, *consumers = pids + channel->producers;
	enum outcome outcome = ENDED_WELL;
	pid_t marks;

	atomic_store(&board->stops, true);
	if (ending != ENDS_SILENT)
		outcome = wait_for_all(producers, channel->producers, until_ns);
	if (ending == ENDS_WITH_MARK)
		marks = start_marks(channel, board);
	outcome = worse(outcome, wait_for_all(consumers, channel->consumers, until_ns));
	if (ending == ENDS_WITH_MARK)
		outcome = worse(outcome, wait_for_all(&marks, 1, until_ns));
	if (ending == ENDS_SILENT)
		outcome = worse(outcome, wait_for_all(producers, channel->producers, until_ns));
	return outcome;
}

struct result ipc_run(const struct transport *transport, const struct channel *shape, unsigned ms)
{
	struct board *board = map_shared(sizeof(*board));
	double cpu_us = children_cpu_us();
	struct channel channel;
	struct result result;
	pid_t pids[PROCESSES_MAX];
	enum outcome outcome;
	uint64_t began_ns;

	if (sem_init(&board->go, 1, 0))
		err(1, "sem_init");
	open_channel(&channel, transport, shape, "");
	start_all(&channel, board, pids);
	began_ns = now_ns();
	for (unsigned i = 0; i < shape->producers + shape->consumers; i++)
		(void)sem_post(&board->go);
	nap(ms * 1000);
	outcome = stop_all(&channel, board, pids);
	result = outcome == ENDED_WELL ? sum_up(board, shape, began_ns, transport->name) :
		 (struct result){ .outcome = outcome };
	close_channel(&channel);
	result.cpu_us = (children_cpu_us() - cpu_us) / (double)(result.items ? result.items : 1);
	(void)munmap(board, sizeof(*board));
	return result;
}
