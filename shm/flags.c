/*
 * flags.c - the stop flag, and whether a ring is empty or drained.
 */
#include "shm/flags.h"

#include "shm/failpoint.h"
#include "shm/members.h"
#include "shm/slot.h"

#define MODE_MASK 3u
#define CLOSING 4u
#define CAUSE_SHIFT 4

static enum ring_stop_mode mode_of(uint64_t flag) { return (enum ring_stop_mode)(flag & MODE_MASK); }

static enum ring_stop_cause cause_of(uint64_t flag)
{
	uint64_t cause = flag >> CAUSE_SHIFT & 15;

	return cause <= RING_CAUSE_FAILURE ? (enum ring_stop_cause)cause : RING_CAUSE_NONE;
}

/* Take every reserved slot from its owner. A slot is claimed at most once after its turn, and given
   up again by its claimer, who sees the flag. */
static void revoke_all(struct segment *segment)
{
	if (MISTAKE(nothing_revoked))
		return;
	for (uint32_t i = 0; i < segment->at.slots; i++) {
		uint64_t word = atomic_load(&segment->words[i]);

		while (slot_state(word) == SLOT_WRITING &&
		       !atomic_compare_exchange_weak(&segment->words[i], &word, slot_revoked(word)))
			;
	}
}

/* How many were published when the flag was up. After the pass of a strict stop the number is final, so
   whoever helps writes the same. */
static void note_published(struct segment *segment)
{
	uint64_t published = flags_published(segment);
	uint64_t old = atomic_load(&segment->header->stop_published);

	/* Upward only: a slow raiser of soft must not overwrite what strict has found since. */
	while (old < published &&
	       !atomic_compare_exchange_weak(&segment->header->stop_published, &old, published))
		;
}

static uint64_t complete(struct segment *segment, uint64_t flag)
{
	while (flag & CLOSING) {
		revoke_all(segment);
		note_published(segment);
		if (atomic_compare_exchange_strong(&segment->header->stop, &flag, flag & ~CLOSING))
			return flag & ~CLOSING;
	}
	return flag;
}

void flags_raise(struct segment *segment, enum ring_stop_mode mode, enum ring_stop_cause cause)
{
	uint64_t flag = atomic_load(&segment->header->stop), raised;

	do {
		if (mode_of(flag) >= mode) {
			(void)complete(segment, flag);
			return;
		}
		raised = (uint64_t)mode;
		raised |= (uint64_t)(mode_of(flag) ? cause_of(flag) : cause) << CAUSE_SHIFT;
		if (mode >= RING_STOP_STRICT)
			raised |= CLOSING;
		/* seq_cst: up before the pass reads the words; pairs with the look at the flag that
		   follows each claim. */
	} while (!atomic_compare_exchange_weak(&segment->header->stop, &flag, raised));
	(void)complete(segment, raised);
	if (mode == RING_STOP_SOFT)
		note_published(segment);
}

void flags_lower(struct segment *segment)
{
	atomic_store(&segment->header->stop_published, 0);
	atomic_store(&segment->header->stop, 0);
}

enum ring_stop_mode flags_mode(struct segment *segment)
{
	uint64_t flag = atomic_load(&segment->header->stop);

	return mode_of(flag & CLOSING ? complete(segment, flag) : flag);
}

enum ring_stop_mode flags_peek(const struct segment *segment, enum ring_stop_cause *cause)
{
	uint64_t flag = atomic_load(&segment->header->stop);

	*cause = cause_of(flag);
	return mode_of(flag);
}

bool flags_is_empty(const struct segment *segment)
{
	for (uint32_t i = 0; i < segment->at.slots; i++) {
		enum slot_state state = slot_state(atomic_load(&segment->words[i]));

		if (state != SLOT_FREE && state != SLOT_DEAD)
			return false;
	}
	return true;
}

bool flags_is_drained(const struct segment *segment)
{
	unsigned open = RING_PRODUCER | (MISTAKE(drained_while_held) ? 0 : RING_HOLDER);
	uint64_t ever = atomic_load(&segment->header->producers_ever);

	/* A producer that came and went during the looks may have published behind the pass. */
	return !members_have(segment, open) && flags_is_empty(segment) &&
	       atomic_load(&segment->header->producers_ever) == ever;
}

uint64_t flags_published(const struct segment *segment)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < segment->at.slots; i++)
		sum += (slot_gen(atomic_load(&segment->words[i])) - segment->at.first) & SLOT_GEN_MASK;
	return sum;
}
