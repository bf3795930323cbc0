/* sink_postgres_fault.h - private to sink_postgres*: what an error of PostgreSQL means for the line. Pure. */
#ifndef SHMLINE_SINK_POSTGRES_FAULT_H
#define SHMLINE_SINK_POSTGRES_FAULT_H

#include "src/consumer/storage.h"

/* `state`: the five characters of SQLSTATE; NULL: none, the connection was lost. */
enum storage_fault postgres_fault(const char *state);

#endif
