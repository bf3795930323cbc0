/*
 * layout.h - private: every byte of the segment, who writes it and when. What is done with the bytes
 * is in slot.h, hints.h, members.h, lanes.h, flags.h and wait.h.
 *
 *	header | members | lanes | words | cells | slots | histograms
 *
 * Whatever is read from here is read once, checked, then used: any process of the same user may have
 * written it.
 */
#ifndef SHMLINE_LAYOUT_H
#define SHMLINE_LAYOUT_H

#include "shm/ring.h"

#include <assert.h>
#include <semaphore.h>
#include <stdatomic.h>

#define LAYOUT_MAGIC UINT64_C(0x656e696c6d6873)	/* "shmline", little-endian */
#define LAYOUT_VERSION 4u

/* What differs between builds that can't share a segment: pointer size, byte order, size of sem_t. */
#define LAYOUT_ABI ((uint32_t)(sizeof(void *) << 16 | sizeof(sem_t) << 8 | (uint32_t)__BYTE_ORDER__ % 251))

#define LINE 64		/* bytes of a cache line on x86-64 and most of arm64 */

typedef _Atomic uint64_t shared_u64;	/* the one typedef: an atomic has no struct tag to name */
typedef _Atomic uint32_t shared_u32;

static_assert(ATOMIC_LLONG_LOCK_FREE == 2 && ATOMIC_INT_LOCK_FREE == 2,
	      "a lock inside an atomic would be left locked by a kill");

/* A place to sleep. `sem` only parks; `wanted` counts the wake-ups asked for (wait.h). */
struct waiting {
	_Alignas(LINE) sem_t sem;
	shared_u32 wanted;	/* raised by who goes to sleep, lowered by who wakes */
};

struct header {
	/* Written before the segment gets its name, never after. */
	uint64_t magic;
	uint32_t version;
	uint32_t abi;
	uint32_t slots;
	uint32_t item_max;
	uint32_t members;
	uint32_t parcels;	/* 0: none; else PARCELS and the byte that ends their records */
	uint64_t size;		/* of the whole segment: must be the file's */
	uint64_t created_ns;
	uint64_t first;		/* where positions, ids and generations began */

	/* Read by every call, written rarely. */
	_Alignas(LINE) shared_u64 stop;	/* flags.h */
	shared_u64 next_due;	/* no delayed item is due earlier; UINT64_MAX: none (a hint) */
	shared_u64 next_sweep;	/* nobody but the launcher need sweep before (a hint) */
	shared_u64 producers_ever;	/* producers that attached since the ring was made */
	shared_u32 ending;	/* 1 once a producer has left: "drained" is worth a look */
	shared_u32 high_water;	/* raised by who finds more items in the ring */
	shared_u64 stop_published;	/* written by who completes the stop flag */
	shared_u64 removed;	/* 1: the last one out is removing the name, or has (members.h) */

	/* The order of ready slots; anybody helps them forward. A line each: consumers write one,
	   producers the other (and two lines apart: the neighbour is fetched along). */
	_Alignas(2 * LINE) shared_u64 head;
	_Alignas(2 * LINE) shared_u64 tail;

	_Alignas(2 * LINE) shared_u64 next_id;	/* first id not given to a producer */
	shared_u64 ticket;	/* lanes.h: count and last taker */

	_Alignas(2 * LINE) struct waiting ready;	/* consumers sleep here */
	_Alignas(2 * LINE) struct waiting free;		/* producers */
};

#define PARCELS 256u

/* What a member counts. The first four are the books: exact after any kill (journal in members.h). */
enum counter {
	COUNT_PUBLISHED, COUNT_ACKED, COUNT_DEAD, COUNT_DROPPED,
	COUNT_REFUSED,		/* thrown away by the producer: published and dropped at once */
	COUNT_TAKEN, COUNT_REDELIVERED, COUNT_BYTES, COUNT_FULL, COUNT_BLOCKED_NS, COUNT_STARVED_NS,
	COUNTERS
};

/*
 * A process (or thread) that is attached. Written by its owner, who holds the kernel's lock on the
 * entry's first byte; by its recoverer, who holds the same lock, after the owner's death. Counters go
 * on from owner to owner, so that the sums are those of the ring's life.
 */
