/* ipc_shmline.c - the ring: single items are written and read in its slots, batches are copied in. */
#include "bench/ipc.h"

#include "shm/ring.h"

struct own {
	struct ring *ring;
	struct ring_item *items;	/* a batch taken: those before `at` are acked or to be */
	struct iovec *bytes;		/* a batch to put */
	unsigned char *room;
	size_t batch, at, n;
};

static void make(struct channel *channel)
{
	struct ring_options options = {
		.slots = channel->slots,
		.item_max = (uint32_t)channel->len,
		.members = channel->producers + channel->consumers + 2,
	};

	if (ring_create(channel->name, &options))
		give_up("cannot create a ring: %s", ring_why());
}

static void join(struct end *end)
{
	unsigned roles = end->side == END_PRODUCER ? RING_PRODUCER : RING_CONSUMER;
	struct own *own = new_memory(sizeof(*own));

	end->own = own;
	own->batch = batch_of(end);
	own->items = new_memory(own->batch * sizeof(*own->items));
	own->bytes = new_memory(own->batch * sizeof(*own->bytes));
	own->room = new_memory(own->batch * end->channel->len);
	for (size_t i = 0; i < own->batch; i++)
		own->bytes[i] = (struct iovec){ own->room + i * end->channel->len, end->channel->len };
	own->ring = ring_open(end->channel->name, roles, 0);
	if (!own->ring)
		give_up("cannot open a ring: %s", ring_why());
}

/* ------------------------------------------------------------------ putting */

static void put_all(struct own *own)
{
	size_t done;

	if (own->n > 0 && ring_put_batch(own->ring, own->bytes, own->n, &done, -1) != RING_OK)
		give_up("put: %s", ring_why());
	own->n = 0;
}

static void *begin_put(struct end *end)
{
	struct own *own = end->own;

	if (own->batch > 1)
		return own->bytes[own->n].iov_base;
	if (ring_reserve(own->ring, own->items, -1) != RING_OK)
		give_up("reserve: %s", ring_why());
	return own->items[0].data;
}

static void end_put(struct end *end)
{
	struct own *own = end->own;

	if (own->batch > 1) {
		if (++own->n == own->batch)
			put_all(own);
		return;
	}
	own->items[0].len = end->channel->len;
	if (ring_publish(own->ring, own->items) != RING_OK)
		give_up("publish: %s", ring_why());
}

/* ------------------------------------------------------------------ taking */

/* One by one, each is acked when the next is asked for. */
static enum ring_result take(struct own *own)
{
	if (own->batch == 1)
		return ring_next(own->ring, own->items, -1);
	own->at = 0;
	return ring_take_batch(own->ring, own->items, own->batch, &own->n, -1);
}

static const void *begin_get(struct end *end)
{
	struct own *own = end->own;

	if (own->at == own->n) {
		enum ring_result result = take(own);

		if (result == RING_DRAINED)
			return NULL;
		if (result != RING_OK)
			give_up("take: %s", ring_why());
	}
	return own->items[own->at].data;
}

/* A batch is acked when all of it is worked off. */
static void end_get(struct end *end)
{
	struct own *own = end->own;

	if (own->batch == 1 || ++own->at < own->n)
		return;
	if (ring_ack_batch(own->ring, own->items, own->n))
		give_up("ack: %s", ring_why());
}

/* ------------------------------------------------------------------ */

static void leave_ring(struct end *end)
{
	struct own *own = end->own;

	if (end->side == END_PRODUCER)
		put_all(own);
	if (own->items[0].word && ring_ack(own->ring, own->items))
		give_up("ack: %s", ring_why());
	ring_close(own->ring);
}

static void unmake(struct channel *channel)
{
	(void)ring_unlink(channel->name, true);
}

const struct transport transport_shmline = {
	.name = "shmline",
	.note = "a kill loses nothing; every item acked; sleeps when idle",
	.ending = ENDS_DRAINED, .batches = true,
	.make = make, .join = join, .begin_put = begin_put, .end_put = end_put,
	.begin_get = begin_get, .end_get = end_get, .leave = leave_ring, .unmake = unmake,
};
