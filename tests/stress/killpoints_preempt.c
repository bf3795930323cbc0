/*
 * killpoints_preempt.c - a process is stopped between any two instructions of a call, another one makes
 * a whole call there, and the first goes on to its end. Everything that stepping can't show: a look that
 * is not repeated, a flag read too early, two who get the same number.
 */
#include "killpoints.h"

#include "shm/flags.h"
#include "shm/slot.h"

#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define NAP_MS 1000	/* of a call that sleeps: the other one must have woken it long before */
#define SPARSE 97	/* while it spins, one instruction in so many: a prime */

struct pair {
	struct world *world;
	const struct state *from;
	unsigned outer_actor, inner_actor;
	enum call_id outer, inner;
	unsigned at;			/* instructions done of the outer call */
};

/* Makes no system call that can't be made again. */
static bool can_go_back(enum call_id call)
{
	return calls[call].role && !calls[call].weight && call != CALL_LET_GO;
}

/* A call that sleeps is only tried with one that gives it a reason to wake. */
static bool gives_reason(enum call_id inner, enum call_id outer)
{
	if (outer == CALL_TAKE_SLEEP)
		return inner == CALL_PUT || inner == CALL_PUBLISH || inner == CALL_PUT_PARCEL ||
		       inner == CALL_GIVE_BACK ||
		       inner == CALL_STOP_NOW;
	return inner == CALL_ACK || inner == CALL_CANCEL || inner == CALL_STOP_SOFT ||
	       inner == CALL_STOP_STRICT;
}

static void say_where(const struct pair *pair)
{
	struct world *world = pair->world;

	(void)snprintf(world->totals->workers[world->number].where,
		       sizeof(world->totals->workers[0].where), "%s: %c.%s inside %c.%s at instruction %u",
		       world->base->name, 'A' + (int)pair->inner_actor, calls[pair->inner].name,
		       'A' + (int)pair->outer_actor, calls[pair->outer].name, pair->at);
	atomic_fetch_add(&world->totals->workers[world->number].alive, 1);
}

/* The inner call is made by the harness itself, with the other actor's handle. */
static void call_inside(struct pair *pair, struct order *order, struct pending *pending)
{
	struct world *world = pair->world;
	struct state at = *pair->from;

	at.next_payload += HAND_MAX;	/* the outer call has those before */
	world_order(world, &at, pair->inner_actor, pair->inner, order, pending);
	handle_adapt(&order->me.handle, world->here, NULL);
	hand_adapt(&order->me);
	calls[pair->inner].run(&order->me.handle, order);
}

/* After a strict stop nothing is accepted, and what is reserved can't be published any more. */
static bool is_shut(struct pair *pair, uint64_t accepted)
{
	struct segment *view = &pair->world->work.view;

	if (!calls[pair->inner].shuts)
		return true;
	for (uint32_t i = 0; i < view->at.slots; i++)
		if (slot_state(atomic_load(&view->words[i])) == SLOT_WRITING) {
			fault(pair->world, FAULT_OTHER, "slot %u is reserved after a strict stop", i);
			return false;
		}
	if (flags_published(view) == accepted)
		return true;
	fault(pair->world, FAULT_OTHER, "an item was accepted after a strict stop");
	return false;
}

/* Each token on the stage was posted with its futex wake: nobody slept there. */
static void count_kicks(struct state *state, const struct world *world)
{
	struct waiting *sides[2] = { &world->work.view.header->ready, &world->work.view.header->free };

	for (unsigned i = 0; i < 2; i++) {
		int tokens = 0;

		(void)sem_getvalue(&sides[i]->sem, &tokens);
		state->kicks[i] = (unsigned)tokens;
	}
}

static bool is_new(const struct pair *pair, const struct state *now, unsigned effects)
{
	uint64_t hash = stage_hash(&pair->world->work, now->image);

	hash ^= (uint64_t)pair->outer << 40 | (uint64_t)pair->inner << 48 | (uint64_t)effects << 56 |
		(uint64_t)pair->outer_actor << 32 | (uint64_t)pair->inner_actor << 36;
	return seen_add(SEEN_CASES, hash);
}

/* Both calls are over: the ring, the record and what they say agree. */
static bool judge(struct pair *pair, const struct order *inner, const struct pending *pending)
{
	static struct state now;
	struct world *world = pair->world;
	const struct order *outer = world->victim.order;
	struct situation situation = { .state = &now, .victim = -1, .pending = pending };
	struct ledger after;
	unsigned effects;

	now = *pair->from;
	world_take_over(world, inner, &now);
	world_take_over(world, outer, &now);
	now.ledger.is_shut = pair->from->ledger.is_shut;	/* is_shut() knows better */
	count_kicks(&now, world);
	if (outer->result == RING_ERROR || inner->result == RING_ERROR) {
		fault(world, FAULT_OTHER, "a call failed: %s",
		      strerror(outer->result == RING_ERROR ? outer->error : inner->error));
		return false;
	}
	if (!is_new(pair, &now, outer->done + inner->done))
		return true;
	if (!inspect(world, &situation, &after, &effects))
		return false;
	if (effects == outer->done + inner->done)
		return true;
	fault(world, FAULT_OTHER, "the calls say %u and %u effects, they had %u", outer->done,
	      inner->done, effects);
	return false;
}

