/*
 * libpq.h - private to sink_postgres*: libpq, loaded when somebody stores in PostgreSQL and not before. It
 * brings two dozen libraries, and with them every consumer of a thousand would start five times slower.
 */
#ifndef SHMLINE_LIBPQ_H
#define SHMLINE_LIBPQ_H

#include <libpq-fe.h>

#define LIBPQ_CALLS(call) \
	call(PQclear) \
	call(PQcmdStatus) \
	call(PQcmdTuples) \
	call(PQconnectdbParams) \
	call(PQconninfoFree) \
	call(PQconninfoParse) \
	call(PQconsumeInput) \
	call(PQenterPipelineMode) \
	call(PQerrorMessage) \
	call(PQexec) \
	call(PQexecParams) \
	call(PQexitPipelineMode) \
	call(PQfinish) \
	call(PQfreemem) \
	call(PQgetResult) \
	call(PQgetvalue) \
	call(PQisBusy) \
	call(PQntuples) \
	call(PQpingParams) \
	call(PQpipelineSync) \
	call(PQprepare) \
	call(PQresultErrorField) \
	call(PQresultErrorMessage) \
	call(PQresultStatus) \
	call(PQsendQueryParams) \
	call(PQsendQueryPrepared) \
	call(PQsetNoticeProcessor) \
	call(PQsocket) \
	call(PQstatus)

/* Each under its own name. */
struct libpq {
#define LIBPQ_MEMBER(name) __typeof__(name) * name;
	LIBPQ_CALLS(LIBPQ_MEMBER)
#undef LIBPQ_MEMBER
};

extern struct libpq libpq;

/* 0, or -1 and why has been said. Again is no harm. */
int libpq_load(void);

#define PQclear (libpq.PQclear)
#define PQcmdStatus (libpq.PQcmdStatus)
#define PQcmdTuples (libpq.PQcmdTuples)
#define PQconnectdbParams (libpq.PQconnectdbParams)
#define PQconninfoFree (libpq.PQconninfoFree)
#define PQconninfoParse (libpq.PQconninfoParse)
#define PQconsumeInput (libpq.PQconsumeInput)
#define PQenterPipelineMode (libpq.PQenterPipelineMode)
#define PQerrorMessage (libpq.PQerrorMessage)
#define PQexec (libpq.PQexec)
#define PQexecParams (libpq.PQexecParams)
#define PQexitPipelineMode (libpq.PQexitPipelineMode)
#define PQfinish (libpq.PQfinish)
#define PQfreemem (libpq.PQfreemem)
#define PQgetResult (libpq.PQgetResult)
#define PQgetvalue (libpq.PQgetvalue)
#define PQisBusy (libpq.PQisBusy)
#define PQntuples (libpq.PQntuples)
#define PQpingParams (libpq.PQpingParams)
#define PQpipelineSync (libpq.PQpipelineSync)
#define PQprepare (libpq.PQprepare)
#define PQresultErrorField (libpq.PQresultErrorField)
#define PQresultErrorMessage (libpq.PQresultErrorMessage)
#define PQresultStatus (libpq.PQresultStatus)
#define PQsendQueryParams (libpq.PQsendQueryParams)
#define PQsendQueryPrepared (libpq.PQsendQueryPrepared)
#define PQsetNoticeProcessor (libpq.PQsetNoticeProcessor)
#define PQsocket (libpq.PQsocket)
#define PQstatus (libpq.PQstatus)

#endif
