/* show.h - what a consumer would run (launcher --dry-run): no ring is there, and nothing is run. */
#ifndef SHMLINE_SHOW_H
#define SHMLINE_SHOW_H

#include "src/consumer/settings.h"

/*
 * Write to standard output the command line of each run, for items that come on standard input, each behind
 * 4 bytes of its length; of a COMMAND that stays its own, once. The exit code, after saying why.
 */
int show_all(const struct settings *settings);

#endif
