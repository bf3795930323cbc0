/* show.h - a source's records for who only wants to see them (launcher --dry-run): no ring is there. */
#ifndef SHMLINE_SHOW_H
#define SHMLINE_SHOW_H

#include "src/producer/settings.h"

/* Write them to standard output, each behind 4 bytes of its length. The exit code, after saying why. */
int show_all(const struct settings *settings, void *source);

#endif
