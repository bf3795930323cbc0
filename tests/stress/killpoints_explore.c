/*
 * killpoints_explore.c - the paths: from each state each call of each actor, killed and stopped at each
 * of its changes; the next calls begin where these ended, three deep.
 */
#include "killpoints.h"

#include "shm/slot.h"

#include <err.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH 3

struct list {
	struct state *states;
	size_t count, room;
};

/* One call, as it is stepped. */
struct run {
	struct world *world;
	unsigned actor;
	enum call_id call;
	struct state now;		/* as it is, with the ledger from before the call */
	struct pending pending;
	unsigned changes, effects;
	int tokens[2];
	unsigned fresh[2];		/* tokens whose sleeper may not have been woken yet */
	unsigned asleep;		/* before, on the side where it may go to sleep */
	bool event_is_over;
	struct list *children;
};

static struct state *list_add(struct list *list)
{
	if (list->count == list->room) {
		list->room = list->room ? 2 * list->room : 64;
		list->states = realloc(list->states, list->room * sizeof(*list->states));
		if (!list->states)
			err(2, "out of memory");
	}
	return &list->states[list->count++];
}

static uint64_t mix(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) * UINT64_C(0xc4ceb9fe1a85ec53);
	return hash ^ hash >> 29;
}

static uint64_t mix_bytes(uint64_t hash, const void *bytes, size_t n)
{
	const unsigned char *at = bytes;

	for (size_t i = 0; i < n; i++)
		hash = mix(hash, at[i]);
	return hash;
}

/* ------------------------------------------------------------------ one state */

/* The ring and who is dead: that is a crash state. */
static uint64_t hash_ring(const struct world *world, const struct state *state)
{
	uint64_t hash = stage_hash(&world->work, state->image);

	for (unsigned i = 0; i < ACTORS; i++)
		hash = mix(hash, (uint64_t)state->actors[i].life);
	return mix(mix(hash, state->kicks[0]), state->kicks[1]);
}

static uint64_t hash_ledger(uint64_t hash, const struct ledger *ledger)
{
	for (unsigned i = 0; i < ledger->accepted; i++) {
		const struct entry *entry = &ledger->items[i];

		hash = mix(hash, entry->payload << 16 | entry->handed << 1 | entry->is_in);
	}
	return mix(mix(hash, ledger->refused), ledger->is_shut);
}

static uint64_t hash_pending(uint64_t hash, const struct pending *pending)
{
	hash = mix(mix(hash, pending->effect), pending->count + pending->takes * ITEMS_MAX);
	for (unsigned i = 0; i < pending->count; i++)
		hash = mix(hash, pending->items[i].payload);
	return hash;
}

/* Who holds which lock of the stage "work": the victim may have locked more than its own. */
static uint32_t held_locks(const struct world *world)
{
	uint32_t held = 0;

	for (uint32_t i = 0; i <= world->work.view.at.members; i++)
		if (stage_is_held(&world->work, i))
			held |= UINT32_C(1) << i;
	for (unsigned i = 0; i < world->n_sleepers; i++)	/* they hold theirs themselves */
		held &= ~(UINT32_C(1) << world->sleepers[i].ring->index);
	return held;
}

__attribute__((format(printf, 2, 3)))
static void path_add(char path[PATH_SIZE], const char *format, ...)
{
	size_t len = strlen(path);
	va_list args;

	va_start(args, format);
	(void)vsnprintf(path + len, PATH_SIZE - len, format, args);
	va_end(args);
}

static void say_where(struct run *run, const char *how)
{
	struct world *world = run->world;

	(void)snprintf(world->totals->workers[world->number].where,
		       sizeof(world->totals->workers[0].where), "%s:%s, %s at change %u",
		       world->base->name, run->now.path, how, run->changes);
	atomic_fetch_add(&world->totals->workers[world->number].alive, 1);
}

