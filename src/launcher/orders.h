/*
 * orders.h - the command lines of producers and consumers, made from the settings. Nothing is run
 * here.
 */
#ifndef SHMLINE_LAUNCHER_ORDERS_H
#define SHMLINE_LAUNCHER_ORDERS_H

#include "src/launcher/settings.h"

/* "producer", "consumer" */
const char *side_name(enum side side);

/* Is this option passed on to that side? */
bool orders_take(enum side side, const char *option);

/* Where the programs are: beside the launcher's own, with the same prefix. */
struct orders {
	const struct settings *settings;
	const char *ring;
	char *programs[2];	/* by enum side */
};

/* 0, or -1 with errno when the launcher's own path can't be read. */
int orders_init(struct orders *orders, const struct settings *settings, const char *ring);
void orders_free(struct orders *orders);

/* Arguments for worker `number` (from 1) of a side; NULL without memory. */
char **orders_for_worker(const struct orders *orders, enum side side, unsigned number);

/* The same options, to be checked only. */
char **orders_for_check(const struct orders *orders, enum side side);

/* The same options, for a producer to write its records out, and for a consumer to show what it would run
   with them (--dry-run). */
char **orders_for_show(const struct orders *orders, enum side side);

void orders_free_argv(char **argv);

/* Write argv as a line that a shell would read back. 0, or -1 with errno. */
int orders_print(char *const *argv, int fd);

#endif
