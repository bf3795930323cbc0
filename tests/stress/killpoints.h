/*
 * killpoints.h - a process is killed, or stopped, at every instruction of every call at which it has
 * changed the ring, and the others must go on as if that were nothing.
 *
 * A worker has two rings of the same shape:
 *
 *	  stage "work"                               stage "wake"
 *	  the victim, a child process, makes one     each image is laid out here; who died holds no
 *	  call, one instruction at a time    --->    lock here; newcomers and sleeping threads recover,
 *	  (ptrace); each change is an image          check everything, and use the ring to the full
 *
 * The victim is never told: it goes on to its next change. A state is an image of the ring together
 * with what its actors know privately and what must be true of each item (the ledger). From each state
 * that was reached more calls are made, and killed, up to three deep.
 */
#ifndef KILLPOINTS_H
#define KILLPOINTS_H

#include "shm/handle.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>

#define ACTORS 3		/* members that make calls and are killed */
#define HAND_MAX 2		/* items in one actor's hands */
#define RECORD_SIZE 9		/* of a parcel: a payload and the terminator, which no payload has */
#define TERMINATOR 0xff
#define RECORDS 2		/* of each parcel */
#define EFFECTS_MAX (HAND_MAX * RECORDS)	/* of one call */
#define SLEEPERS_MAX 2
#define MEMBERS 8		/* they, and three newcomers */
#define ITEMS_MAX 64		/* accepted from the beginning of one path to its end */
/* An image is the segment without its histograms, which decide nothing. */
#define IMAGE_MAX 8192		/* bytes: two pages, of two to four slots */
#define PATH_SIZE 160
#define LIMIT_MS 350		/* within which every operation beside a stopped process is done */
#define TRIES 3			/* after which what is late is not the machine's doing */

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum fault { FAULT_LOST, FAULT_TWICE, FAULT_HANG, FAULT_OTHER, FAULTS };

/* ------------------------------------------------------------------ the stage: a ring, and its bytes */

struct stage {
	char name[64];
	struct ring_options options;
	unsigned char *base;		/* a mapping of the harness's own */
	struct segment view;		/* the same by layout.h */
	int lock_fd;			/* a description that holds the locks of those who live */
	int probe_fd;			/* another, that sees them */
};

void stage_make(struct stage *stage, const char *suffix, const struct ring_options *options,
		uint64_t first);
void stage_remove(struct stage *stage);
void stage_load(struct stage *stage, const unsigned char *image);
void stage_save(const struct stage *stage, unsigned char *image);
/* Does the name still lead to it? A call may remove it, or make another ring. */
bool stage_has_name(const struct stage *stage);
void stage_name(const struct stage *stage, bool has_name);
/* ring_open(), or the end of this test. */
struct ring *stage_attach(const char *ring_name, unsigned roles, unsigned number);
/* Hold or drop the lock that proves that a member lives. */
void stage_hold(const struct stage *stage, uint32_t index, bool hold);
/* Does anybody hold it, the harness included? Index 0: the lock for removing the ring. */
bool stage_is_held(const struct stage *stage, uint32_t index);
/* No producer and no holder is attached, nothing is left: by the words alone. */
bool stage_is_drained(const struct stage *stage);
/* An hour passes: what is delayed is due, as far as the ring itself knows of it. */
void stage_age(struct stage *stage);
/* Of an image: equal for equal states, whatever the clock said. */
uint64_t stage_hash(const struct stage *stage, const unsigned char *image);
/* Threads and processes that sleep there by glibc's own count. */
unsigned stage_asleep(const struct waiting *waiting);
void stage_dump(const struct stage *stage, FILE *out);

/* ------------------------------------------------------------------ the ledger: what must be true */

struct entry {
	uint64_t payload;	/* says which item it is */
	uint64_t mark;
	unsigned actor;		/* who published it */
	unsigned handed;	/* times it was handed out */
	bool is_ticket;		/* the mark is a ticket */
	bool is_in;		/* accepted and not ended: will be delivered */
};

struct ledger {
	struct entry items[ITEMS_MAX];
	unsigned accepted, acked, dead, dropped;
	unsigned refused;		/* thrown away by their producers, who had no slot for them */
	uint64_t refused_mark[ACTORS];	/* the last of each */
	bool is_shut;		/* a strict stop has returned: nothing is accepted any more */
};

