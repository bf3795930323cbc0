/* ipc_ping.c - round trips of one item from process to process and back. */
#include "bench/ipc.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { WARM = 50 };	/* not counted: connections and pages come into being */

#define STALLED_NS UINT64_C(8000000000)

static int compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Those that give NULL when it was silent are asked again. */
static const void *get(struct end *end)
{
	const void *data;

	do
		data = end->channel->transport->begin_get(end);
	while (!data);
	return data;
}

static void put(struct end *to, const void *data)
{
	memcpy(to->channel->transport->begin_put(to), data, to->channel->len);
	to->channel->transport->end_put(to);
}

static pid_t start_echo(struct channel *there, struct channel *back, unsigned n)
{
	struct end from = { .channel = there, .side = END_CONSUMER };
	struct end to = { .channel = back, .side = END_PRODUCER };
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	enter(&from);
	enter(&to);
	for (unsigned i = 0; i < WARM + n; i++) {
		put(&to, get(&from));
		there->transport->end_get(&from);
	}
	if (back->transport->ending == ENDS_SILENT)
		nap(SILENT_MS * 1000);	/* what is closed at once may not go out */
	leave(&to);
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
	enter(&to);
	enter(&from);
	for (unsigned i = 0; i < WARM + n; i++) {
		uint64_t began;

		if (pause_us && i >= WARM)
			nap(pause_us);
		began = now_ns();
		put(&to, item);
		(void)get(&from);
		back->transport->end_get(&from);
		if (i >= WARM)
			ns[i - WARM] = (double)(now_ns() - began);
	}
	leave(&to);
	_exit(0);
}

enum outcome ipc_ping(const struct transport *transport, const struct channel *shape, unsigned pause_us,
		      double *ns, unsigned n)
{
	double *shared = map_shared(n * sizeof(*shared));
	struct channel there, back;
	pid_t pids[2];
	enum outcome outcome;

	open_channel(&there, transport, shape, "a");
	open_channel(&back, transport, shape, "b");
	pids[0] = start_echo(&there, &back, n);
	pids[1] = start_caller(&there, &back, pause_us, shared, n);
	outcome = wait_for_all(pids, 2, now_ns() + STALLED_NS);
	memcpy(ns, shared, n * sizeof(*ns));
	qsort(ns, n, sizeof(*ns), compare);
	close_channel(&there);
	close_channel(&back);
	(void)munmap(shared, n * sizeof(*shared));
	return outcome;
}
