/*
 * killpoints_stage.c - a ring whose bytes can be saved, laid out again, compared and shown. This is the
 * one part that knows the segment's layout; it changes when layout.h does.
 */
#include "killpoints.h"

#include "shm/members.h"
#include "shm/slot.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_LEN 128

static const char *path_of(const struct stage *stage, const char *prefix, char path[PATH_LEN])
{
	(void)snprintf(path, PATH_LEN, SEGMENT_FOLDER "/%s.%s", prefix, stage->name);
	return path;
}

/* A second name keeps the file alive when a call removes the ring's. */
static const char *kept(const struct stage *stage, char path[PATH_LEN])
{
	return path_of(stage, "killpoints", path);
}

static const char *named(const struct stage *stage, char path[PATH_LEN])
{
	return path_of(stage, "shmline", path);
}

void stage_make(struct stage *stage, const char *suffix, const struct ring_options *options,
		uint64_t first)
{
	struct geometry at;
	char path[PATH_LEN], other[PATH_LEN];
	int fd;

	*stage = (struct stage){ .options = *options };
	(void)snprintf(stage->name, sizeof(stage->name), "killpoints-%d-%s", (int)getpid(), suffix);
	if (ring_create(stage->name, options))
		err(2, "cannot make ring %s", stage->name);
	segment_measure(options, &at);
	if (at.times_at > IMAGE_MAX)
		errx(2, "a ring of %zu bytes does not fit an image", at.times_at);
	fd = open(named(stage, path), O_RDWR | O_CLOEXEC);
	stage->lock_fd = open(path, O_RDWR | O_CLOEXEC);
	stage->probe_fd = open(path, O_RDWR | O_CLOEXEC);
	stage->base = mmap(NULL, at.size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (fd < 0 || stage->lock_fd < 0 || stage->probe_fd < 0 || stage->base == MAP_FAILED ||
	    link(path, kept(stage, other)))
		err(2, "cannot map ring %s", stage->name);
	(void)close(fd);
	segment_place(&stage->view, stage->base, &at);
	memset(stage->base, 0, at.size);
	if (segment_format(stage->base, &at, first))
		err(2, "cannot format ring %s", stage->name);
	stage->view.at.first = first;
}

void stage_remove(struct stage *stage)
{
	char path[PATH_LEN];

	(void)unlink(kept(stage, path));
	(void)unlink(named(stage, path));
	(void)munmap(stage->base, stage->view.at.size);
	(void)close(stage->lock_fd);
	(void)close(stage->probe_fd);
}

void stage_load(struct stage *stage, const unsigned char *image)
{
	memcpy(stage->base, image, stage->view.at.times_at);
}

void stage_save(const struct stage *stage, unsigned char *image)
{
	memcpy(image, stage->base, stage->view.at.times_at);
}

bool stage_has_name(const struct stage *stage)
{
	char path[PATH_LEN];
	struct stat is, was;

	return stat(named(stage, path), &is) == 0 && stat(kept(stage, path), &was) == 0 &&
	       is.st_ino == was.st_ino;
}

void stage_name(const struct stage *stage, bool has_name)
{
	char path[PATH_LEN], other[PATH_LEN];

	if (stage_has_name(stage) == has_name)
		return;
	if (unlink(named(stage, path)) && errno != ENOENT)
		err(2, "cannot take the name %s from a ring", stage->name);
	if (has_name && link(kept(stage, other), path))
		err(2, "cannot name ring %s", stage->name);
}

struct ring *stage_attach(const char *ring_name, unsigned roles, unsigned number)
{
	struct ring *ring = ring_open(ring_name, roles | RING_PARCELS, number);

	if (!ring)
		err(2, "cannot open ring %s: %s", ring_name, ring_why());
	return ring;
}

static off_t byte_of(const struct stage *stage, uint32_t index)
{
	return index ? segment_member_byte(&stage->view, index) : LOCK_REMOVE;
}

void stage_hold(const struct stage *stage, uint32_t index, bool hold)
{
	if (!hold)
		segment_unlock(stage->lock_fd, byte_of(stage, index));
	else if (segment_lock(stage->lock_fd, byte_of(stage, index)))
		err(2, "cannot hold the lock of member %u", index);
}

bool stage_is_held(const struct stage *stage, uint32_t index)
{
	return segment_is_locked(stage->probe_fd, byte_of(stage, index));
}

bool stage_is_drained(const struct stage *stage)
{
	for (uint32_t i = 0; i < stage->view.at.members; i++) {
		uint64_t word = atomic_load(&stage->view.members[i].word);

		if (member_state(word) != MEMBER_FREE &&
		    (member_roles(word) & (RING_PRODUCER | RING_HOLDER)))
			return false;
	}
	for (uint32_t i = 0; i < stage->view.at.slots; i++) {
		enum slot_state state = slot_state(atomic_load(&stage->view.words[i]));

		if (state != SLOT_FREE && state != SLOT_DEAD)
			return false;
	}
	return true;
}

void stage_age(struct stage *stage)
{
	struct header *header = stage->view.header;

	if (atomic_load(&header->next_due) != UINT64_MAX)
		atomic_store(&header->next_due, 1);
	for (uint32_t i = 0; i < stage->view.at.slots; i++)
		if (slot_state(atomic_load(&stage->view.words[i])) == SLOT_DELAYED)
			atomic_store(&segment_slot(&stage->view, i)->when_ns, 1);
}

unsigned stage_asleep(const struct waiting *waiting)
{
	unsigned words[2];	/* tokens, sleepers: on a little-endian machine of 64 bits */

	memcpy(words, &waiting->sem, sizeof(words));
	return words[1];
}

/* ------------------------------------------------------------------ comparing */

/* A time is never, past or to come. */
static uint64_t sort_of_time(uint64_t ns)
{
	if (ns == 0 || ns == UINT64_MAX)
		return ns;
	return ns <= ring_now_ns() ? 1 : 2;
}

static void flatten_header(struct header *header)
{
	struct waiting *sides[] = { &header->ready, &header->free };

	header->created_ns = 0;
	header->next_sweep = 0;
	header->next_due = sort_of_time(header->next_due);
	for (unsigned i = 0; i < COUNT(sides); i++) {
		int tokens = 0;

		(void)sem_getvalue(&sides[i]->sem, &tokens);
		memset(&sides[i]->sem, 0, sizeof(sides[i]->sem));
		memcpy(&sides[i]->sem, &tokens, sizeof(tokens));	/* no count of sleepers */
	}
}

static void flatten_member(struct member *member)
{
	static const enum counter times[] = { COUNT_BLOCKED_NS, COUNT_STARVED_NS };

	member->pid = 0;
	member->started_ns = 0;
	for (unsigned i = 0; i < COUNT(times); i++)
		member->count[times[i]] = member->base[times[i]] = 0;
}

static void flatten_slot(struct slot *slot, enum slot_state state)
{
	slot->published_ns = 0;
	slot->when_ns = state == SLOT_DELAYED ? sort_of_time(slot->when_ns) : 0;
}

static uint64_t hash(const unsigned char *bytes, size_t n)
{
	uint64_t sum = UINT64_C(0x9e3779b97f4a7c15), word;

	for (size_t i = 0; i + sizeof(word) <= n; i += sizeof(word)) {
		memcpy(&word, bytes + i, sizeof(word));
		sum = (sum ^ word) * UINT64_C(0xff51afd7ed558ccd);
		sum ^= sum >> 32;
	}
	return sum;
}

uint64_t stage_hash(const struct stage *stage, const unsigned char *image)
{
	static _Alignas(4096) unsigned char copy[IMAGE_MAX];
	struct segment flat;

	memcpy(copy, image, stage->view.at.times_at);
	segment_place(&flat, copy, &stage->view.at);
	flatten_header(flat.header);
	for (uint32_t i = 0; i < flat.at.members; i++)
		flatten_member(&flat.members[i]);
	for (uint32_t i = 0; i < flat.at.slots; i++)
		flatten_slot(segment_slot(&flat, i), slot_state(flat.words[i]));
	return hash(copy, flat.at.times_at);
}

/* ------------------------------------------------------------------ showing */

static void dump_waiting(const char *name, struct waiting *waiting, FILE *out)
{
	int tokens = 0;

	(void)sem_getvalue(&waiting->sem, &tokens);
	fprintf(out, "  %s: %d tokens, %u wanted\n", name, tokens, atomic_load(&waiting->wanted));
}

void stage_dump(const struct stage *stage, FILE *out)
{
	const struct segment *view = &stage->view;
	struct header *header = view->header;

	fprintf(out, "  head %" PRIu64 ", tail %" PRIu64 ", stop %#" PRIx64 ", removed %" PRIu64 "\n",
		atomic_load(&header->head), atomic_load(&header->tail), atomic_load(&header->stop),
		atomic_load(&header->removed));
	dump_waiting("ready", &header->ready, out);
	dump_waiting("free", &header->free, out);
	for (uint32_t i = 1; i <= view->at.members; i++) {
		struct member *member = &view->members[i - 1];

		if (atomic_load(&member->word) || stage_is_held(stage, i))
			fprintf(out, "  member %u: word %#" PRIx64 ", intent %#" PRIx64 ", waiting %u%s\n",
				i, atomic_load(&member->word), atomic_load(&member->intent),
				atomic_load(&member->waiting), stage_is_held(stage, i) ? "" : ", no lock");
	}
	for (uint32_t i = 0; i < view->at.slots; i++) {
		uint64_t word = atomic_load(&view->words[i]);
		static const char *const names[] = { "FREE", "WRITING", "REVOKED", "READY", "DELAYED",
						     "READING", "DEAD" };

		fprintf(out, "  slot %u: %s owner %u returns %u gen %" PRIu64 "\n", i,
			slot_state(word) < SLOT_STATES ? names[slot_state(word)] : "?",
			slot_owner(word), slot_returns(word), slot_gen(word));
	}
	for (uint32_t i = 0; i < view->at.cells; i++)
		fprintf(out, "%s%" PRIx64, i ? " " : "  cells: ", atomic_load(&view->cells[i]));
	fprintf(out, "\n");
}