enum effect {
	EFFECT_NONE, EFFECT_PUBLISH, EFFECT_TAKE, EFFECT_ACK, EFFECT_DEAD, EFFECT_DROP, EFFECT_REFUSE
};

/* What a call under way may or may not have done yet. */
struct pending {
	enum effect effect;
	unsigned count, certain;	/* at most so often, and at least */
	unsigned takes;			/* besides, so many are taken at most */
	bool is_whole;			/* all of them or none */
	struct entry items[EFFECTS_MAX];	/* publish, refuse: they; ack, dead: which */
	const struct pending *also;	/* of a second call beside it, or NULL */
};

/* What was found in the ring afterwards. */
struct found {
	struct { uint64_t payload, id; unsigned deliveries, consumer; } items[ITEMS_MAX];
	unsigned count;
	struct ring_books books;	/* without what the inspection itself did */
	uint64_t marks[ACTORS];		/* what a successor of each was told */
	uint64_t tickets;		/* a bit for each that was still to be had */
};

/* Explain what was found by `before` and any part of `pending`: the ledger from then on, and how many
   effects had happened. Or say what can't be explained. */
bool ledger_explain(const struct ledger *before, const struct pending *pending,
		    const struct found *found, unsigned tickets, struct ledger *after,
		    unsigned *effects, enum fault *fault, char why[160]);
struct entry *ledger_find(struct ledger *ledger, uint64_t payload);

/* ------------------------------------------------------------------ actors and states */

enum hand { HAND_EMPTY, HAND_RESERVED, HAND_TAKEN };
enum life { LIFE_ALIVE, LIFE_DEAD, LIFE_LEFT };

/* One member that makes calls, with all that it knows privately. */
struct actor {
	enum life life;
	struct ring handle;		/* its pointers are the victim process's */
	struct ring_item items[HAND_MAX];
	uint64_t payload[HAND_MAX];
	unsigned held;
	enum hand hand;
	uint64_t ticket;
};

struct state {
	unsigned char image[IMAGE_MAX];
	struct actor actors[ACTORS];
	struct ledger ledger;
	unsigned kicks[2];		/* futex wakes that sleepers on ready, on free were sent */
	uint64_t next_payload;
	bool has_opened;
	char path[PATH_SIZE];		/* how it came about */
};

/* ------------------------------------------------------------------ calls */

enum call_id {
	CALL_RESERVE, CALL_PUBLISH, CALL_CANCEL, CALL_PUT, CALL_PUT_BATCH, CALL_PUT_LOOKING,
	CALL_RESERVE_SLEEP, CALL_RESERVE_WOKEN, CALL_TICKET, CALL_DROP_OLDEST, CALL_PUT_BACK,
	CALL_TAKE, CALL_TAKE_BATCH, CALL_TAKE_SLEEP, CALL_TAKE_WOKEN,
	CALL_ACK, CALL_GIVE_BACK, CALL_GIVE_BACK_LATER, CALL_DEAD,
	CALL_STOP_SOFT, CALL_STOP_STRICT, CALL_STOP_NOW, CALL_RECOVER, CALL_SWEEP, CALL_LET_GO,
	CALL_OPEN_PRODUCER, CALL_OPEN_CONSUMER, CALL_CLOSE, CALL_CLOSE_LAST,
	CALL_PUBLISH_PARCEL, CALL_PUT_PARCEL, CALL_ACK_PART, CALL_NEXT,
	CALL_COUNT_DROPPED, CALL_COUNT_UNCONFIRMED,
	CALLS
};

/* What somebody else does while the victim sleeps in its call. */
enum event { EVENT_NONE, EVENT_PUT, EVENT_ACK };

struct order;

struct call {
	const char *name;
	void (*run)(struct ring *ring, struct order *order);
	enum hand needs, leaves;	/* in the actor's hands before, and after if it succeeds */
	unsigned role;			/* 0: any */
	enum effect effect;
	unsigned count;			/* effects at most */
	unsigned takes;			/* and so many items that it takes */
	enum event event;
	unsigned weight;		/* tried so many times less often: it takes many instructions
					   for each state. 0: 1 */
	bool is_slow;			/* it spins and sleeps, if it has to wait */
	bool any_hand;			/* whatever is in the actor's hands */
	bool opens;			/* a new member, who is dead once it is attached */
	bool shuts;			/* nothing is accepted once it has returned */
	bool leaves_ring;
	bool wants_parcels;
};

