/* ipc_run.c - one run: the processes of a shape, every item counted and its content checked. */
#include "bench/ipc.h"

#include <err.h>
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

/* After this long behind the end it has stalled: nearly all end within a millisecond. In servers and sockets
   there may stand more than in a ring, and it is yet to be taken. */
enum { STALLED_MS = 1000, STALLED_LONG_MS = 4000, SILENCES_MAX = 3000 / SILENT_MS };

/* What one process says at its end; a line each. */
struct tally {
	_Alignas(128) _Atomic uint64_t items;
	uint64_t hash, ended_ns;
};

struct board {
	atomic_uint ready, consumers_done;
	_Alignas(128) atomic_bool goes;
	atomic_bool stops, is_over;	/* producers stop; all have stopped */
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

void *new_memory(size_t size)
{
	void *memory = calloc(1, size);

	if (!memory)
		give_up("no memory");
	return memory;
}

unsigned batch_of(const struct end *end)
{
	return end->channel->batch ? end->channel->batch : 1;
}

uint64_t now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* ------------------------------------------------------------------ gathering */

void *many_item(struct end *end, unsigned i)
{
	if (!end->many.items)
		end->many.items = new_memory(batch_of(end) * end->channel->len);
	return end->many.items + i * end->channel->len;
}

void *many_begin_put(struct end *end)
{
	return many_item(end, end->many.n);
}

void many_end_put(struct end *end)
{
	if (++end->many.n < batch_of(end))
		return;
	end->channel->transport->put_all(end);
	end->many.n = 0;
}

const void *many_begin_get(struct end *end)
{
	if (end->many.at == end->many.n) {
		end->many.at = 0;
		end->channel->transport->get_some(end);
	}
	return many_item(end, end->many.at);
}

void many_end_get(struct end *end)
{
	end->many.at++;
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

void nap(unsigned us)
{
	(void)nanosleep(&(struct timespec){ .tv_sec = us / 1000000, .tv_nsec = (long)us % 1000000 * 1000 },
			NULL);
}

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

/* Has all that was put been got? Each consumer tells what it has when it has been silent. */
static bool is_all_there(const struct channel *channel, const struct board *board)
{
	uint64_t missing = 0;

	if (!atomic_load(&board->is_over))
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
			silences += atomic_load(&board->is_over);
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

void enter(struct end *end)
{
	if (end->channel->transport->join)
		end->channel->transport->join(end);
}

void leave(struct end *end)
{
	const struct transport *transport = end->channel->transport;

	if (transport->put_all && end->side == END_PRODUCER && end->many.n > 0)
		transport->put_all(end);
	end->many.n = end->side == END_PRODUCER ? 0 : end->many.n;
	if (transport->leave)
		transport->leave(end);
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
	while (!atomic_load(&board->goes))
		nap(50);
	if (side == END_PRODUCER) {
		produce(&end, board, &board->tally[number]);
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

bool wait_for_all(const pid_t *pids, unsigned n, uint64_t until_ns)
{
	bool is_good = true;

	for (unsigned i = 0; i < n; i++) {
		int status = 0;

		while (waitpid(pids[i], &status, WNOHANG) == 0) {
			if (now_ns() > until_ns) {
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

void *map_shared(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		err(1, "cannot map %zu bytes", size);
	return memory;
}

void open_channel(struct channel *channel, const struct transport *transport, const struct channel *shape,
		  const char *suffix)
{
	*channel = *shape;
	channel->transport = transport;
	channel->fds[0] = channel->fds[1] = -1;
	(void)snprintf(channel->name, sizeof(channel->name), "bench-%d%s", (int)getpid(), suffix);
	if (transport->shared_size)
		channel->shared = map_shared(transport->shared_size(channel));
	if (transport->make)
		transport->make(channel);
}

void close_channel(struct channel *channel)
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

		side->items += atomic_load(&board->tally[i].items);
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

static void start_all(struct channel *channel, struct board *board, pid_t *pids)
{
	unsigned n = channel->producers + channel->consumers;

	/* Consumers first: what listens is there before those who call. */
	for (unsigned i = 0; i < channel->consumers; i++)
		pids[channel->producers + i] = start(channel, board, END_CONSUMER, i);
	while (atomic_load(&board->ready) < channel->consumers)
		nap(100);
	for (unsigned i = 0; i < channel->producers; i++)
		pids[i] = start(channel, board, END_PRODUCER, i);
	while (atomic_load(&board->ready) < n)
		nap(100);
}

/* false: it stalled. */
static bool stop_all(struct channel *channel, struct board *board, const pid_t *pids)
{
	bool is_marked = channel->transport->ending == ENDS_WITH_MARK, is_good;
	bool is_long = channel->transport->program || channel->transport->ending == ENDS_SILENT;
	uint64_t until_ns = now_ns() + (is_long ? STALLED_LONG_MS : STALLED_MS) * UINT64_C(1000000);
	pid_t marks = 0;

	atomic_store(&board->stops, true);
	is_good = wait_for_all(pids, channel->producers, until_ns);
	atomic_store(&board->is_over, true);
	if (is_marked)
		marks = start_marks(channel, board);
	is_good &= wait_for_all(&pids[channel->producers], channel->consumers, until_ns);
	return is_good & (!is_marked || wait_for_all(&marks, 1, until_ns));
}

struct result ipc_run(const struct transport *transport, const struct channel *shape, unsigned ms)
{
	struct board *board = map_shared(sizeof(*board));
	struct channel channel;
	struct result result;
	pid_t pids[PROCESSES_MAX];
	double cpu_us = children_cpu_us();
	uint64_t began_ns;
	bool is_good;

	open_channel(&channel, transport, shape, "");
	start_all(&channel, board, pids);
	began_ns = now_ns();
	atomic_store(&board->goes, true);
	nap(ms * 1000);
	is_good = stop_all(&channel, board, pids);
	result = sum_up(board, shape, began_ns);
	result.is_stalled = !is_good;
	result.is_good &= is_good;
	close_channel(&channel);
	result.cpu_us = (children_cpu_us() - cpu_us) / result.cpu_us;
	(void)munmap(board, sizeof(*board));
	return result;
}
