/*
 * killpoints_world.c - what one worker works in: the two stages, the victim and the sleepers of a base,
 * and the state that its paths begin with.
 */
#include "killpoints.h"

#include <err.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define NAP_MS 2	/* a sleep that nobody ends: long enough to sleep at all */

/* ------------------------------------------------------------------ reports */

#define SHOWN_MAX 20	/* faults that are shown in full, of all workers */

static const char *const fault_names[FAULTS] = {
	[FAULT_LOST] = "lost", [FAULT_TWICE] = "acked twice", [FAULT_HANG] = "hang",
	[FAULT_OTHER] = "wrong",
};

static uint64_t count_faults(struct totals *totals)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < FAULTS; i++)
		n += atomic_load(&totals->faults[i]);
	return n;
}

void fault(struct world *world, enum fault kind, const char *format, ...)
{
	uint64_t before = count_faults(world->totals);
	va_list args;

	atomic_fetch_add(&world->totals->faults[kind], 1);
	atomic_fetch_add(&world->totals->base_faults[world->base - bases], 1);
	if (before < SHOWN_MAX) {
		char text[200];

		va_start(args, format);
		(void)vsnprintf(text, sizeof(text), format, args);
		va_end(args);
		printf("# %s: %s\n#   in %s\n", fault_names[kind], text,
		       world->totals->workers[world->number].where);
		stage_dump(&world->wake, stdout);
		(void)fflush(stdout);
	}
	if (world->ends_at_first_fault) {
		victim_end(&world->victim);
		stage_remove(&world->work);
		stage_remove(&world->wake);
		_Exit(1);
	}
}

/* ------------------------------------------------------------------ hashes seen */

#define TABLE_SIZE (1u << 23)	/* hashes; a few times what a full run sees */

static _Atomic uint64_t *seen;

