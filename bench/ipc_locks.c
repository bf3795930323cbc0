/*
 * ipc_locks.c - a ring in shared memory under process-shared locks: the textbook's producers and
 * consumers (three semaphores), two semaphores and a mutex, a mutex and condition variables, and those
 * with a robust mutex.
 */
#include "bench/ipc.h"

#include <pthread.h>
#include <semaphore.h>
#include <string.h>

struct locked {
	sem_t mutex, free, ready;
	pthread_mutex_t lock;
	pthread_cond_t not_full, not_empty;
	unsigned head, tail, count;
	_Alignas(64) unsigned char items[];
};

static size_t shared_size(const struct channel *channel)
{
	return sizeof(struct locked) + channel->slots * channel->len;
}

static void make_lock(struct locked *ring, bool is_robust)
{
	pthread_mutexattr_t attributes;
	pthread_condattr_t shared;

	if (pthread_mutexattr_init(&attributes) ||
	    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED) ||
	    (is_robust && pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST)) ||
	    pthread_mutex_init(&ring->lock, &attributes) || pthread_condattr_init(&shared) ||
	    pthread_condattr_setpshared(&shared, PTHREAD_PROCESS_SHARED) ||
	    pthread_cond_init(&ring->not_full, &shared) ||
	    pthread_cond_init(&ring->not_empty, &shared))
		give_up("cannot make a mutex");
}

static void make(struct channel *channel)
{
	struct locked *ring = channel->shared;

	if (sem_init(&ring->mutex, 1, 1) || sem_init(&ring->free, 1, channel->slots) ||
	    sem_init(&ring->ready, 1, 0))
		give_up("cannot make a semaphore");
	make_lock(ring, channel->transport == &transport_robust);
}

static void join(struct end *end)
{
	(void)buffer_of(end);
}

static void add(struct locked *ring, struct end *end)
{
	memcpy(ring->items + ring->tail * end->channel->len, end->buffer, end->channel->len);
	ring->tail = ring->tail + 1 < end->channel->slots ? ring->tail + 1 : 0;
}

static void remove_oldest(struct locked *ring, struct end *end)
{
	memcpy(end->buffer, ring->items + ring->head * end->channel->len, end->channel->len);
	ring->head = ring->head + 1 < end->channel->slots ? ring->head + 1 : 0;
}

static void end_get(struct end *end)
{
	(void)end;
}

/* ------------------------------------------------------------------ semaphores */

static void down(sem_t *semaphore)
{
	while (sem_wait(semaphore))
		;	/* EINTR */
}

static void up(sem_t *semaphore)
{
	if (sem_post(semaphore))
		give_up("sem_post");
}

static void textbook_put(struct end *end)
{
	struct locked *ring = end->channel->shared;

	down(&ring->free);
	down(&ring->mutex);
	add(ring, end);
	up(&ring->mutex);
	up(&ring->ready);
}

static const void *textbook_get(struct end *end)
{
	struct locked *ring = end->channel->shared;

	down(&ring->ready);
	down(&ring->mutex);
	remove_oldest(ring, end);
	up(&ring->mutex);
	up(&ring->free);
	return end->buffer;
}

static void two_semaphores_put(struct end *end)
{
	struct locked *ring = end->channel->shared;

	down(&ring->free);
	(void)pthread_mutex_lock(&ring->lock);
	add(ring, end);
	(void)pthread_mutex_unlock(&ring->lock);
	up(&ring->ready);
}

static const void *two_semaphores_get(struct end *end)
{
	struct locked *ring = end->channel->shared;

	down(&ring->ready);
	(void)pthread_mutex_lock(&ring->lock);
	remove_oldest(ring, end);
	(void)pthread_mutex_unlock(&ring->lock);
	up(&ring->free);
	return end->buffer;
}

/* ------------------------------------------------------------------ condition variables */

static void condition_put(struct end *end)
{
	struct locked *ring = end->channel->shared;

	(void)pthread_mutex_lock(&ring->lock);
	while (ring->count == end->channel->slots)
		(void)pthread_cond_wait(&ring->not_full, &ring->lock);
	add(ring, end);
	ring->count++;
	(void)pthread_mutex_unlock(&ring->lock);
	(void)pthread_cond_signal(&ring->not_empty);
}

static const void *condition_get(struct end *end)
{
	struct locked *ring = end->channel->shared;

	(void)pthread_mutex_lock(&ring->lock);
	while (ring->count == 0)
		(void)pthread_cond_wait(&ring->not_empty, &ring->lock);
	remove_oldest(ring, end);
	ring->count--;
	(void)pthread_mutex_unlock(&ring->lock);
	(void)pthread_cond_signal(&ring->not_full);
	return end->buffer;
}

#define LOCKED(put, get) .shared_size = shared_size, .make = make, .join = join, \
	.begin_put = buffer_of, .end_put = (put), .begin_get = (get), .end_get = end_get

const struct transport transport_textbook = {
	.name = "textbook: 3 semaphores", .note = "a killed owner leaves it locked",
	LOCKED(textbook_put, textbook_get),
};

const struct transport transport_two_semaphores = {
	.name = "2 semaphores + mutex", .note = "a killed owner leaves it locked",
	LOCKED(two_semaphores_put, two_semaphores_get),
};

const struct transport transport_condition = {
	.name = "mutex + condition variables", .note = "a killed owner leaves it locked",
	LOCKED(condition_put, condition_get),
};

const struct transport transport_robust = {
	.name = "robust mutex + condition variables", .note = "the lock survives its owner, the item does not",
	LOCKED(condition_put, condition_get),
};
