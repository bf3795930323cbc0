/* test_ringctl_json.c - the bytes of an item in JSON: text when they are UTF-8, else base64. */
#include "src/ringctl/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void test_item_is_text_or_base64(void **state)
{
	static const struct {
		const char *bytes;
		size_t shown, len;
		const char *expected;
	} cases[] = {
		{ "", 0, 0, "{\"item\":\"\"}" },
		{ "", 0, 9, "{\"item\":\"\"}" },
		{ "plain", 5, 5, "{\"item\":\"plain\"}" },
		{ "a\0b", 3, 3, "{\"item\":\"a\\u0000b\"}" },
		{ "line\n\x1b", 6, 6, "{\"item\":\"line\\n\\u001B\"}" },
		{ "\xc3\xa4", 2, 2, "{\"item\":\"\xc3\xa4\"}" },
		/* cut inside a character */
		{ "x\xc3", 2, 3, "{\"item\":\"x\"}" },
		{ "\xf0\x9f\x98", 3, 4, "{\"item\":\"\"}" },
		/* whole, and no UTF-8 */
		{ "x\xc3", 2, 2, "{\"item_base64\":\"eMM=\"}" },
		{ "\xff", 1, 1, "{\"item_base64\":\"/w==\"}" },
		{ "\xff\xfe\xfd", 3, 3, "{\"item_base64\":\"//79\"}" },
		{ "\xff\xfe\xfd\xfc", 4, 100, "{\"item_base64\":\"//79/A==\"}" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		json_t *object = json_object();
		char *text;

		json_set_item(object, (const unsigned char *)cases[i].bytes, cases[i].shown,
			      cases[i].len);
		text = json_dumps(object, JSON_COMPACT);
		assert_non_null(text);
		assert_string_equal(text, cases[i].expected);
		free(text);
		json_decref(object);
	}
}

static void test_ring_has_the_metrics_names(void **state)
{
	static const char *const names[] = {
		"ring", "state", "age_seconds", "published_total", "acked_total", "redelivered_total",
		"dead_total", "dropped_total", "full_total", "blocked_seconds_total", "slots", "ready",
		"in_flight", "delayed", "high_water", "oldest_seconds", "producers", "consumers",
	};
	const struct reading reading = {
		.stats = { .published = UINT64_C(1) << 40, .oldest_ns = 1500000000, .slots = 7 },
	};
	json_t *ring = json_ring("jobs", &reading);

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++)
		assert_non_null(json_object_get(ring, names[i]));
	assert_true(json_integer_value(json_object_get(ring, "published_total")) == INT64_C(1) << 40);
	assert_float_equal(json_real_value(json_object_get(ring, "oldest_seconds")), 1.5, 1e-9);
	assert_int_equal(json_integer_value(json_object_get(ring, "slots")), 7);
	json_decref(ring);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_item_is_text_or_base64),
		cmocka_unit_test(test_ring_has_the_metrics_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
