/*
 * plain_ring.h - for tests: a ring in plain memory, with members that are mere entries.
 *
 * No name, no file, no locks: nobody can prove a death here, so tests call recover_member() for who is
 * to count as dead. Positions, ids and generations begin at `first`.
 */
#ifndef SHMLINE_PLAIN_RING_H
#define SHMLINE_PLAIN_RING_H

#include "shm/flags.h"
#include "shm/handle.h"
#include "shm/hints.h"
#include "shm/lanes.h"
#include "shm/members.h"
#include "shm/recover.h"
#include "shm/slot.h"
#include "tests/unit/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* From here positions, laps and ids pass 2^64 and generations 2^36 within a few items. */
#define FIRST_LATE (UINT64_MAX - 5)

struct plain_ring {
	struct segment segment;
	struct geometry at;
};

static inline void plain_format(struct plain_ring *plain, uint64_t first)
{
	memset(plain->segment.base, 0, plain->at.size);
	plain->at.first = first;
	assert_int_equal(segment_format(plain->segment.base, &plain->at, first), 0);
	segment_place(&plain->segment, plain->segment.base, &plain->at);
}

static inline struct plain_ring *plain_make_of(const struct ring_options *options, uint64_t first)
{
	struct plain_ring *plain = calloc(1, sizeof(*plain));

	assert_non_null(plain);
	plain->segment.path_fd = -1;
	segment_measure(options, &plain->at);
	plain->segment.base = aligned_alloc(4096, plain->at.size);
	assert_non_null(plain->segment.base);
	plain_format(plain, first);
	return plain;
}

static inline struct plain_ring *plain_make(uint32_t slots, uint32_t item_max, uint32_t members,
					    uint64_t first)
{
	const struct ring_options options = { .slots = slots, .item_max = item_max, .members = members };

	return plain_make_of(&options, first);
}

static inline void plain_free(struct plain_ring *plain)
{
	free(plain->segment.base);
	free(plain);
}

/* Member `index` comes, with the number that is its index, or none if another has adopted its lane. */
static inline struct ring plain_join(struct plain_ring *plain, uint32_t index, unsigned roles)
{
	struct segment *segment = &plain->segment;
	struct ring ring = {
		.segment = segment, .me = member_at(segment, index), .index = index, .roles = roles,
		.lane = LANE_NONE, .looked_round_ns = ring_now_ns(),
	};

	atomic_store(&ring.me->word, member_word(MEMBER_LIVE, roles));
	if (roles & RING_PRODUCER) {
		atomic_fetch_add(&segment->header->producers_ever, 1);
		ring.lane = lanes_acquire(segment, index, index);
		if (ring.lane == LANE_NONE)
			ring.lane = lanes_acquire(segment, index, 0);
		assert_int_not_equal(ring.lane, LANE_NONE);
	}
	return ring;
}

static inline uint64_t plain_word(const struct plain_ring *plain, uint32_t index)
{
	return atomic_load(&plain->segment.words[index]);
}

static inline void plain_set_word(struct plain_ring *plain, uint32_t index, uint64_t word)
{
	atomic_store(&plain->segment.words[index], word);
}

static inline uint32_t plain_count(const struct plain_ring *plain, enum slot_state state)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < plain->at.slots; i++)
		n += slot_state(plain_word(plain, i)) == state;
	return n;
}

static inline void plain_publish(struct ring *ring, uint64_t value)
{
	assert_int_equal(ring_put(ring, &value, sizeof(value), 0), RING_OK);
}

/* An item that nobody was told of: its producer was killed or stopped between its swap and its hint. */
static inline uint32_t plain_publish_untold(struct ring *ring, uint64_t value, uint64_t raw_mark)
{
	struct segment *segment = ring->segment;
	struct ring_item item;
	struct slot *slot;

	assert_int_equal(ring_reserve(ring, &item, 0), RING_OK);
	memcpy(item.data, &value, sizeof(value));
	slot = segment_slot(segment, item.slot);
	atomic_store(&slot->len, (uint32_t)sizeof(value));
	atomic_store(&slot->id, atomic_fetch_add(&segment->header->next_id, 1));
	atomic_store(&slot->lane, (uint16_t)ring->lane);
	atomic_store(&slot->mark, raw_mark);
	journal_begin(ring->me, COUNT_PUBLISHED, item.slot, slot_gen(item.word), 1);
	atomic_store(&segment->words[item.slot], slot_published(item.word, 1));
	journal_done(ring->me, COUNT_PUBLISHED, 1);
	return item.slot;
}

/* The next item's value; the item stays in hand. */
static inline uint64_t plain_take(struct ring *ring, struct ring_item *item)
{
	uint64_t value;

	assert_int_equal(ring_take(ring, item, 0), RING_OK);
	assert_int_equal(item->len, sizeof(value));
	memcpy(&value, item->data, sizeof(value));
	return value;
}

static inline void plain_report(const char *sentence, void *context)
{
	(void)context;
	print_error("fsck: %s\n", sentence);
}

#define plain_assert_sound(plain, ring) \
	assert_int_equal(ring_fsck(ring, true, plain_report, NULL), 0)

#endif
