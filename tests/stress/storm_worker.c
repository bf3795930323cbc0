/*
 * storm_worker.c - the processes of the storm: producer, consumer, and a launcher at the level of the
 * library. Each writes into the ledger before and after each call; what the driver does to them they
 * don't know.
 */
#include "storm_ledger.h"
#include "stress.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/pidfd.h>
#include <time.h>
#include <unistd.h>

#define LEAVE_ONE_IN 20000	/* items after which a worker goes of its own accord */
#define SWEEP_MS 250
#define LOOK_MS 10		/* how soon the launcher knows of a new worker */

struct payload { struct entry entry; unsigned char rest[]; };

static void rest_us(uint32_t us)
{
	(void)nanosleep(&(struct timespec){ .tv_nsec = us * 1000L }, NULL);
}

static void rest_now_and_then(uint64_t *seed, uint32_t one_in)
{
	if (one_in && random_one_in(seed, one_in))
		rest_us(random_below(seed, 300));
}

/* A call gave what it must not give here. */
static int failed(const struct place *place, const char *call, int result)
{
	violation(place->arena, "%s of worker %u gave %d, errno %d (%s) %s", call, place->worker, result,
		  errno, strerrorname_np(errno), ring_why());
	return 1;
}

/* ------------------------------------------------------------------ producer */

static void fill(struct ring_item *item, struct entry entry, uint64_t *seed)
{
	struct payload *payload = item->data;
	size_t rest = random_below(seed, (uint32_t)(item->len - sizeof(*payload) + 1));

	payload->entry = entry;
	memset(payload->rest, (int)(entry.number & 0xff), rest);
	item->len = sizeof(*payload) + rest;
	item->mark = entry.number;
}

/* A recoverer that is stopped over the predecessor's remains keeps the successor waiting. */
static struct ring *open_as_producer(const struct place *place)
{
	struct ring *ring;

	do
		ring = ring_open(place->arena->round.ring, RING_PRODUCER, place->number);
	while (!ring && errno == EBUSY);
	return ring;
}

/* With a slot reserved: now and then, and when the flag is about to go up. */
static void dawdle(const struct place *place, uint64_t *seed)
{
	if (atomic_load(&place->arena->is_ending) && !atomic_load(&place->arena->is_shut))
		rest_us(random_below(seed, 2000 * LOOK_MS));
	else
		rest_now_and_then(seed, place->arena->round.producer_rest);
}

/* Publish one item. RING_OK or RING_TIMEOUT: go on. */
static enum ring_result produce_one(const struct place *place, struct ring *ring, uint32_t number,
				    uint64_t *seed)
{
	struct entry entry = { .producer = place->number - 1, .number = number };
	struct ring_item item;
	enum ring_result result = ring_reserve(ring, &item, random_one_in(seed, 2) ? -1 : 20);
	bool was_shut;

	if (result != RING_OK)
		return result;
	if (random_one_in(seed, 64)) {
		ring_cancel(ring, &item);
		return RING_TIMEOUT;
	}
	fill(&item, entry, seed);
	dawdle(place, seed);
	ledger_publishing(place, entry);
	was_shut = atomic_load(&place->arena->is_shut);
	result = ring_publish(ring, &item);
	if (result == RING_OK && was_shut)
		violation(place->arena, "producer %u published after the stop flag had gone up",
			  place->number);
	if (result == RING_OK)
		ledger_published(place, entry);
	else if (result == RING_CLOSED)
		ledger_refused(place, entry);
	return result;
}

