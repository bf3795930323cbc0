/* test_launcher_words.c - a line split into words. */
#include "src/launcher/words.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/check.h"

/* The words with a bar between them; NULL for a line that is none. */
static const char *split(const char *line)
{
	static char joined[256];
	char **words = words_split(line);

	if (!words) {
		assert_int_equal(errno, EINVAL);
		return NULL;
	}
	joined[0] = '\0';
	for (char **word = words; *word; word++) {
		if (word != words)
			strcat(joined, "|");
		strcat(joined, *word);
	}
	free(words);
	return joined;
}

static void blanks_divide(void **state)
{
	(void)state;
	assert_string_equal(split(""), "");
	assert_string_equal(split(" \t "), "");
	assert_string_equal(split("a"), "a");
	assert_string_equal(split("  a\tbc   d "), "a|bc|d");
}

static void quotes_hold_together(void **state)
{
	(void)state;
	assert_string_equal(split("'a b' \"c d\""), "a b|c d");
	assert_string_equal(split("a'b c'd \"\" ''"), "ab cd||");
	assert_string_equal(split("\"say \\\"hi\\\" \\\\ \\n\""), "say \"hi\" \\ \\n");
	assert_string_equal(split("'a\\b' a\\ b \\'"), "a\\b|a b|'");
	assert_string_equal(split("$HOME * `x` ~ #"), "$HOME|*|`x`|~|#");
}

static void a_quote_must_be_closed(void **state)
{
	(void)state;
	assert_null(split("'"));
	assert_null(split("a \"b"));
	assert_null(split("\"\\\""));
	assert_string_equal(split("a\\"), "a\\");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(blanks_divide),
		cmocka_unit_test(quotes_hold_together),
		cmocka_unit_test(a_quote_must_be_closed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