struct member {
	_Alignas(LINE) shared_u64 word;	/* members.h: state, roles, incarnation */
	_Atomic int32_t pid;
	shared_u32 number;
	shared_u64 started_ns;
	shared_u64 note[RING_NOTE_MAX / 8];
	shared_u32 waiting;	/* enum waiting_for */
	shared_u64 unconfirmed;	/* ring_count_unconfirmed(); goes on from owner to owner, as count[] */

	_Alignas(LINE) shared_u64 intent;	/* journal: what it was about to do */
	shared_u64 target;	/* journal: the counter once it has counted a parcel's records */
	shared_u64 told;	/* its items with ids up to this have their hints (recover.h) */
	shared_u64 count[COUNTERS];
	shared_u64 base[COUNTERS];	/* count[] when this owner attached */
};

/*
 * What a producer made, so that its successor knows. Owned by one producer at a time (`owner`: its
 * member index, 0 nobody; moved by compare-and-swap). The other three only grow, and may be
 * raised by anybody who knows that they should be.
 */
struct lane {
	_Alignas(LINE) shared_u64 owner;
	shared_u64 mark;	/* highest mark accepted */
	shared_u64 granted;	/* last ticket given to this lane */
	shared_u64 used;	/* last ticket whose item was accepted */
};

/*
 * A slot's contents. Written only by the owner of its word in state WRITING, and the second group by
 * the owner in READING; read by others at their own risk, checked by reading the word again.
 * The 48 bytes before the data, a word and two cells make 72 a slot; of a ring with parcels 88.
 */
struct slot {
	shared_u64 id;
	shared_u64 published_ns;

	shared_u64 mark;	/* lanes.h */
	shared_u64 when_ns;	/* READY: 0, never taken; READING: taken; DELAYED: due; DEAD: died */
	shared_u32 len;
	_Atomic uint16_t lane;
	_Atomic uint16_t failures;
	shared_u32 reason;	/* of a dead item */
	shared_u32 given_back;	/* times it was given back, failed or not */
	unsigned char data[];	/* of a ring with parcels: a struct parcel before the item's bytes */
};

/*
 * Of a slot that holds several records: written as the slot is, in WRITING, but for `progress`, which is
 * raised by the owner in READING, in one store. What has been done with never comes again.
 */
struct parcel {
	shared_u64 progress;	/* records done with: 32 | their bytes: 32 */
	shared_u32 records;	/* 0: an item as any other */
	shared_u32 unused;
};

/*
 * How long items waited, and how long members worked on them. Each consumer counts for itself and adds that
 * here about every millisecond (histogram.h): what a killed one had not told yet stays uncounted.
 */
struct histogram {
	shared_u64 sum_ns;
	shared_u64 bucket[RING_BUCKETS];
};

struct times {
	_Alignas(LINE) struct histogram wait, work;
};

static_assert(sizeof(struct header) <= 4096, "the header is one page");
static_assert(sizeof(struct slot) == 48, "the memory of a ring is promised in the documentation");
static_assert(sizeof(struct slot) + sizeof(struct parcel) == LINE, "a parcel's bytes begin a line");
static_assert(sizeof(struct member) == 5 * LINE, "");

/*
 * How far head and tail may lag behind: each is a line that all write, so it is written for every few
 * cells. Whoever begins there steps over so many cells at most, beside those of others at it right now.
 * A guess.
 */
#define LAG_MAX 16

/* Lines of a slot that calls fetch: beyond, the processor's own fetching is ahead. */
#define LINES_MAX 16

/* Where everything is, worked out from three numbers; a member's private copy is what it uses. */
struct geometry {
	uint32_t slots, item_max, members;
	uint32_t cells;		/* a power of two, at least twice the slots */
	uint32_t cell_shift;	/* log2 of it */
	uint32_t lag;		/* cells that head and tail lag behind at most */
	bool has_parcels;
	unsigned char terminator;	/* ends each record of a parcel */
	size_t data_at;		/* from a slot's data[] to its item's bytes */
	size_t stride;		/* bytes from slot to slot */
	size_t lines;		/* of those, so many are fetched by calls, and given on as written, at most */
	size_t members_at, lanes_at, words_at, cells_at, slots_at;	/* offsets, bytes */
	size_t times_at, size;
	uint64_t created_ns, first;
};

#endif
