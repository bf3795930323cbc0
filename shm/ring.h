/*
 * ring.h - the public face of the shmline ring: a bounded queue of items in POSIX shared memory,
 * shared by producers and consumers that may be killed at any instruction.
 *
 * A ring has a name. Whoever opens it becomes one of its members, with one or more roles. An item
 * is a run of bytes; a producer publishes it, a consumer takes it and then acks it, gives it back,
 * or declares it dead. An item whose consumer dies is delivered again, with a delivery count one
 * higher. README.md in this folder has the picture, the segment map and the crash table.
 *
 * Rules that hold for every call:
 *  - A `struct ring` is one member. One thread uses it at a time; another thread of the same process
 *    opens the ring again, or calls ring_share().
 *  - Nothing here prints, exits, forks, or touches signals. No call is async-signal-safe.
 *  - Waits are on CLOCK_MONOTONIC: timeout_ms 0 means "do not wait", -1 "as long as it takes".
 *    A waiting call sleeps; a signal that runs a handler ends the wait with RING_ERROR and EINTR. One that
 *    comes before it sleeps goes unnoticed, as with sem_wait(): let the handler set a timer that repeats it.
 *  - Times are nanoseconds of CLOCK_MONOTONIC.
 *  - A call that fails leaves the ring as it was. When errno is EBADMSG the segment is damaged
 *    (another process wrote where only this library may) and the ring should be given up.
 *  - A forked child does not inherit the mapping; it must not use the handle, not even to close it.
 */
#ifndef SHMLINE_RING_H
#define SHMLINE_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What stands here is all that the shared library exports. */
#pragma GCC visibility push(default)

struct ring;

enum ring_result {
	RING_OK,
	RING_TIMEOUT,	/* nothing to take, or no free slot, in the time given */
	RING_CLOSED,	/* the stop flag shuts this call out; nothing was published or taken */
	RING_DRAINED,	/* a take: no producer is left and no item either, none will come */
	RING_ERROR,	/* errno says which; ring_why() explains */
};

/* What a member does with a ring. A set. */
enum ring_role {
	RING_OBSERVER = 0,	/* maps read-only, is no member: stats, peek, fsck only */
	RING_PRODUCER = 1,
	RING_CONSUMER = 2,
	RING_HOLDER = 4,	/* keeps the line open: it is not drained while a holder is attached */
	RING_LAUNCHER = 8,	/* supervises: there is at most one */
	RING_PARCELS = 16,	/* beside RING_CONSUMER: takes parcels too; without it a ring that may hold
				   some is refused */
};

/* The stop flag. It only rises. */
enum ring_stop_mode {
	RING_STOP_NONE,
	RING_STOP_SOFT,		/* no reserve from now on; what is reserved may be published */
	RING_STOP_STRICT,	/* nothing is published from now on, what is reserved included */
	RING_STOP_NOW,		/* as strict, and nothing is taken either: what is left stays */
};

/* Why the flag was raised. The first cause stays. */
enum ring_stop_cause {
	RING_CAUSE_NONE,
	RING_CAUSE_END,		/* the producers have made all there is */
	RING_CAUSE_ITEM,	/* an item asked for it (the broken widget) */
	RING_CAUSE_USER,	/* a signal, `ringctl stop` */
	RING_CAUSE_FAILURE,	/* a part of the line can't go on */
};

#define RING_NAME_MAX 200	/* bytes of a ring's name, without the end; NAME_MAX less our prefix */
#define RING_SLOTS_MAX (1u << 20)
#define RING_ITEM_MAX_MAX (1u << 30)
#define RING_MEMBERS_MAX 4095u
#define RING_RECORDS_MAX 65535u	/* of one parcel */

/* How a ring is made. A field of 0 takes the default. */
struct ring_options {
	uint32_t slots;		/* items it holds: 2 to RING_SLOTS_MAX (1024) */
	uint32_t item_max;	/* bytes of the longest item: 1 to RING_ITEM_MAX_MAX (4096) */
	uint32_t members;	/* attached at once: 1 to RING_MEMBERS_MAX (64) */
	bool has_parcels;	/* a slot may hold several items at once: see struct ring_item */
	unsigned char terminator;	/* and this byte ends each of them */
};

