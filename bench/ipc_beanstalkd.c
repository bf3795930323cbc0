/*
 * ipc_beanstalkd.c - jobs through a beanstalkd: put, reserve, delete; one by one, or so many before
 * answers are read.
 */
#include "bench/ipc_server.h"

#include <string.h>

struct own {
	struct talk *talk;
	unsigned long *ids;	/* of what end->many has */
	unsigned asks;		/* how many it asks for at once: as many as there were, or more */
};

static void make(struct channel *channel)
{
	char address[128];

	server_folder(channel);
	(void)snprintf(address, sizeof(address), "unix:%s/socket", channel->folder);
	server_start(channel, (const char *const[]){ "beanstalkd", "-l", address, NULL });
}

static void connect_it(struct end *end)
{
	struct own *own = new_memory(sizeof(*own));

	own->talk = talk_unix(end->channel, "socket");
	own->ids = new_memory(batch_of(end) * sizeof(*own->ids));
	end->own = own;
}

static void put_all(struct end *end)
{
	struct own *own = end->own;

	for (unsigned i = 0; i < end->many.n; i++) {
		talk_print(own->talk, "put 0 0 60 %zu\r\n", end->channel->len);
		talk_say(own->talk, many_item(end, i), end->channel->len);
		talk_say(own->talk, "\r\n", 2);
	}
	for (unsigned i = 0; i < end->many.n; i++)
		talk_expect(own->talk, "INSERTED");
}

/* false: there was none. */
static bool read_job(struct end *end, struct own *own)
{
	char *line = talk_line(own->talk);
	unsigned n = end->many.n;

	if (strcmp(line, "TIMED_OUT") == 0)
		return false;
	if (sscanf(line, "RESERVED %lu", &own->ids[n]) != 1)
		give_up("beanstalkd said \"%s\"", line);
	memcpy(many_item(end, n), talk_bytes(own->talk, end->channel->len + 2), end->channel->len);
	end->many.n++;
	return true;
}

static void delete_all(struct end *end)
{
	struct own *own = end->own;

	for (unsigned i = 0; i < end->many.n; i++)
		talk_print(own->talk, "delete %lu\r\n", own->ids[i]);
	for (unsigned i = 0; i < end->many.n; i++)
		talk_expect(own->talk, "DELETED");
	end->many.n = 0;
}

/* Waits for the first job and asks for more, but not for many where there are few. These must not be waited
   for: a connection that waits in "reserve" reads no further commands. */
static void get_some(struct end *end)
{
	struct own *own = end->own;
	unsigned batch = batch_of(end);

	delete_all(end);
	talk_print(own->talk, "reserve\r\n");
	for (unsigned i = 0; i < own->asks; i++)
		talk_print(own->talk, "reserve-with-timeout 0\r\n");
	for (unsigned i = 0; i < own->asks + 1; i++)
		(void)read_job(end, own);
	own->asks = end->many.n > own->asks ? 2 * own->asks + 1 : end->many.n - 1;
	own->asks = own->asks < batch ? own->asks : batch - 1;
}

static void leave_it(struct end *end)
{
	struct own *own = end->own;

	if (end->side == END_CONSUMER)
		delete_all(end);
	talk_end(own->talk);
}

const struct transport transport_beanstalkd = {
	.name = "beanstalkd", .note = "acks", .program = "beanstalkd",
	.make = make, .join = connect_it, GATHERS(put_all, get_some), .leave = leave_it, .unmake = server_end,
};
