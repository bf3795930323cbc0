/* sink_postgres_fault.c - see sink_postgres_fault.h. Codes: PostgreSQL's manual, appendix A. */
#include "src/consumer/sink_postgres_fault.h"

#include <stddef.h>
#include <string.h>

/* A code, or the beginning of several; the first that fits counts. */
static const struct {
	const char *state;
	enum storage_fault fault;
} faults[] = {
	{ .state = "53100", .fault = FAULT_FULL },	/* disk full */
	{ .state = "25006", .fault = FAULT_FULL },	/* read only */
	{ .state = "42501", .fault = FAULT_FULL },	/* no privilege */
	{ .state = "08", .fault = FAULT_BUSY },		/* the connection */
	{ .state = "40", .fault = FAULT_BUSY },		/* deadlock and the like: try again */
	{ .state = "53", .fault = FAULT_BUSY },		/* too many connections, no memory */
	{ .state = "55", .fault = FAULT_BUSY },		/* locked */
	{ .state = "57", .fault = FAULT_BUSY },		/* shut down, starting, cancelled */
	{ .state = "22", .fault = FAULT_DATA },
	{ .state = "23", .fault = FAULT_DATA },
	{ .state = "42", .fault = FAULT_DATA },		/* no such column, and the like */
};

enum storage_fault postgres_fault(const char *state)
{
	if (!state)
		return FAULT_BUSY;
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		if (strncmp(state, faults[i].state, strlen(faults[i].state)) == 0)
			return faults[i].fault;
	return FAULT_OTHER;
}
