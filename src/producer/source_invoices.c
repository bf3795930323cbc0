/*
 * source_invoices.c - invoices, numbered as widgets are, each a small JSON document. What stands in
 * one depends on its number alone, but for the time; so one that is made again is the same.
 */
#include "src/producer/source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "shm/ring.h"
#include "src/base/diag.h"
#include "src/base/exitcode.h"
#include "src/base/interrupt.h"
#include "src/base/invoice.h"

struct invoices {
	const struct source_request *request;
	struct ring *ring;
	uint64_t ready_ns;	/* when the invoice in work is done; 0: none is */
	char text[INVOICE_TEXT_MAX];
};

static int invoices_open(const struct source_request *request, void **state)
{
	struct invoices *invoices = calloc(1, sizeof(*invoices));

	if (!invoices) {
		diag_error("no memory for a source");
		return EXIT_SYSTEM;
	}
	invoices->request = request;
	*state = invoices;
	return 0;
}

static int invoices_attach(void *state, struct ring *ring, uint64_t mark)
{
	struct invoices *invoices = state;

	(void)mark;	/* tickets need none */
	invoices->ring = ring;
	return 0;
}

/* SplitMix64 (Steele, Lea, Flood, OOPSLA 2014): well-mixed bits of a counter. */
static uint64_t mix(uint64_t z)
{
	z += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static uint64_t wall_clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static struct span span_of(const char *text)
{
	return (struct span){ .at = text, .len = strlen(text) };
}

static void make_invoice(struct invoices *invoices, uint64_t ticket, struct record *record)
{
	static const char *const currencies[] = { "EUR", "USD", "GBP", "JPY" };
	const uint64_t random = mix(ticket);
	char customer[16], issued[INVOICE_TIME_MAX];
	struct invoice invoice = { .id = ticket, .amount_cents = (random >> 16) % 1000000 + 1 };

	snprintf(customer, sizeof(customer), "C-%04u", (unsigned)(random % 5000) + 1);
	invoice.customer = span_of(customer);
	invoice.currency = span_of(currencies[random >> 62]);
	invoice.issued_at = span_of(invoice_time(issued, wall_clock_ns()));
	*record = (struct record){
		.data = invoices->text,
		.len = invoice_format(&invoice, invoices->text),
		.mark = ticket,
	};
}

/* Getting an invoice takes time, which a signal or the stop flag may cut short. */
static bool is_working(struct invoices *invoices)
{
	const uint64_t now = ring_now_ns();

	if (invoices->ready_ns == 0)
		invoices->ready_ns = now + invoices->request->work_ns;
	if (now < invoices->ready_ns) {
		interrupt_nap(invoices->ready_ns - now);
		return true;
	}
	invoices->ready_ns = 0;
	return false;
}

static enum source_result invoices_next(void *state, struct record *record, int *code)
{
	struct invoices *invoices = state;
	uint64_t ticket;

	switch (ring_ticket(invoices->ring, invoices->request->limit, &ticket)) {
	case RING_OK:
		break;
	case RING_CLOSED:
		return SOURCE_END;
	default:
		*code = diag_ring_error("take a ticket of", ring_name(invoices->ring), ring_why());
		return SOURCE_FAILED;
	}
	if (invoices->request->work_ns > 0 && is_working(invoices))
		return SOURCE_WAIT;
	make_invoice(invoices, ticket, record);
	return SOURCE_RECORD;
}

const struct source source_invoices = {
	.name = "invoices",
	.help = "invoices as small JSON documents, numbered over all producers",
	.is_generated = true,
	.has_work = true,
	.open = invoices_open,
	.attach = invoices_attach,
	.next = invoices_next,
	.close = free,
};