/*
 * An item in somebody's hands: a slot reserved for writing, or an item taken.
 *
 * In a ring that was made for it a slot may hold a parcel: several records, each ended by the ring's
 * terminator, which none contains. Each record is an item of its own to the books, with an id of its own,
 * from `id` on; they share the rest. They are published all at once or not at all, and taken together.
 * ring_ack_records() acks the first of them; all that remains is acked, given back, or declared dead as one.
 */
struct ring_item {
	void *data;		/* the bytes, in the segment; aligned to 8; yours until the item is
				   published, cancelled, acked, given back or declared dead */
	size_t len;		/* reserve: ring_item_max(); set it before publish. take: its length */
	uint64_t id;		/* unique for the life of the ring, from 1; one producer's ids increase,
				   but for dead letters that are put back */
	uint64_t mark;		/* the producer's own position, see ring_mark(); 0: none. A parcel's is its
				   last record's */
	uint64_t published_ns;	/* when it was published; 0 before */
	uint64_t taken_ns;	/* when it was taken; 0 before */
	uint32_t deliveries;	/* times it was handed out, this one included; stays at 4095 */
	uint32_t failures;	/* times it was given back as failed; stays at 65535 */
	uint32_t given_back;	/* times it was given back at all; so deliveries - 1 - given_back
				   consumers died with it in their hands */
	uint32_t lane;		/* of the producer that published it */
	uint32_t records;	/* reserve: 1. A parcel: how many it has, or how many of them are left */
	bool is_parcel;		/* `len` bytes are whole records, each with the terminator behind it */
	uint32_t slot;		/* private to the library, like the next */
	uint64_t word;
};

/* ------------------------------------------------------------------ rings and their names */

/*
 * Why the last call of this thread failed, as one clause without a full stop: "layout version 2,
 * this build reads 1". Never NULL; empty when errno says it all. Valid until the next call.
 */
const char *ring_why(void);

/*
 * Is this a usable name? 1 to RING_NAME_MAX of A-Z a-z 0-9 . _ -, not beginning with a dot or dash.
 */
bool ring_name_is_valid(const char *name);

/*
 * Make a ring. It appears under its name complete or not at all, mode 0600, its memory reserved.
 * Does not wait. 0, or -1 with errno:
 *   EINVAL  a name or an option out of bounds       EEXIST  a ring of that name exists
 *   ENOSPC  shared memory has no room for it        EMFILE, ENFILE, EACCES, ENOMEM of the system
 */
int ring_create(const char *name, const struct ring_options *options);

/*
 * Attach to a ring with `roles` (a set of enum ring_role). `number` is the member's number on its
 * side of the line, from 1; 0 for none. A producer with a number gets that lane (number - 1), so
 * that a producer that is started again finds its mark.
 *
 * Waits up to 5 s when another process is just removing the ring of that name, and up to 1 s for the
 * producer that had the same number to be gone. The descriptor it
 * uses inside is not left open, apart from one O_PATH, close-on-exec. NULL with errno:
 *   ENOENT  no ring of that name            EPERM   it belongs to another user, or is not a plain file
 *   EINVAL  name or roles, or a consumer without RING_PARCELS where there may be parcels
 *   EPROTO  not a ring, half made, or of another layout version (ring_why() says which)
 *   EBADMSG its header contradicts itself or its size
 *   EBUSY   every member entry is taken, a launcher or a producer of that number is attached already,
 *           or a stopped process is removing the ring
 *   EMFILE, ENFILE, EACCES, ENOMEM of the system
 */
struct ring *ring_open(const char *name, unsigned roles, unsigned number);

/*
 * ring_open(), making the ring with `options` if there is none. One that is there, but that everybody
 * has left, starts anew: its stop flag comes down. Errors of both but ENOENT, EEXIST.
 */
struct ring *ring_open_or_create(const char *name, const struct ring_options *options,
				 unsigned roles, unsigned number);

/*
 * One more member on the mapping of `ring`, for another thread of this process. Close each; the
 * mapping goes with the last. Errors: EINVAL (an observer, or roles), EAGAIN (the ring was removed by
 * force), EBUSY, EMFILE, ENFILE, ENOMEM.
 */
struct ring *ring_share(struct ring *ring, unsigned roles, unsigned number);

/*
 * Leave the ring and free the handle. Items still in this member's hands go back to the ring as if
 * it had died, without counting a delivery against an item that was only reserved. Does not wait.
 * ring NULL is allowed. Errno is left alone.
 */
