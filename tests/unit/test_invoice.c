/* test_invoice.c - an invoice's text is read back as it was written, and nothing else is an invoice. */
#include "src/base/invoice.h"
#include "tests/unit/check.h"

#include <string.h>

#define SPAN(text) { .at = text, .len = sizeof(text) - 1 }

static void assert_span(const struct span *a, const struct span *b)
{
	assert_int_equal(a->len, b->len);
	assert_memory_equal(a->at, b->at, a->len);
}

static void an_invoice_is_read_as_it_was_written(void **state)
{
	static const struct invoice cases[] = {
		{ .id = 7, .customer = SPAN("C-0042"), .amount_cents = 129900, .currency = SPAN("EUR"),
		  .issued_at = SPAN("2024-02-29T12:00:00.123456Z") },
		{ .id = INT64_MAX, .customer = SPAN(""), .amount_cents = INT64_MAX, .currency = SPAN("?"),
		  .issued_at = SPAN("2262-04-11T23:47:16.854775Z") },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char text[INVOICE_TEXT_MAX];
		size_t len = invoice_format(&cases[i], text);
		struct invoice read;

		assert_int_equal(len, strlen(text));
		assert_true(invoice_parse(text, len, &read));
		assert_int_equal(read.id, cases[i].id);
		assert_int_equal(read.amount_cents, cases[i].amount_cents);
		assert_span(&read.customer, &cases[i].customer);
		assert_span(&read.currency, &cases[i].currency);
		assert_span(&read.issued_at, &cases[i].issued_at);
	}
}

#define DOCUMENT(id, customer, time) \
	"{\"id\":" id ",\"customer\":\"" customer "\",\"amount_cents\":1,\"currency\":\"EUR\",\"issued_at\":\"" \
	time "\"}"
#define TIME "2024-05-01T12:00:00.123456Z"

static void what_is_no_invoice_is_not_taken_for_one(void **state)
{
	static const char *const cases[] = {
		"", "{", "{}", "{\"id\":1}",
		DOCUMENT("1", "C", TIME) " ",
		" " DOCUMENT("1", "C", TIME),
		DOCUMENT("", "C", TIME),
		DOCUMENT("-1", "C", TIME),
		DOCUMENT("9223372036854775808", "C", TIME),
		DOCUMENT("99999999999999999999", "C", TIME),
		DOCUMENT("1", "C\\\"", TIME),
		DOCUMENT("1", "C\n", TIME),
		DOCUMENT("1", "C\xc3\xa4", TIME),
		DOCUMENT("1", "C", ""),
		DOCUMENT("1", "C", "2024-05-01 12:00:00.123456Z"),
		DOCUMENT("1", "C", "2024-05-01T12:00:00Z"),
		DOCUMENT("1", "C", "2023-02-29T12:00:00.000000Z"),
		DOCUMENT("1", "C", "1900-02-29T12:00:00.000000Z"),
		DOCUMENT("1", "C", "0000-01-01T12:00:00.000000Z"),
		DOCUMENT("1", "C", "2024-13-01T12:00:00.000000Z"),
		DOCUMENT("1", "C", "2024-00-01T12:00:00.000000Z"),
		DOCUMENT("1", "C", "2024-01-00T12:00:00.000000Z"),
		DOCUMENT("1", "C", "2024-01-01T24:00:00.000000Z"),
		DOCUMENT("1", "C", "2024-01-01T12:60:00.000000Z"),
		DOCUMENT("1", "C", "2024-01-01T12:00:60.000000Z"),
	};
	struct invoice read;

	(void)state;
	assert_true(invoice_parse(DOCUMENT("1", "C", TIME), strlen(DOCUMENT("1", "C", TIME)), &read));
	for (size_t i = 0; i < COUNT(cases); i++)
		if (invoice_parse(cases[i], strlen(cases[i]), &read))
			fail_msg("taken for an invoice: %s", cases[i]);
}

static void an_invoice_that_is_cut_short_is_none(void **state)
{
	static const char whole[] = DOCUMENT("1", "C", TIME);
	struct invoice read;

	(void)state;
	for (size_t len = 0; len < sizeof(whole) - 1; len++)
		assert_false(invoice_parse(whole, len, &read));
}

static void a_time_has_microseconds(void **state)
{
	char text[INVOICE_TIME_MAX];
	uint64_t wall_ns;

	(void)state;
	assert_string_equal(invoice_time(text, 0), "1970-01-01T00:00:00.000000Z");
	assert_string_equal(invoice_time(text, UINT64_C(1714564800123456789)), TIME);
	assert_true(invoice_time_parse(TIME, strlen(TIME), &wall_ns));
	assert_int_equal(wall_ns, UINT64_C(1714564800123456000));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_invoice_is_read_as_it_was_written),
		cmocka_unit_test(what_is_no_invoice_is_not_taken_for_one),
		cmocka_unit_test(an_invoice_that_is_cut_short_is_none),
		cmocka_unit_test(a_time_has_microseconds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
