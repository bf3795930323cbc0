/* ipc_kernel.c - what the kernel has: pipe, AF_UNIX sequenced packets, POSIX and System V message queues. */
#include "bench/ipc.h"

#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <stdio.h>
#include <stdlib.h>
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

/* Items of up to PIPE_BUF bytes are written whole; longer ones would be mixed with others' (len_max). */
static void fd_put(struct end *end)
{
	size_t len = end->channel->len;

	if (write(end->channel->fds[1], end->buffer, len) != (ssize_t)len)
		give_up("write: %s", strerror(errno));
}

/* A pipe's reader takes what is whole, since all writes have one length that divides a page. */
static const void *fd_get(struct end *end)
{
	size_t len = end->channel->len;

	if (read(end->channel->fds[0], end->buffer, len) != (ssize_t)len)
		give_up("read: %s", strerror(errno));
	return end->buffer;
}

const struct transport transport_pipe = {
	.name = "pipe", .note = "one write an item; what was read is gone with its reader",
	.len_max = 4096, .make = pipe_make, KERNEL(fd_put, fd_get),
};

const struct transport transport_seqpacket = {
	.name = "unix seqpacket", .note = "as the pipe",
	.make = socket_make, KERNEL(fd_put, fd_get),
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
	struct message *message = calloc(1, sizeof(*message) + end->channel->len);

	if (!message)
		give_up("no memory");
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
	.len_max = 8192, .make = msg_make, .join = msg_join, .begin_put = buffer_of,
	.end_put = msg_put, .begin_get = msg_get, .end_get = end_get, .unmake = msg_unmake,
};
