/*
 * words.h - private to the views: the words for what a ring, a slot and a member are, the same in
 * tables for people and in JSON. Pure.
 */
#ifndef SHMLINE_VIEW_WORDS_H
#define SHMLINE_VIEW_WORDS_H

#include "shm/ring.h"
#include "src/view/reading.h"

#include <stddef.h>

/*
 * The state of a sound ring:
 *	running   the stop flag is down and somebody is attached
 *	idle      the stop flag is down and nobody is attached
 *	draining  the stop flag is up and somebody is there to finish what is left
 *	stopped   the stop flag is up and what is left stays: mode now, or nobody is attached
 *	drained   the stop flag is up, no producer is attached and nothing is left
 */
const char *words_ring_state(const struct reading *reading);

/* The state of a ring that can't be read, from the errno of the call that failed. */
const char *words_unsound(int error);

const char *words_slot_state(enum ring_slot_state state);
const char *words_stop_mode(enum ring_stop_mode mode);
const char *words_stop_cause(enum ring_stop_cause cause);

/* Names of the stop modes from RING_STOP_SOFT on, ended with NULL. */
extern const char *const words_stop_choices[];

/* "producer", "holder+launcher", ... into `buffer`, which is returned. */
#define WORDS_ROLES_MAX 48
const char *words_roles(char buffer[static WORDS_ROLES_MAX], unsigned roles);

#endif
