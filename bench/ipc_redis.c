/*
 * ipc_redis.c - items through a Redis: lists (no acks), and streams with a consumer group. In its own
 * protocol, RESP.
 */
#include "bench/ipc_server.h"

#include <stdlib.h>
#include <string.h>

enum { ID_SIZE = 48 };

struct own {
	struct talk *talk;
	char (*ids)[ID_SIZE];	/* of what end->many has */
	char head[24];		/* of an item: "$64\r\n" */
};

static void connect_it(struct end *end)
{
	struct own *own = new_memory(sizeof(*own));

	own->talk = talk_unix(end->channel, "socket");
	own->ids = new_memory(batch_of(end) * sizeof(*own->ids));
	(void)snprintf(own->head, sizeof(own->head), "$%zu\r\n", end->channel->len);
	end->own = own;
}

static void make(struct channel *channel)
{
	struct end end = { .channel = channel };
	struct own *own;

	server_folder(channel);
	server_start(channel, (const char *const[]){ "redis-server", "--port", "0", "--unixsocket", "socket",
						     "--save", "", "--appendonly", "no", NULL });
	connect_it(&end);
	own = end.own;
	talk_print(own->talk, "XGROUP CREATE stream group 0 MKSTREAM\r\n");
	talk_expect(own->talk, "+OK");
	talk_end(own->talk);
}

/* "$5\r\nhello\r\n" */
static void say_bulk(struct talk *talk, const char *text)
{
	size_t n = strlen(text);

	talk_print(talk, "$%zu\r\n", n);
	talk_say(talk, text, n);
	talk_say(talk, "\r\n", 2);
}

static void say_item(struct end *end, unsigned i)
{
	struct own *own = end->own;

	talk_say(own->talk, own->head, strlen(own->head));
	talk_say(own->talk, many_item(end, i), end->channel->len);
	talk_say(own->talk, "\r\n", 2);
}

static void say_command(struct talk *talk, unsigned n, const char *const *words)
{
	talk_print(talk, "*%u\r\n", n);
	for (; *words; words++)
		say_bulk(talk, *words);
}

#define SAY(talk, n, ...) say_command(talk, n, (const char *const[]){ __VA_ARGS__, NULL })

/* The number behind `kind`: a length or a value. */
static long hear_number(struct talk *talk, char kind)
{
	char *line = talk_line(talk);

	if (line[0] != kind)
		give_up("Redis said \"%s\", expected %c", line, kind);
	return strtol(line + 1, NULL, 10);
}

static void hear_bulk(struct talk *talk, void *bytes, size_t size)
{
	size_t n = (size_t)hear_number(talk, '$');
	const void *came = talk_bytes(talk, n + 2);

	if (n > size)
		give_up("Redis sent %zu bytes, expected up to %zu", n, size);
	memcpy(bytes, came, n);
}

static void leave_it(struct end *end)
{
	struct own *own = end->own;

	talk_flush(own->talk);
	talk_end(own->talk);
}

/* ------------------------------------------------------------------ lists */

static void push_all(struct end *end)
{
	struct own *own = end->own;

	SAY(own->talk, 2 + end->many.n, "RPUSH", "list");
	for (unsigned i = 0; i < end->many.n; i++)
		say_item(end, i);
	(void)hear_number(own->talk, ':');
}

static void pop_some(struct end *end)
{
	struct own *own = end->own;
	char count[16], name[16];

	(void)snprintf(count, sizeof(count), "%u", batch_of(end));
	SAY(own->talk, 7, "BLMPOP", "0", "1", "list", "LEFT", "COUNT", count);
	(void)hear_number(own->talk, '*');
	hear_bulk(own->talk, name, sizeof(name));
	end->many.n = (unsigned)hear_number(own->talk, '*');
	for (unsigned i = 0; i < end->many.n; i++)
		hear_bulk(own->talk, many_item(end, i), end->channel->len);
}

const struct transport transport_redis_lists = {
	.name = "Redis lists", .note = "no acks: what was popped is gone with who popped it",
	.program = "redis-server",
	.make = make, .join = connect_it, GATHERS(push_all, pop_some), .leave = leave_it, .unmake = server_end,
};

/* ------------------------------------------------------------------ streams */

static void add_all(struct end *end)
{
	struct own *own = end->own;
	char id[ID_SIZE];

	for (unsigned i = 0; i < end->many.n; i++) {
		SAY(own->talk, 5, "XADD", "stream", "*", "d");
		say_item(end, i);
	}
	for (unsigned i = 0; i < end->many.n; i++)
		hear_bulk(own->talk, id, sizeof(id));
}

static void ack_all(struct end *end)
{
	struct own *own = end->own;

	if (end->many.n == 0)
		return;
	SAY(own->talk, 3 + end->many.n, "XACK", "stream", "group");
	for (unsigned i = 0; i < end->many.n; i++)
		say_bulk(own->talk, own->ids[i]);
	(void)hear_number(own->talk, ':');
}

static void hear_entry(struct end *end, unsigned i)
{
	struct own *own = end->own;
	char field[4];

	(void)hear_number(own->talk, '*');
	memset(own->ids[i], 0, sizeof(own->ids[i]));
	hear_bulk(own->talk, own->ids[i], sizeof(own->ids[i]) - 1);
	(void)hear_number(own->talk, '*');
	hear_bulk(own->talk, field, sizeof(field));
	hear_bulk(own->talk, many_item(end, i), end->channel->len);
}

static void read_some(struct end *end)
{
	struct own *own = end->own;
	char count[16], name[16], stream[16];

	ack_all(end);
	(void)snprintf(count, sizeof(count), "%u", batch_of(end));
	(void)snprintf(name, sizeof(name), "c%u", end->number);
	SAY(own->talk, 11, "XREADGROUP", "GROUP", "group", name, "COUNT", count, "BLOCK", "0", "STREAMS", "stream",
	    ">");
	(void)hear_number(own->talk, '*');
	(void)hear_number(own->talk, '*');
	hear_bulk(own->talk, stream, sizeof(stream));
	end->many.n = (unsigned)hear_number(own->talk, '*');
	for (unsigned i = 0; i < end->many.n; i++)
		hear_entry(end, i);
}

static void leave_stream(struct end *end)
{
	if (end->side == END_CONSUMER)
		ack_all(end);
	leave_it(end);
}

const struct transport transport_redis_streams = {
	.name = "Redis streams", .note = "a consumer group; acks", .program = "redis-server",
	.make = make, .join = connect_it, GATHERS(add_all, read_some), .leave = leave_stream, .unmake = server_end,
};