void seen_init(void)
{
	seen = mmap(NULL, SEEN_SETS * TABLE_SIZE * sizeof(*seen), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (seen == MAP_FAILED)
		err(2, "mmap");
}

bool seen_add(unsigned set, uint64_t hash)
{
	_Atomic uint64_t *table = seen + (size_t)set * TABLE_SIZE;

	hash |= hash == 0;
	for (uint32_t n = 0; n < TABLE_SIZE; n++) {
		_Atomic uint64_t *at = &table[(hash + n) % TABLE_SIZE];
		uint64_t old = 0;

		if (atomic_compare_exchange_strong(at, &old, hash))
			return true;
		if (old == hash)
			return false;
	}
	errx(2, "more states than the table holds");
}

/* ------------------------------------------------------------------ orders */

void world_lay_out(struct world *world, const struct state *state)
{
	stage_load(&world->work, state->image);
	for (unsigned i = 0; i < ACTORS; i++)
		stage_hold(&world->work, state->actors[i].handle.index,
			   state->actors[i].life == LIFE_ALIVE);
}

static void expect_published(struct pending *pending, const struct order *order)
{
	for (unsigned i = 0; i < pending->count; i++) {
		struct entry *entry = &pending->items[i];

		*entry = (struct entry){ .payload = order->payload + i, .actor = order->actor,
					 .is_in = true };
		if (order->call == CALL_PUBLISH_PARCEL || order->call == CALL_COUNT_DROPPED ||
		    (order->call == CALL_PUT_BATCH && order->tickets == 0))
			entry->mark = entry->payload;
		if (order->call != CALL_PUBLISH)
			continue;
		entry->is_ticket = order->me.ticket != 0;
		entry->mark = entry->is_ticket ? order->me.ticket : entry->payload;
	}
}

/* The records of the item that ends, or the first of them. */
static void expect_ended(struct pending *pending, const struct order *order)
{
	unsigned last = order->me.held - 1;

	if (order->call != CALL_ACK_PART)
		pending->count = order->me.items[last].records;
	for (unsigned i = 0; i < pending->count; i++)
		pending->items[i].payload = order->me.payload[last] + i;
}

/* Where a slot may hold a parcel, or what is left of one. */
static bool may_be_several(const struct world *world, enum call_id id)
{
	return world->base->has_parcels && (calls[id].effect == EFFECT_TAKE ||
					    calls[id].effect == EFFECT_DROP || id == CALL_PUT_BACK);
}

/* A numbered producer comes again when its predecessor is gone. */
static unsigned number_to_take(const struct world *world, const struct state *state)
{
	for (unsigned i = 0; i < ACTORS; i++)
		if (world->base->actors[i].has_number && state->actors[i].life != LIFE_ALIVE)
			return i + 1;
	return 0;
}

void world_order(const struct world *world, const struct state *state, unsigned actor,
		 enum call_id id, struct order *order, struct pending *pending)
{
	const struct call *call = &calls[id];

	*order = (struct order){ .call = id, .actor = actor, .me = state->actors[actor],
				 .payload = state->next_payload, .tickets = world->base->tickets,
				 .number = number_to_take(world, state), .nap_ms = NAP_MS };
	(void)snprintf(order->ring_name, sizeof(order->ring_name), "%s", world->work.name);
	*pending = (struct pending){ .effect = call->effect, .count = call->count,
				     .takes = world->base->has_parcels ? call->takes * RECORDS : call->takes,
				     .is_whole = id == CALL_PUBLISH_PARCEL || id == CALL_PUT_PARCEL };
	if (may_be_several(world, id))
		pending->count *= RECORDS;
	if (call->effect == EFFECT_PUBLISH || call->effect == EFFECT_REFUSE)
		expect_published(pending, order);
	if (call->effect == EFFECT_ACK || call->effect == EFFECT_DEAD)
		expect_ended(pending, order);
}

void world_take_over(const struct world *world, const struct order *order, struct state *state)
{
	const struct call *call = &calls[order->call];
	struct actor *me = &state->actors[order->actor];

	*me = order->me;
	if (me->held == 0)
		me->hand = HAND_EMPTY;
	else if (call->leaves)
		me->hand = call->leaves;
	if (call->leaves_ring)
		me->life = LIFE_LEFT;
	state->has_opened |= call->opens;
	state->ledger.is_shut |= call->shuts;
	stage_save(&world->work, state->image);
}

/* ------------------------------------------------------------------ setting up */

static void hand_out(struct ledger *ledger, const struct actor *me)
{
	for (unsigned i = 0; i < me->held; i++)
		for (uint32_t record = 0; record < me->items[i].records; record++)
			ledger_find(ledger, me->payload[i] + record)->handed++;
}

/* Without faults the ledger follows from what the call says it did. */
static void book(struct ledger *ledger, const struct pending *pending, const struct order *order)
{
	if (pending->effect == EFFECT_TAKE)
		hand_out(ledger, &order->me);
	for (unsigned i = 0; i < order->done; i++) {
		switch (pending->effect) {
		case EFFECT_PUBLISH:
			ledger->items[ledger->accepted++] = pending->items[i];
			break;
		case EFFECT_ACK:
			ledger->acked++;
			ledger_find(ledger, pending->items[i].payload)->is_in = false;
			break;
		case EFFECT_DEAD:
			ledger->dead++;
			ledger_find(ledger, pending->items[i].payload)->is_in = false;
			break;
		case EFFECT_NONE:
		case EFFECT_TAKE:
		case EFFECT_DROP:
		case EFFECT_REFUSE:	/* of no base */
			break;
		}
	}
}

static void set_up(struct world *world, const struct step *step)
{
	struct state *state = &world->begin;
	struct pending pending;
	const char *why;

	world_lay_out(world, state);
	world_order(world, state, step->actor, step->call, world->victim.order, &pending);
	if (!victim_call(&world->victim, &why) || world->victim.order->result != RING_OK)
		errx(2, "%s: %s of actor %u failed in setting up", world->base->name,
		     calls[step->call].name, step->actor);
	world_take_over(world, world->victim.order, state);
	book(&state->ledger, &pending, world->victim.order);
	state->next_payload += pending.count;
	victim_rest(&world->victim);
}

static void put_to_sleep(struct world *world)
{
	struct state *state = &world->begin;

	stage_load(&world->wake, state->image);
	stage_save(&world->wake, world->before_sleep);
	if (!sleepers_begin(world->sleepers, world->n_sleepers)) {
		fault(world, FAULT_OTHER, "who should wait comes back at once");
		errx(1, "%s can't be set up", world->base->name);
	}
	stage_save(&world->wake, state->image);
}

/* Make them return. */
static void wake_all(struct world *world)
{
	struct header *header = world->wake.view.header;

	for (unsigned i = 0; i < world->n_sleepers; i++) {
		while (!sleeper_is_done(&world->sleepers[i])) {
			atomic_store(&header->stop, RING_STOP_NOW);
			(void)sem_post(&header->ready.sem);
			(void)sem_post(&header->free.sem);
		}
	}
}

void world_open(struct world *world, const struct base *base)
{
	struct ring_options options = {
		.slots = base->slots, .item_max = base->has_parcels ? 32 : 16, .members = MEMBERS,
		.has_parcels = base->has_parcels, .terminator = TERMINATOR,
	};
	struct state *state = &world->begin;

	*state = (struct state){ .next_payload = 1 };
	world->base = base;
	world->n_sleepers = base->sleepers_ready + base->sleepers_free;
	stage_make(&world->work, "work", &options, base->first);
	stage_make(&world->wake, "wake", &options, base->first);
	sleepers_attach(world->sleepers, base->sleepers_ready, base->sleepers_free, world->wake.name);
	world->here = stage_attach(world->work.name, RING_CONSUMER, 0);
	handle_unanchor(world->here);
	stage_save(&world->wake, state->image);
	stage_load(&world->work, state->image);	/* and there nobody is attached but the sleepers */
	for (unsigned i = 0; i < world->n_sleepers; i++)
		stage_hold(&world->work, world->sleepers[i].ring->index, true);

	victim_start(&world->victim, &world->work, base, state->actors);
	stage_save(&world->work, state->image);
	for (unsigned i = 0; i < base->n_steps; i++)
		set_up(world, &base->steps[i]);
	stage_load(&world->work, state->image);
	if (base->is_aged)
		stage_age(&world->work);
	stage_save(&world->work, state->image);
	if (world->n_sleepers) {
		put_to_sleep(world);
		wake_all(world);
	}
}

void world_close(struct world *world)
{
	victim_end(&world->victim);
	ring_close(world->here);
	sleepers_leave(world->sleepers, world->n_sleepers);
	stage_remove(&world->work);
	stage_remove(&world->wake);
	world->base = NULL;
}

void world_reopen(struct world *world)
{
	const struct base *base = world->base;

	world_close(world);
	world_open(world, base);
}