enum attempt { ATTEMPT_GOOD, ATTEMPT_WRONG, ATTEMPT_LATE };

/* The inner call, and the outer one to its end. */
static enum attempt try_once(struct pair *pair, const struct pending *outer_pending, bool is_last)
{
	static struct order inner;
	struct world *world = pair->world;
	struct pending inner_pending, both = *outer_pending;
	uint64_t began = ring_now_ns(), accepted, took;
	const char *why;

	call_inside(pair, &inner, &inner_pending);
	both.also = &inner_pending;
	accepted = flags_published(&world->work.view);
	if (!victim_finish(&world->victim, &why)) {
		fault(world, FAULT_HANG, "the outer call broke off: %s", why);
		return ATTEMPT_WRONG;
	}
	took = (ring_now_ns() - began) / 1000000;
	if (took > LIMIT_MS && is_last)
		fault(world, FAULT_HANG, "the two calls took %" PRIu64 " ms", took);
	if (took > LIMIT_MS)
		return ATTEMPT_LATE;
	both.certain = world->victim.order->done;
	inner_pending.certain = inner.done;
	return is_shut(pair, accepted) && judge(pair, &inner, &both) ? ATTEMPT_GOOD : ATTEMPT_WRONG;
}

/* The outer call has come to one of its instructions, and comes back there. */
static bool try_here(struct pair *pair, const struct pending *pending)
{
	static unsigned char image[IMAGE_MAX];
	struct world *world = pair->world;
	enum attempt attempt = ATTEMPT_LATE;

	say_where(pair);
	victim_remember(&world->victim);
	stage_save(&world->work, image);
	for (unsigned tries = 1; tries <= TRIES && attempt == ATTEMPT_LATE; tries++) {
		attempt = try_once(pair, pending, tries == TRIES);
		if (!world->victim.pid)
			return false;
		stage_load(&world->work, image);
		victim_go_back(&world->victim);
	}
	atomic_fetch_add(&world->totals->preemptions, 1);
	return attempt == ATTEMPT_GOOD;
}

/* Until it begins to ask for a wake-up a call that sleeps spins. */
static bool is_worth_it(const struct pair *pair)
{
	const struct member *me = &pair->world->work.view.members[
		pair->from->actors[pair->outer_actor].handle.index - 1];

	return !calls[pair->outer].is_slow || atomic_load(&me->waiting) || pair->at % SPARSE == 0;
}

static void try_pair(struct pair *pair)
{
	struct world *world = pair->world;
	struct order *order = world->victim.order;
	const struct waiting *side = calls[pair->outer].role == RING_PRODUCER ?
				     &world->work.view.header->free : &world->work.view.header->ready;
	struct pending pending;
	const char *why = "";
	unsigned asleep;
	bool is_good;

	world_lay_out(world, pair->from);
	asleep = stage_asleep(side);
	world_order(world, pair->from, pair->outer_actor, pair->outer, order, &pending);
	order->nap_ms = NAP_MS;
	say_where(pair);
	is_good = victim_begin(&world->victim, &why);
	while (is_good && !order->is_in_call)
		is_good = victim_step_once(&world->victim, &why);
	for (pair->at = 0; is_good && order->is_in_call; pair->at++) {
		if (calls[pair->outer].is_slow && stage_asleep(side) > asleep)
			break;	/* the next step would sleep */
		is_good = !is_worth_it(pair) || victim_reads_clock(&world->victim) ||
			  try_here(pair, &pending);
		is_good = is_good && victim_step_once(&world->victim, &why);
	}
	atomic_fetch_add(&world->totals->instructions, pair->at);
	if (world->victim.pid && is_good && !order->is_in_call &&
	    victim_finish(&world->victim, &why))
		victim_rest(&world->victim);
	else
		world_reopen(world);
}

static bool is_pair(const struct pair *pair)
{
	if (pair->outer_actor == pair->inner_actor || calls[pair->inner].is_slow ||
	    calls[pair->inner].opens || calls[pair->inner].leaves_ring ||
	    !explore_is_possible(pair->world, pair->from, pair->inner_actor, pair->inner))
		return false;
	return !calls[pair->outer].is_slow || gives_reason(pair->inner, pair->outer);
}

static bool is_sampled(const struct pair *pair)
{
	unsigned n = (unsigned)(pair->world->base - bases) * 7 + pair->outer * 31 + pair->inner * 13 +
		     pair->inner_actor + pair->outer_actor;

	return n % pair->world->mode->pair_stride == 0;
}

void preempt_job(struct world *world, unsigned actor, enum call_id call)
{
	struct pair pair = { .world = world, .from = &world->begin, .outer_actor = actor,
			     .outer = call };

	if (!can_go_back(call) && !calls[call].is_slow)
		return;
	if (calls[call].event != EVENT_NONE)
		return;
	for (pair.inner_actor = 0; pair.inner_actor < ACTORS; pair.inner_actor++)
		for (pair.inner = 0; pair.inner < CALLS; pair.inner++)
			if (is_pair(&pair) && is_sampled(&pair))
				try_pair(&pair);
}
