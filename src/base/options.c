/*
 * options.c - see options.h. getopt_long(3) splits the command line; what a value means is decided
 * here by the table.
 */
#include "src/base/options.h"
#include "src/base/diag.h"
#include "src/base/exitcode.h"
#include "src/base/lineio.h"
#include "src/base/options_table.h"
#include "src/base/quantity.h"
#include "src/base/text.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What getopt_long returns for a long option: its index from here on. Above any letter. */
#define LONG_BASE 256

/* ---------------------------------------------------------------- parsing */

struct getopt_input {
	struct option *longs;
	char *letters;
};

/* The table as getopt_long wants it. "+" stops at the first operand, ":" keeps getopt silent. */
static struct getopt_input getopt_input(const struct option_table *table)
{
	const size_t total = options_count(table);
	struct getopt_input input = {
		.longs = calloc(total + 1, sizeof(*input.longs)),
		.letters = calloc(2 + 2 * total + 1, 1),
	};
	char *letter = input.letters;

	if (!input.longs || !input.letters)
		diag_die(EXIT_SYSTEM, "no memory for options");
	*letter++ = '+';
	*letter++ = ':';
	for (size_t i = 0; i < total; i++) {
		const struct option_entry *entry = options_entry(table, i);
		bool has_value = entry->arg != NULL;

		input.longs[i] = (struct option){
			.name = entry->name,
			.has_arg = has_value ? required_argument : no_argument,
			.val = LONG_BASE + (int)i,
		};
		if (!entry->letter)
			continue;
		*letter++ = entry->letter;
		if (has_value)
			*letter++ = ':';
	}
	return input;
}

/* Index of the entry that getopt_long's return means, or -1. */
static int entry_index(const struct option_table *table, int got)
{
	if (got >= LONG_BASE)
		return got - LONG_BASE;
	for (size_t i = 0; table->entries[i].name; i++)
		if (got != 0 && table->entries[i].letter == got)
			return (int)i;
	return -1;
}

static uint64_t upper_bound(const struct option_entry *entry)
{
	return entry->max ? entry->max : UINT64_MAX;
}

static bool set_choice(const struct option_entry *entry, const char *value, int *field)
{
	for (int i = 0; entry->choices[i]; i++) {
		if (strcmp(value, entry->choices[i]) == 0) {
			*field = i;
			return true;
		}
	}
	return false;
}

/* Put the value where the table says. *expected is set by OPTION_CALL only. */
static bool set_field(const struct option_entry *entry, const char *value, void *settings,
		      const char **expected)
{
	void *field = (char *)settings + entry->field;
	const uint64_t min = entry->min, max = upper_bound(entry);

	switch (entry->kind) {
	case OPTION_FLAG:
		*(bool *)field = true;
		return true;
	case OPTION_TEXT:
		*(const char **)field = value;
		return true;
	case OPTION_COUNT:
		return quantity_count(value, min, max, field) == 0;
	case OPTION_SIZE:
		return quantity_size(value, min, max, field) == 0;
	case OPTION_DURATION:
		return quantity_duration(value, min, max, field) == 0;
	case OPTION_CHOICE:
		return set_choice(entry, value, field);
	case OPTION_CALL:
		return entry->call(entry, value, settings, expected);
	}
	return false;
}

/* ---------------------------------------------------------------- what was expected */

/* "from 1 to 64K", "of at least 2", or nothing. `show` writes one bound. */
static void add_bounds(struct text *text, const struct option_entry *entry,
		       const char *(*show)(char *, size_t, uint64_t))
{
	char min[32], max[32];

	show(min, sizeof(min), entry->min);
	show(max, sizeof(max), upper_bound(entry));
	if (upper_bound(entry) != UINT64_MAX)
		text_add(text, " from %s to %s", min, max);
	else if (entry->min > 0)
		text_add(text, " of at least %s", min);
}

static const char *show_count(char *buffer, size_t size, uint64_t value)
{
	snprintf(buffer, size, "%llu", (unsigned long long)value);
	return buffer;
}

static void add_choices(struct text *text, const char *const *choices)
{
	for (size_t i = 0; choices[i]; i++)
		text_add(text, "%s%s", i == 0 ? "" : choices[i + 1] ? ", " : " or ", choices[i]);
}

static void add_expected(struct text *text, const struct option_entry *entry, const char *said)
{
	switch (entry->kind) {
	case OPTION_COUNT:
		text_add(text, "a number");
		add_bounds(text, entry, show_count);
		return;
	case OPTION_SIZE:
		text_add(text, "a size");
		add_bounds(text, entry, quantity_show_size);
		text_add(text, ", as 4096, 64K or 2M");
		return;
	case OPTION_DURATION:
		text_add(text, "a duration");
		add_bounds(text, entry, quantity_show_duration);
		text_add(text, ", as 250ms, 1.5s or 2m");
		return;
	case OPTION_CHOICE:
		add_choices(text, entry->choices);
		return;
	case OPTION_FLAG:
	case OPTION_TEXT:
	case OPTION_CALL:
		text_add(text, "%s", said ? said : entry->arg ? entry->arg : "nothing");
		return;
	}
}