static bool try_situation(struct run *run, const struct situation *situation, struct ledger *after)
{
	unsigned effects;

	if (!inspect(run->world, situation, after, &effects))
		return false;
	if (effects >= run->effects) {
		run->effects = effects;
		return true;
	}
	fault(run->world, FAULT_LOST, "the call had %u effects, and then %u", run->effects, effects);
	return false;
}

static unsigned payloads_used(const struct run *run)
{
	bool uses_some = run->pending.effect == EFFECT_PUBLISH || run->pending.effect == EFFECT_REFUSE;

	return uses_some ? run->pending.count : 0;
}

/* The victim has changed the ring: kill it there, and stop it there. */
static bool visit(struct run *run)
{
	struct world *world = run->world;
	struct state dead = run->now;
	struct ledger after;
	struct situation situation = { .state = &run->now, .victim = (int)run->actor,
				       .pending = &run->pending };
	uint64_t hash;

	dead.actors[run->actor] = (struct actor){ .life = LIFE_DEAD,
						  .handle = run->now.actors[run->actor].handle };
	dead.has_opened |= calls[run->call].opens;
	hash = hash_ring(world, &dead);
	if (seen_add(SEEN_STATES, hash)) {
		atomic_fetch_add(&world->totals->states, 1);
		atomic_fetch_add(&world->totals->base_states[world->base - bases], 1);
	}
	if (!seen_add(SEEN_CASES, hash_pending(hash_ledger(hash, &run->now.ledger), &run->pending)))
		return true;
	say_where(run, "killed");
	if (!try_situation(run, &situation, &after))
		return false;
	say_where(run, "stopped");
	situation.is_stopped = true;
	situation.held = held_locks(world);
	/* Who is stopped while it removes the ring keeps others from opening it: ring_open(). */
	if ((situation.held & 1) == 0 && !try_situation(run, &situation, &after))
		return false;
	dead.ledger = after;
	dead.next_payload += payloads_used(run);
	path_add(dead.path, "@%u", run->changes);
	*list_add(run->children) = dead;
	return true;
}

/* ------------------------------------------------------------------ one call */

/* Tokens that were posted before this change have had their futex wake by now. */
static void note_tokens(struct run *run)
{
	struct header *header = run->world->work.view.header;
	struct waiting *sides[2] = { &header->ready, &header->free };

	for (unsigned i = 0; i < 2; i++) {
		int tokens = 0;

		(void)sem_getvalue(&sides[i]->sem, &tokens);
		run->now.kicks[i] += run->fresh[i];
		run->fresh[i] = tokens > run->tokens[i] ? (unsigned)(tokens - run->tokens[i]) : 0;
		run->tokens[i] = tokens;
	}
}

/* Somebody else makes what the victim waits for. */
static void put_one(struct run *run)
{
	struct ring *ring = ring_open(run->world->work.name, RING_PRODUCER, 0);
	struct ledger *ledger = &run->now.ledger;
	uint64_t payload = run->now.next_payload++;

	if (ring && ring_put(ring, &payload, sizeof(payload), 0) == RING_OK)
		ledger->items[ledger->accepted++] =
			(struct entry){ .payload = payload, .actor = ACTORS, .is_in = true };
	ring_close(ring);
}

static void ack_one(struct run *run)
{
	struct ring *ring = ring_open(run->world->work.name, RING_CONSUMER | RING_PARCELS, 0);
	struct ring_item item;

	if (ring && ring_take(ring, &item, 0) == RING_OK) {
		uint64_t payload = payload_of(&item, 0);
		uint32_t records = item.records;

		if (ring_ack(ring, &item))
			records = 0;
		for (uint32_t i = 0; i < records; i++) {
			struct entry *entry = ledger_find(&run->now.ledger, payload + i);

			if (!entry)
				break;
			entry->handed++;
			entry->is_in = false;
			run->now.ledger.acked++;
		}
	}
	ring_close(ring);
}

static const struct waiting *side_of(const struct world *world, enum call_id call)
{
	const struct header *header = world->work.view.header;

	return calls[call].role == RING_PRODUCER ? &header->free : &header->ready;
}

