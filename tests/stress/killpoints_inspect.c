/*
 * killpoints_inspect.c - one state, with one member dead or stopped in it: newcomers recover, check every
 * invariant, the record and the books, wake every sleeper, and use the ring to the full.
 */
#include "killpoints.h"

#include "shm/flags.h"
#include "shm/members.h"
#include "shm/slot.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/futex.h>
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LIMIT_NS (LIMIT_MS * UINT64_C(1000000))
#define OWN (UINT64_C(1) << 40)			/* payloads of the inspection's own items */
#define WORKER SLEEPERS_MAX			/* a consumer's number, after the sleepers' */

struct inspection {
	struct world *world;
	const struct situation *situation;
	struct ring *launcher, *worker;
	struct found found;
	uint64_t published, acked;	/* by the inspection */
	uint64_t put, taken;		/* its own items, by number */
	bool is_late, is_last_try;
};

/* ------------------------------------------------------------------ laying out */

static bool is_alive(const struct inspection *in, unsigned actor)
{
	return in->situation->state->actors[actor].life == LIFE_ALIVE &&
	       (int)actor != in->situation->victim;
}

static uint32_t index_of(const struct inspection *in, unsigned actor)
{
	return in->situation->state->actors[actor].handle.index;
}

static void hold_locks(struct inspection *in)
{
	const struct situation *now = in->situation;
	struct stage *stage = &in->world->wake;

	for (uint32_t i = 0; now->is_stopped && i <= stage->view.at.members; i++)
		if (now->held >> i & 1)
			stage_hold(stage, i, true);
	for (unsigned actor = 0; actor < ACTORS; actor++)
		if (is_alive(in, actor))
			stage_hold(stage, index_of(in, actor), true);
}

static void drop_locks(struct inspection *in)
{
	struct stage *stage = &in->world->wake;
	uint32_t held = in->situation->held;

	for (unsigned actor = 0; actor < ACTORS; actor++)
		held |= UINT32_C(1) << index_of(in, actor);
	for (uint32_t i = 0; i <= stage->view.at.members; i++)
		if (held >> i & 1)
			stage_hold(stage, i, false);
}

/* The stopped one is killed as well, the other actors live on. */
static void drop_victims_locks(struct inspection *in)
{
	drop_locks(in);
	for (unsigned actor = 0; actor < ACTORS; actor++)
		if (is_alive(in, actor))
			stage_hold(&in->world->wake, index_of(in, actor), true);
}

static void kick(struct waiting *waiting, unsigned times)
{
	if (times)
		(void)syscall(SYS_futex, &waiting->sem, FUTEX_WAKE, (int)times, NULL, NULL, 0);
}

static void lay_out(struct inspection *in)
{
	struct world *world = in->world;
	const struct state *state = in->situation->state;

	stage_name(&world->wake, true);
	if (world->n_sleepers) {
		stage_load(&world->wake, world->before_sleep);
		(void)sleepers_begin(world->sleepers, world->n_sleepers);
	}
	hold_locks(in);
	stage_load(&world->wake, state->image);
	kick(&world->wake.view.header->ready, state->kicks[0]);
	kick(&world->wake.view.header->free, state->kicks[1]);
}

/* ------------------------------------------------------------------ small checks */

/* Late once may be the machine's doing: see inspect(). */
static bool in_time(struct inspection *in, uint64_t began_ns, const char *what)
{
	uint64_t took = ring_now_ns() - began_ns;

	if (took <= LIMIT_NS)
		return true;
	if (in->is_last_try)
		fault(in->world, FAULT_HANG, "%s took %" PRIu64 " ms", what, took / 1000000);
	in->is_late = true;
	return false;
}

static unsigned count_words(const struct inspection *in, enum slot_state state)
{
	const struct segment *view = &in->world->wake.view;
	unsigned n = 0;

	for (uint32_t i = 0; i < view->at.slots; i++)
		n += slot_state(atomic_load(&view->words[i])) == state;
	return n;
}

