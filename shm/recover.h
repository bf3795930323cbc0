/*
 * recover.h - private: what dead members left, and the hints that stopped ones owe.
 */
#ifndef SHMLINE_RECOVER_H
#define SHMLINE_RECOVER_H

#include "shm/segment.h"

/*
 * Recover member `index`, whose lock the caller holds: settle its journal, advance its lanes, free what
 * it was writing, return what it held, free its entry. Everything is done in the dead member's name,
 * so a recoverer that dies leaves nothing of its own: the next one begins again. false: the cells had no
 * room for all its hints; the entry stays for another time.
 */
bool recover_member(struct segment *segment, uint32_t index);

/* A living member hands back what it has and frees its entry. If the cells have no room the entry stays,
   and dropping the lock leaves the rest to the next recoverer. */
void recover_leave(struct segment *segment, uint32_t index);

/* Recover every member whose lock can be had (pid 0: of any pid). The number, or -1 with errno. */
int recover_dead(struct segment *segment, pid_t pid);

/* Hint again what is ready and still owned, promote what is due, wake who sleeps beside work. */
void recover_sweep(struct segment *segment, uint32_t me);

/* Keep at most a quarter of the slots dead: those that died first make room. */
void recover_room_for_dead(struct segment *segment);

/* So many items were found in the ring at once. */
void recover_high_water(struct segment *segment, uint32_t items);

/* Delayed items that are due become ready. */
void recover_promote(struct segment *segment, uint32_t me, uint64_t now_ns);

/*
 * Does slot `index`, whose word is READY and owned, lack its hint, for all that can be seen? A producer
 * keeps its items and says in its entry up to which id they have theirs (it publishes in the order of
 * ids); whatever is ready again after it was taken keeps its owner for just so long.
 */
bool recover_is_untold(const struct segment *segment, uint32_t index, uint64_t word);

/* Hint all that are owned by `owner` and untold, in the order of their ids: first deliveries of one
   producer's items keep their order. */
bool recover_hint_all(struct segment *segment, uint32_t owner);

/* A delayed item is due then. */
void recover_due_at(struct segment *segment, uint64_t due_ns);

/* Hint slot `index`, whose word is READY and owned, then give up the ownership. false: no room. */
bool recover_hint(struct segment *segment, uint32_t index, uint64_t word);

#endif
