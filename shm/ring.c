/*
 * ring.c - the public calls that make, open, leave and run a ring. Those of a producer are in
 * produce.c, of a consumer in consume.c, the looks in stats.c.
 */
#include "shm/handle.h"

#include "shm/flags.h"
#include "shm/hints.h"
#include "shm/lanes.h"
#include "shm/members.h"
#include "shm/recover.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define OPEN_WAIT_MS 5000	/* for another process that is removing the ring */
#define CLOSE_WAIT_MS 1000
#define LANE_WAIT_MS 1000	/* for the producer that had the number before to be gone */
#define OPEN_DESCRIPTORS 3	/* at once, at most, while a ring is opened or removed */

int ring_create(const char *name, const struct ring_options *options)
{
	why_clear();
	return segment_create(name, options);
}

/* ---------------------------------------------------------------- attaching */

static void leave(struct ring *ring)
{
	handle_tell_times(ring, 0);
	recover_leave(ring->segment, ring->index);
	members_abandon(ring->anchor);
	ring->me = NULL;
}

/* Does a producer of another number own this number's lane, since it adopted the ticket that was on it? */
static bool lane_is_adopted(const struct segment *segment, unsigned number)
{
	uint64_t owner = lanes_owner(segment, number);

	return owner >= 1 && owner <= segment->at.members &&
	       atomic_load(&member_at(segment, (uint32_t)owner)->number) != number;
}

