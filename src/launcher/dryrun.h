/* dryrun.h - --dry-run: what would be run. Nothing is run or made. */
#ifndef SHMLINE_LAUNCHER_DRYRUN_H
#define SHMLINE_LAUNCHER_DRYRUN_H

#include "src/launcher/team.h"

/*
 * Of a COMMAND and a source that is read: the command line of each run, with its items, as they come. Of one
 * that stays its own, once. Else those of the producers and consumers. 0, or an exit code after saying why.
 */
int dryrun_show(struct teams *teams);

#endif