void ring_close(struct ring *ring);

/*
 * ring_close(), and remove the ring if nobody else is attached and nothing is left in it. Waits up
 * to 1 s for another process that is doing the same. Returns true when the name is gone.
 */
bool ring_close_last(struct ring *ring);

/*
 * Remove a ring's name; its memory goes when the last member leaves. Without `force` a ring with
 * living members, or with items left in it, is refused. 0, or -1 with errno:
 *   ENOENT no such ring       EBUSY  living members       ENOTEMPTY  items are left in it
 *   EPERM  another user's     EPROTO, EBADMSG  not a sound ring (only with force is it removed)
 *   EAGAIN another process is removing it and does not go on
 */
int ring_unlink(const char *name, bool force);

/* Call `each` for the name of every ring of this user (sound or not) until it returns non-zero.
   Returns what `each` returned, 0 at the end, -1 with errno when they can't be listed. */
int ring_list(int (*each)(const char *name, void *context), void *context);

uint32_t ring_slots(const struct ring *ring);
uint32_t ring_item_max(const struct ring *ring);	/* bytes */
uint32_t ring_member_limit(const struct ring *ring);
int ring_terminator(const struct ring *ring);		/* of a ring that may hold parcels; else -1 */
uint32_t ring_member_index(const struct ring *ring);	/* this member's, from 1; 0: an observer */
const char *ring_name(const struct ring *ring);
uint64_t ring_now_ns(void);				/* CLOCK_MONOTONIC */

/* ------------------------------------------------------------------ producing */

/*
 * Reserve a slot for one item, waiting for one to come free.
 *
 * On RING_OK item->data has room for ring_item_max() bytes; fill it, set item->len (and item->mark
 * if you use marks; is_parcel and records, if it is a parcel), and call ring_publish() or ring_cancel().
 *
 * RING_TIMEOUT  no slot came free in time
 * RING_CLOSED   the stop flag is up
 * RING_ERROR    errno: EINTR a signal came first; EBADMSG; EPERM not a producer
 */
enum ring_result ring_reserve(struct ring *ring, struct ring_item *item, int timeout_ms);

/*
 * Publish a reserved item. Does not wait. Once it returns RING_OK the item is in the ring whatever
 * becomes of this process.
 *
 * RING_OK      accepted
 * RING_CLOSED  the flag went up in mode strict or now; the slot is given up, nothing was published
 * RING_ERROR   errno: EMSGSIZE item->len is above ring_item_max(), the item is still reserved;
 *                     EBADMSG, also for a copy of an item that was published already; EINVAL not an item
 *                     reserved by this member, or records that can't be
 */
enum ring_result ring_publish(struct ring *ring, struct ring_item *item);

/* Give a reserved slot back unused. Does not wait. */
void ring_cancel(struct ring *ring, struct ring_item *item);

/*
 * Take up a dead letter that the ring keeps (ring_look() shows them), to put it back: it is reserved
 * with its bytes and its id. ring_publish() makes it an item as any other, that was never delivered,
 * in its order the youngest, and counted as published once more; what was counted as dead stays so. With
 * ring_cancel(), or when this process dies before, it is dead as it was. A parcel is taken up whole, by
 * the id of the first record that is left of it, and stays a parcel. Does not wait.
 *
 * RING_OK      item is filled in
 * RING_TIMEOUT slot `slot` keeps no dead letter of this id (any more)
 * RING_CLOSED  the stop flag is up
 * RING_ERROR   errno: EPERM not a producer; EINVAL no such slot; EBADMSG
 */
enum ring_result ring_reserve_dead(struct ring *ring, uint32_t slot, uint64_t id, struct ring_item *item);

/*
 * Publish a copy of `len` bytes at `data` (which stays yours; NULL is allowed when len is 0), waiting
 * for a free slot. Results of ring_reserve() and ring_publish(); EMSGSIZE if it is too long.
 */
enum ring_result ring_put(struct ring *ring, const void *data, size_t len, int timeout_ms);

/*
 * Publish copies of n items, in order; *done says how many were published whatever the result.
 * Waits for slots as they are needed, timeout_ms in all.
 */
enum ring_result ring_put_batch(struct ring *ring, const struct iovec *items, size_t n,
				size_t *done, int timeout_ms);

