/*
 * ipc_kernel.c - what the kernel has: pipe, AF_UNIX sequenced packets, POSIX and System V message
 * queues.
 */
#include "bench/ipc.h"

#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <stdio.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/socket.h>
#include <unistd.h>

static void join(struct end *end)
{
	(void)buffer_of(end);
}

static void end_get(struct end *end)
{
	(void)end;
}

#define KERNEL(put, get) .join = join, .begin_put = buffer_of, .end_put = (put), \
	.begin_get = (get), .end_get = end_get

/* ------------------------------------------------------------------ pipe, socket */

static void pipe_make(struct channel *channel)
{
	if (pipe2(channel->fds, O_CLOEXEC))
		give_up("pipe: %s", strerror(errno));
	/* Room for as many items as the others have, if that is allowed. */
	(void)fcntl(channel->fds[1], F_SETPIPE_SZ, (int)(channel->slots * channel->len));
}

static void socket_make(struct channel *channel)
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel->fds))
		give_up("socketpair: %s", strerror(errno));
}

/* Up to PIPE_BUF bytes are written whole; more would be mixed with what others write. */
static void write_all(struct end *end)
{
	size_t size = end->many.n * end->channel->len;
	const unsigned char *items = end->many.items;

	for (size_t at = 0; at < size;) {
		ssize_t did = write(end->channel->fds[1], items + at, size - at);

		if (did < 0)
			give_up("write: %s", strerror(errno));
		at += (size_t)did;
	}
}

/* What there is, up to a batch. Among several readers, that is whole items, since all lengths that
   are written are multiples of an item's; alone, the rest of the last one is read too. */
static void read_some(struct end *end)
{
	size_t len = end->channel->len, room = batch_of(end) * len, size = 0;
	unsigned char *items = many_item(end, 0);

	do {
		ssize_t did = read(end->channel->fds[0], items + size, room - size);

		if (did <= 0)
			give_up("read: %s", strerror(errno));
		size += (size_t)did;
	} while (size % len != 0);
	end->many.n = (unsigned)(size / len);
}

const struct transport transport_pipe = {
	.name = "pipe", .note = "what was read is gone with its reader",
	.make = pipe_make, GATHERS(write_all, read_some),
};

const struct transport transport_seqpacket = {
	.name = "unix seqpacket", .note = "as the pipe",
	.make = socket_make, GATHERS(write_all, read_some),
};

/* ------------------------------------------------------------------ POSIX message queue */

static void mq_make(struct channel *channel)
{
	struct mq_attr attributes = { .mq_maxmsg = channel->slots, .mq_msgsize = (long)channel->len };
	char name[80];

	(void)snprintf(name, sizeof(name), "/%s", channel->name);
	/* As many as it may have: 10 for an ordinary user. */
	do
		channel->fds[0] = mq_open(name, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600, &attributes);
	while (channel->fds[0] < 0 && (attributes.mq_maxmsg /= 2) > 4);
	if (channel->fds[0] < 0)
		give_up("mq_open: %s", strerror(errno));
	(void)mq_unlink(name);
}

static void mq_put(struct end *end)
{
	if (mq_send(end->channel->fds[0], end->buffer, end->channel->len, 0))
		give_up("mq_send: %s", strerror(errno));
}

static const void *mq_get(struct end *end)
{
	if (mq_receive(end->channel->fds[0], end->buffer, end->channel->len, NULL) < 0)
		give_up("mq_receive: %s", strerror(errno));
	return end->buffer;
}

const struct transport transport_posix_mq = {
	.name = "POSIX message queue", .note = "as the pipe",
	.make = mq_make, KERNEL(mq_put, mq_get),
};

/* ------------------------------------------------------------------ System V message queue */

struct message {
	long type;
	unsigned char data[];
};

static void msg_make(struct channel *channel)
{
	channel->id = msgget(IPC_PRIVATE, IPC_CREAT | 0600);
	if (channel->id < 0)
		give_up("msgget: %s", strerror(errno));
}

static void msg_join(struct end *end)
{
	struct message *message = new_memory(sizeof(*message) + end->channel->len);

	message->type = 1;
	end->own = message;
	end->buffer = message->data;
}

static void msg_put(struct end *end)
{
	if (msgsnd(end->channel->id, end->own, end->channel->len, 0))
		give_up("msgsnd: %s", strerror(errno));
}

static const void *msg_get(struct end *end)
{
	if (msgrcv(end->channel->id, end->own, end->channel->len, 0, 0) < 0)
		give_up("msgrcv: %s", strerror(errno));
	return end->buffer;
}

static void msg_unmake(struct channel *channel)
{
	(void)msgctl(channel->id, IPC_RMID, NULL);
}

const struct transport transport_sysv_msg = {
	.name = "System V message queue", .note = "as the pipe",
	.make = msg_make, .join = msg_join, .begin_put = buffer_of,
	.end_put = msg_put, .begin_get = msg_get, .end_get = end_get, .unmake = msg_unmake,
};
