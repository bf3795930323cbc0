/*
 * stats.c - looking at a ring without taking anything: counters, members, items, invariants. Nothing
 * here writes to the segment, so it serves those who map it read-only.
 */
#include "shm/handle.h"

#include "shm/flags.h"
#include "shm/hints.h"
#include "shm/histogram.h"
#include "shm/lanes.h"
#include "shm/members.h"
#include "shm/parcel.h"
#include "shm/recover.h"
#include "shm/slot.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static uint64_t sum(const struct segment *segment, enum counter counter)
{
	uint64_t total = 0;

	for (uint32_t i = 1; i <= segment->at.members; i++)
		total += atomic_load_explicit(&member_at(segment, i)->count[counter],
					      memory_order_acquire);
	return total;
}

void ring_books(struct ring *ring, struct ring_books *books)
{
	const struct segment *segment = ring->segment;
	uint64_t refused = sum(segment, COUNT_REFUSED);

	*books = (struct ring_books){
		.published = sum(segment, COUNT_PUBLISHED) + refused,
		.acked = sum(segment, COUNT_ACKED),
		.dead = sum(segment, COUNT_DEAD),
		.dropped = sum(segment, COUNT_DROPPED) + refused,
	};
}

/* ---------------------------------------------------------------- stats */

/* A word, and how many items it stands for: those of a parcel may have changed with the word. */
static uint64_t read_word(const struct segment *segment, uint32_t index, uint32_t *items)
{
	uint64_t word, again = atomic_load(&segment->words[index]);

	*items = 1;
	if (!segment->at.has_parcels || slot_state(again) < SLOT_READY)
		return again;
	for (int turn = 0; turn < 10; turn++) {
		word = again;
		*items = parcel_left(segment, index);
		again = atomic_load(&segment->words[index]);
		if (again == word)
			break;
	}
	return word;
}

static void count_slot(struct ring_stats *stats, const struct segment *segment, uint32_t index,
		       uint64_t now, uint64_t *accepted)
{
	uint32_t items;
	uint64_t word = read_word(segment, index, &items), published;

	*accepted += (slot_gen(word) - segment->at.first) & SLOT_GEN_MASK;
	switch (slot_state(word)) {
	case SLOT_FREE:
		stats->free++;
		break;
	case SLOT_WRITING:
	case SLOT_REVOKED:
		stats->writing++;
		break;
	case SLOT_READY:
		stats->ready += items;
		published = atomic_load(&segment_slot(segment, index)->published_ns);
		if (now > published && now - published > stats->oldest_ns)
			stats->oldest_ns = now - published;
		break;
	case SLOT_DELAYED:
		stats->delayed += items;
		break;
	case SLOT_READING:
		stats->in_flight += items;
		break;
	default:
		stats->dead_kept += items;
		break;
	}
}

/* The generations' sum wraps every 2^36; the members' own count says in which round it is. */
static uint64_t unwrap(uint64_t accepted, uint64_t about)
{
	uint64_t difference = (accepted - about) & SLOT_GEN_MASK;

	if (difference > SLOT_GEN_MASK / 2)
		return about - (SLOT_GEN_MASK + 1 - difference);
	return about + difference;
}

static void count_members(struct ring_stats *stats, const struct segment *segment)
{
	for (uint32_t i = 1; i <= segment->at.members; i++) {
		struct member *member = member_at(segment, i);
		uint64_t word = atomic_load(&member->word);

		stats->unconfirmed += atomic_load_explicit(&member->unconfirmed,
							   memory_order_relaxed);
		if (member_state(word) == MEMBER_FREE)
			continue;
		stats->producers += (member_roles(word) & RING_PRODUCER) != 0;
		stats->consumers += (member_roles(word) & RING_CONSUMER) != 0;
		stats->holders += (member_roles(word) & RING_HOLDER) != 0;
		if (member_roles(word) & RING_LAUNCHER)
			stats->launcher = atomic_load(&member->pid);
	}
}

/*
 * dead and dropped are read before the slots, so they are never more than what the slots say has ended;
 * acked is the rest. So the sum holds in every reading, taken at any moment.
 */
static void count_books(struct ring_stats *stats, const struct segment *segment)
{
	uint64_t refused = sum(segment, COUNT_REFUSED), about = sum(segment, COUNT_PUBLISHED);
	uint64_t accepted = 0, now = ring_now_ns(), ended;

	stats->dead = sum(segment, COUNT_DEAD);
	stats->dropped = sum(segment, COUNT_DROPPED);
	for (uint32_t i = 0; i < segment->at.slots; i++)
		count_slot(stats, segment, i, now, &accepted);
	stats->left = (uint64_t)stats->ready + stats->delayed + stats->in_flight;
	stats->published = unwrap(accepted, about);
	ended = stats->published - stats->left;
	stats->acked = ended - stats->dead - stats->dropped;
	stats->published += refused;
	stats->dropped += refused;
}