static void let_event_happen(struct run *run)
{
	enum event event = calls[run->call].event;

	if (event == EVENT_NONE || run->event_is_over ||
	    stage_asleep(side_of(run->world, run->call)) <= run->asleep)
		return;
	run->event_is_over = true;
	if (event == EVENT_PUT)
		put_one(run);
	else
		ack_one(run);
	note_tokens(run);
	note_tokens(run);	/* all of it is over, the futex wakes too */
}

static bool changed(void *context)
{
	struct run *run = context;

	run->changes++;
	note_tokens(run);
	let_event_happen(run);
	stage_save(&run->world->work, run->now.image);
	return visit(run);
}

/* The ring was removed: then nothing was in it. */
static bool conclude_removed(struct run *run)
{
	stage_name(&run->world->work, true);
	for (unsigned i = 0; i < run->now.ledger.accepted; i++) {
		if (!run->now.ledger.items[i].is_in)
			continue;
		fault(run->world, FAULT_LOST, "the ring was removed with an item in it");
		return false;
	}
	return true;
}

static bool has_failed(const struct order *order)
{
	if (order->result == RING_ERROR)
		return !(calls[order->call].opens && order->error == EBUSY);
	return false;
}

/* The call came to its end: it did what it says. */
static bool conclude(struct run *run)
{
	struct world *world = run->world;
	const struct order *order = world->victim.order;
	struct situation situation = { .state = &run->now, .victim = -1, .pending = &run->pending };
	struct ledger after;

	world_take_over(world, order, &run->now);
	note_tokens(run);
	note_tokens(run);
	run->now.next_payload += payloads_used(run);
	run->pending.certain = order->done;
	say_where(run, "done");
	if (!stage_has_name(&world->work))
		return conclude_removed(run);
	if (order->result == RING_DRAINED && !stage_is_drained(&world->work)) {
		fault(world, FAULT_LOST, "the call says that the line is drained");
		return false;
	}
	if (has_failed(order)) {
		fault(world, FAULT_OTHER, "the call failed: %s", strerror(order->error));
		return false;
	}
	if (!try_situation(run, &situation, &after))
		return false;
	if (run->effects != order->done) {
		fault(world, FAULT_OTHER, "the call says %u effects, it had %u", order->done, run->effects);
		return false;
	}
	run->now.ledger = after;
	*list_add(run->children) = run->now;
	return true;
}

static void try_call(struct world *world, const struct state *from, unsigned actor,
		     enum call_id call, struct list *children)
{
	static struct run run;
	uint64_t instructions = 0;
	const char *why;

	run = (struct run){ .world = world, .actor = actor, .call = call, .now = *from,
			    .children = children };
	path_add(run.now.path, " %c.%s", 'A' + (int)actor, calls[call].name);
	world_lay_out(world, from);
	world_order(world, from, actor, call, world->victim.order, &run.pending);
	note_tokens(&run);
	memset(run.fresh, 0, sizeof(run.fresh));
	run.asleep = stage_asleep(side_of(world, call));
	say_where(&run, "stepped");
	if (victim_step(&world->victim, &world->work, changed, &run, &instructions, &why)) {
		(void)conclude(&run);
		victim_rest(&world->victim);
	} else if (strcmp(why, "given up") != 0) {
		fault(world, FAULT_HANG, "the call broke off: %s", why);
	}
	atomic_fetch_add(&world->totals->instructions, instructions);
	atomic_fetch_add(&world->totals->runs, 1);
	if (!world->victim.pid)
		world_reopen(world);
}

/* ------------------------------------------------------------------ which calls */

static bool any_slot(const struct world *world, const struct state *state, enum slot_state wanted)
{
	struct segment view;

	segment_place(&view, (void *)(uintptr_t)state->image, &world->work.view.at);
	for (uint32_t i = 0; i < world->work.view.at.slots; i++)
		if (slot_state(view.words[i]) == wanted)
			return true;
	return false;
}

