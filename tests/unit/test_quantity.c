/* test_quantity.c - numbers, sizes, durations and probabilities are checked whole. */
#include "src/base/quantity.h"
#include "tests/unit/check.h"

#define US UINT64_C(1000)
#define MS (1000 * US)
#define S (1000 * MS)

typedef int parser(const char *text, uint64_t min, uint64_t max, uint64_t *out);

struct good {
	const char *text;
	uint64_t value;
};

static void accept_all(parser *parse, const struct good *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t out = 12345;

		if (parse(cases[i].text, 0, UINT64_MAX, &out) != 0)
			fail_msg("\"%s\" was refused", cases[i].text);
		if (out != cases[i].value)
			fail_msg("\"%s\" became %llu", cases[i].text, (unsigned long long)out);
	}
}

static void refuse_all(parser *parse, const char *const *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t out = 12345;

		if (parse(cases[i], 0, UINT64_MAX, &out) == 0)
			fail_msg("\"%s\" was accepted", cases[i]);
		assert_int_equal(out, 12345);
	}
}

static void a_count_is_digits_alone(void **state)
{
	static const struct good good[] = {
		{ .text = "0", .value = 0 },
		{ .text = "7", .value = 7 },
		{ .text = "007", .value = 7 },
		{ .text = "18446744073709551615", .value = UINT64_MAX },
	};
	static const char *const bad[] = {
		"", " ", " 7", "7 ", "+7", "-7", "-0", "3x", "x3", "0x10", "1e3", "1.0", "1,000",
		"18446744073709551616", "99999999999999999999999", "\n7", "7\n",
	};

	(void)state;
	accept_all(quantity_count, good, COUNT(good));
	refuse_all(quantity_count, bad, COUNT(bad));
}

static void a_size_may_have_a_binary_suffix(void **state)
{
	static const struct good good[] = {
		{ .text = "0", .value = 0 },
		{ .text = "4096", .value = 4096 },
		{ .text = "64K", .value = 65536 },
		{ .text = "64k", .value = 65536 },
		{ .text = "2M", .value = 2097152 },
		{ .text = "3g", .value = 3221225472 },
		{ .text = "1T", .value = 1099511627776 },
		{ .text = "16777215T", .value = UINT64_C(16777215) << 40 },
	};
	static const char *const bad[] = {
		"", "K", "-1K", "+1K", "1KK", "1KB", "1KiB", "1 K", "1.5K", "1P", "1E", "0x1K",
		"16777216T", "18446744073709551616", "18014398509481984K",
	};

	(void)state;
	accept_all(quantity_size, good, COUNT(good));
	refuse_all(quantity_size, bad, COUNT(bad));
}

static void a_duration_has_a_unit_or_is_seconds(void **state)
{
	static const struct good good[] = {
		{ .text = "0", .value = 0 },
		{ .text = "0.0", .value = 0 },
		{ .text = "1", .value = S },
		{ .text = "0.5", .value = 500 * MS },
		{ .text = "1ns", .value = 1 },
		{ .text = "2us", .value = 2 * US },
		{ .text = "250ms", .value = 250 * MS },
		{ .text = "1.5s", .value = 1500 * MS },
		{ .text = "1.000000001s", .value = S + 1 },
		{ .text = "2m", .value = 120 * S },
		{ .text = "1h", .value = 3600 * S },
		{ .text = "1.5d", .value = 36 * 3600 * S },
		{ .text = "0.999999999999999999ns", .value = 0 },
		{ .text = "213503d", .value = UINT64_C(213503) * 86400 * S },
	};
	static const char *const bad[] = {
		"", "s", "-1s", "+1s", "1.s", "1.", ".5s", "1..5s", "1.5.5s", "1 s", "1sec", "1S", "1M",
		"1ms ", "1h30m", "1,5s", "1e3s", "213504d", "18446744073709551616ns",
		"0.1234567890123456789s", "inf", "nan",
	};

	(void)state;
	accept_all(quantity_duration, good, COUNT(good));
	refuse_all(quantity_duration, bad, COUNT(bad));
}