/* What ring_fsck() leaves to others, since it may be so for a moment. */
static bool is_settled(struct inspection *in)
{
	const struct stage *stage = &in->world->wake;
	unsigned dead = count_words(in, SLOT_DEAD), most = in->world->base->slots / 4;
	uint64_t next_due = atomic_load(&stage->view.header->next_due);

	if (dead > most) {
		fault(in->world, FAULT_OTHER, "%u dead items are kept, %u at most are promised", dead, most);
		return false;
	}
	if (atomic_load(&stage->view.header->removed) && !stage_is_held(stage, 0)) {
		fault(in->world, FAULT_OTHER, "a ring in use is marked as removed");
		return false;
	}
	for (uint32_t i = 0; i < stage->view.at.slots; i++)
		if (slot_state(atomic_load(&stage->view.words[i])) == SLOT_DELAYED &&
		    next_due > atomic_load(&segment_slot(&stage->view, i)->when_ns)) {
			fault(in->world, FAULT_HANG, "nobody will look for delayed slot %u", i);
			return false;
		}
	return true;
}

static void report(const char *sentence, void *context)
{
	struct inspection *in = context;

	fault(in->world, FAULT_OTHER, "fsck: %s", sentence);
}

static bool has_sound_invariants(struct inspection *in)
{
	return ring_fsck(in->launcher, true, report, in) == 0 && is_settled(in);
}

/* Whoever has no lock was recovered. */
static bool nobody_dead_is_left(struct inspection *in)
{
	const struct stage *stage = &in->world->wake;

	for (uint32_t i = 1; i <= stage->view.at.members; i++) {
		uint64_t word = atomic_load(&member_at(&stage->view, i)->word);

		if (member_state(word) == MEMBER_FREE || stage_is_held(stage, i))
			continue;
		fault(in->world, FAULT_OTHER, "dead member %u was not recovered", i);
		return false;
	}
	return true;
}

static bool is_in_hands(uint64_t word, uint32_t index)
{
	return slot_owner(word) == index && slot_state(word) != SLOT_READY;
}

/* What living members hold is theirs still (though a strict stop may have revoked it), and no more. */
static bool living_keep_theirs(struct inspection *in)
{
	const struct segment *view = &in->world->wake.view;
	struct segment before;

	segment_place(&before, (void *)(uintptr_t)in->situation->state->image, &view->at);
	for (unsigned actor = 0; actor < ACTORS; actor++) {
		uint32_t index = index_of(in, actor);
		unsigned held = 0;

		for (uint32_t i = 0; is_alive(in, actor) && i < view->at.slots; i++) {
			uint64_t was = before.words[i], word = atomic_load(&view->words[i]);

			held += is_in_hands(word, index);
			if (!is_in_hands(was, index) || word == was ||
			    (slot_state(was) == SLOT_WRITING && word == slot_revoked(was)))
				continue;
			fault(in->world, FAULT_OTHER, "slot %u was taken from a living member", i);
			return false;
		}
		if (is_alive(in, actor) && held != in->situation->state->actors[actor].held) {
			fault(in->world, FAULT_OTHER, "a member owns %u slots, it holds %u", held,
			      in->situation->state->actors[actor].held);
			return false;
		}
	}
	return true;
}

/* Nothing is left in the ring but what is kept dead or in hands whose lock is held. */
static bool only_hands_hold_items(struct inspection *in)
{
	const struct stage *stage = &in->world->wake;

	for (uint32_t i = 0; i < stage->view.at.slots; i++) {
		uint64_t word = atomic_load(&stage->view.words[i]);
		enum slot_state state = slot_state(word);

		if (state == SLOT_FREE || state == SLOT_DEAD ||
		    (state != SLOT_READY && slot_owner(word) && stage_is_held(stage, slot_owner(word))))
			continue;
		fault(in->world, FAULT_LOST, "slot %u holds what nobody can take", i);
		return false;
	}
	return true;
}

/* ------------------------------------------------------------------ sleepers */

static bool has_reason_to_wake(const struct inspection *in, const struct sleeper *sleeper)
{
	struct segment *view = &in->world->wake.view;
	enum ring_stop_cause cause;
	enum ring_stop_mode mode = flags_peek(view, &cause);

	if (sleeper->is_producer)
		return mode != RING_STOP_NONE || count_words(in, SLOT_FREE) > 0;
	if (mode == RING_STOP_NOW || count_words(in, SLOT_READY) > 0)
		return true;
	return (mode || atomic_load(&view->header->ending)) && stage_is_drained(&in->world->wake);
}