static void count_header(struct ring_stats *stats, const struct segment *segment)
{
	const struct header *header = segment->header;

	stats->slots = segment->at.slots;
	stats->item_max = segment->at.item_max;
	stats->members = segment->at.members;
	stats->size_bytes = segment->at.size;
	stats->created_ns = segment->at.created_ns;
	stats->head = atomic_load(&header->head);
	stats->tail = atomic_load(&header->tail);
	stats->tickets = lanes_tickets(segment);
	stats->stop = flags_peek(segment, &stats->stop_cause);
	stats->stop_published = atomic_load(&header->stop_published);
	stats->high_water = atomic_load(&header->high_water);
	if (stats->left > stats->high_water)
		stats->high_water = (uint32_t)stats->left;
}

int ring_stats(struct ring *ring, struct ring_stats *stats)
{
	const struct segment *segment = ring->segment;

	why_clear();
	memset(stats, 0, sizeof(*stats));
	stats->redelivered = sum(segment, COUNT_REDELIVERED);
	stats->taken = sum(segment, COUNT_TAKEN);
	stats->bytes = sum(segment, COUNT_BYTES);
	stats->full = sum(segment, COUNT_FULL);
	stats->blocked_ns = sum(segment, COUNT_BLOCKED_NS);
	stats->starved_ns = sum(segment, COUNT_STARVED_NS);
	count_books(stats, segment);
	count_members(stats, segment);
	count_header(stats, segment);
	if (stats->left > stats->published)
		return why(EBADMSG, "its counters contradict each other");
	return 0;
}

/* ---------------------------------------------------------------- times */

/* What all have told, and what this member has not yet. The count is the sum of what was read, so a
   histogram agrees with itself at any moment. */
static void read_times(struct ring_histogram *out, const struct histogram *told, struct untold *own)
{
	histogram_settle(own);
	*out = (struct ring_histogram){ 0 };
	out->sum_ns = atomic_load_explicit(&told->sum_ns, memory_order_relaxed) + own->sum_ns;
	for (unsigned i = 0; i < RING_BUCKETS; i++) {
		out->bucket[i] = atomic_load_explicit(&told->bucket[i], memory_order_relaxed) + own->bucket[i];
		out->count += out->bucket[i];
	}
}

void ring_times(struct ring *ring, struct ring_histogram *wait, struct ring_histogram *work)
{
	read_times(wait, &ring->segment->times->wait, &ring->wait);
	read_times(work, &ring->segment->times->work, &ring->work);
}

/* ---------------------------------------------------------------- members */

static uint64_t since_attached(struct member *member, enum counter counter)
{
	return atomic_load(&member->count[counter]) - atomic_load(&member->base[counter]);
}

static uint32_t held_by(const struct segment *segment, uint32_t index)
{
	uint32_t held = 0;

	for (uint32_t i = 0; i < segment->at.slots; i++) {
		uint32_t items;
		uint64_t word = read_word(segment, i, &items);

		if (slot_is(word, SLOT_READING, index))
			held += items;
		held += slot_is(word, SLOT_WRITING, index);
	}
	return held;
}

static int is_locked(const struct segment *segment, uint32_t index, bool *locked)
{
	int fd = segment_reopen(segment);

	if (fd < 0)
		return -1;
	*locked = segment_is_locked(fd, segment_member_byte(segment, index));
	(void)close(fd);
	return 0;
}

static void read_note(struct member *member, char note[RING_NOTE_MAX])
{
	for (size_t i = 0; i < RING_NOTE_MAX / 8; i++) {
		uint64_t word = atomic_load_explicit(&member->note[i], memory_order_relaxed);

		memcpy(note + i * 8, &word, 8);
	}
	note[RING_NOTE_MAX - 1] = '\0';
}