int storm_produce(const struct place *place)
{
	uint64_t seed = place->seed;
	struct ring *ring = open_as_producer(place);
	enum ring_result result = RING_OK;
	uint32_t last;

	if (!ring)
		return failed(place, "ring_open", -1);
	last = ledger_resume(place, ring_mark(ring));
	while (result == RING_OK || result == RING_TIMEOUT) {
		if (last == ITEMS_MAX) {
			rest_us(1000);
			result = ring_stopped(ring) ? RING_CLOSED : RING_OK;
			continue;
		}
		result = produce_one(place, ring, last + 1, &seed);
		last += result == RING_OK;
		if (random_one_in(&seed, LEAVE_ONE_IN))
			break;
	}
	if (result == RING_ERROR || result == RING_DRAINED)
		return failed(place, "reserve or publish", (int)result);
	ring_close(ring);
	return result == RING_CLOSED ? 0 : STORM_LEFT;
}

/* ------------------------------------------------------------------ consumer */

static bool is_whole(const struct ring_item *item)
{
	const struct payload *payload = item->data;

	if (item->len < sizeof(*payload) || payload->entry.producer >= PRODUCERS ||
	    payload->entry.number < 1 || payload->entry.number > ITEMS_MAX ||
	    item->mark != payload->entry.number || item->lane != payload->entry.producer)
		return false;
	for (size_t i = 0; i < item->len - sizeof(*payload); i++)
		if (payload->rest[i] != (payload->entry.number & 0xff))
			return false;
	return true;
}

static int end(const struct place *place, struct ring *ring, struct ring_item *item, uint64_t *seed)
{
	struct entry entry = ((const struct payload *)item->data)->entry;
	uint32_t deliveries = item->deliveries, way = random_below(seed, 1000);
	int result;

	if (way < 40) {
		ledger_move(place, entry, deliveries, LEDGER_GIVING);
		result = ring_give_back(ring, item, way < 20 ? 0 : way - 19, way % 2 == 0);
		ledger_move(place, entry, deliveries, LEDGER_BACK);
	} else if (way < 42) {
		ledger_move(place, entry, deliveries, LEDGER_ENDING_DEAD);
		result = ring_dead(ring, item, way);
		ledger_move(place, entry, deliveries, LEDGER_DEAD);
	} else {
		ledger_move(place, entry, deliveries, LEDGER_ENDING_ACKED);
		result = ring_ack(ring, item);
		ledger_move(place, entry, deliveries, LEDGER_ACKED);
	}
	return result;
}

/* Leave with what is in hand: closing the ring gives it back. */
static void give_all_back(const struct place *place, const struct ring_item *items, size_t n)
{
	for (size_t i = 0; i < n; i++)
		ledger_move(place, ((const struct payload *)items[i].data)->entry,
			    items[i].deliveries, LEDGER_GIVING);
}

static enum ring_result take(const struct place *place, struct ring *ring, struct ring_item *items,
			     size_t *taken, uint64_t *seed)
{
	bool was_drained = atomic_load(&place->arena->is_drained);
	struct floor floor;
	enum ring_result result;

	ledger_taking(place, place->arena->round.batch, &floor);
	result = ring_take_batch(ring, items, place->arena->round.batch, taken,
				 random_one_in(seed, 2) ? -1 : 20);
	for (size_t i = 0; result == RING_OK && i < *taken; i++) {
		if (!is_whole(&items[i])) {
			violation(place->arena, "item %llu came with other bytes than were published",
				  (unsigned long long)items[i].id);
			return RING_ERROR;
		}
		ledger_taken(place, ((const struct payload *)items[i].data)->entry,
			     items[i].deliveries, &floor);
	}
	ledger_took(place);
	if (result == RING_OK && was_drained)
		violation(place->arena, "an item was taken after the ring was said to be drained");
	return result;
}

/* 0: go on; else the exit code. */
static int end_all(const struct place *place, struct ring *ring, struct ring_item *items, size_t n,
		   uint64_t *seed)
{
	for (size_t i = 0; i < n; i++) {
		if (random_one_in(seed, LEAVE_ONE_IN)) {
			give_all_back(place, items + i, n - i);
			return STORM_LEFT;
		}
		if (end(place, ring, &items[i], seed))
			return failed(place, "ack, give back or dead", -1);
		rest_now_and_then(seed, place->arena->round.consumer_rest);
	}
	return 0;
}