/* The same with a mark for each item, n of them (NULL: none has one): see ring_mark(). */
enum ring_result ring_put_marked(struct ring *ring, const struct iovec *items, const uint64_t *marks,
				 size_t n, size_t *done, int timeout_ms);

/*
 * The highest mark of the items that were accepted on this member's lane. A mark is a number of the
 * producer's own that grows from item to item: a ticket, a byte offset behind the item. A producer
 * that is started again with the same number reads here how far its predecessor came: exactly to
 * the last item whose publish took effect. 0 when there was none. Only for producers.
 */
uint64_t ring_mark(const struct ring *ring);

/*
 * The next ticket: 1, 2, 3, ... up to `limit` (0: no end), each given to one producer of all that
 * share the ring. A ticket counts as used when an item whose mark it is was accepted; until then the
 * same member gets the same ticket again, and when it dies or leaves, the next one who asks gets it.
 * So exactly the tickets 1..limit are published however many producers are killed.
 * Does not wait. Detectable fetch-and-add by helping: who moves the counter first completes the
 * record of the one who moved it before (after Attiya, Ben-Baruch, Hendler, PODC 2018, section 3).
 *
 * RING_OK      *ticket is yours: publish an item with item.mark = *ticket
 * RING_CLOSED  all `limit` tickets are given out (or the stop flag is up)
 * RING_ERROR   errno: EPERM not a producer; EBADMSG
 */
enum ring_result ring_ticket(struct ring *ring, uint64_t limit, uint64_t *ticket);

/*
 * Drop the oldest item that is ready (a parcel with all its records): for producers that would rather lose
 * the oldest than wait. Counted as dropped. Does not wait. RING_OK, RING_TIMEOUT: none is ready, RING_ERROR.
 */
enum ring_result ring_drop_oldest(struct ring *ring);

/*
 * Count an item that the producer threw away since the ring was full: published and dropped. `mark` is
 * what the item's would have been: a producer that is started again goes on behind it, and so it is
 * counted once, whenever this one is killed. 0: it has none; but a ticket that is held counts as used.
 */
void ring_count_dropped(struct ring *ring, uint64_t mark);

/* ------------------------------------------------------------------ consuming */

/*
 * Take the oldest ready item, waiting for one.
 *
 * RING_OK       item is filled in; ring_ack(), ring_give_back() or ring_dead() ends it
 * RING_TIMEOUT  nothing came in time
 * RING_DRAINED  nothing is left and nothing can come: no producer or holder is attached, and the
 *               stop flag is up or producers were here and have left
 * RING_CLOSED   the stop flag is up in mode now
 * RING_ERROR    errno: EINTR, EBADMSG, EPERM not a consumer
 */
enum ring_result ring_take(struct ring *ring, struct ring_item *item, int timeout_ms);

/* Take up to max items (at least one, waiting for the first only); *taken says how many. */
enum ring_result ring_take_batch(struct ring *ring, struct ring_item *items, size_t max,
				 size_t *taken, int timeout_ms);

/*
 * The item is done with, and gone. Does not wait. 0, or -1 with errno EINVAL when it is not in this
 * member's hands (then nothing happened).
 */
int ring_ack(struct ring *ring, struct ring_item *item);

/* ring_ack() of n items, with one look at who is to be woken. Stops at the first that is not in this member's
   hands: -1 with errno EINVAL, and `word` is 0 in those that are done with. */
int ring_ack_batch(struct ring *ring, struct ring_item *items, size_t n);

/*
 * Ack `item`, if one is in hand, and take the next into it, for who takes one after the other: ring_ack() and
 * ring_take() with one reading of the clock. `item` is all zero before the first call. Whatever comes back
 * but RING_OK, what was in hand is acked and `item` is all zero again, but for RING_ERROR with errno EINVAL:
 * then `item` is none of this member's, and nothing happened. Else as ring_take().
 */
enum ring_result ring_next(struct ring *ring, struct ring_item *item, int timeout_ms);

/*
 * The first n records of a parcel, `bytes` long with their terminators, are done with and never come again,
 * whatever becomes of this process. The item shows the others from then on; of all its records, it is
 * ring_ack(). Does not wait. 0, or -1 with errno EINVAL (then nothing happened): it is not in this member's
 * hands, or those are not its first records.
 */
