/* test_producer_frame.c - records are cut out of bytes wherever these were broken off. */
#include "src/producer/frame.h"
#include "tests/unit/check.h"

static const struct framing lines = { .kind = FRAME_DELIMITED, .delimiter = '\n' };
static const struct framing len32 = { .kind = FRAME_LEN32 };

#define BYTES(text) text, sizeof(text) - 1

struct frame_case {
	const struct framing *framing;
	const char *bytes;
	size_t have;
	bool at_end;
	enum frame_result result;
	struct frame frame;
};

static void check_all(const struct frame_case *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct frame_case *c = &cases[i];
		struct frame frame;
		enum frame_result result =
			frame_cut(c->framing, c->bytes, c->have, 0, c->at_end, &frame);

		if (result != c->result)
			fail_msg("case %zu: %d, expected %d", i, (int)result, (int)c->result);
		if (result == FRAME_RECORD) {
			assert_int_equal(frame.at, c->frame.at);
			assert_int_equal(frame.used, c->frame.used);
		}
		if (result == FRAME_RECORD || result == FRAME_MORE)
			assert_int_equal(frame.len, c->frame.len);
	}
}

static void a_line_ends_with_its_delimiter_or_the_input(void **state)
{
	static const struct frame_case cases[] = {
		{ &lines, BYTES("ab\ncd"), false, FRAME_RECORD, { .len = 2, .used = 3 } },
		{ &lines, BYTES("\nab"), false, FRAME_RECORD, { .len = 0, .used = 1 } },
		{ &lines, BYTES("a\0b\n"), false, FRAME_RECORD, { .len = 3, .used = 4 } },
		{ &lines, BYTES("ab"), false, FRAME_MORE, { .len = 2 } },
		{ &lines, BYTES("ab"), true, FRAME_RECORD, { .len = 2, .used = 2 } },
		{ &lines, BYTES(""), false, FRAME_MORE, { .len = 0 } },
		{ &lines, BYTES(""), true, FRAME_NOTHING, { .len = 0 } },
	};

	(void)state;
	check_all(cases, COUNT(cases));
}

static void a_length_says_where_its_record_ends(void **state)
{
	static const struct frame_case cases[] = {
		{ &len32, BYTES("\2\0\0\0abc"), false, FRAME_RECORD, { .at = 4, .len = 2, .used = 6 } },
		{ &len32, BYTES("\0\0\0\0"), false, FRAME_RECORD, { .at = 4, .len = 0, .used = 4 } },
		{ &len32, BYTES("\0\1\0\0a"), false, FRAME_MORE, { .len = 256 } },
		{ &len32, BYTES("\377\377\377\377"), false, FRAME_MORE, { .len = UINT32_MAX } },
		{ &len32, BYTES("\2\0"), false, FRAME_MORE, { .len = 0 } },
		{ &len32, BYTES(""), false, FRAME_MORE, { .len = 0 } },
		{ &len32, BYTES(""), true, FRAME_NOTHING, { .len = 0 } },
		{ &len32, BYTES("\2\0"), true, FRAME_TRUNCATED, { .len = 0 } },
		{ &len32, BYTES("\2\0\0\0a"), true, FRAME_TRUNCATED, { .len = 2 } },
	};

	(void)state;
	check_all(cases, COUNT(cases));
}

static void bytes_that_were_looked_at_are_not_looked_at_again(void **state)
{
	struct frame frame;

	(void)state;
	assert_int_equal(frame_cut(&lines, "a\nb\n", 4, 2, false, &frame), FRAME_RECORD);
	assert_int_equal(frame.len, 3);
	assert_int_equal(frame_cut(&lines, "a\nb\n", 4, 4, false, &frame), FRAME_MORE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_ends_with_its_delimiter_or_the_input),
		cmocka_unit_test(a_length_says_where_its_record_ends),
		cmocka_unit_test(bytes_that_were_looked_at_are_not_looked_at_again),
	};

	return cmocka_run_group_tests_name("frame", tests, NULL, NULL);
}