extern const struct call calls[CALLS];

/* The payload of one record of an item; those of a parcel count on. */
static inline uint64_t payload_of(const struct ring_item *item, uint32_t record)
{
	uint64_t payload;

	memcpy(&payload, (const unsigned char *)item->data + record * RECORD_SIZE, sizeof(payload));
	return payload;
}

/* ------------------------------------------------------------------ the victim */

/* Between the harness and its victim, in memory that they share. */
struct order {
	enum call_id call;
	unsigned actor;
	struct actor me;		/* loaded before, stored after */
	uint64_t payload;		/* of the first item that is published */
	uint64_t tickets;
	unsigned number;		/* of a producer that opens the ring */
	int nap_ms;
	char ring_name[64];

	enum ring_result result;
	int error;			/* errno of RING_ERROR */
	unsigned done;			/* effects that the call reports */
	struct ring *opened;
	void *stack_top;
	struct walk *walk;		/* the victim's; in its memory */
	volatile int is_in_call;
};

struct victim {
	pid_t pid;
	struct order *order;
	struct checkpoint *checkpoint;
};

struct base;

/* A child whose entries in a ring are the same every time: the search begins at its pid modulo MEMBERS. */
pid_t fork_evenly(void);

/* Start the process; its actors attach to the stage, and their handles come back in `actors`. */
void victim_start(struct victim *victim, const struct stage *stage, const struct base *base,
		  struct actor actors[ACTORS]);
void victim_end(struct victim *victim);

typedef bool victim_changed(void *context);	/* false: no more of this */

/* Make the handle of an actor usable here: its pointers are those of `mine`, any handle on the stage. */
void handle_adapt(struct ring *handle, const struct ring *mine, void *anchor);
/* The same for the items in its hand, after its handle. */
void hand_adapt(struct actor *me);
/* Drop the lock that keeps `ring` alive: from now on the harness holds it, or not. */
void handle_unanchor(struct ring *ring);

/* Carry out the order. victim_call() runs it at full speed; victim_step() one instruction at a time,
   with changed() after each that changed the stage. false: it crashed, never ended, or changed()
   wanted no more; then the process is gone, *why says what happened. */
bool victim_call(struct victim *victim, const char **why);
bool victim_step(struct victim *victim, const struct stage *stage, victim_changed *changed,
		 void *context, uint64_t *instructions, const char **why);
/* Let it tidy up after its call: the stage is the harness's again. */
void victim_rest(struct victim *victim);

/* Piecewise: to the beginning of the call, an instruction, to its end. */
bool victim_begin(struct victim *victim, const char **why);
bool victim_step_once(struct victim *victim, const char **why);
/* It is in the kernel's code for reading the clock, which begins anew if it takes longer than a tick. */
bool victim_reads_clock(const struct victim *victim);
bool victim_finish(struct victim *victim, const char **why);
/* In the middle of a call that makes no system call that matters: remember all of it, go back there. */
void victim_remember(struct victim *victim);
void victim_go_back(struct victim *victim);

/* ------------------------------------------------------------------ sleepers */

/* A thread that sleeps in a take, or in a reserve, on the stage "wake". */
struct sleeper {
	struct ring *ring;
	struct ring pristine;		/* its handle as it was when it attached */
	bool is_producer;
	pthread_t thread;
	sem_t go;
	int stat_fd;			/* the kernel's word on whether it sleeps */
	_Atomic int phase;
	enum ring_result result;
	uint64_t payload, id;
	unsigned deliveries, records;
	bool is_collected;
};

void sleepers_attach(struct sleeper *sleepers, unsigned ready, unsigned free, const char *ring_name);
void sleepers_leave(struct sleeper *sleepers, unsigned n);
/* All begin their call. true when all sleep, false when one came back at once. */
bool sleepers_begin(struct sleeper *sleepers, unsigned n);
bool sleeper_is_done(struct sleeper *sleeper);
bool sleeper_is_asleep(struct sleeper *sleeper);

/* ------------------------------------------------------------------ where paths begin */

