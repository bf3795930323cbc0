/*
 * members.h - private to ringctl: who is attached to a ring, and what each holds.
 */
#ifndef SHMLINE_RINGCTL_MEMBERS_H
#define SHMLINE_RINGCTL_MEMBERS_H

#include "shm/ring.h"

#include <jansson.h>
#include <stdint.h>

/*
 * Everybody who is attached, by index: room for 1..ring_member_limit(), index 0 where nobody is.
 * Free it. Exits when memory is out.
 */
struct ring_member *members_read(struct ring *ring);

/* A table on standard output. */
void members_print(struct ring *ring, uint64_t now_ns);

/* An array with an object for each. */
json_t *members_json(struct ring *ring, uint64_t now_ns);

#endif