static bool add_found(struct inspection *in, uint64_t payload, uint64_t id, unsigned deliveries,
		      unsigned consumer)
{
	if (in->found.count == ITEMS_MAX) {
		fault(in->world, FAULT_TWICE, "items come without end");
		return false;
	}
	in->found.items[in->found.count].payload = payload;
	in->found.items[in->found.count].id = id;
	in->found.items[in->found.count].deliveries = deliveries;
	in->found.items[in->found.count++].consumer = consumer;
	return true;
}

static bool add_records(struct inspection *in, uint64_t payload, uint64_t id, unsigned deliveries,
			unsigned records, unsigned consumer)
{
	for (unsigned i = 0; i < records; i++)
		if (!add_found(in, payload + i, id + i, deliveries, consumer))
			return false;
	return true;
}

static bool collect(struct inspection *in, unsigned n)
{
	struct sleeper *sleeper = &in->world->sleepers[n];

	if (sleeper->is_collected || !sleeper_is_done(sleeper))
		return true;
	sleeper->is_collected = true;
	switch (sleeper->result) {
	case RING_OK:
		if (sleeper->is_producer)
			return true;
		in->acked += sleeper->records;
		return (sleeper->payload & OWN) != 0 ||
		       add_records(in, sleeper->payload, sleeper->id, sleeper->deliveries,
				   sleeper->records, n);
	case RING_CLOSED:
		return true;
	case RING_DRAINED:
		/* Our own worker, once it is there, is a producer that came later. */
		if (in->worker || stage_is_drained(&in->world->wake))
			return true;
		fault(in->world, FAULT_OTHER, "a sleeper was told that the line is drained");
		return false;
	default:
		fault(in->world, FAULT_HANG, "a sleeper ended with result %d", (int)sleeper->result);
		return false;
	}
}

/* Bit 0: one runs. Above, two bits for each: its phase. */
static unsigned look_at_sleepers(struct inspection *in)
{
	unsigned seen = 0;

	for (unsigned i = 0; i < in->world->n_sleepers; i++) {
		struct sleeper *sleeper = &in->world->sleepers[i];

		if (sleeper_is_done(sleeper))
			seen |= 2u << (2 * i);
		else if (sleeper_is_asleep(sleeper))
			seen |= 4u << (2 * i);
		else
			seen |= 1;
	}
	return seen;
}

/* Two looks that agree, or one that runs may have been missed between. */
static bool are_at_rest(struct inspection *in)
{
	unsigned seen = look_at_sleepers(in);

	return (seen & 1) == 0 && look_at_sleepers(in) == seen;
}

static struct sleeper *oversleeper(struct inspection *in)
{
	for (unsigned i = 0; i < in->world->n_sleepers; i++) {
		struct sleeper *sleeper = &in->world->sleepers[i];

		if (!sleeper_is_done(sleeper) && has_reason_to_wake(in, sleeper))
			return sleeper;
	}
	return NULL;
}

static void await_rest(struct inspection *in)
{
	while (!are_at_rest(in))
		(void)sched_yield();
}

/* Wait until all who were woken are done. Who sleeps beside work then would sleep on. While somebody is
   stopped a launcher sweeps: once in any 350 ms. */
static bool settle(struct inspection *in)
{
	struct sleeper *sleeper;

	await_rest(in);
	if (in->situation->is_stopped && oversleeper(in)) {
		ring_sweep(in->launcher);
		await_rest(in);
	}
	sleeper = oversleeper(in);
	if (sleeper) {
		fault(in->world, FAULT_HANG, "a %s sleeps beside work",
		      sleeper->is_producer ? "producer" : "consumer");
		return false;
	}
	for (unsigned i = 0; i < in->world->n_sleepers; i++)
		if (!collect(in, i))
			return false;
	return true;
}

/* ------------------------------------------------------------------ newcomers */

static struct ring *newcomer(struct inspection *in, unsigned roles, unsigned number)
{
	uint64_t began = ring_now_ns();
	struct ring *ring = ring_open(in->world->wake.name, roles | RING_PARCELS, number);

	if (!ring)
		fault(in->world, FAULT_OTHER, "a newcomer can't attach: %s: %s", strerror(errno), ring_why());
	else if (in_time(in, began, "ring_open()"))
		return ring;
	ring_close(ring);
	return NULL;
}

static bool recover(struct inspection *in)
{
	uint64_t began = ring_now_ns();

	if (ring_recover(in->launcher, 0) < 0) {
		fault(in->world, FAULT_OTHER, "ring_recover(): %s", strerror(errno));
		return false;
	}
	return in_time(in, began, "ring_recover()") && nobody_dead_is_left(in);
}

