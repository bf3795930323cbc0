/* ipc_channel.c - a channel from its making to its end, and what all transports need. */
#include "bench/ipc.h"

#include <err.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

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

void nap(unsigned us)
{
	(void)nanosleep(&(struct timespec){ .tv_sec = us / 1000000, .tv_nsec = (long)us % 1000000 * 1000 },
			NULL);
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

/* ------------------------------------------------------------------ channels */

void *map_shared(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		err(1, "cannot map %zu bytes", size);
	return memory;
}

/* Signals that end the program wait until nothing is left behind by that. */
static void signals_pass(void)
{
	sigset_t ends;

	(void)sigemptyset(&ends);
	(void)sigaddset(&ends, SIGHUP);
	(void)sigaddset(&ends, SIGINT);
	(void)sigaddset(&ends, SIGTERM);
	(void)sigprocmask(SIG_UNBLOCK, &ends, NULL);
	(void)sigprocmask(SIG_BLOCK, &ends, NULL);
}

void open_channel(struct channel *channel, const struct transport *transport, const struct channel *shape,
		  const char *suffix)
{
	signals_pass();
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
	signals_pass();
}

/* ------------------------------------------------------------------ ends */

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
