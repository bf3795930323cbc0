/* ipc_run.c - one run: the processes of a shape, every item counted and its content checked. */
#include "bench/ipc.h"

#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PROCESSES_MAX = 128, STALLED_S = 5 };

/* What one process says at its end; a line each. */
struct tally {
	_Alignas(128) uint64_t items, hash;
	uint64_t ended_ns;
	atomic_bool is_done;
};

struct board {
	atomic_uint ready;
	_Alignas(128) atomic_bool goes;
	atomic_bool stops;
	struct tally tally[PROCESSES_MAX];
};

void give_up(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vwarnx(format, args);
	va_end(args);
	_exit(1);
}

void *buffer_of(struct end *end)
{
	if (!end->buffer) {
		end->buffer = aligned_alloc(64, (end->channel->len + 63) / 64 * 64);
		if (!end->buffer)
			give_up("no memory");
	}
	return end->buffer;
}

static uint64_t now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

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

static uint64_t hash(const void *data, size_t len)
{
	const uint64_t *words = data;
	uint64_t sum = 0;

	for (size_t i = 0; i < len / sizeof(*words); i++)
		sum += words[i] * (2 * i + 1);
	return (sum ^ sum >> 29) * MULTIPLIER;
}

/* ------------------------------------------------------------------ processes */

static void produce(struct end *end, struct board *board, struct tally *tally)
{
	size_t len = end->channel->len;
	uint64_t number = ((uint64_t)end->number + 1) << 40, items = 0, sum = 0;

	while (!atomic_load_explicit(&board->stops, memory_order_relaxed)) {
		void *data = end->channel->transport->begin_put(end);

		fill(data, len, ++number);
		sum += hash(data, len);
		items++;
		end->channel->transport->end_put(end);
	}
	tally->items = items;
	tally->hash = sum;
}

/* To the end mark, an item numbered 0. */
static void consume(struct end *end, struct tally *tally)
{
	size_t len = end->channel->len;
	uint64_t items = 0, sum = 0;

	for (;;) {
		const uint64_t *data = end->channel->transport->begin_get(end);
		bool is_end = data[0] == 0;

		if (!is_end) {
			sum += hash(data, len);
			items++;
		}
		end->channel->transport->end_get(end);
		if (is_end)
			break;
	}
	tally->items = items;
	tally->hash = sum;
}

static void nap(unsigned us)
{
	(void)nanosleep(&(struct timespec){ .tv_sec = us / 1000000, .tv_nsec = (long)us % 1000000 * 1000 },
			NULL);
}

static pid_t start(struct channel *channel, struct board *board, int side, unsigned number,
		   struct tally *tally)
{
	struct end end = { .channel = channel, .side = side, .number = number };
	pid_t pid = fork();

	if (pid < 0)
		err(1, "fork");
	if (pid > 0)
		return pid;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	channel->transport->join(&end);
	atomic_fetch_add(&board->ready, 1);
	while (!atomic_load(&board->goes))
		nap(50);
	if (side == END_PRODUCER)
		produce(&end, board, tally);
	else
		consume(&end, tally);
	tally->ended_ns = now_ns();
	atomic_store(&tally->is_done, true);
	_exit(0);
}

/* An end mark for each consumer. From a process of its own, which a stalled transport may keep. */
static pid_t end_all(struct channel *channel)
{
	struct end end = { .channel = channel, .side = END_PRODUCER, .number = channel->producers };
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	channel->transport->join(&end);
	for (unsigned i = 0; i < channel->consumers; i++) {
		memset(channel->transport->begin_put(&end), 0, channel->len);
		channel->transport->end_put(&end);
	}
	_exit(0);
}

/* false: not all ended in time, or not well; none is left. */
static bool wait_for_all(const pid_t *pids, unsigned n)
{
	uint64_t limit = now_ns() + STALLED_S * UINT64_C(1000000000);
	bool is_good = true;

	for (unsigned i = 0; i < n; i++) {
		int status = 0;

		while (waitpid(pids[i], &status, WNOHANG) == 0) {
			if (now_ns() > limit) {
				(void)kill(pids[i], SIGKILL);
				is_good = false;
			}
			nap(200);
		}
		is_good &= status == 0;
	}
	return is_good;
}

/* ------------------------------------------------------------------ channels */

static void *map(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		err(1, "cannot map %zu bytes", size);
	return memory;
}

static void open_channel(struct channel *channel, const struct transport *transport,
			 const struct channel *shape, const char *suffix)
{
	*channel = *shape;
	channel->transport = transport;
	channel->fds[0] = channel->fds[1] = -1;
	(void)snprintf(channel->name, sizeof(channel->name), "bench-%d%s", (int)getpid(), suffix);
	if (transport->shared_size)
		channel->shared = map(transport->shared_size(channel));
	if (transport->make)
		transport->make(channel);
}

