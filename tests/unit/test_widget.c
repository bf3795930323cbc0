/* test_widget.c - a widget's text is read back as it was written, and nothing else is a widget. */
#include "src/base/widget.h"
#include "tests/unit/check.h"

#include <string.h>

static void assert_same(const struct widget *a, const struct widget *b)
{
	assert_int_equal(a->id, b->id);
	assert_int_equal(a->producer, b->producer);
	assert_int_equal(a->made_ns, b->made_ns);
	assert_int_equal(a->is_broken, b->is_broken);
}

static void a_widget_is_read_as_it_was_written(void **state)
{
	static const struct widget cases[] = {
		{ .id = 7, .producer = 2, .made_ns = UINT64_C(1700000000123456789) },
		{ .id = 1, .is_broken = true },
		{ .id = UINT64_MAX, .producer = UINT64_MAX, .made_ns = UINT64_MAX, .is_broken = true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char text[WIDGET_TEXT_MAX];
		size_t len = widget_format(&cases[i], text);
		struct widget read;

		assert_int_equal(len, strlen(text));
		assert_true(widget_parse(text, len, &read));
		assert_same(&read, &cases[i]);
	}
}

static void what_is_no_widget_is_not_taken_for_one(void **state)
{
	static const char *const cases[] = {
		"",
		"w",
		"widget ",
		"widget 7",
		"widget 7 from producer 2 at 5 broken=",
		"widget 7 from producer 2 at 5 broken=2",
		"widget 7 from producer 2 at 5 broken=1 ",
		"widget 7 from producer 2 at 5 broken=1\n",
		" widget 7 from producer 2 at 5 broken=1",
		"widget -7 from producer 2 at 5 broken=1",
		"widget 18446744073709551616 from producer 2 at 5 broken=1",
		"widget 99999999999999999999 from producer 2 at 5 broken=1",
	};
	struct widget widget = { .id = 42 };

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		if (widget_parse(cases[i], strlen(cases[i]), &widget))
			fail_msg("\"%s\" was taken for a widget", cases[i]);
	assert_int_equal(widget.id, 42);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_widget_is_read_as_it_was_written),
		cmocka_unit_test(what_is_no_widget_is_not_taken_for_one),
	};

	return cmocka_run_group_tests_name("widget", tests, NULL, NULL);
}