int ring_member(struct ring *ring, uint32_t index, struct ring_member *out)
{
	struct segment *segment = ring->segment;
	struct member *member;
	uint64_t word;

	why_clear();
	if (index < 1 || index > segment->at.members) {
		errno = EINVAL;
		return -1;
	}
	member = member_at(segment, index);
	word = atomic_load(&member->word);
	if (member_state(word) == MEMBER_FREE)
		return 0;
	*out = (struct ring_member){
		.index = index,
		.pid = atomic_load(&member->pid),
		.roles = member_roles(word),
		.number = atomic_load(&member->number),
		.started_ns = atomic_load(&member->started_ns),
		.published = since_attached(member, COUNT_PUBLISHED),
		.taken = since_attached(member, COUNT_TAKEN),
		.acked = since_attached(member, COUNT_ACKED),
		.dead = since_attached(member, COUNT_DEAD),
		.dropped = since_attached(member, COUNT_DROPPED) + since_attached(member, COUNT_REFUSED),
		.redelivered = since_attached(member, COUNT_REDELIVERED),
		.bytes = since_attached(member, COUNT_BYTES),
		.full = since_attached(member, COUNT_FULL),
		.blocked_ns = since_attached(member, COUNT_BLOCKED_NS),
		.starved_ns = since_attached(member, COUNT_STARVED_NS),
		.holding = held_by(segment, index),
	};
	read_note(member, out->note);
	return is_locked(segment, index, &out->is_alive) ? -1 : 1;
}

/* ---------------------------------------------------------------- items */

static const enum ring_slot_state shown_as[SLOT_STATES] = {
	[SLOT_FREE] = RING_SLOT_FREE,
	[SLOT_WRITING] = RING_SLOT_WRITING,
	[SLOT_REVOKED] = RING_SLOT_WRITING,
	[SLOT_READY] = RING_SLOT_READY,
	[SLOT_DELAYED] = RING_SLOT_DELAYED,
	[SLOT_READING] = RING_SLOT_IN_FLIGHT,
	[SLOT_DEAD] = RING_SLOT_DEAD,
};

/* The owner may be writing the bytes that are copied; then the word has moved, and they are thrown
   away. The thread sanitizer can't know that. */
__attribute__((no_sanitize("thread")))
static void copy_racily(unsigned char *to, const volatile unsigned char *from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = from[i];
}

static int look_once(struct segment *segment, uint32_t index, uint64_t word, struct ring_view *view,
		     void *bytes, size_t size)
{
	struct slot *slot = segment_slot(segment, index);
	struct ring_item item = { .slot = index };

	if (parcel_read(segment, &item))
		return -1;
	*view = (struct ring_view){
		.state = shown_as[slot_state(word)],
		.owner = slot_owner(word),
		.id = item.id,
		.mark = atomic_load(&slot->mark) & ~MARK_IS_TICKET,
		.len = item.len,
		.records = item.records,
		.is_parcel = item.is_parcel,
		.deliveries = slot_state(word) == SLOT_READING || slot_state(word) == SLOT_DEAD
			? slot_deliveries(word) : slot_returns(word),
		.failures = atomic_load(&slot->failures),
		.reason = slot_state(word) == SLOT_DEAD ? atomic_load(&slot->reason) : 0,
		.published_ns = atomic_load(&slot->published_ns),
		.since_ns = slot_state(word) == SLOT_READY ? 0 : atomic_load(&slot->when_ns),
	};
	view->shown = view->len < size ? view->len : size;
	copy_racily(bytes, item.data, view->shown);
	return 1;
}

int ring_look(struct ring *ring, uint32_t index, struct ring_view *view, void *bytes, size_t size)
{
	struct segment *segment = ring->segment;

	why_clear();
	if (index >= segment->at.slots) {
		errno = EINVAL;
		return -1;
	}
	for (int turn = 0; turn < 10; turn++) {
		uint64_t word = atomic_load(&segment->words[index]);
		int result;

		if (!slot_is_legal(word, segment->at.members))
			return why(EBADMSG, "slot %u has the word %#llx", index,
				   (unsigned long long)word);
		if (slot_state(word) == SLOT_FREE || slot_state(word) == SLOT_WRITING ||
		    slot_state(word) == SLOT_REVOKED)
			return 0;
		result = look_once(segment, index, word, view, bytes, size);
		if (atomic_load(&segment->words[index]) == word)
			return result;
	}
	return 0;
}

/* ---------------------------------------------------------------- invariants */

struct fsck {
	void (*report)(const char *sentence, void *context);
	void *context;
	unsigned violations;
};

__attribute__((format(printf, 2, 3)))
static void violation(struct fsck *fsck, const char *format, ...)
{
	char sentence[200];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(sentence, sizeof(sentence), format, args);
	va_end(args);
	fsck->violations++;
	fsck->report(sentence, fsck->context);
}

static void check_words(struct fsck *fsck, const struct segment *segment)
{
	for (uint32_t i = 0; i < segment->at.slots; i++) {
		uint64_t word = atomic_load(&segment->words[i]);
		uint32_t len = atomic_load(&segment_slot(segment, i)->len);

		if (!slot_is_legal(word, segment->at.members))
			violation(fsck, "slot %u has the word %#llx, which no call writes", i,
				  (unsigned long long)word);
		if (len > segment->at.item_max)
			violation(fsck, "slot %u says it holds %u bytes, %u fit", i, len,
				  segment->at.item_max);
	}
}

