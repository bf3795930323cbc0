/*
 * killpoints_bases.c - where the paths begin: rings of two and four slots, empty, half full, full, with
 * items in hands, delayed and dead, with others asleep on either side.
 */
#include "killpoints.h"

#define BOTH (RING_PRODUCER | RING_CONSUMER)
#define ALL_BOTH { { BOTH, true }, { BOTH, true }, { BOTH, false } }
#define PRODUCERS { { RING_PRODUCER, true }, { RING_PRODUCER, true }, { RING_PRODUCER, false } }
#define LINE_OF_ONE { { RING_PRODUCER, true }, { RING_CONSUMER, false }, { RING_CONSUMER, false } }
#define DO(who, what) { .actor = (who), .call = CALL_##what }
#define STEPS(...) .steps = { __VA_ARGS__ }, \
	.n_steps = sizeof((struct step[]){ __VA_ARGS__ }) / sizeof(struct step)

enum { A, B, C };

const struct base bases[] = {
	{ .name = "2 slots, empty", .slots = 2, .actors = ALL_BOTH },
	{ .name = "2 slots, half full", .slots = 2, .actors = ALL_BOTH,
	  STEPS(DO(B, PUT)) },
	{ .name = "2 slots, full", .slots = 2, .actors = ALL_BOTH,
	  STEPS(DO(B, PUT), DO(C, PUT)) },
	{ .name = "4 slots, half full", .slots = 4, .actors = ALL_BOTH,
	  STEPS(DO(A, PUT), DO(B, PUT)) },
	{ .name = "4 slots, full", .slots = 4, .actors = ALL_BOTH,
	  STEPS(DO(A, PUT_BATCH), DO(B, PUT_BATCH)) },
	{ .name = "reserved", .slots = 2, .actors = ALL_BOTH,
	  STEPS(DO(A, RESERVE)) },
	{ .name = "reserved, beside one ready", .slots = 2, .actors = ALL_BOTH,
	  STEPS(DO(B, PUT), DO(A, RESERVE)) },
	{ .name = "one taken", .slots = 2, .actors = ALL_BOTH,
	  STEPS(DO(B, PUT), DO(A, TAKE)) },
	{ .name = "one taken, one reserved", .slots = 2, .actors = ALL_BOTH,
	  STEPS(DO(B, RESERVE), DO(B, PUBLISH), DO(A, TAKE), DO(C, RESERVE)) },
	{ .name = "two taken of four", .slots = 4, .actors = ALL_BOTH,
	  STEPS(DO(B, PUT_BATCH), DO(C, PUT), DO(A, TAKE_BATCH)) },
	{ .name = "one delayed", .slots = 2, .actors = ALL_BOTH,
	  STEPS(DO(B, PUT), DO(C, TAKE), DO(C, GIVE_BACK_LATER)) },
	{ .name = "one delayed, due", .slots = 2, .actors = ALL_BOTH, .is_aged = true,
	  STEPS(DO(B, PUT), DO(C, TAKE), DO(C, GIVE_BACK_LATER)) },
	{ .name = "one delayed, due, one taken", .slots = 2, .actors = ALL_BOTH, .is_aged = true,
	  STEPS(DO(B, PUT), DO(C, TAKE), DO(C, GIVE_BACK_LATER), DO(B, PUT),
		DO(B, TAKE)) },
	{ .name = "one dead, one taken", .slots = 4, .actors = ALL_BOTH,
	  STEPS(DO(B, PUT_BATCH), DO(C, TAKE), DO(C, DEAD), DO(A, TAKE)) },
	{ .name = "counters near their end", .slots = 2, .first = (UINT64_C(1) << 36) - 3,
	  .actors = ALL_BOTH, STEPS(DO(B, PUT), DO(A, TAKE)) },
	{ .name = "stopped, one ready", .slots = 2, .actors = ALL_BOTH,
	  STEPS(DO(B, PUT), DO(A, RESERVE), DO(C, STOP_SOFT)) },
	{ .name = "alone, empty", .slots = 2, .actors = ALL_BOTH,
	  STEPS(DO(B, CLOSE), DO(C, CLOSE)) },
	{ .name = "alone, one ready", .slots = 2, .actors = ALL_BOTH,
	  STEPS(DO(B, PUT), DO(B, CLOSE), DO(C, CLOSE)) },
	{ .name = "tickets", .slots = 4, .actors = PRODUCERS, .tickets = 5,
	  STEPS(DO(A, TICKET), DO(A, RESERVE), DO(B, TICKET)) },
	{ .name = "tickets, none given", .slots = 2, .actors = PRODUCERS, .tickets = 3, .denser = 5 },
	{ .name = "consumers asleep", .slots = 2, .actors = ALL_BOTH, .sleepers_ready = 2, .denser = 3 },
	{ .name = "consumers asleep, reserved", .slots = 4, .actors = ALL_BOTH, .sleepers_ready = 2,
	  STEPS(DO(A, RESERVE), DO(B, RESERVE)) },
	{ .name = "producers asleep", .slots = 2, .actors = ALL_BOTH, .sleepers_free = 2,
	  STEPS(DO(B, PUT_BATCH)) },
	{ .name = "producers asleep, two taken", .slots = 2, .actors = ALL_BOTH, .sleepers_free = 2,
	  STEPS(DO(B, PUT_BATCH), DO(A, TAKE), DO(B, TAKE)) },
	{ .name = "both sides asleep", .slots = 2, .actors = ALL_BOTH,
	  .sleepers_ready = 1, .sleepers_free = 1,
	  STEPS(DO(A, RESERVE), DO(B, RESERVE)) },
	{ .name = "consumers asleep, the last producer goes", .slots = 2, .actors = LINE_OF_ONE,
	  .sleepers_ready = 2 },
	{ .name = "consumers asleep, the last item in hand", .slots = 2,
	  .actors = { { RING_CONSUMER, false }, { RING_PRODUCER, true }, { RING_CONSUMER, false } },
	  .sleepers_ready = 2,
	  STEPS(DO(B, PUT), DO(A, TAKE), DO(B, CLOSE)) },
	{ .name = "consumers asleep, a holder lets go", .slots = 2,
	  .actors = { { RING_LAUNCHER | RING_HOLDER, false }, { RING_PRODUCER, true },
		      { RING_CONSUMER, false } },
	  .sleepers_ready = 2,
	  STEPS(DO(B, CLOSE)) },
	{ .name = "parcels, reserved", .slots = 2, .has_parcels = true, .actors = ALL_BOTH,
	  STEPS(DO(B, PUT_PARCEL), DO(A, RESERVE)) },
	{ .name = "parcels, one taken", .slots = 2, .has_parcels = true, .actors = ALL_BOTH,
	  STEPS(DO(B, PUT_PARCEL), DO(A, TAKE)) },
	{ .name = "parcels, a part done", .slots = 2, .has_parcels = true, .actors = ALL_BOTH,
	  STEPS(DO(B, PUT_PARCEL), DO(A, TAKE), DO(A, ACK_PART), DO(C, PUT_PARCEL)) },
	{ .name = "parcels, two taken", .slots = 4, .has_parcels = true, .actors = ALL_BOTH,
	  STEPS(DO(B, PUT_PARCEL), DO(B, PUT_PARCEL), DO(A, TAKE_BATCH)) },
	{ .name = "parcels, a dead part, one taken", .slots = 4, .has_parcels = true,
	  .actors = ALL_BOTH,
	  STEPS(DO(B, PUT_PARCEL), DO(B, PUT_PARCEL), DO(C, TAKE), DO(C, ACK_PART), DO(C, DEAD),
		DO(A, TAKE)) },
	{ .name = "parcels, near their end", .slots = 2, .first = (UINT64_C(1) << 36) - 3,
	  .has_parcels = true, .actors = ALL_BOTH, STEPS(DO(B, PUT_PARCEL), DO(A, TAKE)) },
	{ .name = "parcels, consumers asleep", .slots = 2, .has_parcels = true, .actors = ALL_BOTH,
	  .sleepers_ready = 2, STEPS(DO(A, RESERVE)) },
};

const unsigned bases_count = COUNT(bases);