static enum ring_result put(struct inspection *in, uint64_t mark)
{
	uint64_t payload = OWN | in->put;
	struct ring_item item;
	enum ring_result result = ring_reserve(in->worker, &item, 0);

	if (result != RING_OK)
		return result;
	memcpy(item.data, &payload, sizeof(payload));
	item.len = sizeof(payload);
	item.mark = mark;
	result = ring_publish(in->worker, &item);
	if (result == RING_OK) {
		in->put++;
		in->published++;
	}
	return result;
}

static bool must_put(struct inspection *in, enum ring_result expected, uint64_t mark)
{
	uint64_t began = ring_now_ns();
	enum ring_result result = put(in, mark);

	if (result == expected)
		return in_time(in, began, "a put");
	fault(in->world, FAULT_OTHER, "a put ended with result %d, %d expected", (int)result, (int)expected);
	return false;
}

/* Take and ack what there is: the ledger's items, or our own, in their order. */
static enum ring_result take_one(struct inspection *in)
{
	uint64_t began = ring_now_ns(), payload, id;
	struct ring_item item;
	enum ring_result result = ring_take(in->worker, &item, 0);
	uint32_t records = item.records;

	if (result != RING_OK)
		return result;
	payload = payload_of(&item, 0);
	id = item.id;
	if (payload_of(&item, records - 1) != payload + records - 1) {
		fault(in->world, FAULT_OTHER, "the records of a parcel are not its own");
		return RING_ERROR;
	}
	if (ring_ack(in->worker, &item)) {
		fault(in->world, FAULT_OTHER, "an ack was refused");
		return RING_ERROR;
	}
	in->acked += records;
	if (!in_time(in, began, "a take and its ack"))
		return RING_ERROR;
	if ((payload & OWN) == 0)
		return add_records(in, payload, id, item.deliveries, records, WORKER) ? RING_OK
										      : RING_ERROR;
	if (payload == (OWN | in->taken++) && item.deliveries == 1)
		return RING_OK;
	fault(in->world, FAULT_OTHER, "a new item came out of order, or as delivery %u", item.deliveries);
	return RING_ERROR;
}

static bool drain(struct inspection *in)
{
	enum ring_result result;

	do
		result = take_one(in);
	while (result == RING_OK);
	if (result == RING_TIMEOUT)
		return settle(in) && only_hands_hold_items(in);
	if (result != RING_ERROR)
		fault(in->world, FAULT_OTHER, "a take ended with result %d", (int)result);
	return false;
}

static unsigned consumers_asleep(struct inspection *in)
{
	unsigned n = 0;

	for (unsigned i = 0; i < in->world->n_sleepers; i++)
		n += !in->world->sleepers[i].is_producer && !sleeper_is_done(&in->world->sleepers[i]);
	return n;
}

/* An item each for the consumers that still sleep. */
static bool wake_the_rest(struct inspection *in)
{
	while (consumers_asleep(in) > 0 && count_words(in, SLOT_FREE) > 0) {
		if (!must_put(in, RING_OK, 0) || !settle(in))
			return false;
		in->taken++;
	}
	return true;
}

static bool fill_and_drain(struct inspection *in)
{
	unsigned room = count_words(in, SLOT_FREE);
	uint64_t had = in->taken;

	while (room-- > 0)
		if (!must_put(in, RING_OK, 0))
			return false;
	if (!must_put(in, RING_TIMEOUT, 0) || !drain(in))
		return false;
	if (in->taken == in->put)
		return true;
	fault(in->world, FAULT_LOST, "%" PRIu64 " new items were put, %" PRIu64 " came", in->put - had,
	      in->taken - had);
	return false;
}

static bool respects_the_flag(struct inspection *in, enum ring_stop_mode mode)
{
	struct ring_item item;

	if (mode == RING_STOP_NONE)
		return true;
	if (!must_put(in, RING_CLOSED, 0))
		return false;
	if (mode != RING_STOP_NOW || ring_take(in->worker, &item, 0) == RING_CLOSED)
		return true;
	fault(in->world, FAULT_OTHER, "an item can be taken after the ring was stopped now");
	return false;
}

/* ------------------------------------------------------------------ the whole */

