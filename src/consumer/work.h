/* work.h - from the ring to the sink, until the ring is drained or somebody asks to leave. */
#ifndef SHMLINE_WORK_H
#define SHMLINE_WORK_H

#include "src/consumer/settings.h"
#include "src/consumer/settle.h"

/* Returns the exit code of how it ended, after saying what went wrong; what became of the items is in
   the settler. */
int work_all(const struct settings *settings, void *sink, struct settler *settler);

#endif
