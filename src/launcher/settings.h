/*
 * settings.h - what the command line asks for: checked, the defaults filled in, and from then on
 * only read. What only a producer or a consumer can judge (is there such a source?) they judge.
 */
#ifndef SHMLINE_LAUNCHER_SETTINGS_H
#define SHMLINE_LAUNCHER_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/options.h"
#include "src/launcher/manners.h"
#include "src/launcher/restart.h"

#define SETTING_NONE UINT64_MAX	/* a number that was not given, a time without limit */

enum side { SIDE_PRODUCER, SIDE_CONSUMER };

#define SETTINGS_WORKERS_MAX 2000	/* on one side */

struct section;

struct settings {
	uint64_t producers, consumers;	/* at the start */
	uint64_t consumers_min, consumers_max;	/* -c MIN..MAX; max 0: as many as at the start */
	uint64_t items;			/* that generated sources make in all; 0: no end */
	uint64_t broken;		/* SETTING_NONE: no widget is */

	const char *ring;		/* NULL: one of its own */
	uint64_t slots, item_max_bytes;
	bool keep, resume;

	/* For producers and consumers; NULL or SETTING_NONE where they have a default. */
	const char *source, *delimiter, *when_full, *invoice_work;
	const char **arg_files;
	size_t arg_files_count;
	bool is_null;
	const char *sink, *worker, *backoff, *time_limit, *joblog, *dead;
	const char *pace, *producer_pace, *consumer_pace;
	uint64_t batch, window, block, retries, max_deliveries;
	bool shell, on_stdin, keep_order;
	int stop;			/* index into settings_stop_modes */
	char **command;			/* NULL: none */
	char **environment;		/* of workers, added to the launcher's; NULL: nothing */
	const char *directory;		/* where they work; NULL: here */
	uint64_t first;			/* number of the first of a section's workers; 0: no section's */

	const char *config;		/* NULL: no file */
	bool only_check;
	struct section *sections;	/* of the file, producers and consumers */
	size_t section_count;

	uint64_t drain_timeout_ns, kill_after_ns;
	struct restart_rules restart;
	int on_giveup;			/* enum on_giveup */

	struct limits limits;		/* of workers */
	int nice;
	bool no_new_privs;
	const char *user, *pidfile;	/* NULL: none */

	const char *listen;		/* NULL: nowhere */
	bool watch, tag, bar, json, dry_run, quiet, verbose;
	const char *log_dir;
	uint64_t log_bytes, log_files;	/* a file is rotated at; old ones that are kept */
	int color;			/* enum color_when */
};

/* Workers that are alike, as a section of the file has them. */
struct section {
	enum side side;
	const char *name;
	unsigned line;			/* in the file */
	uint64_t count;			/* at the start */
	struct settings settings;	/* of its own, and the line's */
};

enum on_giveup { GIVEUP_DEGRADE, GIVEUP_STOP };

enum color_when { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };

extern const char *const settings_stop_modes[];

/* Read and check the command line. Wrong usage, --help and --version end the program. */
void settings_read(struct settings *settings, int argc, char **argv);

/* The table of options, and one of them; NULL: there is none of that name. */
const struct option_table *settings_options(void);
const struct option_entry *settings_option(const char *name);

/* Set one as the command line would, flags by yes and no. 0, or -1 and what was expected in `why`. The
   value is kept, not copied. */
int settings_set(struct settings *settings, const char *name, const char *value, char *why, size_t size);

/* Fill in the defaults of a section that begins at this line of a file, and check it. What is wrong ends
   the program. */
void settings_finish(struct settings *settings, const char *path, unsigned line);

bool settings_has_section(const struct settings *settings, enum side side);

/* Does the source make its items, as widgets do, rather than read them? */
bool settings_source_is_generated(const struct settings *settings);

/* Do the producers read the launcher's standard input? */
bool settings_source_is_stdin(const struct settings *settings);

/* Does the launcher choose the number of consumers? */
bool settings_are_scaled(const struct settings *settings);

/* Does standard output get records that end with NUL, or that say their length, instead of lines? */
bool settings_output_is_nul(const struct settings *settings);
bool settings_output_has_lengths(const struct settings *settings);

/* The most consumers that this run may have, and the member entries that its ring needs. */
uint32_t settings_consumers_max(const struct settings *settings);
uint32_t settings_members(const struct settings *settings);

#endif
