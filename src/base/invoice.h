/*
 * invoice.h - the invoice: what the source of that name makes, and what storage keeps in typed columns.
 * As an item it is one JSON document:
 *
 *	{"id":7,"customer":"C-0042","amount_cents":129900,"currency":"EUR",
 *	 "issued_at":"2024-05-01T12:00:00.123456Z"}
 */
#ifndef SHMLINE_INVOICE_H
#define SHMLINE_INVOICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Part of a text: it has a length, and no end. */
struct span {
	const char *at;
	size_t len;
};

struct invoice {
	uint64_t id;		/* from 1, unique across the producers of a ring */
	struct span customer;
	uint64_t amount_cents;
	struct span currency;
	struct span issued_at;	/* UTC */
};

#define INVOICE_TEXT_MAX 192	/* bytes of the longest that is made here, with the end */
#define INVOICE_TIME_MAX 40	/* bytes of a time as invoices have it, with the end */

/* The document. Returns its length without the end; what does not fit is cut. */
size_t invoice_format(const struct invoice *invoice, char text[INVOICE_TEXT_MAX]);

/*
 * Is this exactly an invoice: these fields in this order without blanks, numbers that fit 63 bits, plain
 * ASCII, a date that exists? Then it is in *invoice, whose texts lie in `bytes`.
 */
bool invoice_parse(const void *bytes, size_t len, struct invoice *invoice);

/* Nanoseconds since 1970 as an invoice has them: 2024-05-01T12:00:00.123456Z. Returns `text`. */
const char *invoice_time(char text[INVOICE_TIME_MAX], uint64_t wall_ns);

/* The other way round. Is this exactly such a time, of a day that exists? */
bool invoice_time_parse(const char *text, size_t len, uint64_t *wall_ns);

#endif
