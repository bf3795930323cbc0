/*
 * test_interleave.c - any two calls at once: one is stopped before any of its accesses to the segment, the
 * other one runs, the first goes on. Whatever the order, no item is lost, ended twice or out of order,
 * and the books balance.
 */
#include "tests/unit/interleave.h"
#include "tests/unit/plain_ring.h"

#include <errno.h>

#define SLOTS 3u
#define MEMBERS 4u
#define VALUES 64u
#define BATCH 3u
#define LIMIT 4u		/* of tickets */

/* What became of each item, by the value that is in it. */
struct fate { bool is_accepted, is_refused, is_ended; uint32_t deliveries; };

struct actor {
	struct ring ring;
	struct ring_item hand[SLOTS];
	uint64_t value[SLOTS];
	uint32_t held;
	struct ring_item begun;		/* reserved and being published; word 0: nothing */
	uint64_t begun_value;
};

static struct plain_ring *plain;
static struct segment *segment;
static struct actor first, second, dead;	/* members 1, 2 and 3 */
static struct fate fates[VALUES];
static uint64_t values, dropped, first_told[MEMBERS + 1];
static uint32_t made_by[VALUES], used[LIMIT + 1];
static uint64_t when_stopped;	/* what had been published then; UINT64_MAX: not stopped softly */
static bool is_recovering, takes_overlap;

/* ------------------------------------------------------------------ what actors do */

/* Reserve, and fill the item in. Refused: false. */
static bool begin(struct actor *actor, uint64_t ticket)
{
	uint64_t value = values++;
	enum ring_result result = ring_reserve(&actor->ring, &actor->begun, 0);

	assert_in_range(value, 0, VALUES - 1);
	assert_int_not_equal(result, RING_ERROR);
	made_by[value] = actor->ring.index;
	fates[value].is_refused = result != RING_OK;
	if (result != RING_OK)
		return false;
	memcpy(actor->begun.data, &value, sizeof(value));
	actor->begun.len = sizeof(value);
	actor->begun.mark = ticket;
	actor->begun_value = value;
	return true;
}

static void finish(struct actor *actor)
{
	uint64_t ticket = actor->begun.mark, value = actor->begun_value;
	enum ring_result result = ring_publish(&actor->ring, &actor->begun);

	assert_int_not_equal(result, RING_ERROR);
	fates[value].is_accepted = result == RING_OK;
	fates[value].is_refused = result != RING_OK;
	used[ticket] += result == RING_OK;
}

static void put_with(struct actor *actor, uint64_t ticket)
{
	if (begin(actor, ticket))
		finish(actor);
}

static void put(struct actor *actor)
{
	put_with(actor, 0);
}

static void put_ticket(struct actor *actor)
{
	uint64_t ticket;

	if (ring_ticket(&actor->ring, LIMIT, &ticket) == RING_OK)
		put_with(actor, ticket);
}

static void put_batch(struct actor *actor)
{
	uint64_t value[BATCH];
	struct iovec items[BATCH];
	size_t done;

	for (size_t i = 0; i < BATCH; i++) {
		value[i] = values++;
		made_by[value[i]] = actor->ring.index;
		items[i] = (struct iovec){ &value[i], sizeof(value[i]) };
	}
	assert_in_range(value[BATCH - 1], 0, VALUES - 1);
	assert_int_not_equal(ring_put_batch(&actor->ring, items, BATCH, &done, 0), RING_ERROR);
	for (size_t i = 0; i < BATCH; i++) {
		fates[value[i]].is_accepted = i < done;
		fates[value[i]].is_refused = i >= done;
	}
}

static void reserve_and_cancel(struct actor *actor)
{
	struct ring_item item;

	if (ring_reserve(&actor->ring, &item, 0) == RING_OK)
		ring_cancel(&actor->ring, &item);
}

static void note_order(uint64_t value)
{
	uint32_t maker = made_by[value];

	if (takes_overlap)
		return;
	assert_true(first_told[maker] <= value);
	first_told[maker] = value;
}

