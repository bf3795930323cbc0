/* test_options.c - one table makes parsing, its messages and --help. */
#include "src/base/options.h"
#include "tests/unit/check.h"

#include <string.h>

struct settings {
	bool quiet, dry;
	const char *name;
	uint64_t count, slots, size, pause;
	int mode;
	char letter;
};

static const char *const modes[] = { "soft", "strict", "now", NULL };

static bool one_letter(const struct option_entry *entry, const char *value, void *settings,
		       const char **expected)
{
	*expected = "one character";
	if (strlen(value) != 1)
		return false;
	*((char *)settings + entry->field) = *value;
	return true;
}

static const struct option_entry entries[] = {
	{ .name = "quiet", .letter = 'q', .help = "say nothing", .kind = OPTION_FLAG,
	  .field = offsetof(struct settings, quiet) },
	{ .name = "dry-run", .letter = 'n', .help = "only show", .kind = OPTION_FLAG,
	  .field = offsetof(struct settings, dry) },
	{ .name = "ring", .letter = 'r', .arg = "NAME", .help = "name of the ring",
	  .kind = OPTION_TEXT, .field = offsetof(struct settings, name) },
	{ .name = "count", .letter = 'c', .arg = "N", .help = "how many", .kind = OPTION_COUNT,
	  .field = offsetof(struct settings, count) },
	{ .name = "slots", .arg = "N", .help = "items the ring holds (1024)", .kind = OPTION_COUNT,
	  .min = 2, .max = 1048576, .field = offsetof(struct settings, slots), .group = "The ring" },
	{ .name = "item-max", .arg = "SIZE", .help = "longest item", .kind = OPTION_SIZE, .min = 1,
	  .max = 1 << 20, .field = offsetof(struct settings, size) },
	{ .name = "pause", .arg = "DURATION", .kind = OPTION_DURATION, .max = 60000000000,
	  .help = "a pause whose explanation is long enough that it does not fit on one line of help",
	  .field = offsetof(struct settings, pause) },
	{ .name = "stop", .arg = "MODE", .help = "how to stop", .kind = OPTION_CHOICE,
	  .choices = modes, .field = offsetof(struct settings, mode) },
	{ .name = "an-option-with-a-long-name", .letter = 'd', .arg = "C", .help = "delimiter",
	  .kind = OPTION_CALL, .call = one_letter, .field = offsetof(struct settings, letter) },
	{ .name = "number", .arg = "I", .kind = OPTION_COUNT,
	  .field = offsetof(struct settings, count) },
	{ .name = NULL },
};

static const struct option_table table = {
	.program = "tester",
	.usage = "[OPTION...] [FILE...]\n--dry-run",
	.about = "tests options.",
	.entries = entries,
	.closing = "Exit codes: 0.",
};

/* A command line of up to 8 words behind the program's name. */
struct line {
	const char *words[9];
};

static char why[256];

static enum options_result parse(const struct line *line, struct settings *settings, int *operands)
{
	const char *argv[10] = { "tester" };
	int argc = 1;

	for (; line->words[argc - 1]; argc++)
		argv[argc] = line->words[argc - 1];
	memset(why, 0, sizeof(why));
	/* argv is never written to: options stop at the first operand, so nothing is permuted. */
	return options_parse(&table, argc, (char **)(uintptr_t)argv, settings, operands, why,
			     sizeof(why));
}

static void every_kind_of_value_reaches_its_field(void **state)
{
	static const struct line line = {
		{ "-qc3", "--ring=jobs", "--slots", "64", "--item-max=64K", "--pause=1.5s",
		  "--stop=now", "-d,", NULL },
	};
	struct settings settings = { .mode = -1 };
	int operands;

	(void)state;
	assert_int_equal(parse(&line, &settings, &operands), OPTIONS_OK);
	assert_true(settings.quiet);
	assert_false(settings.dry);
	assert_string_equal(settings.name, "jobs");
	assert_int_equal(settings.count, 3);
	assert_int_equal(settings.slots, 64);
	assert_int_equal(settings.size, 65536);
	assert_int_equal(settings.pause, 1500000000);
	assert_int_equal(settings.mode, 2);
	assert_int_equal(settings.letter, ',');
	assert_int_equal(operands, 9);
}

static void options_stop_at_the_first_operand(void **state)
{
	static const struct line plain = { { "-q", "gzip", "-n", "--ring=x", NULL } };
	static const struct line dashes = { { "-q", "--", "-n", NULL } };
	static const struct line dash = { { "-", "-n", NULL } };
	struct settings settings = { .quiet = false };
	int operands;

	(void)state;
	assert_int_equal(parse(&plain, &settings, &operands), OPTIONS_OK);
	assert_int_equal(operands, 2);
	assert_int_equal(parse(&dashes, &settings, &operands), OPTIONS_OK);
	assert_int_equal(operands, 3);
	assert_int_equal(parse(&dash, &settings, &operands), OPTIONS_OK);
	assert_int_equal(operands, 1);
	assert_false(settings.dry);
	assert_null(settings.name);
}

static void the_last_of_the_same_options_counts(void **state)
{
	static const struct line line = { { "-c1", "--count=2", "-c", "3", NULL } };
	struct settings settings = { .count = 0 };
	int operands;

	(void)state;
	assert_int_equal(parse(&line, &settings, &operands), OPTIONS_OK);
	assert_int_equal(settings.count, 3);
}

