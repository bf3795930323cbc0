/* test_launcher_orders.c - the command lines that producers and consumers get. */
#include "src/launcher/orders.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/check.h"

static struct settings plain(void)
{
	return (struct settings){
		.producers = 2, .consumers = 3, .items = 10, .broken = SETTING_NONE,
		.source = "widgets", .batch = SETTING_NONE, .window = SETTING_NONE,
		.block = SETTING_NONE, .retries = SETTING_NONE,
		.max_deliveries = SETTING_NONE,
	};
}

/* What orders_print() makes of the worker's argv, behind the program. */
static const char *words(const struct settings *settings, enum side side, unsigned number)
{
	static char line[512];
	struct orders orders;
	char **argv;
	int ends[2];
	ssize_t n;

	assert_int_equal(orders_init(&orders, settings, "r"), 0);
	argv = orders_for_worker(&orders, side, number);
	assert_non_null(argv);
	assert_string_equal(strrchr(argv[0], '/') + 1, side_name(side));
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(orders_print(argv + 1, ends[1]), 0);
	n = read(ends[0], line, sizeof(line) - 1);
	assert_true(n > 0);
	line[n] = '\0';
	close(ends[0]);
	close(ends[1]);
	orders_free_argv(argv);
	orders_free(&orders);
	return line;
}

static void the_plain_line_has_plain_workers(void **state)
{
	const struct settings settings = plain();

	(void)state;
	assert_string_equal(words(&settings, SIDE_PRODUCER, 2),
			    "--ring=r --number=2 --source=widgets --lanes=2 --items-in-all=10\n");
	assert_string_equal(words(&settings, SIDE_CONSUMER, 3), "--ring=r --number=3 --stop=soft\n");
}

static void each_side_gets_what_is_its_own(void **state)
{
	struct settings settings = plain();

	(void)state;
	settings.source = "lines:x";
	settings.when_full = "fail";
	settings.retries = 0;
	settings.backoff = "const:1s";
	settings.pace = "1ms";
	settings.consumer_pace = "2ms";
	settings.quiet = true;
	settings.stop = 1;
	assert_string_equal(words(&settings, SIDE_PRODUCER, 1),
			    "--ring=r --number=1 --source=lines:x --when-full=fail --lanes=2 --pace=1ms "
			    "--quiet\n");
	assert_string_equal(words(&settings, SIDE_CONSUMER, 1),
			    "--ring=r --number=1 --retries=0 --backoff=const:1s --pace=1ms --pace=2ms "
			    "--quiet --stop=strict\n");
}

static void every_file_is_passed_on_in_its_order(void **state)
{
	const char *files[] = { "b", "a", "-" };
	struct settings settings = plain();

	(void)state;
	settings.source = "lines";
	settings.arg_files = files;
	settings.arg_files_count = COUNT(files);
	assert_string_equal(words(&settings, SIDE_PRODUCER, 1),
			    "--ring=r --number=1 --source=lines --lanes=2 --arg-file=b --arg-file=a "
			    "--arg-file=-\n");
	assert_true(settings_source_is_stdin(&settings));
}

static void nul_records_leave_as_they_came(void **state)
{
	struct settings settings = plain();

	(void)state;
	settings.source = "lines";
	settings.is_null = true;
	assert_string_equal(words(&settings, SIDE_CONSUMER, 1), "--ring=r --number=1 --stop=soft\n");
	settings.sink = "stdout";
	assert_string_equal(words(&settings, SIDE_CONSUMER, 1),
			    "--ring=r --number=1 --sink=stdout --stop=soft --null\n");
}

static void a_command_comes_last_and_a_shell_reads_it_back(void **state)
{
	static char words_of[][8] = { "-x", "{}", "it's", "", "$HOME" };
	char *command[] = { words_of[0], words_of[1], words_of[2], words_of[3], words_of[4], NULL };
	struct settings settings = plain();

	(void)state;
	settings.command = command;
	settings.kill_after_ns = 200000000;
	assert_string_equal(words(&settings, SIDE_CONSUMER, 1),
			    "--ring=r --number=1 --stop=soft --kill-after=200000000ns -- -x '{}' 'it'\\''s' '' '$HOME'\n");
}

static void a_source_reads_standard_input_unless_it_has_a_file(void **state)
{
	static const struct {
		const char *source, *arg_file;
		bool is_stdin;
	} cases[] = {
		{ "lines", NULL, true },      { "nul", NULL, true },      { "len32", NULL, true },
		{ "lines:-", NULL, true },    { "lines", "-", true },     { "lines:x", NULL, false },
		{ "lines", "x", false },      { "widgets", NULL, false }, { "invoices", NULL, false },
		{ "exec:cat", NULL, false },  { "linesx", NULL, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct settings settings = plain();
		const char *files[1];

		settings.source = cases[i].source;
		settings.arg_files = &files[0];
		files[0] = cases[i].arg_file;
		settings.arg_files_count = cases[i].arg_file ? 1 : 0;
		if (settings_source_is_stdin(&settings) != cases[i].is_stdin)
			fail_msg("%s, %s", cases[i].source, cases[i].arg_file);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_plain_line_has_plain_workers),
		cmocka_unit_test(each_side_gets_what_is_its_own),
		cmocka_unit_test(every_file_is_passed_on_in_its_order),
		cmocka_unit_test(nul_records_leave_as_they_came),
		cmocka_unit_test(a_command_comes_last_and_a_shell_reads_it_back),
		cmocka_unit_test(a_source_reads_standard_input_unless_it_has_a_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