/* Is this the end of the line? Without the flag it only means that launcher and producers are all
   dead at this moment. */
static bool is_last(const struct place *place, struct ring *ring, enum ring_result result)
{
	if (result == RING_CLOSED)
		return true;
	if (result != RING_DRAINED)
		return false;
	if (ring_stopped(ring) == RING_STOP_NONE) {
		rest_us(1000);
		return false;
	}
	atomic_store(&place->arena->is_drained, true);
	return true;
}

int storm_consume(const struct place *place)
{
	struct ring *ring = ring_open(place->arena->round.ring, RING_CONSUMER, place->number);
	struct ring_item items[BATCH_MAX];
	uint64_t seed = place->seed;
	enum ring_result result;
	size_t taken;
	int code = 0;

	if (!ring)
		return failed(place, "ring_open", -1);
	do {
		result = take(place, ring, items, &taken, &seed);
		if (result == RING_ERROR)
			return failed(place, "ring_take_batch", (int)result);
		if (result == RING_OK)
			code = end_all(place, ring, items, taken, &seed);
	} while (code == 0 && !is_last(place, ring, result));
	ring_close(ring);
	return code;
}

/* ------------------------------------------------------------------ launcher */

/* The kernel tells of a worker's death by these. */
struct watch { struct pollfd fds[LAUNCHER]; pid_t pids[LAUNCHER]; };

static void watch_refresh(struct watch *watch, struct arena *arena)
{
	for (unsigned i = 0; i < LAUNCHER; i++) {
		pid_t pid = atomic_load(&arena->workers[i].pid);

		if (pid == watch->pids[i])
			continue;
		if (watch->fds[i].fd >= 0)
			(void)close(watch->fds[i].fd);
		watch->fds[i] = (struct pollfd){ .fd = pidfd_open(pid, 0), .events = POLLIN };
		watch->pids[i] = pid;
	}
}

static int recover_ended(const struct place *place, struct ring *ring, struct watch *watch)
{
	for (unsigned i = 0; i < LAUNCHER; i++) {
		if (!(watch->fds[i].revents & POLLIN))
			continue;
		if (ring_recover(ring, watch->pids[i]) < 0)
			return failed(place, "ring_recover", -1);
		(void)close(watch->fds[i].fd);
		watch->fds[i].fd = -1;
	}
	return 0;
}

static int supervise(const struct place *place, struct ring *ring)
{
	struct watch watch;
	uint64_t sweep_ns = 0;
	bool is_stopped = false;

	for (unsigned i = 0; i < LAUNCHER; i++)
		watch.fds[i].fd = watch.pids[i] = -1;
	while (!atomic_load(&place->arena->is_over)) {
		watch_refresh(&watch, place->arena);
		if (poll(watch.fds, LAUNCHER, LOOK_MS) < 0 && errno != EINTR)
			return failed(place, "poll", -1);
		if (recover_ended(place, ring, &watch))
			return 1;
		if (ring_now_ns() - sweep_ns >= SWEEP_MS * UINT64_C(1000000)) {
			ring_sweep(ring);
			sweep_ns = ring_now_ns();
		}
		if (atomic_load(&place->arena->is_ending) && !is_stopped) {
			ring_stop(ring, place->arena->round.mode, RING_CAUSE_USER);
			atomic_store(&place->arena->is_shut,
				     place->arena->round.mode != RING_STOP_SOFT);
			ring_hold(ring, false);
			is_stopped = true;
		}
	}
	return 0;
}

int storm_launch(const struct place *place)
{
	unsigned holder = atomic_load(&place->arena->is_ending) ? 0 : RING_HOLDER;
	struct ring *ring = ring_open(place->arena->round.ring, RING_LAUNCHER | holder, 0);
	int code;

	if (!ring)
		return failed(place, "ring_open as launcher", -1);
	code = supervise(place, ring);
	ring_close(ring);
	return code;
}
