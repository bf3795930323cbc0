/*
 * reading.h - private to ringctl: how to open a ring that is looked at, and to fail at it.
 */
#ifndef SHMLINE_RINGCTL_READING_H
#define SHMLINE_RINGCTL_READING_H

#include "src/view/reading.h"

/* ring_open(); on failure says so and stores the exit code in *code. */
struct ring *reading_open(const char *name, unsigned roles, int *code);

#endif