/* Would it find what it waits for at once? Then the call that does not wait serves as well. */
static bool would_sleep(const struct world *world, const struct state *state,
			const struct call *call)
{
	struct segment view;

	segment_place(&view, (void *)(uintptr_t)state->image, &world->work.view.at);
	if (view.header->stop)
		return false;
	return !any_slot(world, state, call->role == RING_PRODUCER ? SLOT_FREE : SLOT_READY);
}

bool explore_is_possible(const struct world *world, const struct state *state, unsigned actor,
			 enum call_id id)
{
	const struct call *call = &calls[id];
	const struct actor *me = &state->actors[actor];

	if (me->life != LIFE_ALIVE || (call->role && !(world->base->actors[actor].roles & call->role)))
		return false;
	if (!call->any_hand && me->hand != call->needs)
		return false;
	if (call->wants_parcels && !world->base->has_parcels)
		return false;
	if (id == CALL_NEXT && me->held != 1)
		return false;
	if (id == CALL_ACK_PART && me->items[me->held - 1].records < 2)
		return false;
	if ((call->opens && state->has_opened) || (id == CALL_TICKET && !world->base->tickets) ||
	    (id == CALL_COUNT_DROPPED && world->base->tickets))
		return false;
	if (state->ledger.accepted + HAND_MAX + 2 > ITEMS_MAX)
		return false;
	return !call->is_slow || would_sleep(world, state, call);
}

static bool is_sampled(const struct world *world, const struct state *state, unsigned depth,
		       unsigned actor, enum call_id call)
{
	unsigned stride = world->mode->strides[depth];

	if (depth == 0)
		stride = calls[call].is_slow ? world->mode->slow_stride : 1;
	else if (calls[call].weight)
		stride *= calls[call].weight;
	if (world->base->denser)
		stride = (stride + world->base->denser - 1) / world->base->denser;
	return mix_bytes(mix(mix(7, actor), call), state->path, strlen(state->path)) % stride == 0;
}

static void try_calls(struct world *world, const struct state *from, unsigned depth,
		      struct list *children)
{
	for (unsigned actor = 0; actor < ACTORS; actor++)
		for (unsigned call = 0; call < CALLS; call++)
			if (explore_is_possible(world, from, actor, call) &&
			    is_sampled(world, from, depth, actor, call))
				try_call(world, from, actor, call, children);
}

/* ------------------------------------------------------------------ jobs */

unsigned explore_jobs(void)
{
	return bases_count * ACTORS * CALLS + 1;
}

const char *explore_job_name(unsigned job)
{
	return job == LIFE_JOB ? bases[0].name : bases[job / CALLS / ACTORS].name;
}

/* Two actors that are alike and have nothing in their hands are one. */
static bool is_double(const struct state *state, const struct base *base, unsigned actor)
{
	for (unsigned i = 0; i < actor; i++)
		if (base->actors[i].roles == base->actors[actor].roles &&
		    state->actors[i].hand == state->actors[actor].hand &&
		    state->actors[i].life == state->actors[actor].life &&
		    state->actors[i].ticket == state->actors[actor].ticket)
			return true;
	return false;
}

void explore_job(struct world *world, unsigned job)
{
	const struct base *base = &bases[job / CALLS / ACTORS];
	unsigned actor = job / CALLS % ACTORS;
	enum call_id call = job % CALLS;
	struct list lists[DEPTH + 1] = { { 0 } };

	if (world->base != base) {
		if (world->base)
			world_close(world);
		world_open(world, base);
	}
	if (!explore_is_possible(world, &world->begin, actor, call) ||
	    is_double(&world->begin, base, actor))
		return;
	preempt_job(world, actor, call);
	if (!is_sampled(world, &world->begin, 0, actor, call))
		return;
	try_call(world, &world->begin, actor, call, &lists[1]);
	for (unsigned depth = 1; depth < DEPTH; depth++)
		for (size_t i = 0; i < lists[depth].count; i++)
			try_calls(world, &lists[depth].states[i], depth, &lists[depth + 1]);
	for (unsigned depth = 0; depth <= DEPTH; depth++)
		free(lists[depth].states);
}