static void bounds_belong_to_the_range(void **state)
{
	uint64_t out;

	(void)state;
	assert_int_equal(quantity_count("2", 2, 4, &out), 0);
	assert_int_equal(quantity_count("4", 2, 4, &out), 0);
	assert_int_equal(quantity_count("1", 2, 4, &out), -1);
	assert_int_equal(quantity_count("5", 2, 4, &out), -1);
	assert_int_equal(quantity_size("1K", 1024, 1024, &out), 0);
	assert_int_equal(quantity_size("1023", 1024, 1024, &out), -1);
	assert_int_equal(quantity_duration("1ms", MS, S, &out), 0);
	assert_int_equal(quantity_duration("1.001s", MS, S, &out), -1);
}

static void a_probability_is_from_0_to_1(void **state)
{
	static const struct {
		const char *text;
		double value;
	} good[] = {
		{ .text = "0", .value = 0 },       { .text = "1", .value = 1 },
		{ .text = "0.25", .value = 0.25 }, { .text = "25%", .value = 0.25 },
		{ .text = "100%", .value = 1 },    { .text = "0.5%", .value = 0.005 },
	};
	static const char *const bad[] = {
		"", "%", "-0.1", "1.1", "101%", "0.5%%", "50 %", ".5", "1e-3", "nan", "0.5x",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		double out = -1;

		assert_int_equal(quantity_probability(good[i].text, &out), 0);
		assert_float_equal(out, good[i].value, 1e-12);
	}
	for (size_t i = 0; i < COUNT(bad); i++) {
		double out = -1;

		if (quantity_probability(bad[i], &out) == 0)
			fail_msg("\"%s\" was accepted", bad[i]);
		assert_float_equal(out, -1, 0);
	}
}

static void durations_are_shown_short_and_never_rounded_up(void **state)
{
	static const struct good cases[] = {
		{ .text = "0s", .value = 0 },
		{ .text = "1ns", .value = 1 },
		{ .text = "20ms", .value = 20 * MS },
		{ .text = "1.5s", .value = 1500 * MS },
		{ .text = "999ms", .value = S - 1 },
		{ .text = "1s", .value = S },
		{ .text = "59s", .value = 60 * S - 1 },
		{ .text = "1.5m", .value = 90 * S },
		{ .text = "2.5d", .value = 60 * 3600 * S },
		{ .text = "213503d", .value = UINT64_MAX },
	};
	char buffer[16];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_string_equal(quantity_show_duration(buffer, sizeof(buffer), cases[i].value),
				    cases[i].text);
}

static void sizes_are_shown_short(void **state)
{
	static const struct good cases[] = {
		{ .text = "0", .value = 0 },
		{ .text = "1023", .value = 1023 },
		{ .text = "1.0K", .value = 1024 },
		{ .text = "4.0K", .value = 4096 },
		{ .text = "9.9K", .value = 10239 },
		{ .text = "10K", .value = 10240 },
		{ .text = "1.5M", .value = 1572864 },
		{ .text = "16777215T", .value = UINT64_MAX },
	};
	char buffer[16];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_string_equal(quantity_show_size(buffer, sizeof(buffer), cases[i].value),
				    cases[i].text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_count_is_digits_alone),
		cmocka_unit_test(a_size_may_have_a_binary_suffix),
		cmocka_unit_test(a_duration_has_a_unit_or_is_seconds),
		cmocka_unit_test(bounds_belong_to_the_range),
		cmocka_unit_test(a_probability_is_from_0_to_1),
		cmocka_unit_test(durations_are_shown_short_and_never_rounded_up),
		cmocka_unit_test(sizes_are_shown_short),
	};

	return cmocka_run_group_tests_name("quantity", tests, NULL, NULL);
}
