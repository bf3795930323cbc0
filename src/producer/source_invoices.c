/*
 * source_invoices.c - invoices, numbered as widgets are, each a small JSON document. What stands in
 * one depends on its number alone, but for the time; so one that is made again is the same.
 */
#include "src/producer/source.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "shm/ring.h"
#include "src/base/diag.h"
#include "src/base/exitcode.h"
#include "src/base/interrupt.h"

#define INVOICE_TEXT_MAX 192

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

static void show_now(char *text, size_t size)
{
	struct timespec now;
	struct tm utc;
	size_t used;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	used = strftime(text, size, "%Y-%m-%dT%H:%M:%S", &utc);
	snprintf(text + used, size - used, ".%06ldZ", now.tv_nsec / 1000);
}

static void make_invoice(struct invoices *invoices, uint64_t ticket, struct record *record)
{
	static const char *const currencies[] = { "EUR", "USD", "GBP", "JPY" };
	const uint64_t random = mix(ticket);
	const uint64_t customer = random % 5000 + 1, cents = (random >> 16) % 1000000 + 1;
	char issued[40];
	int n;

	show_now(issued, sizeof(issued));
	n = snprintf(invoices->text, sizeof(invoices->text),
		     "{\"id\":%" PRIu64 ",\"customer\":\"C-%04" PRIu64 "\",\"amount_cents\":%" PRIu64
		     ",\"currency\":\"%s\",\"issued_at\":\"%s\"}",
		     ticket, customer, cents, currencies[random >> 62], issued);
	*record = (struct record){ .data = invoices->text, .len = (size_t)n, .mark = ticket };
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
