/*
 * main.c - ringctl: finds the verb, reads its options and operands, runs it. What a verb does is in
 * verb_NAME.c.
 */
#include "src/ringctl/verb.h"
#include "shm/ring.h"
#include "src/base/diag.h"
#include "src/base/exitcode.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct verb *const verbs[] = {
	&verb_ls, &verb_stat, &verb_top, &verb_peek, &verb_dead, &verb_put, &verb_stop, &verb_fsck, &verb_rm,
	&verb_watch_storage,
};

#define VERBS (sizeof(verbs) / sizeof(verbs[0]))
#define NAME_MAX_TEXT 32	/* "ringctl VERB" */
#define USAGE_MAX 128
#define HELP_MAX 2048

static void help_append(char *help, const char *text)
{
	size_t used = strlen(help);

	snprintf(help + used, HELP_MAX - used, "%s", text);
}

/* The verbs with their operands, and what all of them share. */
static const char *closing_text(char *help)
{
	char line[USAGE_MAX * 2];

	help_append(help, "Verbs:\n");
	for (size_t i = 0; i < VERBS; i++) {
		char form[USAGE_MAX];

		snprintf(form, sizeof(form), "%s %s", verbs[i]->name, verbs[i]->operands);
		snprintf(line, sizeof(line), "  %-38s %s\n", form, verbs[i]->help);
		help_append(help, line);
	}
	help_append(help,
		    "\n`ringctl VERB --help` shows a verb's options.\n"
		    "Exit codes: 0 done, 64 wrong usage, 65 an item too long, 69 no such ring or a ring\n"
		    "in use, 70 a ring that is not sound, 75 items left or a ring that stays full,\n"
		    "77 not allowed.");
	return help;
}

static void verb_names(char *names, size_t size)
{
	size_t used = 0;

	names[0] = '\0';
	for (size_t i = 0; i < VERBS && used < size; i++)
		used += (size_t)snprintf(names + used, size - used, "%s%s", i == 0 ? "" : ", ",
					 verbs[i]->name);
}

static const struct verb *verb_find(const char *name)
{
	char names[USAGE_MAX], quoted[USAGE_MAX];

	for (size_t i = 0; i < VERBS; i++)
		if (strcmp(verbs[i]->name, name) == 0)
			return verbs[i];
	verb_names(names, sizeof(names));
	diag_die(EXIT_BAD_USAGE, "unknown verb \"%s\": expected one of %s",
		 diag_quote(quoted, sizeof(quoted), name, strlen(name)), names);
}

/*
 * Options may stand before, between and behind the operands, since no worker's options follow here;
 * but not behind "--", nor where operands may look like options. Gathers the operands at the
 * beginning of argv and returns their number.
 */
static int read_operands(const struct option_table *table, const struct verb *verb, int argc,
			 char **argv, struct settings *settings)
{
	int n = 0, at = 0;	/* argv[at] has been read, as a program's name is for getopt(3) */
	bool has_ended = false;

	for (;;) {
		int first = at + options_read(table, argc - at, argv + at, settings);

		has_ended = first > at + 1 && strcmp(argv[first - 1], "--") == 0;
		at = first;
		if (has_ended || at == argc || (n > 0 && n == verb->operands_before_end))
			break;
		argv[n++] = argv[at];
	}
	while (at < argc)
		argv[n++] = argv[at++];
	return n;
}

static void check_operands(const struct verb *verb, char **operands, int n)
{
	char quoted[USAGE_MAX];

	if (n < verb->operands_min)
		diag_die(EXIT_BAD_USAGE, "%s: too few operands: expected %s %s", verb->name, verb->name,
			 verb->operands);
	if (n > verb->operands_max)
		diag_die(EXIT_BAD_USAGE, "%s: unexpected operand \"%s\": expected %s %s", verb->name,
			 diag_quote(quoted, sizeof(quoted), operands[verb->operands_max],
				    strlen(operands[verb->operands_max])),
			 verb->name, verb->operands);
	if (n > 0 && !verb->takes_file && !ring_name_is_valid(operands[0]))
		diag_die(EXIT_BAD_USAGE,
			 "%s \"%s\": expected a name of 1 to 200 letters, digits, dots, dashes and "
			 "underscores, not beginning with a dot or dash",
			 verb->name,
			 diag_quote(quoted, sizeof(quoted), operands[0], strlen(operands[0])));
}

static int run_verb(const struct verb *verb, int argc, char **argv)
{
	char program[NAME_MAX_TEXT], usage[USAGE_MAX], about[USAGE_MAX];
	struct option_table table = {
		.program = program, .usage = usage, .about = about, .entries = verb->options,
	};
	struct settings settings = {
		.timeout_ns = SETTING_NONE, .bytes = SETTING_NONE, .items = SETTING_NONE,
	};
	int n;

	snprintf(program, sizeof(program), "ringctl %s", verb->name);
	snprintf(usage, sizeof(usage), "[OPTION...] %s", verb->operands);
	snprintf(about, sizeof(about), "%c%s.", toupper(verb->help[0]), verb->help + 1);
	n = read_operands(&table, verb, argc, argv, &settings);
	check_operands(verb, argv, n);
	return verb->run(&settings, argv, n);
}

/* Output that did not arrive is a failure, even when all went well before. */
static int close_output(int code)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return code;
	diag_error("cannot write to standard output: %s", strerror(errno));
	return code == EXIT_OK ? EXIT_IO : code;
}

int main(int argc, char **argv)
{
	static const struct option_entry no_options[] = { { .name = NULL } };
	char help[HELP_MAX] = "";
	struct option_table table = {
		.program = "ringctl",
		.usage = "VERB [OPTION...] [OPERAND...]",
		.about = "Look at rings and act on them.",
		.entries = no_options,
		.closing = closing_text(help),
	};
	int first;

	diag_init("ringctl");
	diag_catch_damage();
	first = options_read(&table, argc, argv, NULL);
	if (first == argc) {
		char names[USAGE_MAX];

		verb_names(names, sizeof(names));
		diag_die(EXIT_BAD_USAGE, "no verb given: expected one of %s", names);
	}
	return close_output(run_verb(verb_find(argv[first]), argc - first, argv + first));
}