/* A numbered producer's lane may be its dead predecessor's, whom somebody is just recovering. */
static uint32_t acquire_lane(struct ring *ring, unsigned number)
{
	uint64_t deadline = ring_now_ns() + LANE_WAIT_MS * UINT64_C(1000000);
	struct segment *segment = ring->segment;
	uint32_t lane = lanes_acquire(segment, ring->index, number);

	while (lane == LANE_NONE && number && ring_now_ns() < deadline) {
		(void)recover_dead(segment, 0);
		lane = lanes_acquire(segment, ring->index, number);
		if (lane == LANE_NONE && lane_is_adopted(segment, number))
			return lanes_acquire(segment, ring->index, 0);
		if (lane == LANE_NONE)
			(void)nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
	return lane;
}

static int check_roles(const struct ring *ring)
{
	if (!ring->segment->at.has_parcels || !(ring->roles & RING_CONSUMER) ||
	    (ring->roles & RING_PARCELS))
		return 0;
	return why(EINVAL, "its items come in parcels of several, which this consumer does not take");
}

static int join(struct ring *ring, unsigned number)
{
	struct segment *segment = ring->segment;
	/* The count first: a producer that comes and goes during the looks counts as one to come. */
	uint64_t ever = atomic_load(&segment->header->producers_ever);
	bool were_here = members_have(segment, RING_PRODUCER) || !flags_is_empty(segment);

	ring->producers_before = were_here ? UINT64_MAX : ever;
	ring->index = members_attach(segment, ring->roles, number, &ring->anchor);
	if (!ring->index)
		return -1;
	ring->me = member_at(segment, ring->index);
	ring->cursor = ring->index * 64 % segment->at.slots;	/* apart from the other producers' */
	spin_init(&ring->spin);
	ring->looked_round_ns = ring_now_ns();
	ring->lane = LANE_NONE;
	if (!(ring->roles & RING_PRODUCER))
		return 0;
	ring->lane = acquire_lane(ring, number);
	if (ring->lane != LANE_NONE)
		return 0;
	leave(ring);
	return number ? why(EBUSY, "producer number %u is attached already", number)
		      : why(EBUSY, "every lane for producers is taken");
}

static struct ring *attach(struct segment *segment, unsigned roles, unsigned number)
{
	struct ring *ring = calloc(1, sizeof(*ring));

	if (!ring)
		return NULL;
	ring->segment = segment;
	ring->roles = roles;
	ring->lane = LANE_NONE;
	if (roles == RING_OBSERVER || (check_roles(ring) == 0 && join(ring, number) == 0))
		return ring;
	free(ring);
	return NULL;
}

static struct ring *open_once(const char *name, unsigned roles, unsigned number)
{
	struct segment *segment = segment_open(name, roles != RING_OBSERVER);
	struct ring *ring;
	int error;

	if (!segment)
		return NULL;
	ring = attach(segment, roles, number);
	if (ring)
		return ring;
	error = errno;
	if (error == EAGAIN)	/* its remover may have died over it */
		(void)members_remove_ring(segment, false, 0);
	segment_release(segment);
	errno = error;
	return NULL;
}

static bool roles_are_valid(unsigned roles)
{
	return (roles & ~(unsigned)(RING_PRODUCER | RING_CONSUMER | RING_HOLDER | RING_LAUNCHER |
				    RING_PARCELS)) == 0;
}

/*
 * A ring that is made and then can't be opened, or at the end not be removed, would be left behind: as
 * many descriptors as that takes must be had before.
 */
static bool descriptors_suffice(void)
{
	int fds[OPEN_DESCRIPTORS], n = 0, error;

	while (n < OPEN_DESCRIPTORS && (fds[n] = open("/", O_PATH | O_CLOEXEC)) >= 0)
		n++;
	error = errno;
	for (int i = 0; i < n; i++)
		(void)close(fds[i]);
	errno = error;
	return n == OPEN_DESCRIPTORS;
}

/* Make it if `options` is given and it is not there; wait for one that is being removed to go. */
static struct ring *open_patiently(const char *name, const struct ring_options *options, bool make,
				   unsigned roles, unsigned number)
{
	uint64_t deadline = ring_now_ns() + OPEN_WAIT_MS * UINT64_C(1000000);
	struct ring *ring;

	why_clear();
	if (!roles_are_valid(roles)) {
		(void)why(EINVAL, "unknown roles %#x", roles);
		return NULL;
	}
	if (make && !descriptors_suffice())
		return NULL;
	for (;;) {
		if (make && ring_create(name, options) && errno != EEXIST)
			return NULL;
		ring = open_once(name, roles, number);
		if (ring || !(errno == EAGAIN || (make && errno == ENOENT)))
			return ring;
		if (ring_now_ns() >= deadline)
			break;
		(void)nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
	(void)why(EBUSY, "another process is removing it and does not go on");
	return NULL;
}

struct ring *ring_open(const char *name, unsigned roles, unsigned number)
{
	return open_patiently(name, NULL, false, roles, number);
}

/* A stop flag belongs to the run that raised it: in a ring that everybody has left it comes down. */
static void start_anew(const char *name)
{
	struct segment *segment = segment_open(name, true);
	enum ring_stop_cause cause;

	if (!segment)
		return;
	if (flags_peek(segment, &cause) != RING_STOP_NONE)
		members_start_anew(segment, CLOSE_WAIT_MS);
	segment_release(segment);
}

struct ring *ring_open_or_create(const char *name, const struct ring_options *options,
				 unsigned roles, unsigned number)
{
	start_anew(name);
	return open_patiently(name, options, true, roles, number);
}

struct ring *ring_share(struct ring *ring, unsigned roles, unsigned number)
{
	struct ring *other;

	why_clear();
	if (!roles_are_valid(roles) || roles == RING_OBSERVER || !ring->me) {
		(void)why(EINVAL, "unknown roles %#x, or an observer", roles);
		return NULL;
	}
	atomic_fetch_add(&ring->segment->users, 1);
	other = attach(ring->segment, roles, number);
	if (!other)
		atomic_fetch_sub(&ring->segment->users, 1);
	return other;
}

/* ---------------------------------------------------------------- leaving */

void ring_close(struct ring *ring)
{
	int error = errno;

	if (ring) {
		if (ring->me)
			leave(ring);
		segment_release(ring->segment);
		free(ring);
	}
	errno = error;
}

bool ring_close_last(struct ring *ring)
{
	bool is_gone = false;

	if (ring && ring->me) {
		leave(ring);
		is_gone = members_remove_ring(ring->segment, false, CLOSE_WAIT_MS) == 0;
	}
	ring_close(ring);
	return is_gone;
}

int ring_unlink(const char *name, bool force)
{
	struct segment *segment;
	int failed, error;

	why_clear();
	segment = segment_open(name, true);
	if (!segment) {
		bool is_unsound = errno == EPROTO || errno == EBADMSG;

		/* What is no ring has no members to ask. */
		return is_unsound && force ? segment_unlink(name) : -1;
	}
	failed = members_remove_ring(segment, force, CLOSE_WAIT_MS);
	error = errno;
	segment_release(segment);
	errno = error;
	return failed;
}

int ring_list(int (*each)(const char *name, void *context), void *context)
{
	DIR *folder = opendir(SEGMENT_FOLDER);
	struct dirent *entry;
	int result = 0;

	why_clear();
	if (!folder)
		return -1;
	while (result == 0 && (entry = readdir(folder))) {
		const char *name = segment_ring_name(entry->d_name);

		if (name && segment_is_ours(name) == 0)
			result = each(name, context);
	}
	(void)closedir(folder);
	return result;
}

/* ---------------------------------------------------------------- what it is */

uint32_t ring_slots(const struct ring *ring) { return ring->segment->at.slots; }
uint32_t ring_item_max(const struct ring *ring) { return ring->segment->at.item_max; }
uint32_t ring_member_limit(const struct ring *ring) { return ring->segment->at.members; }
uint32_t ring_member_index(const struct ring *ring) { return ring->index; }
int ring_terminator(const struct ring *ring)
{
	return ring->segment->at.has_parcels ? ring->segment->at.terminator : -1;
}

const char *ring_name(const struct ring *ring) { return ring->segment->name; }

/* ---------------------------------------------------------------- running the line */

void ring_stop(struct ring *ring, enum ring_stop_mode mode, enum ring_stop_cause cause)
{
	if (!ring->me)
		return;
	flags_raise(ring->segment, mode, cause);
	/* Each one woken sees the flag and wakes the next. */
	wait_wake(&ring->segment->header->free);
	wait_wake(&ring->segment->header->ready);
}

enum ring_stop_mode ring_stopped(const struct ring *ring)
{
	enum ring_stop_cause cause;

	return ring->me ? flags_mode(ring->segment) : flags_peek(ring->segment, &cause);
}

enum ring_stop_cause ring_stop_cause(const struct ring *ring)
{
	enum ring_stop_cause cause;

	(void)flags_peek(ring->segment, &cause);
	return cause;
}

int ring_restart(struct ring *ring)
{
	why_clear();
	if (!(ring->roles & RING_LAUNCHER)) {
		errno = EPERM;
		return -1;
	}
	/* Anybody may be helping the flag up. */
	if (members_have_others(ring->segment, ring->index))
		return why(EBUSY, "others are attached");
	flags_lower(ring->segment);
	return 0;
}

void ring_hold(struct ring *ring, bool hold)
{
	struct header *header = ring->segment->header;

	if (!ring->me)
		return;
	ring->roles = hold ? ring->roles | RING_HOLDER : ring->roles & ~(unsigned)RING_HOLDER;
	atomic_store(&ring->me->word, member_word(MEMBER_LIVE, ring->roles));
	if (hold)
		return;
	atomic_store(&header->ending, 1);
	wait_wake(&header->ready);
}

bool ring_is_starved(struct ring *ring)
{
	return atomic_load_explicit(&ring->segment->header->ready.wanted, memory_order_relaxed) > 0 ||
	       !hints_any(ring->segment);
}

bool ring_is_drained(struct ring *ring)
{
	return flags_is_drained(ring->segment);
}

int ring_recover(struct ring *ring, pid_t pid)
{
	why_clear();
	if (ring->me)
		return recover_dead(ring->segment, pid);
	errno = EPERM;
	return -1;
}

void ring_sweep(struct ring *ring)
{
	if (ring->me)
		handle_look_round(ring, ring_now_ns());
}

void ring_note(struct ring *ring, const char *note)
{
	uint64_t words[RING_NOTE_MAX / 8] = { 0 };

	if (!ring->me)
		return;
	memcpy(words, note, strnlen(note, RING_NOTE_MAX - 1));
	for (size_t i = 0; i < RING_NOTE_MAX / 8; i++)
		atomic_store_explicit(&ring->me->note[i], words[i], memory_order_relaxed);
}
