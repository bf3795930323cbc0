/*
 * verb.h - the contract between main.c and the verbs: a verb is one file and one descriptor. To add
 * one, write verb_NAME.c and name its descriptor in the list of main.c; parsing, --help and the
 * completions follow.
 */
#ifndef SHMLINE_RINGCTL_VERB_H
#define SHMLINE_RINGCTL_VERB_H

#include "src/base/options.h"

#include <stdbool.h>
#include <stdint.h>

/* What the options of all verbs say; each verb's table has those that mean something to it. */
struct settings {
	bool json;
	bool force;
	bool recover;
	bool kick;
	int mode;		/* index behind RING_STOP_SOFT */
	uint64_t timeout_ns;	/* SETTING_NONE: no limit */
	uint64_t bytes;		/* of each item that are shown; SETTING_NONE: as fits the form */
	uint64_t items;		/* the most that are shown */
	const char *table;	/* of a database; NULL: the one that is there */
};

#define SETTING_NONE UINT64_MAX

/* The entry that each verb's table has. */
#define OPTION_JSON                                                                               \
	{                                                                                         \
		.name = "json", .help = "one JSON object a line", .kind = OPTION_FLAG,            \
		.field = offsetof(struct settings, json)                                          \
	}

struct verb {
	const char *name;
	const char *operands;	/* as in --help; the first, if there is one, is a ring's name */
	const char *help;	/* one clause */
	const struct option_entry *options;
	int operands_min, operands_max;
	/* Options end behind this many operands; 0: they never do. */
	int operands_before_end;
	bool takes_file;	/* the first operand is a file instead */
	/* Returns the exit code; has said what failed. `operands` has n, their number checked. */
	int (*run)(const struct settings *settings, char **operands, int n);
};

extern const struct verb verb_ls, verb_stat, verb_top, verb_peek, verb_dead, verb_put, verb_stop, verb_fsck,
			 verb_rm, verb_watch_storage;

#endif
