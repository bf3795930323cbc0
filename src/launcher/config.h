/*
 * config.h - a line in a file, in the shape of supervisord's:
 *
 *	[launcher]
 *	ring = jobs
 *	[producer:list]
 *	source = lines:/srv/list
 *	[consumer:pack]
 *	command = gzip -k {}
 *	numprocs = 4
 *
 * Keys are the long options' names. What stands in [launcher] holds for the line, and for workers where
 * their section says nothing else; each section beside it is a team of workers.
 */
#ifndef SHMLINE_LAUNCHER_CONFIG_H
#define SHMLINE_LAUNCHER_CONFIG_H

#include <stddef.h>

#include "src/launcher/settings.h"

struct config_key {
	char *name, *value;
	unsigned line;
};

struct config_section {
	char *name;			/* "launcher", "consumer:pack" */
	unsigned line;
	struct config_key *keys;
	size_t count;
};

struct config {
	const char *path;
	struct config_section *sections;
	size_t count;
};

/* Read the file as it stands. What it lacks in form is said, with file and line, and ends the program. */
void config_read(struct config *config, const char *path);
void config_free(struct config *config);

/* Say what is wrong at a line, and end with 64. */
_Noreturn void config_refuse(const struct config *config, unsigned line, const char *format, ...)
__attribute__((format(printf, 3, 4)));

#endif