static void take(struct actor *actor)
{
	struct ring_item item;
	uint64_t value;
	enum ring_result result = ring_take(&actor->ring, &item, 0);

	assert_int_not_equal(result, RING_ERROR);
	if (result != RING_OK)
		return;
	assert_int_equal(item.len, sizeof(value));
	memcpy(&value, item.data, sizeof(value));
	assert_in_range(value, 0, values - 1);
	assert_false(fates[value].is_ended);
	assert_false(fates[value].is_refused);
	assert_int_equal(item.deliveries, ++fates[value].deliveries);
	if (item.deliveries == 1)
		note_order(value);
	actor->value[actor->held] = value;
	actor->hand[actor->held++] = item;
}

static void ack(struct actor *actor)
{
	if (!actor->held)
		return;
	assert_int_equal(ring_ack(&actor->ring, &actor->hand[--actor->held]), 0);
	assert_false(fates[actor->value[actor->held]].is_ended);
	fates[actor->value[actor->held]].is_ended = true;
}

static void bury(struct actor *actor)
{
	if (!actor->held)
		return;
	assert_int_equal(ring_dead(&actor->ring, &actor->hand[--actor->held], 1), 0);
	assert_false(fates[actor->value[actor->held]].is_ended);
	fates[actor->value[actor->held]].is_ended = true;
}

static void give_back(struct actor *actor)
{
	if (actor->held)
		assert_int_equal(ring_give_back(&actor->ring, &actor->hand[--actor->held], 0, true), 0);
}

static void give_back_later(struct actor *actor)
{
	if (actor->held)
		assert_int_equal(ring_give_back(&actor->ring, &actor->hand[--actor->held], 1, true), 0);
}

static void take_and_ack(struct actor *actor)
{
	take(actor);
	ack(actor);
}

static void drop(struct actor *actor)
{
	enum ring_result result = ring_drop_oldest(&actor->ring);

	assert_int_not_equal(result, RING_ERROR);
	dropped += result == RING_OK;
}

static void promote(struct actor *actor)
{
	recover_promote(segment, actor->ring.index, UINT64_MAX - 1);
}

static void sweep(struct actor *actor)
{
	recover_sweep(segment, actor->ring.index);
	promote(actor);
}

/* Its lock lets only one at a time recover the dead member. */
static void recover(struct actor *actor)
{
	(void)actor;
	if (is_recovering || member_state(dead.ring.me->word) == MEMBER_FREE)
		return;
	is_recovering = true;
	assert_true(recover_member(segment, dead.ring.index));
	is_recovering = false;
}

static void leave(struct actor *actor)
{
	recover_leave(segment, actor->ring.index);
	assert_int_equal(member_state(actor->ring.me->word), MEMBER_FREE);
	actor->held = 0;
	actor->ring = plain_join(plain, actor->ring.index, RING_PRODUCER | RING_CONSUMER);
}

static void stop_soft(struct actor *actor)
{
	ring_stop(&actor->ring, RING_STOP_SOFT, RING_CAUSE_USER);
	when_stopped = flags_published(segment);
}

static void stop_strict(struct actor *actor)
{
	ring_stop(&actor->ring, RING_STOP_STRICT, RING_CAUSE_USER);
	assert_int_equal(plain_count(plain, SLOT_WRITING), 0);
}

static void stop_now(struct actor *actor)
{
	ring_stop(&actor->ring, RING_STOP_NOW, RING_CAUSE_USER);
}

/* All that can be done to the slots in passing, so that each is in a later generation. */
static void do_a_lot(struct actor *actor)
{
	for (int n = 0; n < 4; n++) {
		put(actor);
		take_and_ack(actor);
	}
	put_ticket(actor);
}

