/*
 * options.c - see options.h. getopt_long(3) splits the command line; what a value means is decided
 * here by the table, and so is the text of --help.
 */
#include "src/base/options.h"
#include "src/base/diag.h"
#include "src/base/exitcode.h"
#include "src/base/lineio.h"
#include "src/base/quantity.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What getopt_long returns for a long option: its index from here on. Above any letter. */
#define LONG_BASE 256

/* Width of --help, and where its second column begins. */
#define HELP_WIDTH 80
#define HELP_COLUMN 28

/* In every program, behind its own options. */
static const struct option_entry common[] = {
	{ .name = "help", .help = "show this text and end", .kind = OPTION_FLAG },
	{ .name = "version", .help = "show the version and end", .kind = OPTION_FLAG },
};
#define COMMON_COUNT (sizeof(common) / sizeof(common[0]))

/* ---------------------------------------------------------------- parsing */

static size_t count_entries(const struct option_table *table)
{
	size_t n = 0;

	while (table->entries[n].name)
		n++;
	return n;
}

/* Entry i of the program's own and then the common ones. */
static const struct option_entry *entry_at(const struct option_table *table, size_t own, size_t i)
{
	return i < own ? &table->entries[i] : &common[i - own];
}

struct getopt_input {
	struct option *longs;
	char *letters;
};

