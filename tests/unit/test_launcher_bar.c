/* test_launcher_bar.c - the text of the progress bar. */
#include "src/launcher/bar.h"

#include <string.h>

#include "tests/unit/check.h"

static void it_says_what_is_known(void **state)
{
	static const struct {
		struct bar_reading reading;
		unsigned columns;
		const char *text;
	} cases[] = {
		{ { .rate = -1 }, 80, "0 done, 0 in flight, 0 dead" },
		{ { .done = 7, .in_flight = 2, .dead = 1, .rate = 3.25 }, 80,
		  "7 done, 3.2/s, 2 in flight, 1 dead" },
		{ { .done = 50, .total = 200, .in_flight = 4, .rate = 15 }, 70,
		  "50 of 200 done, 25% [##         ], 15/s, 4 in flight, 0 dead, 10s left" },
		{ { .done = 200, .total = 200, .rate = 15 }, 40, "200 of 200 done, 100%, 15/s, 0 in flight" },
		{ { .done = 10, .total = 100, .rate = 0 }, 40, "10 of 100 done, 10%, 0.0/s, 0 in flight," },
		{ { .done = 3, .total = 2, .rate = -1 }, 99,
		  "3 of 2 done, 100% [####################], 0 in flight, 0 dead" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char text[256];
		size_t len = bar_text(&cases[i].reading, cases[i].columns, text, sizeof(text));

		assert_int_equal(len, strlen(text));
		assert_true(len <= cases[i].columns);
		assert_string_equal(text, cases[i].text);
	}
}

static void it_fits_any_width(void **state)
{
	const struct bar_reading reading = { .done = UINT64_MAX / 2, .total = UINT64_MAX,
					     .in_flight = UINT64_MAX, .dead = UINT64_MAX, .rate = 1e300 };

	(void)state;
	for (unsigned columns = 0; columns < 300; columns++) {
		char text[200];
		size_t len = bar_text(&reading, columns, text, sizeof(text));

		assert_int_equal(len, strlen(text));
		assert_true(len <= columns && len < sizeof(text));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_says_what_is_known),
		cmocka_unit_test(it_fits_any_width),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
