/* ipc_cases.c - the cases that ipc.c goes through, each with those who are worth a place in it. */
#include "bench/ipc.h"

#define KIB 1024

#define SHAPE(p, c, n, l) .producers = (p), .consumers = (c), .slots = (n), .len = (l)

/* The ring, what it is measured against, and what sleeps like it. */
#define FEW &transport_shmline, &transport_textbook, &transport_condition, &transport_pipe

#define LOCKS &transport_textbook, &transport_two_semaphores, &transport_condition, &transport_robust, \
	&transport_boost
#define KERNEL &transport_posix_mq, &transport_sysv_msg, &transport_pipe, &transport_seqpacket
#define SOCKETS &transport_zmq, &transport_nng
#define SPINNING &transport_vyukov, &transport_vyukov_futex, &transport_ck, &transport_rte

#define ALL &transport_shmline, LOCKS, KERNEL, SOCKETS, SPINNING

const struct bench_case cases[] = {
	/* Single calls: how the ring stands among all. */
	{ .name = "1 to 1", .shape = { SHAPE(1, 1, 1024, 64) },
	  .peers = { ALL, &transport_spsc }, .is_quick = true },
	{ .name = "3 to 5", .shape = { SHAPE(3, 5, 1024, 64) },
	  .peers = { ALL }, .is_quick = true },
	{ .name = "16 to 16", .shape = { SHAPE(16, 16, 1024, 64) },
	  .peers = { ALL }, .is_quick = true },
	{ .name = "1 to 16", .shape = { SHAPE(1, 16, 1024, 64) },
	  .peers = { FEW, &transport_vyukov_futex, &transport_zmq } },
	{ .name = "16 to 1", .shape = { SHAPE(16, 1, 1024, 64) },
	  .peers = { FEW, &transport_vyukov_futex, &transport_zmq } },

	/* Many items a call. The textbook has single calls. */
#define BATCHED &transport_shmline, &transport_textbook, &transport_pipe, &transport_rte
	{ .name = "batches, 1 to 1", .shape = { SHAPE(1, 1, 1024, 64), .batch = 32 },
	  .peers = { BATCHED }, .is_quick = true },
	{ .name = "batches, 3 to 5", .shape = { SHAPE(3, 5, 1024, 64), .batch = 32 },
	  .peers = { BATCHED }, .is_quick = true },
	{ .name = "batches, 16 to 16", .shape = { SHAPE(16, 16, 1024, 64), .batch = 32 },
	  .peers = { BATCHED }, .is_quick = true },
	{ .name = "batches, 1,024 bytes", .shape = { SHAPE(1, 1, 1024, 1024), .batch = 32 },
	  .peers = { BATCHED } },

	/* Item sizes. The ring's items are written and read in place, without a copy. */
	{ .name = "16 bytes", .shape = { SHAPE(1, 1, 1024, 16) },
	  .peers = { FEW, &transport_vyukov_futex, &transport_rte } },
	{ .name = "256 bytes", .shape = { SHAPE(1, 1, 1024, 256) },
	  .peers = { FEW } },
	{ .name = "1,024 bytes", .shape = { SHAPE(1, 1, 1024, 1024) },
	  .peers = { FEW, &transport_boost, &transport_vyukov, &transport_vyukov_futex, &transport_zmq },
	  .is_quick = true },
	{ .name = "4 KiB", .shape = { SHAPE(1, 1, 1024, 4 * KIB) },
	  .peers = { FEW } },
	{ .name = "16 KiB", .shape = { SHAPE(1, 1, 256, 16 * KIB) },
	  .peers = { FEW } },
	{ .name = "64 KiB", .shape = { SHAPE(1, 1, 64, 64 * KIB) },
	  .peers = { FEW, &transport_seqpacket, &transport_zmq, &transport_nng } },

	/* Slots. */
	{ .name = "8 slots", .shape = { SHAPE(1, 1, 8, 64) },
	  .peers = { FEW } },
	{ .name = "64 slots", .shape = { SHAPE(1, 1, 64, 64) },
	  .peers = { FEW } },
	{ .name = "8,192 slots", .shape = { SHAPE(1, 1, 8192, 64) },
	  .peers = { FEW } },
	{ .name = "65,536 slots", .shape = { SHAPE(1, 1, 65536, 64) },
	  .peers = { FEW } },
	{ .name = "3 to 5, 64 slots", .shape = { SHAPE(3, 5, 64, 64) },
	  .peers = { FEW } },
	{ .name = "3 to 5, 65,536 slots", .shape = { SHAPE(3, 5, 65536, 64) },
	  .peers = { FEW } },

	/* Members. */
	{ .name = "2 to 2", .shape = { SHAPE(2, 2, 1024, 64) },
	  .peers = { FEW } },
	{ .name = "4 to 4", .shape = { SHAPE(4, 4, 1024, 64) },
	  .peers = { FEW } },
	{ .name = "8 to 8", .shape = { SHAPE(8, 8, 1024, 64) },
	  .peers = { FEW } },
	{ .name = "32 to 32", .shape = { SHAPE(32, 32, 1024, 64) },
	  .peers = { FEW } },

	/* One side is slower by its own work: the ring is nearly full, or nearly empty. */
	{ .name = "producers faster, ring nearly full", .shape = { SHAPE(1, 1, 1024, 64), .work_ns = { 0, 500 } },
	  .peers = { FEW, &transport_vyukov_futex } },
	{ .name = "consumers faster, ring nearly empty", .shape = { SHAPE(1, 1, 1024, 64), .work_ns = { 500, 0 } },
	  .peers = { FEW, &transport_vyukov_futex } },
	{ .name = "3 to 5, producers faster, ring nearly full",
	  .shape = { SHAPE(3, 5, 1024, 64), .work_ns = { 0, 2000 } },
	  .peers = { FEW } },
	{ .name = "3 to 5, consumers faster, ring nearly empty",
	  .shape = { SHAPE(3, 5, 1024, 64), .work_ns = { 2000, 0 } },
	  .peers = { FEW } },

	/* What has acks, or is used as if it had. The ring's are single calls; the servers' as many a
	   command. */
	{ .name = "jobs, one a call", .shape = { SHAPE(3, 5, 1024, 64) },
	  .peers = { &transport_shmline, &transport_beanstalkd } },
	{ .name = "jobs, 64 a command", .shape = { SHAPE(3, 5, 1024, 64), .batch = 64 },
	  .peers = { &transport_shmline, &transport_beanstalkd, &transport_redis_lists, &transport_redis_streams,
		     &transport_nats }, .is_quick = true },
};

const size_t cases_n = sizeof(cases) / sizeof(cases[0]);

const struct transport *const ping_peers[PEERS_MAX] = { ALL, &transport_spsc };
