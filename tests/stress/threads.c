/*
 * threads.c - producers and consumers that are threads of one process, each with a handle of its own,
 * while others attach, leave, look and check. Made for ThreadSanitizer, which sees no other processes.
 *
 *	threads [SECONDS [SEED]]
 *
 * Each item says who made it, which one it is, and what all its bytes must be. In each round every item
 * that was accepted is ended once; half of the rounds are cut short by a strict stop.
 */
#include "stress.h"

#include "shm/ring.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PRODUCERS = 3, CONSUMERS = 3, ITEMS = 3000, ITEM_MAX = 40, BATCH = 5 };

/* What a round found wrong, in the order in which it is told. */
enum fault { FAILED, SPOILT, OUT_OF_ORDER, ENDED_TWICE, LOST, LATE, UNSOUND, FAULTS };

static const char *const fault_texts[FAULTS] = {
	[FAILED] = "no call fails",
	[SPOILT] = "every item has the bytes that were published",
	[OUT_OF_ORDER] = "one producer's items first come in their order",
	[ENDED_TWICE] = "no item is ended twice",
	[LOST] = "every item that was accepted is ended",
	[LATE] = "nothing is published once a strict stop is up",
	[UNSOUND] = "the ring is sound and its books balance",
};

struct item { uint32_t maker, number; uint8_t bytes[]; };

struct round {
	struct ring *ring;	/* the launcher's */
	atomic_uint accepted[PRODUCERS];	/* its items 0 to this, less one */
	atomic_uchar ended[PRODUCERS][ITEMS];
	atomic_uint faults[FAULTS], dead, working;
	atomic_bool is_shut;
};

struct thread { pthread_t id; struct round *round; unsigned number; uint64_t seed; };

static void fault(struct round *round, enum fault kind, const char *what)
{
	if (atomic_fetch_add(&round->faults[kind], 1) == 0)
		fprintf(stderr, "threads: %s: %s (%s %s)\n", fault_texts[kind], what, strerror(errno),
			ring_why());
}

static struct ring *join(struct round *round, unsigned roles, unsigned number)
{
	struct ring *ring = ring_share(round->ring, roles, number);

	if (!ring)
		fault(round, FAILED, "ring_share");
	return ring;
}

/* ------------------------------------------------------------------ producers */

static size_t make_item(void *data, unsigned maker, unsigned number)
{
	struct item *item = data;
	size_t len = number % (ITEM_MAX - sizeof(*item) + 1);

	item->maker = maker;
	item->number = number;
	memset(item->bytes, (int)(number & 0xff), len);
	return sizeof(*item) + len;
}

static enum ring_result publish(struct thread *thread, struct ring *ring, unsigned number)
{
	struct ring_item item;
	enum ring_result result = ring_reserve(ring, &item, -1);
	bool was_shut;

	if (result != RING_OK)
		return result;
	if (random_one_in(&thread->seed, 32))
		(void)usleep(1000);	/* a strict stop may come */
	was_shut = atomic_load(&thread->round->is_shut);
	if (random_one_in(&thread->seed, 16)) {
		ring_cancel(ring, &item);
		return RING_TIMEOUT;
	}
	item.len = make_item(item.data, thread->number, number);
	result = ring_publish(ring, &item);
	if (result == RING_OK && was_shut)
		fault(thread->round, LATE, "ring_publish");
	return result;
}

static enum ring_result publish_batch(struct thread *thread, struct ring *ring, unsigned *number)
{
	uint64_t bytes[BATCH][ITEM_MAX / 8];
	struct iovec items[BATCH];
	size_t n = 0, done;
	enum ring_result result;

	for (; n < BATCH && *number + n < ITEMS; n++)
		items[n] = (struct iovec){
			bytes[n], make_item(bytes[n], thread->number, *number + (unsigned)n)
		};
	result = ring_put_batch(ring, items, n, &done, -1);
	*number += (unsigned)done;
	return result;
}

static void *produce(void *context)
{
	struct thread *thread = context;
	struct ring *ring = join(thread->round, RING_PRODUCER, thread->number + 1);
	enum ring_result result = RING_OK;
	unsigned number = 0;

	while (ring && number < ITEMS && (result == RING_OK || result == RING_TIMEOUT)) {
		if (random_one_in(&thread->seed, 4)) {
			result = publish_batch(thread, ring, &number);
			continue;
		}
		result = publish(thread, ring, number);
		number += result == RING_OK;
	}
	atomic_store(&thread->round->accepted[thread->number], number);
	if (result == RING_ERROR)
		fault(thread->round, FAILED, "a publish");
	ring_close(ring);
	atomic_fetch_sub(&thread->round->working, 1);
	return NULL;
}

