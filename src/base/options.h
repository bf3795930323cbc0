/*
 * options.h - one table of options a program, from which parsing, --help, --version and the shell
 * completions come. Parsing is getopt_long(3)'s: short options cluster, long ones take "=", "--" ends
 * options, and options stop at the first operand.
 *
 * A table is an array that ends with an entry without name. Each entry says where in the program's
 * own struct of settings its value goes:
 *
 *	{ .name = "slots", .arg = "N", .help = "items the ring holds (1024)", .kind = OPTION_COUNT,
 *	  .min = 2, .max = RING_SLOTS_MAX, .field = offsetof(struct settings, slots) },
 */
#ifndef SHMLINE_OPTIONS_H
#define SHMLINE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum option_kind {
	OPTION_FLAG,		/* bool: set to true */
	OPTION_TEXT,		/* const char *: the argument itself */
	OPTION_COUNT,		/* uint64_t, min to max */
	OPTION_SIZE,		/* uint64_t bytes, min to max */
	OPTION_DURATION,	/* uint64_t nanoseconds, min to max */
	OPTION_CHOICE,		/* int: index into choices */
	OPTION_CALL,		/* whatever `call` makes of it */
};

struct option_entry {
	const char *name;		/* long, without dashes */
	char letter;			/* short, or 0 */
	const char *arg;		/* name of the argument in --help; NULL: none */
	const char *help;		/* one clause; NULL: works but is not shown (for other programs) */
	enum option_kind kind;
	size_t field;			/* offset into the settings */
	uint64_t min, max;		/* max 0: UINT64_MAX */
	const char *const *choices;	/* ends with NULL */
	/* Set the field from `value` (NULL for a flag). false: bad value, and *expected says what
	   was expected ("a policy: block, fail, ..."). */
	bool (*call)(const struct option_entry *entry, const char *value, void *settings,
		     const char **expected);
	const char *group;		/* heading in --help that begins with this entry; NULL: goes on */
	bool takes_file;		/* completion: file names */
	bool takes_ring;		/* completion: ring names */
};

struct option_table {
	const char *program;		/* name used in --help */
	const char *usage;		/* lines after "usage: ", without the program's name */
	const char *about;		/* what it is, one or two lines */
	const struct option_entry *entries;
	const char *closing;		/* text behind the options: exit codes, examples. NULL: none */
};

enum options_result { OPTIONS_OK, OPTIONS_BAD, OPTIONS_HELP, OPTIONS_VERSION, OPTIONS_LIST };

/*
 * Parse argv into *settings, and set *operands to the index of the first operand. On OPTIONS_BAD
 * `why` holds one line that names the option, the value and what was expected. Pure but for getopt's
 * own state, which it resets. --help, --version and --option-table need not be in the table.
 */
enum options_result options_parse(const struct option_table *table, int argc, char **argv,
				  void *settings, int *operands, char *why, size_t why_size);

/* The same for a main(): prints help, version or list and exits 0; says what is bad and exits 64.
   Returns the index of the first operand. */
int options_read(const struct option_table *table, int argc, char **argv, void *settings);

/* Text of --help into `out` (snprintf's return). */
int options_help(const struct option_table *table, char *out, size_t size);

/* What --option-table prints, for completions: a line an option that --help shows (snprintf's return). */
int options_list(const struct option_table *table, char *out, size_t size);

#endif
