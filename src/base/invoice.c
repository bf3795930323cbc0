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

static unsigned digits(const char *at, unsigned n)
{
	unsigned number = 0;

	while (n-- > 0)
		number = number * 10 + (unsigned)(*at++ - '0');
	return number;
}

static bool has_form_of_time(const char *text, size_t len)
{
	static const char form[] = "0000-00-00T00:00:00.000000Z";

	if (len != sizeof(form) - 1)
		return false;
	for (size_t i = 0; i < len; i++)
		if (form[i] == '0' ? text[i] < '0' || text[i] > '9' : text[i] != form[i])
			return false;
	return true;
}

/* A day or an hour too many is carried on by timegm(), and so differs behind it. */
bool invoice_time_parse(const char *text, size_t len, uint64_t *wall_ns)
{
	struct tm wanted, utc;
	time_t seconds;

	if (!has_form_of_time(text, len))
		return false;
	wanted = utc = (struct tm){
		.tm_year = (int)digits(text, 4) - 1900,
		.tm_mon = (int)digits(text + 5, 2) - 1,
		.tm_mday = (int)digits(text + 8, 2),
		.tm_hour = (int)digits(text + 11, 2),
		.tm_min = (int)digits(text + 14, 2),
		.tm_sec = (int)digits(text + 17, 2),
	};
	seconds = timegm(&utc);
	if (seconds < 0 || utc.tm_mon != wanted.tm_mon || utc.tm_mday != wanted.tm_mday ||
	    utc.tm_hour != wanted.tm_hour || utc.tm_min != wanted.tm_min || utc.tm_sec != wanted.tm_sec)
		return false;
	*wall_ns = (uint64_t)seconds * NS_PER_S + digits(text + 20, 6) * UINT64_C(1000);
	return true;
}

bool invoice_parse(const void *bytes, size_t len, struct invoice *invoice)
{
	struct cursor cursor = { .at = bytes, .end = (const char *)bytes + len };
	struct invoice read;
	uint64_t issued_ns;

	if (len == 0 || !skip(&cursor, "{\"id\":") || !read_number(&cursor, &read.id) ||
	    !skip(&cursor, ",\"customer\":\"") || !read_text(&cursor, &read.customer) ||
	    !skip(&cursor, ",\"amount_cents\":") || !read_number(&cursor, &read.amount_cents) ||
	    !skip(&cursor, ",\"currency\":\"") || !read_text(&cursor, &read.currency) ||
	    !skip(&cursor, ",\"issued_at\":\"") || !read_text(&cursor, &read.issued_at) ||
	    !skip(&cursor, "}"))
		return false;
	if (cursor.at != cursor.end ||
	    !invoice_time_parse(read.issued_at.at, read.issued_at.len, &issued_ns))
		return false;
	*invoice = read;
	return true;
}