/* What stands for items shows them. */
static void check_parcels(struct fsck *fsck, const struct segment *segment)
{
	for (uint32_t i = 0; segment->at.has_parcels && i < segment->at.slots; i++) {
		struct ring_item item = { .slot = i };
		uint64_t word = atomic_load(&segment->words[i]);
		bool holds_items = slot_state(word) > SLOT_REVOKED && slot_state(word) < SLOT_STATES;

		if (holds_items && parcel_read(segment, &item) && atomic_load(&segment->words[i]) == word)
			violation(fsck, "%s", ring_why());
	}
	why_clear();
}

static void check_header(struct fsck *fsck, const struct segment *segment)
{
	const struct header *header = segment->header;
	int64_t distance = (int64_t)(atomic_load(&header->tail) - atomic_load(&header->head));

	/* Read apart: while others work the two may be some turns off. */
	if (distance < -(int64_t)segment->at.cells || distance > 2 * (int64_t)segment->at.cells)
		violation(fsck, "head and tail are %lld apart, there are %u cells", (long long)distance,
			  segment->at.cells);
	if ((atomic_load(&header->stop) & 3) == 0 && atomic_load(&header->stop) != 0)
		violation(fsck, "the stop flag is %#llx, which no call writes",
			  (unsigned long long)atomic_load(&header->stop));
	if (atomic_load(&header->removed) > 1)
		violation(fsck, "the mark of a removed ring is neither 0 nor 1");
}

static void check_lanes(struct fsck *fsck, const struct segment *segment)
{
	for (uint32_t i = 0; i < segment->at.members; i++) {
		struct lane *lane = &segment->lanes[i];
		uint64_t used = atomic_load(&lane->used), granted = atomic_load(&lane->granted);

		if (atomic_load(&lane->owner) > segment->at.members)
			violation(fsck, "lane %u has an owner that can't be", i);
		if (used > granted)
			violation(fsck, "lane %u has used ticket %llu, but was given %llu", i,
				  (unsigned long long)used, (unsigned long long)granted);
	}
}

/* Nobody holds a slot who is not attached; a ready slot that is told has a hint in the cells. */
static void check_owners(struct fsck *fsck, const struct segment *segment)
{
	bool *is_told = calloc(segment->at.slots, sizeof(*is_told));

	if (!is_told) {
		violation(fsck, "there is no memory to check the order with");
		return;
	}
	hints_mark(segment, is_told);
	for (uint32_t i = 0; i < segment->at.slots; i++) {
		uint64_t word = atomic_load(&segment->words[i]);
		uint32_t owner = slot_owner(word);

		if (owner > segment->at.members)
			continue;	/* reported already */
		if (owner && member_state(atomic_load(&member_at(segment, owner)->word)) == MEMBER_FREE)
			violation(fsck, "slot %u is owned by member %u, who is not attached", i, owner);
		if (slot_state(word) == SLOT_READY && !recover_is_untold(segment, i, word) && !is_told[i])
			violation(fsck, "slot %u is ready, but nothing in the order leads to it", i);
	}
	free(is_told);
}

static void check_books(struct fsck *fsck, struct ring *ring)
{
	struct ring_stats stats;
	struct ring_books books;

	ring_books(ring, &books);
	if (ring_stats(ring, &stats)) {
		violation(fsck, "%s", ring_why());
		return;
	}
	if (books.published != stats.published)
		violation(fsck, "producers counted %llu published, the slots say %llu",
			  (unsigned long long)books.published, (unsigned long long)stats.published);
	if (books.acked + books.dead + books.dropped + stats.left != books.published)
		violation(fsck, "published %llu, but acked %llu + dead %llu + dropped %llu + left %llu",
			  (unsigned long long)books.published, (unsigned long long)books.acked,
			  (unsigned long long)books.dead, (unsigned long long)books.dropped,
			  (unsigned long long)stats.left);
}

unsigned ring_fsck(struct ring *ring, bool at_rest,
		   void (*report)(const char *sentence, void *context), void *context)
{
	struct fsck fsck = { .report = report, .context = context };

	why_clear();
	check_words(&fsck, ring->segment);
	check_parcels(&fsck, ring->segment);
	check_header(&fsck, ring->segment);
	check_lanes(&fsck, ring->segment);
	if (at_rest) {
		check_owners(&fsck, ring->segment);
		check_books(&fsck, ring);
	}
	return fsck.violations;
}
