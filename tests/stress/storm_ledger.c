/* storm_ledger.c - see storm_ledger.h. */
#include "storm_ledger.h"

#include <string.h>
#include <sys/mman.h>

/* A cell: state:8 | deliveries:24 | life:32 */
static uint64_t cell_make(enum ledger_state state, uint32_t deliveries, uint32_t life)
{
	return (uint64_t)state | (uint64_t)deliveries << 8 | (uint64_t)life << 32;
}

static enum ledger_state cell_state(uint64_t cell) { return (enum ledger_state)(cell & 0xff); }
static uint32_t cell_deliveries(uint64_t cell) { return (uint32_t)(cell >> 8) & 0xffffff; }
static uint32_t cell_life(uint64_t cell) { return (uint32_t)(cell >> 32); }

static atomic_ullong *cell_of(const struct place *place, struct entry entry)
{
	return &place->arena->ledger[entry.producer][entry.number - 1];
}

static const char *const state_names[LEDGER_STATES] = {
	[LEDGER_NOTHING] = "unknown",
	[LEDGER_PUBLISHING] = "being published",
	[LEDGER_PUBLISHED] = "published",
	[LEDGER_REFUSED] = "refused",
	[LEDGER_TAKEN] = "taken",
	[LEDGER_GIVING] = "being given back",
	[LEDGER_BACK] = "given back",
	[LEDGER_ENDING_ACKED] = "being acked",
	[LEDGER_ENDING_DEAD] = "being declared dead",
	[LEDGER_ACKED] = "acked",
	[LEDGER_DEAD] = "dead",
};

static void wrong(const struct place *place, struct entry entry, uint64_t cell, const char *what,
		  uint32_t deliveries)
{
	bool killed = atomic_load(&place->arena->was_killed[cell_life(cell) % LIVES_MAX]);

	violation(place->arena, "item %u of producer %u %s (delivery %u, by life %u), but it is %s "
				"(delivery %u, by life %u%s)", entry.number, entry.producer + 1, what, deliveries,
		  place->life, state_names[cell_state(cell)], cell_deliveries(cell), cell_life(cell),
		  killed ? ", killed" : "");
}

/* ------------------------------------------------------------------ producers */

void ledger_publishing(const struct place *place, struct entry entry)
{
	uint64_t old = atomic_load(cell_of(place, entry));

	/* A predecessor that was killed in its publish did not come through: its mark said so. */
	if (cell_state(old) != LEDGER_NOTHING && cell_state(old) != LEDGER_PUBLISHING)
		wrong(place, entry, old, "is about to be published", 0);
	atomic_store(&place->arena->tallies[entry.producer].intended, entry.number);
	atomic_store(cell_of(place, entry), cell_make(LEDGER_PUBLISHING, 0, place->life));
}

/* It may have been taken by now: then nothing needs to be noted in its cell. */
static void came_through(const struct place *place, struct entry entry)
{
	unsigned long long old = atomic_load(cell_of(place, entry));

	if (cell_state(old) == LEDGER_PUBLISHING)
		(void)atomic_compare_exchange_strong(cell_of(place, entry), &old,
						     cell_make(LEDGER_PUBLISHED, 0, cell_life(old)));
	atomic_store(&place->arena->tallies[entry.producer].confirmed, entry.number);
}

void ledger_published(const struct place *place, struct entry entry)
{
	came_through(place, entry);
	atomic_fetch_add(&place->arena->workers[place->worker].progress, 1);
}

void ledger_refused(const struct place *place, struct entry entry)
{
	unsigned long long old = cell_make(LEDGER_PUBLISHING, 0, place->life);

	if (!atomic_compare_exchange_strong(cell_of(place, entry), &old,
					    cell_make(LEDGER_REFUSED, 0, place->life)))
		wrong(place, entry, old, "was refused", 0);
}

uint32_t ledger_resume(const struct place *place, uint64_t mark)
{
	uint32_t producer = place->number - 1;
	struct tally *tally = &place->arena->tallies[producer];
	uint32_t intended = atomic_load(&tally->intended), confirmed = atomic_load(&tally->confirmed);

	if (mark < confirmed || mark > intended)
		violation(place->arena, "producer %u is told that %llu of its items were accepted, but "
					"%u were, and %u were tried", place->number, (unsigned long long)mark,
			  confirmed, intended);
	else if (mark > confirmed)
		came_through(place, (struct entry){ producer, (uint32_t)mark });
	return (uint32_t)mark;
}

/* ------------------------------------------------------------------ consumers */