static void close_channel(struct channel *channel)
{
	if (channel->transport->unmake)
		channel->transport->unmake(channel);
	for (int i = 0; i < 2; i++)
		if (channel->fds[i] >= 0)
			(void)close(channel->fds[i]);
	if (channel->shared)
		(void)munmap(channel->shared, channel->transport->shared_size(channel));
}

static double children_cpu_us(void)
{
	struct rusage usage;

	(void)getrusage(RUSAGE_CHILDREN, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

/* ------------------------------------------------------------------ a run */

static struct result sum_up(const struct board *board, const struct channel *shape, uint64_t began_ns)
{
	struct tally in = { 0 }, out = { 0 };
	uint64_t ended_ns = began_ns + 1;

	for (unsigned i = 0; i < shape->producers + shape->consumers; i++) {
		struct tally *side = i < shape->producers ? &in : &out;

		side->items += board->tally[i].items;
		side->hash += board->tally[i].hash;
		if (board->tally[i].ended_ns > ended_ns)
			ended_ns = board->tally[i].ended_ns;
	}
	return (struct result){
		.is_good = in.items == out.items && in.hash == out.hash && out.items > 0,
		.items_s = (double)out.items * 1e3 / (double)(ended_ns - began_ns),
		.cpu_us = (double)out.items,
	};
}

struct result ipc_run(const struct transport *transport, const struct channel *shape, unsigned ms)
{
	struct board *board = map(sizeof(*board));
	struct channel channel;
	struct result result;
	pid_t pids[PROCESSES_MAX], marks;
	unsigned n = shape->producers + shape->consumers;
	double cpu_us = children_cpu_us();
	uint64_t began_ns;
	bool is_good;

	open_channel(&channel, transport, shape, "");
	for (unsigned i = 0; i < n; i++)
		pids[i] = i < shape->producers ?
			  start(&channel, board, END_PRODUCER, i, &board->tally[i]) :
			  start(&channel, board, END_CONSUMER, i - shape->producers, &board->tally[i]);
	while (atomic_load(&board->ready) < n)
		nap(100);
	began_ns = now_ns();
	atomic_store(&board->goes, true);
	nap(ms * 1000);
	atomic_store(&board->stops, true);
	is_good = wait_for_all(pids, shape->producers);
	marks = end_all(&channel);
	is_good &= wait_for_all(&pids[shape->producers], shape->consumers);
	is_good &= wait_for_all(&marks, 1);
	result = sum_up(board, shape, began_ns);
	result.is_stalled = !is_good;
	result.is_good &= is_good;
	result.cpu_us = (children_cpu_us() - cpu_us) / result.cpu_us;
	close_channel(&channel);
	(void)munmap(board, sizeof(*board));
	return result;
}

/* ------------------------------------------------------------------ round trips */

static int compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void pass(struct end *from, struct end *to, const void *answer)
{
	const struct transport *transport = to->channel->transport;
	const void *data = answer ? answer : transport->begin_get(from);

	memcpy(transport->begin_put(to), data, to->channel->len);
	if (!answer)
		transport->end_get(from);
	transport->end_put(to);
}

static pid_t start_echo(struct channel *there, struct channel *back, unsigned n)
{
	struct end from = { .channel = there, .side = END_CONSUMER };
	struct end to = { .channel = back, .side = END_PRODUCER };
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	there->transport->join(&from);
	back->transport->join(&to);
	for (unsigned i = 0; i < n; i++)
		pass(&from, &to, NULL);
	_exit(0);
}

static pid_t start_caller(struct channel *there, struct channel *back, unsigned pause_us, double *ns,
			  unsigned n)
{
	struct end to = { .channel = there, .side = END_PRODUCER };
	struct end from = { .channel = back, .side = END_CONSUMER };
	unsigned char item[4096] = { 0 };
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	there->transport->join(&to);
	back->transport->join(&from);
	for (unsigned i = 0; i < n; i++) {
		uint64_t began;

		if (pause_us)
			nap(pause_us);
		began = now_ns();
		pass(NULL, &to, item);
		(void)back->transport->begin_get(&from);
		back->transport->end_get(&from);
		ns[i] = (double)(now_ns() - began);
	}
	_exit(0);
}

bool ipc_ping(const struct transport *transport, const struct channel *shape, unsigned pause_us,
	      double *ns, unsigned n)
{
	double *shared = map(n * sizeof(*shared));
	struct channel there, back;
	pid_t pids[2];
	bool is_good;

	open_channel(&there, transport, shape, "a");
	open_channel(&back, transport, shape, "b");
	pids[0] = start_echo(&there, &back, n);
	pids[1] = start_caller(&there, &back, pause_us, shared, n);
	is_good = wait_for_all(pids, 2);
	memcpy(ns, shared, n * sizeof(*ns));
	qsort(ns, n, sizeof(*ns), compare);
	close_channel(&there);
	close_channel(&back);
	(void)munmap(shared, n * sizeof(*shared));
	return is_good;
}