/* The option as it was typed: --slots, or -p. */
static void add_option(struct text *text, const struct option_entry *entry, bool is_long)
{
	if (is_long)
		text_add(text, "--%s", entry->name);
	else
		text_add(text, "-%c", entry->letter);
}

static void explain_value(struct text *text, const struct option_entry *entry, bool is_long,
			  const char *value, const char *said)
{
	char shown[96];

	add_option(text, entry, is_long);
	if (value)
		text_add(text, " \"%s\"", diag_quote(shown, sizeof(shown), value, strlen(value)));
	text_add(text, ": expected ");
	add_expected(text, entry, said);
}

/* getopt said '?': no such option, several that begin so, or a value for a flag. */
static void explain_unknown(struct text *text, const struct option_table *table,
			    const char *typed)
{
	char shown[96];
	int known = entry_index(table, optopt);

	if (known >= 0) {
		text_add(text, "--%s takes no value", options_entry(table, (size_t)known)->name);
	} else if (optopt) {
		char letter = (char)optopt;

		text_add(text, "unknown option \"-%s\"; see --help",
			 diag_quote(shown, sizeof(shown), &letter, 1));
	} else {
		text_add(text, "unknown option \"%s\"; see --help",
			 diag_quote(shown, sizeof(shown), typed, strcspn(typed, "=")));
	}
}

/* getopt said ':': the last option lacks its value. */
static void explain_missing(struct text *text, const struct option_table *table)
{
	int i = entry_index(table, optopt);
	const struct option_entry *entry = options_entry(table, (size_t)i);

	add_option(text, entry, optopt >= LONG_BASE);
	text_add(text, ": expected a value, %s", entry->arg);
}

/* ---------------------------------------------------------------- the loop */

static enum options_result take_option(const struct option_table *table, int got,
				       void *settings, struct text *why)
{
	int i = entry_index(table, got);
	const struct option_entry *entry = options_entry(table, (size_t)i);
	const char *said = NULL;

	if (entry == &option_help)
		return OPTIONS_HELP;
	if (entry == &option_version)
		return OPTIONS_VERSION;
	if (entry == &option_list)
		return OPTIONS_LIST;
	if (set_field(entry, optarg, settings, &said))
		return OPTIONS_OK;
	explain_value(why, entry, got >= LONG_BASE, optarg, said);
	return OPTIONS_BAD;
}

static enum options_result next_option(const struct option_table *table,
				       const struct getopt_input *input, int argc, char **argv,
				       void *settings, struct text *why, bool *is_done)
{
	int before = optind ? optind : 1;
	int got = getopt_long(argc, argv, input->letters, input->longs, NULL);

	switch (got) {
	case -1:
		*is_done = true;
		return OPTIONS_OK;
	case '?':
		explain_unknown(why, table, argv[before]);
		return OPTIONS_BAD;
	case ':':
		explain_missing(why, table);
		return OPTIONS_BAD;
	default:
		return take_option(table, got, settings, why);
	}
}

enum options_result options_parse(const struct option_table *table, int argc, char **argv,
				  void *settings, int *operands, char *why, size_t why_size)
{
	struct getopt_input input = getopt_input(table);
	struct text text = { .out = why, .size = why_size };
	enum options_result result = OPTIONS_OK;
	bool is_done = false;

	optind = 0;	/* glibc: start anew */
	while (!is_done && result == OPTIONS_OK)
		result = next_option(table, &input, argc, argv, settings, &text, &is_done);
	*operands = optind;
	free(input.longs);
	free(input.letters);
	return result;
}

/* ---------------------------------------------------------------- for main() */

static _Noreturn void print_and_exit(const char *text)
{
	if (write_all(STDOUT_FILENO, text, strlen(text)) < 0)
		diag_die(EXIT_IO, "cannot write to standard output: %m");
	exit(EXIT_OK);
}

/* `make` is options_help() or options_list(). */
static _Noreturn void print_table(const struct option_table *table,
				  int (*make)(const struct option_table *, char *, size_t))
{
	size_t size = (size_t)make(table, NULL, 0) + 1;
	char *text = malloc(size);

	if (!text)
		diag_die(EXIT_SYSTEM, "no memory for --help");
	make(table, text, size);
	print_and_exit(text);
}

static _Noreturn void print_version(const struct option_table *table)
{
	char line[128];

	snprintf(line, sizeof(line), "%s (shmline) %s\n", table->program, SHMLINE_VERSION);
	print_and_exit(line);
}

int options_read(const struct option_table *table, int argc, char **argv, void *settings)
{
	char why[512] = "";
	int operands = argc;

	switch (options_parse(table, argc, argv, settings, &operands, why, sizeof(why))) {
	case OPTIONS_OK:
		return operands;
	case OPTIONS_HELP:
		print_table(table, options_help);
	case OPTIONS_LIST:
		print_table(table, options_list);
	case OPTIONS_VERSION:
		print_version(table);
	case OPTIONS_BAD:
		break;
	}
	diag_die(EXIT_BAD_USAGE, "%s", why);
}
