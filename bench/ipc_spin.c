/*
 * ipc_spin.c - rings without locks that survive no kill: Vyukov's bounded queue (a sequence number a
 * slot, 1024cores.net), spinning or sleeping on a futex, Concurrency Kit's, and one for a single
 * producer and a single consumer, about the limit for single calls. The bound for what spins.
 */
#include "bench/ipc.h"

#include <linux/futex.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

struct vyukov {
	_Alignas(128) _Atomic uint64_t head;
	_Alignas(128) _Atomic uint64_t tail;
	_Alignas(128) _Atomic uint32_t sleepers, epoch;
	_Alignas(128) unsigned char cells[];
};

struct cell {
	_Atomic uint64_t sequence;
	unsigned char data[];
};

static size_t stride(const struct channel *channel)
{
	return (sizeof(struct cell) + channel->len + 63) / 64 * 64;
}

static size_t vyukov_size(const struct channel *channel)
{
	return sizeof(struct vyukov) + channel->slots * stride(channel);
}

static struct cell *cell_at(const struct channel *channel, uint64_t position)
{
	struct vyukov *ring = channel->shared;

	return (struct cell *)(void *)(ring->cells + position % channel->slots * stride(channel));
}

static void vyukov_make(struct channel *channel)
{
	for (uint64_t i = 0; i < channel->slots; i++)
		atomic_init(&cell_at(channel, i)->sequence, i);
}

static void vyukov_join(struct end *end)
{
	(void)buffer_of(end);
}

static bool sleeps(const struct end *end)
{
	return end->channel->transport == &transport_vyukov_futex;
}

/* Until somebody has gone on, or for a millisecond: both sides sleep here. */
static void wait_a_little(struct end *end, unsigned tries)
{
	struct vyukov *ring = end->channel->shared;

	if (!sleeps(end) || tries < 200) {
		__builtin_ia32_pause();
		return;
	}
	struct timespec millisecond = { .tv_nsec = 1000000 };
	uint32_t epoch = atomic_load(&ring->epoch);

	atomic_fetch_add(&ring->sleepers, 1);
	(void)syscall(SYS_futex, &ring->epoch, FUTEX_WAIT, epoch, &millisecond, NULL, 0);
	atomic_fetch_sub(&ring->sleepers, 1);
}

static void tell(struct end *end)
{
	struct vyukov *ring = end->channel->shared;

	if (!sleeps(end))
		return;
	atomic_thread_fence(memory_order_seq_cst);
	if (atomic_load_explicit(&ring->sleepers, memory_order_relaxed) == 0)
		return;
	atomic_fetch_add(&ring->epoch, 1);
	(void)syscall(SYS_futex, &ring->epoch, FUTEX_WAKE, 1, NULL, NULL, 0);
}

/* The cell whose turn it is at *side, claimed: its sequence is the position + ahead. */
static struct cell *claim(struct end *end, _Atomic uint64_t *side, uint64_t ahead, uint64_t *position)
{
	uint64_t at = atomic_load_explicit(side, memory_order_relaxed);

	for (unsigned tries = 0;; tries++) {
		struct cell *cell = cell_at(end->channel, at);
		uint64_t sequence = atomic_load_explicit(&cell->sequence, memory_order_acquire);

		if (sequence == at + ahead) {
			if (atomic_compare_exchange_weak_explicit(side, &at, at + 1,
								  memory_order_relaxed,
								  memory_order_relaxed)) {
				*position = at;
				return cell;
			}
			continue;
		}
		wait_a_little(end, tries);
		at = atomic_load_explicit(side, memory_order_relaxed);
	}
}

static void vyukov_put(struct end *end)
{
	struct vyukov *ring = end->channel->shared;
	uint64_t position;
	struct cell *cell = claim(end, &ring->tail, 0, &position);

	memcpy(cell->data, end->buffer, end->channel->len);
	atomic_store_explicit(&cell->sequence, position + 1, memory_order_release);
	tell(end);
}

static const void *vyukov_get(struct end *end)
{
	struct vyukov *ring = end->channel->shared;
	uint64_t position;
	struct cell *cell = claim(end, &ring->head, 1, &position);

	memcpy(end->buffer, cell->data, end->channel->len);
	atomic_store_explicit(&cell->sequence, position + end->channel->slots, memory_order_release);
	tell(end);
	return end->buffer;
}

static void end_get(struct end *end)
{
	(void)end;
}

#define VYUKOV .shared_size = vyukov_size, .make = vyukov_make, .join = vyukov_join, \
	.begin_put = buffer_of, .end_put = vyukov_put, .begin_get = vyukov_get, .end_get = end_get

const struct transport transport_vyukov = {
	.name = "Vyukov ring, spinning", .note = "a kill blocks it for ever; never sleeps",
	VYUKOV,
};

const struct transport transport_vyukov_futex = {
	.name = "Vyukov ring + futex", .note = "a kill blocks it for ever", VYUKOV,
};

/* ------------------------------------------------------------------ Concurrency Kit */

#if __has_include(<ck_ring.h>)
#include <ck_ring.h>

/* A ring of slot numbers to fill the slots, another of the free ones: it has pointers, not items. */
struct ck {
	ck_ring_t ready, free;
	_Alignas(128) unsigned char rest[];
};

static size_t ring_size(const struct channel *channel)
{
	return 2 * channel->slots;	/* it holds one less than its size, a power of two */
}

