/* preflight.h - have the programs check their options before anything is made or started. */
#ifndef SHMLINE_LAUNCHER_PREFLIGHT_H
#define SHMLINE_LAUNCHER_PREFLIGHT_H

#include "src/launcher/team.h"

/*
 * Run each program with --check where it was given options that only it can judge: it says in one line
 * what is wrong. Waits for it. 0, or the exit code.
 */
int preflight(const struct teams *teams);

#endif