static void a_bad_value_is_named_with_what_was_expected(void **state)
{
	static const struct {
		struct line line;
		const char *why;
	} cases[] = {
		{ .line = { { "--slots=0", NULL } },
		  .why = "--slots \"0\": expected a number from 2 to 1048576" },
		{ .line = { { "-c", "3x", NULL } }, .why = "-c \"3x\": expected a number" },
		{ .line = { { "--count=-1", NULL } }, .why = "--count \"-1\": expected a number" },
		{ .line = { { "--item-max=2G", NULL } },
		  .why = "--item-max \"2G\": expected a size from 1 to 1.0M, as 4096, 64K or 2M" },
		{ .line = { { "--pause=1h", NULL } },
		  .why = "--pause \"1h\": expected a duration from 0s to 1m, "
			 "as 250ms, 1.5s or 2m" },
		{ .line = { { "--stop=later", NULL } },
		  .why = "--stop \"later\": expected soft, strict or now" },
		{ .line = { { "-d", "ab", NULL } }, .why = "-d \"ab\": expected one character" },
		{ .line = { { "-c", "\x1b[31m\n", NULL } },
		  .why = "-c \"\\033[31m\\n\": expected a number" },
		{ .line = { { "-c", "", NULL } }, .why = "-c \"\": expected a number" },
		{ .line = { { "-c", NULL } }, .why = "-c: expected a value, N" },
		{ .line = { { "--ring", NULL } }, .why = "--ring: expected a value, NAME" },
		{ .line = { { "--quiet=yes", NULL } }, .why = "--quiet takes no value" },
		{ .line = { { "--version=2", NULL } }, .why = "--version takes no value" },
		{ .line = { { "-x", NULL } }, .why = "unknown option \"-x\"; see --help" },
		{ .line = { { "-qx", NULL } }, .why = "unknown option \"-x\"; see --help" },
		{ .line = { { "--nonesuch=3", NULL } },
		  .why = "unknown option \"--nonesuch\"; see --help" },
	};
	int operands;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct settings settings = { .count = 0 };

		assert_int_equal(parse(&cases[i].line, &settings, &operands), OPTIONS_BAD);
		assert_string_equal(why, cases[i].why);
	}
}

static void help_and_version_are_in_every_program(void **state)
{
	static const struct line help = { { "-q", "--help", "--nonesuch", NULL } };
	static const struct line version = { { "--version", NULL } };
	struct settings settings;
	int operands;

	(void)state;
	assert_int_equal(parse(&help, &settings, &operands), OPTIONS_HELP);
	assert_int_equal(parse(&version, &settings, &operands), OPTIONS_VERSION);
}

static const char expected_help[] =
	"usage: tester [OPTION...] [FILE...]\n"
	"       tester --dry-run\n"
	"\n"
	"tests options.\n"
	"\n"
	"Options:\n"
	"  -q, --quiet               say nothing\n"
	"  -n, --dry-run             only show\n"
	"  -r, --ring NAME           name of the ring\n"
	"  -c, --count N             how many\n"
	"\n"
	"The ring:\n"
	"      --slots N             items the ring holds (1024)\n"
	"      --item-max SIZE       longest item\n"
	"      --pause DURATION      a pause whose explanation is long enough that it\n"
	"                            does not fit on one line of help\n"
	"      --stop MODE           how to stop\n"
	"  -d, --an-option-with-a-long-name C\n"
	"                            delimiter\n"
	"      --help                show this text and end\n"
	"      --version             show the version and end\n"
	"\n"
	"Exit codes: 0.\n";

static void help_shows_the_table_without_what_is_hidden(void **state)
{
	char text[4096];

	(void)state;
	assert_int_equal(options_help(&table, text, sizeof(text)), strlen(expected_help));
	assert_string_equal(text, expected_help);
}

static void the_list_has_what_completions_need(void **state)
{
	char list[2048];

	(void)state;
	options_list(&table, list, sizeof(list));
	assert_non_null(strstr(list, "q\tquiet\t-\t-\tsay nothing\n"));
	assert_non_null(strstr(list, "-\tslots\tN\ttext\titems the ring holds (1024)\n"));
	assert_non_null(strstr(list, "-\tstop\tMODE\tchoice soft strict now\thow to stop\n"));
	assert_non_null(strstr(list, "-\thelp\t-\t-\tshow this text and end\n"));
	assert_null(strstr(list, "number"));
}

static void help_is_cut_where_the_buffer_ends(void **state)
{
	char text[10] = "";

	(void)state;
	assert_int_equal(options_help(&table, text, sizeof(text)), strlen(expected_help));
	assert_string_equal(text, "usage: te");
	assert_int_equal(options_help(&table, NULL, 0), strlen(expected_help));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_of_value_reaches_its_field),
		cmocka_unit_test(options_stop_at_the_first_operand),
		cmocka_unit_test(the_last_of_the_same_options_counts),
		cmocka_unit_test(a_bad_value_is_named_with_what_was_expected),
		cmocka_unit_test(help_and_version_are_in_every_program),
		cmocka_unit_test(help_shows_the_table_without_what_is_hidden),
		cmocka_unit_test(the_list_has_what_completions_need),
		cmocka_unit_test(help_is_cut_where_the_buffer_ends),
	};

	return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
