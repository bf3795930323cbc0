/*
 * reading.c - see reading.h.
 */
#include "src/ringctl/reading.h"
#include "src/base/diag.h"

struct ring *reading_open(const char *name, unsigned roles, int *code)
{
	struct ring *ring = ring_open(name, roles, 0);

	if (ring == NULL)
		*code = diag_ring_error("open", name, ring_why());
	return ring;
}
