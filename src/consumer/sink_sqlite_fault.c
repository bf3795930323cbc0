/* sink_sqlite_fault.c - see sink_sqlite_fault.h. */
#include "src/consumer/sink_sqlite_fault.h"

#include <errno.h>
#include <sqlite3.h>
#include <stddef.h>

static const struct {
	int code;
	enum storage_fault fault;
} faults[] = {
	{ .code = SQLITE_OK, .fault = FAULT_NONE },
	{ .code = SQLITE_ROW, .fault = FAULT_NONE },
	{ .code = SQLITE_DONE, .fault = FAULT_NONE },
	{ .code = SQLITE_BUSY, .fault = FAULT_BUSY },
	{ .code = SQLITE_LOCKED, .fault = FAULT_BUSY },
	{ .code = SQLITE_PROTOCOL, .fault = FAULT_BUSY },	/* of locks: too many at once */
	{ .code = SQLITE_FULL, .fault = FAULT_FULL },
	{ .code = SQLITE_READONLY, .fault = FAULT_FULL },
	{ .code = SQLITE_PERM, .fault = FAULT_FULL },
	{ .code = SQLITE_CANTOPEN, .fault = FAULT_FULL },
	{ .code = SQLITE_NOTADB, .fault = FAULT_DATA },
	{ .code = SQLITE_CORRUPT, .fault = FAULT_DATA },
	{ .code = SQLITE_ERROR, .fault = FAULT_DATA },		/* no such column, and the like */
	{ .code = SQLITE_CONSTRAINT, .fault = FAULT_DATA },	/* of a table that is not ours */
	{ .code = SQLITE_MISMATCH, .fault = FAULT_DATA },
};

/* What SQLite meets beside a plain write, in its shared memory or its log, is an input/output error to
   it, whatever the system says. */
static enum storage_fault fault_of_io(int error)
{
	return error == ENOSPC || error == EDQUOT || error == EROFS || error == EFBIG ? FAULT_FULL
										       : FAULT_OTHER;
}

enum storage_fault sqlite_fault(int code, int error)
{
	if ((code & 0xff) == SQLITE_IOERR)
		return fault_of_io(error);
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		if (faults[i].code == (code & 0xff))
			return faults[i].fault;
	return FAULT_OTHER;
}