/* Beside a stopped process everything goes on, but for the items in its hands. */
static bool others_go_on(struct inspection *in)
{
	enum ring_stop_mode mode;

	stage_age(&in->world->wake);	/* what is delayed is due before it goes on */
	ring_sweep(in->launcher);
	if (!recover(in) || !settle(in))
		return false;
	in->worker = newcomer(in, RING_PRODUCER | RING_CONSUMER, 0);
	if (!in->worker)
		return false;
	mode = ring_stopped(in->worker);
	if (!respects_the_flag(in, mode) || (mode != RING_STOP_NOW && !drain(in)))
		return false;
	if (mode == RING_STOP_NONE && (!wake_the_rest(in) || !fill_and_drain(in)))
		return false;
	ring_close(in->worker);
	in->worker = NULL;
	return settle(in);
}

/* What was dead, or taken up of the dead by who is dead now, is kept dead, as far as there is room. */
static bool keeps_its_dead(struct inspection *in)
{
	struct segment before;
	uint32_t letters = 0, most = in->world->base->slots / 4, kept = count_words(in, SLOT_DEAD);

	segment_place(&before, (void *)(uintptr_t)in->situation->state->image, &in->world->wake.view.at);
	for (uint32_t i = 0; i < before.at.slots; i++) {
		enum slot_state state = slot_state(before.words[i]);
		bool is_dead = !stage_is_held(&in->world->wake, slot_owner(before.words[i]));

		letters += state == SLOT_DEAD || ((state == SLOT_WRITING || state == SLOT_REVOKED) && is_dead &&
						  slot_returns(before.words[i]) > 0);
	}
	letters = letters < most ? letters : most;
	if (kept == letters)
		return true;
	fault(in->world, FAULT_OTHER, "%u dead items are kept, of %u", kept, letters);
	return false;
}

static bool recover_all(struct inspection *in)
{
	if (!recover(in) || !settle(in) || !has_sound_invariants(in) || !living_keep_theirs(in) ||
	    (!in->situation->is_stopped && !keeps_its_dead(in)))
		return false;
	drop_locks(in);
	return recover(in) && settle(in) && has_sound_invariants(in);
}

/* The successors of dead producers are told how far these came. */
static bool ask_marks(struct inspection *in)
{
	for (unsigned actor = 0; actor < ACTORS; actor++) {
		struct ring *ring;

		in->found.marks[actor] = UINT64_MAX;
		if (is_alive(in, actor) || !in->world->base->actors[actor].has_number)
			continue;
		ring = newcomer(in, RING_PRODUCER, actor + 1);
		if (!ring)
			return false;
		if (ring->lane == actor)
			in->found.marks[actor] = ring_mark(ring);
		else
			fault(in->world, FAULT_OTHER, "a successor gets lane %u, not %u", ring->lane, actor);
		ring_close(ring);
		if (in->found.marks[actor] == UINT64_MAX)
			return false;
	}
	return true;
}

static bool use_up_tickets(struct inspection *in)
{
	unsigned limit = in->world->base->tickets;
	uint64_t ticket;

	while (limit && ring_ticket(in->worker, limit, &ticket) == RING_OK) {
		if (ticket < 1 || ticket > limit || (in->found.tickets >> ticket & 1)) {
			fault(in->world, FAULT_TWICE, "ticket %" PRIu64 " is given twice", ticket);
			return false;
		}
		in->found.tickets |= UINT64_C(1) << ticket;
		if (!must_put(in, RING_OK, ticket) || !drain(in))
			return false;
	}
	return true;
}

static bool all_are_awake(struct inspection *in)
{
	for (unsigned i = 0; i < in->world->n_sleepers; i++) {
		if (sleeper_is_done(&in->world->sleepers[i]))
			continue;
		fault(in->world, FAULT_HANG, "a sleeper was never woken");
		return false;
	}
	return true;
}

static bool use_to_the_full(struct inspection *in)
{
	in->worker = newcomer(in, RING_PRODUCER | RING_CONSUMER, 0);
	if (!in->worker || !respects_the_flag(in, ring_stopped(in->worker)))
		return false;
	flags_lower(&in->world->wake.view);
	stage_age(&in->world->wake);
	return drain(in) && wake_the_rest(in) && all_are_awake(in) && fill_and_drain(in) &&
	       use_up_tickets(in);
}