static ck_ring_buffer_t *ready_buffer(const struct channel *channel)
{
	struct ck *ck = channel->shared;

	return (ck_ring_buffer_t *)(void *)ck->rest;
}

static ck_ring_buffer_t *free_buffer(const struct channel *channel)
{
	return ready_buffer(channel) + ring_size(channel);
}

static unsigned char *ck_slot(const struct channel *channel, uintptr_t number)
{
	return (unsigned char *)(free_buffer(channel) + ring_size(channel)) +
	       (number - 1) * stride(channel);
}

static size_t ck_size(const struct channel *channel)
{
	return sizeof(struct ck) + 2 * ring_size(channel) * sizeof(ck_ring_buffer_t) +
	       channel->slots * stride(channel);
}

static void ck_make(struct channel *channel)
{
	struct ck *ck = channel->shared;

	ck_ring_init(&ck->ready, (unsigned)ring_size(channel));
	ck_ring_init(&ck->free, (unsigned)ring_size(channel));
	for (uintptr_t i = 1; i <= channel->slots; i++)
		if (!ck_ring_enqueue_mpmc(&ck->free, free_buffer(channel), (void *)i))
			give_up("ck_ring is full");
}

static uintptr_t ck_pop(ck_ring_t *ring, ck_ring_buffer_t *buffer)
{
	void *number;

	while (!ck_ring_dequeue_mpmc(ring, buffer, &number))
		__builtin_ia32_pause();
	return (uintptr_t)number;
}

static void ck_push(ck_ring_t *ring, ck_ring_buffer_t *buffer, uintptr_t number)
{
	while (!ck_ring_enqueue_mpmc(ring, buffer, (void *)number))
		__builtin_ia32_pause();
}

static void *ck_begin_put(struct end *end)
{
	struct ck *ck = end->channel->shared;

	end->own = (void *)ck_pop(&ck->free, free_buffer(end->channel));
	return ck_slot(end->channel, (uintptr_t)end->own);
}

static void ck_end_put(struct end *end)
{
	struct ck *ck = end->channel->shared;

	ck_push(&ck->ready, ready_buffer(end->channel), (uintptr_t)end->own);
}

static const void *ck_begin_get(struct end *end)
{
	struct ck *ck = end->channel->shared;

	end->own = (void *)ck_pop(&ck->ready, ready_buffer(end->channel));
	return ck_slot(end->channel, (uintptr_t)end->own);
}

static void ck_end_get(struct end *end)
{
	struct ck *ck = end->channel->shared;

	ck_push(&ck->free, free_buffer(end->channel), (uintptr_t)end->own);
}

const struct transport transport_ck = {
	.name = "ck_ring", .note = "a process that is not running blocks all others; never sleeps",
	.shared_size = ck_size, .make = ck_make, .join = vyukov_join,
	.begin_put = ck_begin_put, .end_put = ck_end_put,
	.begin_get = ck_begin_get, .end_get = ck_end_get,
};
#else
const struct transport transport_ck = { .name = "ck_ring", .absent = "built without libck-dev" };
#endif

/* ------------------------------------------------------------------ one producer, one consumer */

struct spsc {
	_Alignas(128) _Atomic uint64_t tail;
	_Alignas(128) _Atomic uint64_t head;
	_Alignas(128) unsigned char items[];
};

/* An end's own position, and the other's as it was seen last. */
struct spsc_own {
	uint64_t at, seen;
};

static size_t spsc_size(const struct channel *channel)
{
	return sizeof(struct spsc) + channel->slots * channel->len;
}

static void spsc_join(struct end *end)
{
	struct spsc *ring = end->channel->shared;
	struct spsc_own *own = new_memory(sizeof(*own));

	own->seen = atomic_load(&ring->head);
	own->at = end->side == END_PRODUCER ? atomic_load(&ring->tail) : own->seen;
	end->own = own;
}

static void *spsc_item(const struct end *end, uint64_t position)
{
	struct spsc *ring = end->channel->shared;

	return ring->items + position % end->channel->slots * end->channel->len;
}

static void *spsc_begin_put(struct end *end)
{
	struct spsc *ring = end->channel->shared;
	struct spsc_own *own = end->own;

	while (own->at - own->seen == end->channel->slots) {
		own->seen = atomic_load_explicit(&ring->head, memory_order_acquire);
		__builtin_ia32_pause();
	}
	return spsc_item(end, own->at);
}

static void spsc_end_put(struct end *end)
{
	struct spsc *ring = end->channel->shared;
	struct spsc_own *own = end->own;

	atomic_store_explicit(&ring->tail, ++own->at, memory_order_release);
}

static const void *spsc_begin_get(struct end *end)
{
	struct spsc *ring = end->channel->shared;
	struct spsc_own *own = end->own;

	while (own->seen == own->at) {
		own->seen = atomic_load_explicit(&ring->tail, memory_order_acquire);
		__builtin_ia32_pause();
	}
	return spsc_item(end, own->at);
}

static void spsc_end_get(struct end *end)
{
	struct spsc *ring = end->channel->shared;
	struct spsc_own *own = end->own;

	atomic_store_explicit(&ring->head, ++own->at, memory_order_release);
}

const struct transport transport_spsc = {
	.name = "1 to 1 ring, spinning", .note = "one producer, one consumer; never sleeps",
	.shared_size = spsc_size, .join = spsc_join,
	.begin_put = spsc_begin_put, .end_put = spsc_end_put,
	.begin_get = spsc_begin_get, .end_get = spsc_end_get,
};
