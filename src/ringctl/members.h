/*
 * members.h - private to ringctl: who is attached to a ring, and what each holds.
 */
#ifndef SHMLINE_RINGCTL_MEMBERS_H
#define SHMLINE_RINGCTL_MEMBERS_H

#include <jansson.h>
#include <stdint.h>

#include "shm/ring.h"

/* A table on standard output. */
void members_print(struct ring *ring, uint64_t now_ns);

/* An array with an object for each. */
json_t *members_json(struct ring *ring, uint64_t now_ns);

#endif
