/* hand.c - see hand.h. */
#include "src/consumer/hand.h"

#include <stdlib.h>

int hand_init(struct hand *hand, size_t size)
{
	*hand = (struct hand){ .ring = calloc(size, sizeof(*hand->ring)), .size = size };
	return hand->ring ? 0 : -1;
}

void hand_free(struct hand *hand)
{
	free(hand->ring);
}

struct held *hand_at(const struct hand *hand, size_t i)
{
	size_t at = hand->first + i;

	return &hand->ring[at < hand->size ? at : at - hand->size];
}

struct held *hand_add(struct hand *hand, const struct ring_item *item)
{
	struct held *held = hand_at(hand, hand->count++);

	held->item = *item;
	held->from = held->to = UINT64_MAX;
	return held;
}

void hand_drop(struct hand *hand)
{
	hand->first = hand->first + 1 < hand->size ? hand->first + 1 : 0;
	hand->count--;
}

size_t hand_touched(const struct hand *hand, uint64_t bytes)
{
	size_t n = 0;

	while (n < hand->count && hand_at(hand, n)->from < bytes)
		n++;
	return n;
}

size_t hand_read(const struct hand *hand, uint64_t bytes)
{
	size_t n = 0;

	while (n < hand->count && hand_at(hand, n)->to <= bytes)
		n++;
	return n;
}