struct step { unsigned actor; enum call_id call; };

/* A ring in some condition, and who is there. */
struct base {
	const char *name;
	uint32_t slots;
	uint64_t first;			/* positions, ids and generations begin here */
	struct { unsigned roles; bool has_number; } actors[ACTORS];
	unsigned sleepers_ready, sleepers_free;
	unsigned tickets;		/* 0: marks are the payloads */
	bool is_aged;
	bool has_parcels;
	unsigned denser;		/* calls are sampled so many times more densely; 0: as they are */
	struct step steps[8];		/* what was done to it before, at full speed */
	unsigned n_steps;
};

extern const struct base bases[];
extern const unsigned bases_count;

/* ------------------------------------------------------------------ a worker */

#define BASES_MAX 64
#define WORKERS_MAX 16

/* What workers share. */
struct totals {
	_Atomic uint64_t instructions, runs, states, inspections, preemptions;
	_Atomic uint64_t faults[FAULTS];
	_Atomic uint64_t base_states[BASES_MAX], base_faults[BASES_MAX];
	_Atomic uint32_t next_job;
	struct { _Atomic uint64_t alive; char where[256]; } workers[WORKERS_MAX];
};

/* How much is tried. */
struct mode {
	const char *name;
	unsigned strides[3];		/* one in so many calls at each depth; at depth 0 all */
	unsigned slow_stride;		/* at depth 0, of the calls that sleep */
	unsigned pair_stride;		/* one in so many pairs of calls, the one inside the other */
};

struct world {
	struct totals *totals;
	const struct mode *mode;
	bool ends_at_first_fault;
	unsigned number;		/* of this worker */
	const struct base *base;
	struct stage work, wake;
	struct victim victim;
	struct sleeper sleepers[SLEEPERS_MAX];
	unsigned n_sleepers;
	unsigned char before_sleep[IMAGE_MAX];	/* where sleepers go to sleep */
	struct state begin;		/* where the base's paths begin */
	struct ring *here;		/* a handle on the stage "work", only for its mapping */
};

/* Note and print what went wrong, and where. */
void fault(struct world *world, enum fault kind, const char *format, ...)
__attribute__((format(printf, 3, 4)));

/* Raise the curtain on a base: both stages, the victim, the sleepers. */
void world_open(struct world *world, const struct base *base);
/* Again, after the victim is gone. */
void world_reopen(struct world *world);
void world_close(struct world *world);

/* Put the state, and the locks of those who live, on the stage "work". */
void world_lay_out(struct world *world, const struct state *state);
/* Fill in the order for this call, and what it may do. */
void world_order(const struct world *world, const struct state *state, unsigned actor,
		 enum call_id call, struct order *order, struct pending *pending);
/* The state after the call: what the actor knows now. */
void world_take_over(const struct world *world, const struct order *order, struct state *state);

/*
 * Lay the state out on the stage "wake", with `victim` (an actor, or -1) dead, or stopped where it is;
 * let others recover, check and use it. What a call of the victim may have done is `pending`; the
 * ledger from then on goes to *after. `held`: which members' locks are held when it is stopped.
 */
struct situation {
	const struct state *state;
	int victim;
	bool is_stopped;
	const struct pending *pending;
	uint32_t held;			/* bit i: the lock of member i; bit 0: of the ring's removal */
};

bool inspect(struct world *world, const struct situation *situation, struct ledger *after,
	     unsigned *effects);

/* Jobs: one first call of one actor from one base, and all that follows. */
unsigned explore_jobs(void);
#define LIFE_JOB (explore_jobs() - 1)
void explore_job(struct world *world, unsigned job);
const char *explore_job_name(unsigned job);

/* Is it a call that this actor can make in this state? */
bool explore_is_possible(const struct world *world, const struct state *state, unsigned actor,
			 enum call_id call);

/* All that is inside a call: another member's call between any two of its instructions. */
void preempt_job(struct world *world, unsigned actor, enum call_id call);

/* Making a ring, killed at each of its system calls. */
void life_job(struct world *world);

/* A set of hashes that workers share. */
void seen_init(void);
bool seen_add(unsigned set, uint64_t hash);	/* false: it was there */
enum { SEEN_STATES, SEEN_CASES, SEEN_SETS };

#endif