/* ------------------------------------------------------------------ consumers */

static bool is_whole(const struct ring_item *got, const struct item *item)
{
	if (got->len < sizeof(*item) || item->maker >= PRODUCERS || item->number >= ITEMS ||
	    got->len != sizeof(*item) + item->number % (ITEM_MAX - sizeof(*item) + 1))
		return false;
	for (size_t i = 0; i < got->len - sizeof(*item); i++)
		if (item->bytes[i] != (item->number & 0xff))
			return false;
	return true;
}

static int end_item(struct thread *thread, struct ring *ring, struct ring_item *got)
{
	const struct item *item = got->data;
	unsigned maker = item->maker, number = item->number;
	int failed;

	switch (random_below(&thread->seed, 8)) {
	case 0:
		return ring_give_back(ring, got, 0, true);
	case 1:
		return ring_give_back(ring, got, 1, false);
	case 2:
		failed = ring_dead(ring, got, 1);
		atomic_fetch_add(&thread->round->dead, 1);
		break;
	default:
		failed = ring_ack(ring, got);
		break;
	}
	if (atomic_fetch_add(&thread->round->ended[maker][number], 1))
		fault(thread->round, ENDED_TWICE, "an item");
	return failed;
}

/* What one consumer is given of one producer for the first time comes in order. */
static void check_order(struct thread *thread, const struct ring_item *got, uint32_t next[PRODUCERS])
{
	const struct item *item = got->data;

	if (got->deliveries > 1)
		return;
	if (item->number < next[item->maker])
		fault(thread->round, OUT_OF_ORDER, "a first delivery");
	next[item->maker] = item->number + 1;
}

static enum ring_result take_some(struct thread *thread, struct ring *ring, uint32_t next[PRODUCERS])
{
	struct ring_item items[BATCH];
	size_t taken;
	enum ring_result result = ring_take_batch(ring, items, 1 + random_below(&thread->seed, BATCH),
						  &taken, -1);

	for (size_t i = 0; i < taken; i++) {
		if (!is_whole(&items[i], items[i].data)) {
			fault(thread->round, SPOILT, "an item");
			return RING_ERROR;
		}
		check_order(thread, &items[i], next);
		if (end_item(thread, ring, &items[i]))
			fault(thread->round, FAILED, "the end of an item");
	}
	return result;
}

static void *consume(void *context)
{
	struct thread *thread = context;
	struct ring *ring = join(thread->round, RING_CONSUMER, 0);
	uint32_t next[PRODUCERS] = { 0 };
	enum ring_result result = RING_OK;

	while (ring && result == RING_OK) {
		result = take_some(thread, ring, next);
		/* Leave now and then, and come back: what is in hand goes back. */
		if (result == RING_OK && random_one_in(&thread->seed, 500)) {
			struct ring_item item;

			(void)ring_take(ring, &item, 0);
			ring_close(ring);
			ring = join(thread->round, RING_CONSUMER, 0);
		}
	}
	if (result != RING_DRAINED)
		fault(thread->round, FAILED, "a take");
	ring_close(ring);
	return NULL;
}

/* ------------------------------------------------------------------ a round */

static void report(const char *sentence, void *round)
{
	fault(round, UNSOUND, sentence);
}

/* Look at everything, as ringctl would, while the others work. */
static void look(struct round *round)
{
	struct ring_stats stats;
	struct ring_member member;
	struct ring_view view;
	uint64_t bytes[ITEM_MAX / 8];

	(void)ring_fsck(round->ring, false, report, round);
	if (ring_stats(round->ring, &stats))
		fault(round, UNSOUND, "ring_stats");
	for (uint32_t i = 1; i <= ring_member_limit(round->ring); i++)
		if (ring_member(round->ring, i, &member) < 0)
			fault(round, FAILED, "ring_member");
	for (uint32_t i = 0; i < ring_slots(round->ring); i++)
		if (ring_look(round->ring, i, &view, bytes, sizeof(bytes)) < 0)
			fault(round, UNSOUND, "ring_look");
}

