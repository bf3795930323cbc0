/*
 * probe.h - private: places that bpftrace, perf or SystemTap can watch (USDT), as "shmline:publish" of a
 * program. One that nobody watches is a nop. They are there when <sys/sdt.h> is (make SDT=no: never,
 * SDT=yes: or fail).
 *
 *	publish     ring, id, bytes
 *	take        ring, id, deliveries
 *	ack         ring, id, deliveries
 *	full        ring
 *	redelivery  ring, id, deliveries
 */
#ifndef SHMLINE_PROBE_H
#define SHMLINE_PROBE_H

#ifdef SDT_NEEDED
#include <sys/sdt.h>
#elif !defined(SDT_UNWANTED) && __has_include(<sys/sdt.h>)
#include <sys/sdt.h>
#endif

#ifdef DTRACE_PROBE
#define PROBE1(name, a) DTRACE_PROBE1(shmline, name, a)
#define PROBE3(name, a, b, c) DTRACE_PROBE3(shmline, name, a, b, c)
#else
#define PROBE1(name, a) ((void)(a))
#define PROBE3(name, a, b, c) ((void)(a), (void)(b), (void)(c))
#endif

#endif