/* Use a slot again, and stop before the swap that publishes: all but the word is the new item's. */
static void begin_to_replace(struct actor *actor)
{
	struct slot *slot;
	uint64_t ticket;

	take_and_ack(actor);
	if (actor->begun.word || ring_ticket(&actor->ring, LIMIT, &ticket) != RING_OK ||
	    !begin(actor, ticket))
		return;
	slot = segment_slot(segment, actor->begun.slot);
	atomic_store(&slot->mark, ticket | MARK_IS_TICKET);
	atomic_store(&slot->lane, (uint16_t)actor->ring.lane);
}

/* ------------------------------------------------------------------ scenes */

struct act { const char *name; void (*play)(struct actor *actor); bool takes; };

static const struct act acts[] = {
	{ .name = "put", .play = put },
	{ .name = "put ticket", .play = put_ticket },
	{ .name = "put batch", .play = put_batch },
	{ .name = "cancel", .play = reserve_and_cancel },
	{ .name = "take", .play = take, .takes = true },
	{ .name = "take and ack", .play = take_and_ack, .takes = true },
	{ .name = "ack", .play = ack },
	{ .name = "dead", .play = bury },
	{ .name = "give back", .play = give_back },
	{ .name = "give back later", .play = give_back_later },
	{ .name = "drop", .play = drop },
	{ .name = "promote", .play = promote },
	{ .name = "sweep", .play = sweep },
	{ .name = "recover", .play = recover },
	{ .name = "leave", .play = leave },
	{ .name = "stop soft", .play = stop_soft },
	{ .name = "stop strict", .play = stop_strict },
	{ .name = "stop now", .play = stop_now },
	{ .name = "do a lot", .play = do_a_lot },
	{ .name = "begin to replace", .play = begin_to_replace },
};

#define DISTURBANCES 2	/* the last ones, to do at once with another only */

/* What the dead member died with. */
enum legacy { NOTHING, RESERVED, TAKEN, UNTOLD, UNUSED_TICKET };

struct scene { uint32_t ready, in_hand; enum legacy legacy; };

static void die_with(enum legacy legacy)
{
	struct ring_item item;
	uint64_t ticket;

	switch (legacy) {
	case RESERVED:
		assert_int_equal(ring_reserve(&dead.ring, &item, 0), RING_OK);
		break;
	case TAKEN:
		put(&dead);
		take(&dead);
		break;
	case UNTOLD:
		assert_int_equal(ring_ticket(&dead.ring, LIMIT, &ticket), RING_OK);
		made_by[values] = dead.ring.index;
		fates[values].is_accepted = true;
		(void)plain_publish_untold(&dead.ring, values++, ticket | MARK_IS_TICKET);
		used[ticket]++;
		break;
	case UNUSED_TICKET:
		put_ticket(&dead);
		assert_int_equal(ring_ticket(&dead.ring, LIMIT, &ticket), RING_OK);
		break;
	case NOTHING:
		break;
	}
}

static void set_scene(const struct scene *scene)
{
	plain_format(plain, FIRST_LATE);
	memset(fates, 0, sizeof(fates));
	memset(first_told, 0, sizeof(first_told));
	memset(used, 0, sizeof(used));
	values = dropped = 0;
	when_stopped = UINT64_MAX;
	is_recovering = false;
	first = second = dead = (struct actor){ 0 };
	first.ring = plain_join(plain, 1, RING_PRODUCER | RING_CONSUMER);
	second.ring = plain_join(plain, 2, RING_PRODUCER | RING_CONSUMER);
	dead.ring = plain_join(plain, 3, RING_PRODUCER | RING_CONSUMER);
	die_with(scene->legacy);
	for (uint32_t n = 0; n < scene->in_hand; n++) {
		put(n ? &second : &first);
		take(n ? &second : &first);
	}
	for (uint32_t n = 0; n < scene->ready; n++)
		put(&first);
}

/* ------------------------------------------------------------------ the end of a scene */

static void empty_hands(struct actor *actor)
{
	while (actor->held)
		ack(actor);
}

static void drain(void)
{
	do {
		sweep(&second);
		take_and_ack(&second);
	} while (!flags_is_empty(segment));
}