static void launch(struct round *round, bool is_cut_short)
{
	unsigned looks = 0;

	while (atomic_load(&round->working) > 0) {
		ring_sweep(round->ring);
		look(round);
		if (is_cut_short && ++looks == 5) {
			ring_stop(round->ring, RING_STOP_STRICT, RING_CAUSE_USER);
			atomic_store(&round->is_shut, true);
		}
		(void)usleep(1000);
	}
	ring_stop(round->ring, RING_STOP_SOFT, RING_CAUSE_END);
	ring_hold(round->ring, false);
}

static void check_books(struct round *round, bool is_cut_short)
{
	struct ring_books books;
	struct ring_stats stats;
	uint64_t accepted = 0;

	for (unsigned p = 0; p < PRODUCERS; p++) {
		unsigned n = atomic_load(&round->accepted[p]);

		accepted += n;
		for (unsigned i = 0; i < ITEMS; i++)
			if (atomic_load(&round->ended[p][i]) != (i < n))
				fault(round, i < n ? LOST : ENDED_TWICE, "at the end");
	}
	(void)ring_fsck(round->ring, true, report, round);
	ring_books(round->ring, &books);
	if (ring_stats(round->ring, &stats) || stats.left > 0 || books.published != accepted ||
	    books.dead != atomic_load(&round->dead) || books.acked != accepted - books.dead)
		fault(round, UNSOUND, "the books");
	if (is_cut_short && stats.stop == RING_STOP_STRICT && stats.stop_published != accepted)
		fault(round, LATE, "stop_published");
}

static void play(struct round *round, uint64_t *seed, bool is_cut_short)
{
	struct thread threads[PRODUCERS + CONSUMERS];

	atomic_store(&round->working, PRODUCERS);
	for (unsigned i = 0; i < PRODUCERS + CONSUMERS; i++) {
		threads[i] = (struct thread){
			.round = round, .seed = random_next(seed),
			.number = i < PRODUCERS ? i : i - PRODUCERS,
		};
		if (pthread_create(&threads[i].id, NULL, i < PRODUCERS ? produce : consume,
				   &threads[i])) {
			perror("threads: pthread_create");
			exit(1);
		}
	}
	launch(round, is_cut_short);
	for (unsigned i = 0; i < PRODUCERS + CONSUMERS; i++)
		(void)pthread_join(threads[i].id, NULL);
	check_books(round, is_cut_short);
}

static void open_ring(struct round *round, uint64_t *seed)
{
	const struct ring_options options = {
		.slots = 2 + random_below(seed, 30),
		.item_max = ITEM_MAX,
		.members = PRODUCERS + CONSUMERS + 1,	/* and so each entry is used again and again */
	};
	char name[40];

	(void)snprintf(name, sizeof(name), "threads-%d", (int)getpid());
	round->ring = ring_open_or_create(name, &options, RING_LAUNCHER | RING_HOLDER, 0);
	if (!round->ring) {
		fprintf(stderr, "threads: no ring: %s (%s)\n", strerror(errno), ring_why());
		exit(1);
	}
}

int main(int argc, char **argv)
{
	uint64_t seconds = argc > 1 ? strtoull(argv[1], NULL, 10) : 3;
	uint64_t first_seed = argc > 2 ? strtoull(argv[2], NULL, 10) : ring_now_ns();
	uint64_t seed = first_seed, end = ring_now_ns() + seconds * 1000000000, faults[FAULTS] = { 0 };
	unsigned rounds = 0, kept = 0;
	struct tap tap = { 0 };

	do {
		struct round *round = calloc(1, sizeof(*round));

		if (!round)
			return 1;
		open_ring(round, &seed);
		play(round, &seed, rounds++ % 2);
		kept += !ring_close_last(round->ring);
		for (int i = 0; i < FAULTS; i++)
			faults[i] += atomic_load(&round->faults[i]);
		free(round);
	} while (ring_now_ns() < end);

	printf("# %u rounds, seed %" PRIu64 "\n", rounds, first_seed);
	for (int i = 0; i < FAULTS; i++)
		(void)tap_check(&tap, faults[i] == 0, "threads: %s", fault_texts[i]);
	(void)tap_check(&tap, kept == 0, "threads: the last one out removes the ring");
	return tap_end(&tap);
}