void ledger_taking(const struct place *place, uint32_t max, struct floor *floor)
{
	for (unsigned p = 0; p < PRODUCERS; p++)
		floor->of[p] = atomic_load(&place->arena->tallies[p].first_taken);
	atomic_store(&place->arena->workers[place->worker].at_risk, max);
}

void ledger_took(const struct place *place)
{
	atomic_store(&place->arena->workers[place->worker].at_risk, 0);
}

/* May an item in this state be delivered for the deliveries-th time? */
static bool may_be_taken(const struct place *place, uint64_t cell, uint32_t deliveries)
{
	if (deliveries <= cell_deliveries(cell))
		return false;
	switch (cell_state(cell)) {
	case LEDGER_PUBLISHING:
	case LEDGER_PUBLISHED:
	case LEDGER_GIVING:
	case LEDGER_BACK:
		return true;
	case LEDGER_TAKEN:
	case LEDGER_ENDING_ACKED:
	case LEDGER_ENDING_DEAD:
		return atomic_load(&place->arena->was_killed[cell_life(cell) % LIVES_MAX]);
	default:
		return false;
	}
}

/* A producer's items are first delivered in its order: whatever was taken before this take began was
   published before. */
static void check_order(const struct place *place, struct entry entry, const struct floor *floor)
{
	atomic_uint *first_taken = &place->arena->tallies[entry.producer].first_taken;
	unsigned old = atomic_load(first_taken);

	if (entry.number <= floor->of[entry.producer])
		violation(place->arena, "item %u of producer %u is delivered for the first time after "
					"its item %u", entry.number, entry.producer + 1,
			  floor->of[entry.producer]);
	while (old < entry.number &&
	       !atomic_compare_exchange_weak(first_taken, &old, entry.number))
		;
}

void ledger_taken(const struct place *place, struct entry entry, uint32_t deliveries,
		  const struct floor *floor)
{
	atomic_ullong *cell = cell_of(place, entry);
	unsigned long long old = atomic_load(cell);

	do {
		if (!may_be_taken(place, old, deliveries)) {
			wrong(place, entry, old, "is taken", deliveries);
			break;
		}
	} while (!atomic_compare_exchange_weak(cell, &old,
					       cell_make(LEDGER_TAKEN, deliveries, place->life)));
	atomic_fetch_add(&place->arena->unseen, deliveries - cell_deliveries(old) - 1);
	if (deliveries == 1)
		check_order(place, entry, floor);
}

/* In what state it must be: in this consumer's hands, or already on its way. */
static enum ledger_state before(enum ledger_state to)
{
	switch (to) {
	case LEDGER_ACKED:
		return LEDGER_ENDING_ACKED;
	case LEDGER_DEAD:
		return LEDGER_ENDING_DEAD;
	case LEDGER_BACK:
		return LEDGER_GIVING;
	default:
		return LEDGER_TAKEN;
	}
}

void ledger_move(const struct place *place, struct entry entry, uint32_t deliveries,
		 enum ledger_state to)
{
	unsigned long long old = cell_make(before(to), deliveries, place->life);

	if (!atomic_compare_exchange_strong(cell_of(place, entry), &old,
					    cell_make(to, deliveries, place->life)) &&
	    to != LEDGER_BACK)	/* who has it now may be quicker than this note */
		wrong(place, entry, old, to == LEDGER_ACKED || to == LEDGER_DEAD
		      ? "was ended" : "is in hand", deliveries);
	if (to == LEDGER_ACKED || to == LEDGER_DEAD)
		atomic_fetch_add(&place->arena->workers[place->worker].progress, 1);
}

/* ------------------------------------------------------------------ the end of a round */

struct ledger_sums ledger_sum(struct arena *arena)
{
	struct ledger_sums sums = { 0 };

	for (unsigned p = 0; p < PRODUCERS; p++) {
		uint32_t intended = atomic_load(&arena->tallies[p].intended);

		sums.accepted += atomic_load(&arena->tallies[p].confirmed);
		for (uint32_t i = 0; i < intended; i++)
			sums.by_state[cell_state(atomic_load(&arena->ledger[p][i])) % LEDGER_STATES]++;
	}
	return sums;
}

void ledger_clear(struct arena *arena)
{
	for (unsigned p = 0; p < PRODUCERS; p++) {
		memset((void *)arena->ledger[p], 0,
		       atomic_load(&arena->tallies[p].intended) * sizeof(arena->ledger[p][0]));
		arena->tallies[p] = (struct tally){ 0 };
	}
	atomic_store(&arena->unseen, 0);
}