static void use_up_tickets(struct actor *actor)
{
	uint64_t ticket;

	while (ring_ticket(&actor->ring, LIMIT, &ticket) == RING_OK) {
		put_with(actor, ticket);
		drain();
	}
}

static void assert_fates(void)
{
	uint64_t accepted = 0, ended = 0;
	struct ring_books books;

	for (uint64_t i = 0; i < values; i++) {
		assert_true(fates[i].is_accepted || fates[i].is_refused);
		assert_true(!fates[i].is_refused || fates[i].deliveries == 0);
		accepted += fates[i].is_accepted;
		ended += fates[i].is_ended;
	}
	for (uint64_t t = 1; t <= LIMIT; t++)
		assert_int_equal(used[t], 1);
	assert_int_equal(accepted, ended + dropped);
	plain_assert_sound(plain, &second.ring);
	ring_books(&second.ring, &books);
	assert_int_equal(books.published, accepted);
	assert_int_equal(books.dropped, dropped);
}

/* Everything that is left is delivered and acked; then all must add up. */
static void end_scene(void)
{
	if (flags_mode(segment) >= RING_STOP_STRICT)
		assert_int_equal(segment->header->stop_published, flags_published(segment));
	flags_lower(segment);
	recover(&second);
	if (second.begun.word)
		finish(&second);
	empty_hands(&first);
	empty_hands(&second);
	drain();
	use_up_tickets(&first);
	use_up_tickets(&second);
	assert_fates();
}

static const struct act *first_act, *second_act;

static void play_first(void *context)
{
	(void)context;
	first_act->play(&first);
}

static void play_second(void *context)
{
	(void)context;
	second_act->play(&second);
}

/* Does `second` have its turn before access `at`? */
static bool play(const struct scene *scene, size_t at)
{
	bool has_run;

	set_scene(scene);
	/* Who notes a delivery later did not take later then. */
	takes_overlap = first_act->takes;
	has_run = interleave_at(at, segment->base, plain->at.size, play_first, play_second, NULL);
	if (takes_overlap)
		memset(first_told, 0, sizeof(first_told));
	takes_overlap = false;
	/* Who was about to publish makes one more, however many he was going to. */
	if (when_stopped != UINT64_MAX)
		assert_in_range(flags_published(segment) - when_stopped, 0, 1);
	end_scene();
	return has_run;
}

/* The number of turns that `second` had. */
static size_t play_each(const struct scene *scene)
{
	size_t at = 0;

	while (play(scene, at))
		at++;
	return at;
}

static const struct scene scenes[] = {
	{ .ready = 0, .in_hand = 0, .legacy = NOTHING },
	{ .ready = 1, .in_hand = 2, .legacy = NOTHING },
	{ .ready = 0, .in_hand = 1, .legacy = RESERVED },
	{ .ready = 1, .in_hand = 1, .legacy = TAKEN },
	{ .ready = 0, .in_hand = 1, .legacy = UNTOLD },
	{ .ready = 0, .in_hand = 0, .legacy = UNUSED_TICKET },
};

static void any_two_calls_at_once_do_no_harm(void **state)
{
	first_act = *state;
	if (!CAN_INTERLEAVE)
		skip();
	for (size_t i = 0; i < COUNT(acts); i++) {
		size_t turns = 0;

		second_act = &acts[i];
		for (size_t s = 0; s < COUNT(scenes); s++)
			turns += play_each(&scenes[s]);
		assert_true(turns > 0);
	}
}

int main(void)
{
	struct CMUnitTest tests[COUNT(acts) - DISTURBANCES];
	int failed;

	plain = plain_make(SLOTS, 8, MEMBERS, FIRST_LATE);
	segment = &plain->segment;
	for (size_t i = 0; i < COUNT(tests); i++)
		tests[i] = (struct CMUnitTest){
			.name = acts[i].name, .test_func = any_two_calls_at_once_do_no_harm,
			.initial_state = (void *)(uintptr_t)&acts[i],
		};
	failed = cmocka_run_group_tests_name("interleave", tests, NULL, NULL);
	plain_free(plain);
	return failed;
}
