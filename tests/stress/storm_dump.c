/* storm_dump.c - what a ring looks like from inside, for the report of a hang. */
#include "storm.h"

#include "shm/handle.h"
#include "shm/members.h"
#include "shm/slot.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *const states[SLOT_STATES] = {
	[SLOT_FREE] = "free", [SLOT_WRITING] = "writing", [SLOT_REVOKED] = "revoked",
	[SLOT_READY] = "ready", [SLOT_DELAYED] = "delayed", [SLOT_READING] = "reading",
	[SLOT_DEAD] = "dead",
};

static void dump_waiting(const char *name, struct waiting *waiting)
{
	int tokens = 0;

	(void)sem_getvalue(&waiting->sem, &tokens);
	fprintf(stderr, "  %s: %d tokens, %u wanted\n", name, tokens, atomic_load(&waiting->wanted));
}

static void dump_stats(struct ring *ring)
{
	struct header *header = ring->segment->header;
	struct ring_stats stats;

	(void)ring_stats(ring, &stats);
	fprintf(stderr, "  published %" PRIu64 " acked %" PRIu64 " dead %" PRIu64 " left %" PRIu64
		", ready %u delayed %u in flight %u writing %u free %u, stop %d\n", stats.published,
		stats.acked, stats.dead, stats.left, stats.ready, stats.delayed, stats.in_flight,
		stats.writing, stats.free, (int)stats.stop);
	fprintf(stderr, "  head %" PRIu64 " tail %" PRIu64 " next_due in %" PRId64 " ns, next_sweep in %"
		PRId64 " ns\n", stats.head, stats.tail,
		(int64_t)(atomic_load(&header->next_due) - ring_now_ns()),
		(int64_t)(atomic_load(&header->next_sweep) - ring_now_ns()));
	dump_waiting("ready", &header->ready);
	dump_waiting("free", &header->free);
}

/* Where in the kernel a process sleeps; empty when the system doesn't tell. */
static void read_place(pid_t pid, char text[64])
{
	char path[64];
	FILE *file;

	text[0] = '\0';
	(void)snprintf(path, sizeof(path), "/proc/%d/wchan", (int)pid);
	file = fopen(path, "re");
	if (!file)
		return;
	if (!fgets(text, 64, file))
		text[0] = '\0';
	(void)fclose(file);
}

static void dump_members(struct ring *ring)
{
	for (uint32_t i = 1; i <= ring_member_limit(ring); i++) {
		struct ring_member member;
		char place[64];

		if (ring_member(ring, i, &member) != 1)
			continue;
		read_place(member.pid, place);
		fprintf(stderr, "  member %u: pid %d roles %u number %u %s, holds %u, waiting for %u, %s\n",
			i, (int)member.pid, member.roles, member.number,
			member.is_alive ? "alive" : "dead", member.holding,
			atomic_load(&member_at(ring->segment, i)->waiting), place);
	}
}

static void dump_words(struct ring *ring)
{
	for (uint32_t i = 0; i < ring_slots(ring) && i < 64; i++) {
		uint64_t word = atomic_load(&ring->segment->words[i]);

		if (slot_state(word) != SLOT_FREE && slot_state(word) < SLOT_STATES)
			fprintf(stderr, "  slot %u: %s, owner %u, returns %u, generation %" PRIu64
				", id %" PRIu64 "\n", i, states[slot_state(word)], slot_owner(word),
				slot_returns(word), slot_gen(word),
				atomic_load(&segment_slot(ring->segment, i)->id));
	}
}

void storm_dump(const struct arena *arena)
{
	struct ring *ring = ring_open(arena->round.ring, RING_OBSERVER, 0);

	if (!ring) {
		fprintf(stderr, "storm: cannot open ring \"%s\": %s\n", arena->round.ring,
			*ring_why() ? ring_why() : strerrordesc_np(0));
		return;
	}
	fprintf(stderr, "storm: ring \"%s\", %u slots:\n", arena->round.ring, arena->round.slots);
	dump_stats(ring);
	dump_members(ring);
	dump_words(ring);
	ring_close(ring);
}