int ring_ack_records(struct ring *ring, struct ring_item *item, uint32_t n, size_t bytes);

/*
 * Give an item back, to be delivered again (by anybody, in any order) after delay_ms, its delivery
 * count one higher. `failed` also counts a failure. Does not wait. As ring_ack().
 */
int ring_give_back(struct ring *ring, struct ring_item *item, uint32_t delay_ms, bool failed);

/*
 * Declare an item dead: it is never delivered again. A quarter of the slots, at most, keep dead
 * items with their bytes for ring_look(); the oldest makes room. `reason` is the caller's own
 * number (an exit code, a signal), shown by ring_look(). As ring_ack().
 */
int ring_dead(struct ring *ring, struct ring_item *item, uint32_t reason);

/*
 * Count n more items as handed on and not confirmed (less, when n is negative), for a consumer that acks
 * items before it can know what became of them. A number beside the books, kept through the death of who
 * counts; call it before the acks, and killed in between it says too much rather than too little.
 */
void ring_count_unconfirmed(struct ring *ring, int64_t n);

/* ------------------------------------------------------------------ running the line */

/*
 * Raise the stop flag to `mode`. The flag only rises: a lower mode than the one that is up changes
 * nothing. In modes strict and now nothing is published after this returns, by anybody: each slot
 * that was reserved has been taken from its holder by then. Does not wait. Any attached role.
 */
void ring_stop(struct ring *ring, enum ring_stop_mode mode, enum ring_stop_cause cause);
enum ring_stop_mode ring_stopped(const struct ring *ring);
enum ring_stop_cause ring_stop_cause(const struct ring *ring);

/*
 * Lower the flag again, for a launcher that takes up a ring which an earlier one left. 0, or -1 with
 * errno EPERM (not the launcher) or EBUSY (others are attached).
 */
int ring_restart(struct ring *ring);

/* Start or stop holding the line open (role RING_HOLDER of this member). */
void ring_hold(struct ring *ring, bool hold);

/* Does a consumer wait for an item, or would the next one that looks find none? True for a moment. */
bool ring_is_starved(struct ring *ring);

/* Is the line drained? (See ring_take(); the caller itself counts only if it is producer or holder.) */
bool ring_is_drained(struct ring *ring);

/*
 * Recover what dead members left. Only members whose death the kernel proves are touched; pid 0
 * means all members, else those with that process id. Does not wait; may be called by anybody, at
 * any time, any number of times. Returns the number of members recovered, or -1 with errno.
 */
int ring_recover(struct ring *ring, pid_t pid);

/*
 * Issue hints again: ready items whose publisher was stopped before it told anyone, delayed items
 * that are due, wake-ups that a stopped process owes. A launcher calls it every 250 ms; without one,
 * waiting members do it by themselves every second. Does not wait.
 */
void ring_sweep(struct ring *ring);

/* Note what this member is doing, for ring_member(): cut to RING_NOTE_MAX - 1 bytes. */
#define RING_NOTE_MAX 24
void ring_note(struct ring *ring, const char *note);

/* ------------------------------------------------------------------ looking (observers too) */

struct ring_stats {
	uint64_t published, acked, dead, dropped;	/* since the ring was made */
	uint64_t left;			/* ready + delayed + in_flight */
	uint64_t redelivered;		/* deliveries after the first */
	uint64_t unconfirmed;		/* acked, and what became of them is not known */
	uint64_t taken;			/* deliveries */
	uint64_t bytes;			/* published */
	uint64_t full;			/* publishes that found no free slot */
	uint64_t blocked_ns;		/* time producers waited for one, all together */
	uint64_t starved_ns;		/* time consumers waited for an item, all together */
	uint32_t slots, item_max, members;	/* sizes */
	uint32_t free, writing;		/* slots in these states */
	uint32_t ready, delayed, in_flight, dead_kept;	/* items in these */
	uint32_t high_water;		/* the most items that were ever found in it (at a full ring or a look) */
	uint32_t producers, consumers, holders;	/* attached */
	uint64_t oldest_ns;		/* age of the oldest item that is ready; 0: none */
	uint64_t head, tail;		/* positions in the order of hints */
	uint64_t created_ns;		/* CLOCK_MONOTONIC */
	uint64_t size_bytes;		/* of the segment */
	uint64_t tickets;		/* given out by ring_ticket() */
	enum ring_stop_mode stop;
	enum ring_stop_cause stop_cause;
	uint64_t stop_published;	/* published when the flag had gone up (soft: shortly after); 0 before,
					   and when a raiser was killed in that moment */
	pid_t launcher;			/* 0: none is attached */
};