static bool explain(struct inspection *in, struct ledger *after, unsigned *effects)
{
	enum fault kind;
	char why[160];

	ring_books(in->launcher, &in->found.books);
	in->found.books.published -= in->published;
	in->found.books.acked -= in->acked;
	if (ledger_explain(&in->situation->state->ledger, in->situation->pending, &in->found,
			   in->world->base->tickets, after, effects, &kind, why))
		return true;
	fault(in->world, kind, "%s", why);
	return false;
}

static bool leave(struct inspection *in)
{
	ring_close(in->worker);
	in->worker = NULL;
	return has_sound_invariants(in);
}

/* However it went: nobody sleeps or is attached afterwards. */
static void clear(struct inspection *in)
{
	struct world *world = in->world;
	struct header *header = world->wake.view.header;

	for (unsigned i = 0; i < world->n_sleepers; i++) {
		while (!sleeper_is_done(&world->sleepers[i])) {
			atomic_store(&header->stop, RING_STOP_NOW);
			(void)sem_post(&header->ready.sem);
			(void)sem_post(&header->free.sem);
			(void)sched_yield();
		}
	}
	ring_close(in->worker);
	ring_close(in->launcher);
	drop_locks(in);
}

/* ------------------------------------------------------------------ a ring that is being removed */

/* Was its removal begun, with nobody alive to keep it? Then the next one who comes completes it. */
static bool is_going(const struct inspection *in)
{
	if (!atomic_load(&in->world->wake.view.header->removed) || in->world->n_sleepers)
		return false;
	for (unsigned actor = 0; actor < ACTORS; actor++)
		if (is_alive(in, actor))
			return false;
	return true;
}

/* The next one has a ring in any case: this one, or a new one. */
static struct ring *open_or_create(struct inspection *in)
{
	struct stage *stage = &in->world->wake;
	uint64_t began = ring_now_ns();
	struct ring *ring = ring_open_or_create(stage->name, &stage->options, RING_LAUNCHER, 0);

	if (!ring)
		fault(in->world, FAULT_OTHER, "a removed ring can't be made again: %s: %s",
		      strerror(errno), ring_why());
	else if (in_time(in, began, "ring_open_or_create()"))
		return ring;
	ring_close(ring);
	return NULL;
}

/* It was removed: nothing was left in it. The new one is removed again. */
static bool check_removed(struct inspection *in, struct ledger *after, unsigned *effects)
{
	struct ring removed = { .segment = &in->world->wake.view };
	struct found nothing = { .marks = { UINT64_MAX, UINT64_MAX, UINT64_MAX } };
	enum fault kind;
	char why[160];
	bool is_gone = ring_close_last(in->launcher);

	in->launcher = NULL;
	if (!is_gone) {
		fault(in->world, FAULT_OTHER, "the last one out does not remove the ring");
		return false;
	}
	ring_books(&removed, &nothing.books);
	if (ledger_explain(&in->situation->state->ledger, in->situation->pending, &nothing, 0, after,
			   effects, &kind, why))
		return true;
	fault(in->world, kind, "%s", why);
	return false;
}

/* ------------------------------------------------------------------ both */

static bool inspect_there(struct inspection *in, struct ledger *after, unsigned *effects)
{
	if (in->situation->is_stopped) {
		if (!others_go_on(in))
			return false;
		drop_victims_locks(in);
	}
	return recover_all(in) && ask_marks(in) && use_to_the_full(in) &&
	       explain(in, after, effects) && leave(in);
}

static bool inspect_once(struct inspection *in, struct ledger *after, unsigned *effects)
{
	struct world *world = in->world;
	bool is_good;

	lay_out(in);
	in->launcher = is_going(in) ? open_or_create(in) : newcomer(in, RING_LAUNCHER, 0);
	if (!in->launcher)
		is_good = false;
	else if (stage_has_name(&world->wake))
		is_good = inspect_there(in, after, effects);
	else
		is_good = check_removed(in, after, effects);
	clear(in);
	return is_good;
}

/* What hangs, hangs every time; a busy machine is late now and then. */
bool inspect(struct world *world, const struct situation *situation, struct ledger *after,
	     unsigned *effects)
{
	atomic_fetch_add(&world->totals->inspections, 1);
	for (unsigned tries = 1; ; tries++) {
		struct inspection in = { .world = world, .situation = situation,
					 .is_last_try = tries == TRIES };

		if (inspect_once(&in, after, effects))
			return true;
		if (!in.is_late || in.is_last_try)
			return false;
	}
}
