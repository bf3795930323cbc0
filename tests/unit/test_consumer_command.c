/* test_consumer_command.c - where items, ids and numbers stand in COMMAND's words. */
#include "src/consumer/command.h"
#include "shm/ring.h"
#include "tests/unit/check.h"

#include <string.h>

#define WORDS(...) (char *const *)(const char *const[]){ __VA_ARGS__, NULL }

static struct ring_item items[] = {
	{ .data = (char *)"one", .len = 3, .id = 11 },
	{ .data = (char *)"it's $(two)", .len = 11, .id = 12 },
	{ .data = (char *)"", .len = 0, .id = 13 },
};

static void check(const struct command *command, size_t n, char *const *expected)
{
	struct command_line line = { .argv = NULL };

	/* Twice: the memory of a run is used again by the next. */
	for (int i = 0; i < 2; i++) {
		assert_int_equal(command_build(command, items, n, 4, &line), 0);
		for (size_t word = 0; expected[word] || line.argv[word]; word++) {
			assert_non_null(line.argv[word]);
			assert_non_null(expected[word]);
			assert_string_equal(line.argv[word], expected[word]);
		}
	}
	command_line_free(&line);
}

static void without_a_place_items_are_the_last_words(void **state)
{
	const struct command command = { .words = WORDS("gzip", "-9") };

	(void)state;
	check(&command, 1, WORDS("gzip", "-9", "one"));
	check(&command, 3, WORDS("gzip", "-9", "one",
				 "it's $(two)", ""));
}

static void places_are_filled_wherever_they_stand(void **state)
{
	const struct command command = {
		.words = WORDS("cp", "{}", "out/{#}-{%}-{}.{", "{x}{"),
	};

	(void)state;
	check(&command, 1, WORDS("cp", "one", "out/11-4-one.{",
				 "{x}{"));
}

static void a_word_with_an_item_is_repeated_for_each(void **state)
{
	const struct command command = {
		.words = WORDS("tar", "{#}.tar", "in/{}"), .batch = 3,
	};

	(void)state;
	check(&command, 2, WORDS("tar", "11.tar", "in/one",
				 "in/it's $(two)"));
}

static void items_on_standard_input_are_no_words(void **state)
{
	const struct command command = { .words = WORDS("wc"), .on_stdin = true };
	const struct command both = { .words = WORDS("tee", "{}"), .on_stdin = true };

	(void)state;
	check(&command, 1, WORDS("wc"));
	assert_false(command_has_item_words(&command));
	check(&both, 1, WORDS("tee", "one"));
	assert_true(command_has_item_words(&both));
}

static void a_shell_never_reads_an_item_as_code(void **state)
{
	const struct command one = { .words = WORDS("ls", "{} | wc"), .is_shell = true };
	const struct command last = {
		.words = WORDS("echo {#}"), .is_shell = true, .batch = 2,
	};
	const struct command none = {
		.words = WORDS("wc"), .is_shell = true, .on_stdin = true,
	};

	(void)state;
	check(&one, 1, WORDS("sh", "-c", "ls \"$1\" | wc", "sh",
			     "one"));
	check(&last, 2, WORDS("sh", "-c", "echo 11 \"$@\"", "sh",
			      "one", "it's $(two)"));
	check(&none, 1, WORDS("sh", "-c", "wc", "sh"));
}

static void many_long_items_fit(void **state)
{
	static char bytes[100000];
	static struct ring_item many[1000];
	const struct command command = { .words = WORDS("x"), .batch = COUNT(many) };
	struct command_line line = { .argv = NULL };

	(void)state;
	memset(bytes, 'a', sizeof(bytes));
	for (size_t i = 0; i < COUNT(many); i++)
		many[i] = (struct ring_item){ .data = bytes, .len = 100 * i, .id = i };
	assert_int_equal(command_build(&command, many, COUNT(many), 1, &line), 0);
	for (size_t i = 0; i < COUNT(many); i++)
		assert_int_equal(strlen(line.argv[i + 1]), 100 * i);
	assert_null(line.argv[COUNT(many) + 1]);
	command_line_free(&line);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_place_items_are_the_last_words),
		cmocka_unit_test(places_are_filled_wherever_they_stand),
		cmocka_unit_test(a_word_with_an_item_is_repeated_for_each),
		cmocka_unit_test(items_on_standard_input_are_no_words),
		cmocka_unit_test(a_shell_never_reads_an_item_as_code),
		cmocka_unit_test(many_long_items_fit),
	};

	return cmocka_run_group_tests_name("command", tests, NULL, NULL);
}