/*
 * Read the counters, without a lock, while others write. One pass over the slots' words gives what
 * was published and what is left of it, each slot consistent in itself, so published = acked + dead +
 * dropped + left in every reading. 0, or -1 with errno EBADMSG.
 */
int ring_stats(struct ring *ring, struct ring_stats *stats);

/*
 * Times in buckets, log-linear as in HdrHistogram: 16 buckets to each doubling, so that a time is known
 * to within 3.2 %, or 64 ns below 2 us. Two are merged by adding their members.
 */
#define RING_BUCKETS 512
struct ring_histogram {
	uint64_t count, sum_ns;
	uint64_t bucket[RING_BUCKETS];
};

/*
 * How long items stood in the ring before their first delivery, and how long it took from a delivery to
 * its ack: of all members since the ring was made, those that left included. Each histogram agrees with
 * itself. Consumers add what they have counted about every millisecond, with the calls that take and ack, and
 * before they sleep: a kill may cost that much, and what is counted by others may be so much behind.
 */
void ring_times(struct ring *ring, struct ring_histogram *wait, struct ring_histogram *work);

/* Times of bucket i are below this, and not below bucket i - 1's. The last one has all that is longer. */
uint64_t ring_bucket_end_ns(unsigned i);

/* A time that a share q of all, 0 to 1, does not exceed (0.5: the median). 0 when there are none. */
uint64_t ring_quantile_ns(const struct ring_histogram *histogram, double q);

/*
 * The books from the two sides' own counters, independent of each other and of the slots: equal to
 * ring_stats() whenever the ring is at rest. For the final account and for fsck.
 */
struct ring_books { uint64_t published, acked, dead, dropped; };
void ring_books(struct ring *ring, struct ring_books *books);

struct ring_member {
	uint32_t index;			/* from 1 */
	pid_t pid;			/* in the member's own pid namespace */
	unsigned roles, number;
	bool is_alive;			/* the kernel's word */
	uint64_t started_ns;
	uint64_t published, taken, acked, dead, dropped, redelivered, bytes, full;	/* since it attached */
	uint64_t blocked_ns, starved_ns;
	uint32_t holding;		/* items in its hands */
	char note[RING_NOTE_MAX];
};

/* Member i of 1..ring_member_limit(). 1 filled in, 0 nobody there, -1 errno. */
int ring_member(struct ring *ring, uint32_t index, struct ring_member *member);

enum ring_slot_state { RING_SLOT_FREE, RING_SLOT_WRITING, RING_SLOT_READY, RING_SLOT_DELAYED,
		       RING_SLOT_IN_FLIGHT, RING_SLOT_DEAD };

struct ring_view {
	enum ring_slot_state state;
	uint32_t owner;			/* member index; 0: nobody */
	uint64_t id, mark;
	size_t len;			/* of the item, or of what is left of a parcel */
	uint32_t records;		/* items that it is: more than 1 only of a parcel */
	bool is_parcel;			/* each record ends with the ring's terminator */
	size_t shown;			/* bytes copied to the caller */
	uint32_t deliveries, failures;
	uint32_t reason;		/* of a dead item */
	uint64_t published_ns;
	uint64_t since_ns;		/* in flight: taken; delayed: due; dead: died */
};

/*
 * Look at slot i of 0..ring_slots()-1 without taking it; up to `size` of its bytes go to `bytes`.
 * What comes back was all true at one moment. 1 filled in, 0 when the slot is free or being written
 * or kept moving, -1 with errno EBADMSG.
 */
int ring_look(struct ring *ring, uint32_t slot, struct ring_view *view, void *bytes, size_t size);

/*
 * Check every invariant that holds at any moment, and with `at_rest` (nobody is attached or all are
 * idle) those that hold only then; call `report` with a sentence for each violation. Returns how many.
 */
unsigned ring_fsck(struct ring *ring, bool at_rest,
		   void (*report)(const char *sentence, void *context), void *context);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
