/* ipc_shmline.c - the ring: items are written and read in its slots. */
#include "bench/ipc.h"

#include "shm/ring.h"

#include <stdlib.h>

struct own {
	struct ring *ring;
	struct ring_item item;
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
	struct own *own = calloc(1, sizeof(*own));

	end->own = own;
	if (own)
		own->ring = ring_open(end->channel->name,
				      end->side == END_PRODUCER ? RING_PRODUCER : RING_CONSUMER, 0);
	if (!own || !own->ring)
		give_up("cannot open a ring: %s", ring_why());
}

static void *begin_put(struct end *end)
{
	struct own *own = end->own;

	if (ring_reserve(own->ring, &own->item, -1) != RING_OK)
		give_up("reserve: %s", ring_why());
	return own->item.data;
}

static void end_put(struct end *end)
{
	struct own *own = end->own;

	own->item.len = end->channel->len;
	if (ring_publish(own->ring, &own->item) != RING_OK)
		give_up("publish: %s", ring_why());
}

static const void *begin_get(struct end *end)
{
	struct own *own = end->own;

	if (ring_take(own->ring, &own->item, -1) != RING_OK)
		give_up("take: %s", ring_why());
	return own->item.data;
}

static void end_get(struct end *end)
{
	struct own *own = end->own;

	if (ring_ack(own->ring, &own->item))
		give_up("ack: %s", ring_why());
}

static void unmake(struct channel *channel)
{
	(void)ring_unlink(channel->name, true);
}

const struct transport transport_shmline = {
	.name = "shmline",
	.note = "a kill loses nothing; every item acked; sleeps when idle",
	.make = make, .join = join, .begin_put = begin_put, .end_put = end_put,
	.begin_get = begin_get, .end_get = end_get, .unmake = unmake,
};
