/*
 * ipc_rte.c - DPDK's rte_ring, placed in shared memory: the bound for what spins. Its headers are
 * enough, but for rte_ring_init(), of which what matters is here. Single calls with its default
 * synchronisation; batches are bursts in head-tail sync, which it has for processes that may be
 * preempted.
 */
#include "bench/ipc.h"

#if __has_include(<rte_ring.h>)
#include <rte_config.h>
#include <rte_ring.h>

static unsigned size_of(const struct channel *channel)
{
	return 2 * channel->slots;	/* a power of two above the number of items that it may hold */
}

static size_t rte_size(const struct channel *channel)
{
	return sizeof(struct rte_ring) + size_of(channel) * channel->len;
}

static void rte_make(struct channel *channel)
{
	struct rte_ring *ring = channel->shared;
	enum rte_ring_sync_type sync = channel->batch > 1 ? RTE_RING_SYNC_MT_HTS : RTE_RING_SYNC_MT;

	ring->size = size_of(channel);
	ring->mask = ring->size - 1;
	ring->capacity = channel->slots;
	ring->prod.sync_type = ring->cons.sync_type = sync;
}

static void put_all(struct end *end)
{
	unsigned len = (unsigned)end->channel->len, done = 0;

	for (;;) {
		done += rte_ring_enqueue_burst_elem(end->channel->shared, many_item(end, done), len,
						    end->many.n - done, NULL);
		if (done == end->many.n)
			return;
		__builtin_ia32_pause();
	}
}

static void get_some(struct end *end)
{
	unsigned len = (unsigned)end->channel->len;

	for (;;) {
		end->many.n = rte_ring_dequeue_burst_elem(end->channel->shared, many_item(end, 0), len,
							  batch_of(end), NULL);
		if (end->many.n > 0)
			return;
		__builtin_ia32_pause();
	}
}

const struct transport transport_rte = {
	.name = "rte_ring", .note = "a process that is not running blocks all others; never sleeps",
	.shared_size = rte_size, .make = rte_make, GATHERS(put_all, get_some),
};
#else
const struct transport transport_rte = { .name = "rte_ring", .absent = "built without DPDK's headers" };
#endif
