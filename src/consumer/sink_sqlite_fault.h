/* sink_sqlite_fault.h - private to sink_sqlite*: what an error of SQLite means for the line. Pure. */
#ifndef SHMLINE_SINK_SQLITE_FAULT_H
#define SHMLINE_SINK_SQLITE_FAULT_H

#include "src/consumer/storage.h"

/* `code`: extended or not; `error`: the errno behind it, 0 for none. */
enum storage_fault sqlite_fault(int code, int error);

#endif
