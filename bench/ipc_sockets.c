/*
 * ipc_sockets.c - message libraries over AF_UNIX sockets: ZeroMQ and nng, PUSH to PULL. Every consumer
 * listens, every producer calls all of them; what a killed consumer had received is lost.
 */
#include "bench/ipc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void make(struct channel *channel)
{
	(void)snprintf(channel->folder, sizeof(channel->folder), "/tmp/shmline-bench-XXXXXX");
	if (!mkdtemp(channel->folder))
		give_up("mkdtemp: %s", strerror(errno));
}

static const char *address(const struct channel *channel, unsigned consumer)
{
	static char text[128];

	(void)snprintf(text, sizeof(text), "ipc://%s/%u", channel->folder, consumer);
	return text;
}

static void unmake(struct channel *channel)
{
	for (unsigned i = 0; i < channel->consumers; i++)
		(void)unlink(address(channel, i) + strlen("ipc://"));
	(void)rmdir(channel->folder);
}

static void end_get(struct end *end)
{
	(void)end;
}

#define SOCKETS(join_, put, get, leave_) .ending = ENDS_SILENT, .make = make, .join = (join_), \
	.begin_put = buffer_of, .end_put = (put), .begin_get = (get), .end_get = end_get, \
	.leave = (leave_), .unmake = unmake

/* ------------------------------------------------------------------ ZeroMQ */

#if __has_include(<zmq.h>)
#include <zmq.h>

struct zmq {
	void *context, *socket;
};

static void zmq_check(int result, const char *what)
{
	if (result < 0)
		give_up("ZeroMQ: %s: %s", what, zmq_strerror(errno));
}

static void zmq_set(void *socket, int option, int value)
{
	zmq_check(zmq_setsockopt(socket, option, &value, sizeof(value)), "option");
}

static void zmq_join(struct end *end)
{
	struct zmq *zmq = new_memory(sizeof(*zmq));

	end->own = zmq;
	zmq->context = zmq_ctx_new();
	zmq->socket = zmq_socket(zmq->context, end->side == END_PRODUCER ? ZMQ_PUSH : ZMQ_PULL);
	zmq_set(zmq->socket, ZMQ_SNDHWM, (int)end->channel->slots);
	zmq_set(zmq->socket, ZMQ_RCVHWM, (int)end->channel->slots);
	zmq_set(zmq->socket, ZMQ_RCVTIMEO, SILENT_MS);
	zmq_set(zmq->socket, ZMQ_RECONNECT_IVL, 1);
	(void)buffer_of(end);
	if (end->side == END_CONSUMER)
		zmq_check(zmq_bind(zmq->socket, address(end->channel, end->number)), "bind");
	for (unsigned i = 0; end->side == END_PRODUCER && i < end->channel->consumers; i++)
		zmq_check(zmq_connect(zmq->socket, address(end->channel, i)), "connect");
}

static void zmq_put(struct end *end)
{
	struct zmq *zmq = end->own;

	zmq_check(zmq_send(zmq->socket, end->buffer, end->channel->len, 0), "send");
}

static const void *zmq_get(struct end *end)
{
	struct zmq *zmq = end->own;

	if (zmq_recv(zmq->socket, end->buffer, end->channel->len, 0) >= 0)
		return end->buffer;
	if (errno != EAGAIN)
		zmq_check(-1, "receive");
	return NULL;
}

/* Waits until all has gone out. */
static void zmq_leave(struct end *end)
{
	struct zmq *zmq = end->own;

	(void)zmq_close(zmq->socket);
	(void)zmq_ctx_term(zmq->context);
}

const struct transport transport_zmq = {
	.name = "ZeroMQ ipc", .note = "a killed consumer loses what it had received",
	SOCKETS(zmq_join, zmq_put, zmq_get, zmq_leave),
};
#else
const struct transport transport_zmq = { .name = "ZeroMQ ipc", .absent = "built without libzmq3-dev" };
#endif

/* ------------------------------------------------------------------ nng */

#if __has_include(<nng/nng.h>)
#include <nng/nng.h>
#include <nng/protocol/pipeline0/pull.h>
#include <nng/protocol/pipeline0/push.h>

struct nng {
	nng_socket socket;
};

static void nng_check(int result, const char *what)
{
	if (result != 0)
		give_up("nng: %s: %s", what, nng_strerror(result));
}

static void nng_join(struct end *end)
{
	struct nng *nng = new_memory(sizeof(*nng));

	end->own = nng;
	(void)buffer_of(end);
	nng_check(end->side == END_PRODUCER ? nng_push0_open(&nng->socket) : nng_pull0_open(&nng->socket), "open");
	nng_check(nng_socket_set_ms(nng->socket, NNG_OPT_RECONNMINT, 1), "option");
	if (end->side == END_CONSUMER) {
		nng_check(nng_socket_set_ms(nng->socket, NNG_OPT_RECVTIMEO, SILENT_MS), "option");
		nng_check(nng_listen(nng->socket, address(end->channel, end->number), NULL, 0), "listen");
	}
	for (unsigned i = 0; end->side == END_PRODUCER && i < end->channel->consumers; i++)
		nng_check(nng_dial(nng->socket, address(end->channel, i), NULL, NNG_FLAG_NONBLOCK), "dial");
}

static void nng_put(struct end *end)
{
	struct nng *nng = end->own;

	nng_check(nng_send(nng->socket, end->buffer, end->channel->len, 0), "send");
}

static const void *nng_get(struct end *end)
{
	struct nng *nng = end->own;
	size_t len = end->channel->len;
	int result = nng_recv(nng->socket, end->buffer, &len, 0);

	if (result == NNG_ETIMEDOUT)
		return NULL;
	nng_check(result, "receive");
	return end->buffer;
}

static void nng_leave(struct end *end)
{
	struct nng *nng = end->own;

	(void)nng_close(nng->socket);
}

const struct transport transport_nng = {
	.name = "nng ipc", .note = "a killed consumer loses what it had received",
	SOCKETS(nng_join, nng_put, nng_get, nng_leave),
};
#else
const struct transport transport_nng = { .name = "nng ipc", .absent = "built without libnng-dev" };
#endif