/* The table as getopt_long wants it. "+" stops at the first operand, ":" keeps getopt silent. */
static struct getopt_input getopt_input(const struct option_table *table, size_t own)
{
	const size_t total = own + COMMON_COUNT;
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
		const struct option_entry *entry = entry_at(table, own, i);
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
static int entry_index(const struct option_table *table, size_t own, int got)
{
	if (got >= LONG_BASE)
		return got - LONG_BASE;
	for (size_t i = 0; i < own; i++)
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

/* Text that grows in a buffer as snprintf counts: `used` goes on where the buffer ends. */
struct text {
	char *out;
	size_t size, used;
};

static DIAG_PRINTF(2, 3) void add(struct text *text, const char *format, ...)
{
	bool fits = text->used < text->size;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(fits ? text->out + text->used : NULL, fits ? text->size - text->used : 0,
		      format, args);
	va_end(args);
	if (n > 0)
		text->used += (size_t)n;
}

/* "from 1 to 64K", "of at least 2", or nothing. `show` writes one bound. */
static void add_bounds(struct text *text, const struct option_entry *entry,
		       const char *(*show)(char *, size_t, uint64_t))
{
	char min[32], max[32];

	show(min, sizeof(min), entry->min);
	show(max, sizeof(max), upper_bound(entry));
	if (upper_bound(entry) != UINT64_MAX)
		add(text, " from %s to %s", min, max);
	else if (entry->min > 0)
		add(text, " of at least %s", min);
}

static const char *show_count(char *buffer, size_t size, uint64_t value)
{
	snprintf(buffer, size, "%llu", (unsigned long long)value);
	return buffer;
}

static void add_choices(struct text *text, const char *const *choices)
{
	for (size_t i = 0; choices[i]; i++)
		add(text, "%s%s", i == 0 ? "" : choices[i + 1] ? ", " : " or ", choices[i]);
}

static void add_expected(struct text *text, const struct option_entry *entry, const char *said)
{
	switch (entry->kind) {
	case OPTION_COUNT:
		add(text, "a number");
		add_bounds(text, entry, show_count);
		return;
	case OPTION_SIZE:
		add(text, "a size");
		add_bounds(text, entry, quantity_show_size);
		add(text, ", as 4096, 64K or 2M");
		return;
	case OPTION_DURATION:
		add(text, "a duration");
		add_bounds(text, entry, quantity_show_duration);
		add(text, ", as 250ms, 1.5s or 2m");
		return;
	case OPTION_CHOICE:
		add_choices(text, entry->choices);
		return;
	case OPTION_FLAG:
	case OPTION_TEXT:
	case OPTION_CALL:
		add(text, "%s", said ? said : entry->arg ? entry->arg : "nothing");
		return;
	}
}

/* The option as it was typed: --slots, or -p. */
static void add_option(struct text *text, const struct option_entry *entry, bool is_long)
{
	if (is_long)
		add(text, "--%s", entry->name);
	else
		add(text, "-%c", entry->letter);
}

static void explain_value(struct text *text, const struct option_entry *entry, bool is_long,
			  const char *value, const char *said)
{
	char shown[96];

	add_option(text, entry, is_long);
	if (value)
		add(text, " \"%s\"", diag_quote(shown, sizeof(shown), value, strlen(value)));
	add(text, ": expected ");
	add_expected(text, entry, said);
}

/* getopt said '?': no such option, several that begin so, or a value for a flag. */
static void explain_unknown(struct text *text, const struct option_table *table, size_t own,
			    const char *typed)
{
	char shown[96];
	int known = entry_index(table, own, optopt);

	if (known >= 0) {
		add(text, "--%s takes no value", entry_at(table, own, (size_t)known)->name);
	} else if (optopt) {
		char letter = (char)optopt;

		add(text, "unknown option \"-%s\"; see --help",
		    diag_quote(shown, sizeof(shown), &letter, 1));
	} else {
		add(text, "unknown option \"%s\"; see --help",
		    diag_quote(shown, sizeof(shown), typed, strcspn(typed, "=")));
	}
}

/* getopt said ':': the last option lacks its value. */
static void explain_missing(struct text *text, const struct option_table *table, size_t own)
{
	int i = entry_index(table, own, optopt);
	const struct option_entry *entry = entry_at(table, own, (size_t)i);

	add_option(text, entry, optopt >= LONG_BASE);
	add(text, ": expected a value, %s", entry->arg);
}

/* ---------------------------------------------------------------- the loop */

static enum options_result take_option(const struct option_table *table, size_t own, int got,
				       void *settings, struct text *why)
{
	int i = entry_index(table, own, got);
	const struct option_entry *entry = entry_at(table, own, (size_t)i);
	const char *said = NULL;

	if ((size_t)i >= own)
		return entry == &common[0] ? OPTIONS_HELP : OPTIONS_VERSION;
	if (set_field(entry, optarg, settings, &said))
		return OPTIONS_OK;
	explain_value(why, entry, got >= LONG_BASE, optarg, said);
	return OPTIONS_BAD;
}

static enum options_result next_option(const struct option_table *table, size_t own,
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
		explain_unknown(why, table, own, argv[before]);
		return OPTIONS_BAD;
	case ':':
		explain_missing(why, table, own);
		return OPTIONS_BAD;
	default:
		return take_option(table, own, got, settings, why);
	}
}

enum options_result options_parse(const struct option_table *table, int argc, char **argv,
				  void *settings, int *operands, char *why, size_t why_size)
{
	size_t own = count_entries(table);
	struct getopt_input input = getopt_input(table, own);
	struct text text = { .out = why, .size = why_size };
	enum options_result result = OPTIONS_OK;
	bool is_done = false;

	optind = 0;		/* glibc: start anew */
	while (!is_done && result == OPTIONS_OK)
		result = next_option(table, own, &input, argc, argv, settings, &text, &is_done);
	*operands = optind;
	free(input.longs);
	free(input.letters);
	return result;
}

/* ---------------------------------------------------------------- --help */

/* Words from `column` on, wrapped at HELP_WIDTH under `indent`. */
static void add_wrapped(struct text *text, const char *words, size_t column, size_t indent)
{
	while (*words) {
		size_t len = strcspn(words, " ");

		if (column > indent && column + 1 + len > HELP_WIDTH) {
			add(text, "\n%*s", (int)indent, "");
			column = indent;
		} else if (column > indent) {
			add(text, " ");
			column++;
		}
		add(text, "%.*s", (int)len, words);
		column += len;
		words += len;
		words += strspn(words, " ");
	}
	add(text, "\n");
}

static void add_entry(struct text *text, const struct option_entry *entry)
{
	char left[96];
	struct text head = { .out = left, .size = sizeof(left) };

	if (entry->group)
		add(text, "\n%s:\n", entry->group);
	if (!entry->help)
		return;
	if (entry->letter)
		add(&head, "  -%c, ", entry->letter);
	else
		add(&head, "      ");
	add(&head, "--%s%s%s", entry->name, entry->arg ? " " : "", entry->arg ? entry->arg : "");
	if (head.used + 2 > HELP_COLUMN)
		add(text, "%s\n%*s", left, HELP_COLUMN, "");
	else
		add(text, "%-*s", HELP_COLUMN, left);
	add_wrapped(text, entry->help, HELP_COLUMN, HELP_COLUMN);
}

/* `usage` may have several lines; each gets the program's name. */
static void add_usage(struct text *text, const struct option_table *table)
{
	const char *lead = "usage:";

	for (const char *line = table->usage; *line; lead = "      ") {
		size_t len = strcspn(line, "\n");

		add(text, "%s %s %.*s\n", lead, table->program, (int)len, line);
		line += len + (line[len] == '\n');
	}
}

int options_help(const struct option_table *table, char *out, size_t size)
{
	struct text text = { .out = out, .size = size };
	size_t own = count_entries(table);

	add_usage(&text, table);
	add(&text, "\n%s\n", table->about);
	if (own == 0 || !table->entries[0].group)
		add(&text, "\nOptions:\n");
	for (size_t i = 0; i < own + COMMON_COUNT; i++)
		add_entry(&text, entry_at(table, own, i));
	if (table->closing)
		add(&text, "\n%s\n", table->closing);
	return (int)text.used;
}

/* ---------------------------------------------------------------- for main() */

static _Noreturn void print_and_exit(const char *text)
{
	if (write_all(STDOUT_FILENO, text, strlen(text)) < 0)
		diag_die(EXIT_IO, "cannot write to standard output: %m");
	exit(EXIT_OK);
}

static _Noreturn void print_help(const struct option_table *table)
{
	size_t size = (size_t)options_help(table, NULL, 0) + 1;
	char *text = malloc(size);

	if (!text)
		diag_die(EXIT_SYSTEM, "no memory for --help");
	options_help(table, text, size);
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
		print_help(table);
	case OPTIONS_VERSION:
		print_version(table);
	case OPTIONS_BAD:
		break;
	}
	diag_die(EXIT_BAD_USAGE, "%s", why);
}
