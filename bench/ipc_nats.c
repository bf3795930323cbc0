/*
 * ipc_nats.c - jobs through NATS JetStream: a work queue in memory, publishes that are confirmed, a
 * pull consumer whose messages are acked. In NATS's own text protocol, over the loopback (it has no
 * AF_UNIX).
 */
#include "bench/ipc_server.h"

#include <glob.h>
#include <string.h>
#include <unistd.h>

enum { SUBJECT_SIZE = 128, LINE_SIZE = 512 };

struct own {
	struct talk *talk;
	char inbox[64];
	unsigned wanted;	/* of the last request: yet to come */
};

/* The server writes its port to a file when it listens. */
static int port_of(const struct channel *channel)
{
	char pattern[96], text[1024];
	int port = 0;

	(void)snprintf(pattern, sizeof(pattern), "%s/*.ports", channel->folder);
	for (int ms = 0; port == 0 && ms < 5000; ms++) {
		glob_t found;
		FILE *file;

		nap(1000);
		if (glob(pattern, 0, NULL, &found) != 0)
			continue;
		file = fopen(found.gl_pathv[0], "r");
		globfree(&found);
		while (file && fgets(text, sizeof(text), file))
			if (strstr(text, "127.0.0.1:"))
				(void)sscanf(strstr(text, "127.0.0.1:"), "127.0.0.1:%d", &port);
		if (file)
			(void)fclose(file);
	}
	if (port == 0)
		give_up("nats-server has not come up");
	return port;
}

static void connect_it(struct end *end)
{
	struct own *own = new_memory(sizeof(*own));

	end->own = own;
	own->talk = talk_port(end->channel->id);
	(void)snprintf(own->inbox, sizeof(own->inbox), "inbox.%d", (int)getpid());
	talk_expect(own->talk, "INFO");
	talk_print(own->talk, "CONNECT {\"verbose\":false}\r\nSUB %s 1\r\n", own->inbox);
}

/* The next message for us: its reply subject (empty: none) and its bytes. */
static const void *hear_message(struct own *own, char *reply, size_t *len)
{
	for (;;) {
		char *line = talk_line(own->talk), subject[SUBJECT_SIZE], second[SUBJECT_SIZE], third[32] = "";
		char message[LINE_SIZE];
		int fields;

		(void)snprintf(message, sizeof(message), "%s", line);
		if (strcmp(message, "PING") == 0) {
			talk_print(own->talk, "PONG\r\n");
			continue;
		}
		fields = sscanf(message, "MSG %127s 1 %127s %31s", subject, second, third);
		if (fields < 2)
			give_up("NATS said \"%s\"", message);
		(void)snprintf(reply, SUBJECT_SIZE, "%s", fields == 3 ? second : "");
		if (sscanf(fields == 3 ? third : second, "%zu", len) != 1)
			give_up("NATS said \"%s\"", message);
		return talk_bytes(own->talk, *len + 2);
	}
}

static void hear_confirmation(struct own *own)
{
	char reply[SUBJECT_SIZE];
	size_t len;
	const char *bytes = hear_message(own, reply, &len);

	if (memmem(bytes, len, "\"error\"", 7))
		give_up("NATS said \"%.*s\"", (int)len, bytes);
}

static void ask(struct own *own, const char *subject, const char *request)
{
	talk_print(own->talk, "PUB %s %s %zu\r\n%s\r\n", subject, own->inbox, strlen(request), request);
	hear_confirmation(own);
}

static void make(struct channel *channel)
{
	struct end end = { .channel = channel };

	server_folder(channel);
	server_start(channel, (const char *const[]){ "nats-server", "-js", "-sd", channel->folder, "-a", "127.0.0.1",
						     "-p", "-1", "--ports_file_dir", channel->folder, NULL });
	channel->id = port_of(channel);
	connect_it(&end);
	ask(end.own, "$JS.API.STREAM.CREATE.jobs", "{\"name\":\"jobs\",\"subjects\":[\"job\"],"
						   "\"storage\":\"memory\",\"retention\":\"workqueue\"}");
	ask(end.own, "$JS.API.CONSUMER.DURABLE.CREATE.jobs.workers", "{\"stream_name\":\"jobs\",\"config\":"
								     "{\"durable_name\":\"workers\",\"ack_policy\":\"explicit\",\"max_ack_pending\":-1}}");
	talk_end(((struct own *)end.own)->talk);
}

static void publish_all(struct end *end)
{
	struct own *own = end->own;

	for (unsigned i = 0; i < end->many.n; i++) {
		talk_print(own->talk, "PUB job %s %zu\r\n", own->inbox, end->channel->len);
		talk_say(own->talk, many_item(end, i), end->channel->len);
		talk_say(own->talk, "\r\n", 2);
	}
	for (unsigned i = 0; i < end->many.n; i++)
		hear_confirmation(own);
}

/* Acks go out with the next request, or when there is nothing to hear. */
static void get_one(struct end *end)
{
	struct own *own = end->own;
	char request[64], reply[SUBJECT_SIZE];
	const void *bytes;
	size_t len;

	if (own->wanted == 0) {
		own->wanted = batch_of(end);
		(void)snprintf(request, sizeof(request), "{\"batch\":%u,\"expires\":60000000000}", own->wanted);
		talk_print(own->talk, "PUB $JS.API.CONSUMER.MSG.NEXT.jobs.workers %s %zu\r\n%s\r\n", own->inbox,
			   strlen(request), request);
	}
	bytes = hear_message(own, reply, &len);
	if (len != end->channel->len)
		give_up("NATS sent \"%.*s\"", (int)len, (const char *)bytes);
	memcpy(many_item(end, 0), bytes, len);
	talk_print(own->talk, "PUB %s 0\r\n\r\n", reply);
	own->wanted--;
	end->many.n = 1;
}

/* The server must know that this one wants no more before the next message comes. */
static void leave_it(struct end *end)
{
	struct own *own = end->own;

	talk_print(own->talk, "UNSUB 1\r\nPING\r\n");
	while (strcmp(talk_line(own->talk), "PONG") != 0)
		;
	talk_end(own->talk);
}

const struct transport transport_nats = {
	.name = "NATS JetStream", .note = "a work queue in memory; acks", .program = "nats-server",
	.make = make, .join = connect_it, GATHERS(publish_all, get_one), .leave = leave_it, .unmake = server_end,
};
