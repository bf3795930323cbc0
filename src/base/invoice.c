/* invoice.c - see invoice.h. */
#include "src/base/invoice.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define NS_PER_S UINT64_C(1000000000)

/* ------------------------------------------------------------------ writing */

size_t invoice_format(const struct invoice *invoice, char text[INVOICE_TEXT_MAX])
{
	int n = snprintf(text, INVOICE_TEXT_MAX,
			 "{\"id\":%" PRIu64 ",\"customer\":\"%.*s\",\"amount_cents\":%" PRIu64
			 ",\"currency\":\"%.*s\",\"issued_at\":\"%.*s\"}",
			 invoice->id, (int)invoice->customer.len, invoice->customer.at,
			 invoice->amount_cents, (int)invoice->currency.len, invoice->currency.at,
			 (int)invoice->issued_at.len, invoice->issued_at.at);

	return n < INVOICE_TEXT_MAX ? (size_t)n : INVOICE_TEXT_MAX - 1;
}

const char *invoice_time(char text[INVOICE_TIME_MAX], uint64_t wall_ns)
{
	time_t seconds = (time_t)(wall_ns / NS_PER_S);
	struct tm utc;
	size_t used;

	gmtime_r(&seconds, &utc);
	used = strftime(text, INVOICE_TIME_MAX, "%Y-%m-%dT%H:%M:%S", &utc);
	snprintf(text + used, INVOICE_TIME_MAX - used, ".%06uZ", (unsigned)(wall_ns % NS_PER_S / 1000));
	return text;
}

/* ------------------------------------------------------------------ reading */

/* The bytes that are still to be read. */
struct cursor {
	const char *at, *end;
};

static bool skip(struct cursor *cursor, const char *word)
{
	size_t len = strlen(word);

	if ((size_t)(cursor->end - cursor->at) < len || memcmp(cursor->at, word, len) != 0)
		return false;
	cursor->at += len;
	return true;
}

static bool read_number(struct cursor *cursor, uint64_t *number)
{
	const char *from = cursor->at;

	*number = 0;
	while (cursor->at < cursor->end && *cursor->at >= '0' && *cursor->at <= '9') {
		uint64_t digit = (uint64_t)(*cursor->at++ - '0');

		if (*number > (INT64_MAX - digit) / 10)
			return false;
		*number = *number * 10 + digit;
	}
	return cursor->at > from;
}

/* Up to the closing quote, which is skipped. */
static bool read_text(struct cursor *cursor, struct span *text)
{
	text->at = cursor->at;
	while (cursor->at < cursor->end && *cursor->at >= ' ' && *cursor->at < 0x7f &&
	       *cursor->at != '"' && *cursor->at != '\\')
		cursor->at++;
	text->len = (size_t)(cursor->at - text->at);
	return skip(cursor, "\"");
}

static unsigned two_digits(const char *at)
{
	return (unsigned)(at[0] - '0') * 10 + (unsigned)(at[1] - '0');
}

static unsigned days_of(unsigned year, unsigned month)
{
	static const unsigned char days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return month == 2 && is_leap ? 29 : days[month - 1];
}

static bool is_time(const struct span *text)
{
	static const char form[] = "0000-00-00T00:00:00.000000Z";
	const char *at = text->at;
	unsigned year, month;

	if (text->len != sizeof(form) - 1)
		return false;
	for (size_t i = 0; i < text->len; i++)
		if (form[i] == '0' ? at[i] < '0' || at[i] > '9' : at[i] != form[i])
			return false;
	year = two_digits(at) * 100 + two_digits(at + 2);
	month = two_digits(at + 5);
	return year >= 1 && month >= 1 && month <= 12 && two_digits(at + 8) >= 1 &&
	       two_digits(at + 8) <= days_of(year, month) && two_digits(at + 11) < 24 &&
	       two_digits(at + 14) < 60 && two_digits(at + 17) < 60;
}

bool invoice_parse(const void *bytes, size_t len, struct invoice *invoice)
{
	struct cursor cursor = { .at = bytes, .end = (const char *)bytes + len };
	struct invoice read;

	if (len == 0 || !skip(&cursor, "{\"id\":") || !read_number(&cursor, &read.id) ||
	    !skip(&cursor, ",\"customer\":\"") || !read_text(&cursor, &read.customer) ||
	    !skip(&cursor, ",\"amount_cents\":") || !read_number(&cursor, &read.amount_cents) ||
	    !skip(&cursor, ",\"currency\":\"") || !read_text(&cursor, &read.currency) ||
	    !skip(&cursor, ",\"issued_at\":\"") || !read_text(&cursor, &read.issued_at) ||
	    !skip(&cursor, "}"))
		return false;
	if (cursor.at != cursor.end || !is_time(&read.issued_at))
		return false;
	*invoice = read;
	return true;
}
