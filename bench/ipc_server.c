/* ipc_server.c - servers that a run starts for itself and ends again, and connections to them. */
#include "bench/ipc_server.h"

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BUFFER = 1 << 18, START_MS = 5000 };

struct talk {
	int fd;
	size_t begin, end;	/* of `in`: what has come and was not read yet */
	size_t said;		/* of `out` */
	char in[BUFFER + 1], out[BUFFER];
};

/* ------------------------------------------------------------------ the server */

/* Where it is: in PATH, or where servers are for all but root. NULL: nowhere. */
static const char *find_program(const char *name)
{
	static char path[512];
	const char *folders = getenv("PATH");
	char all[4096], *rest = NULL;

	(void)snprintf(all, sizeof(all), "%s:/usr/sbin", folders ? folders : "/usr/bin");
	for (char *folder = strtok_r(all, ":", &rest); folder; folder = strtok_r(NULL, ":", &rest)) {
		(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
		if (access(path, X_OK) == 0)
			return path;
	}
	return NULL;
}

const char *why_absent(const struct transport *transport)
{
	static char text[128];

	if (transport->absent || !transport->program || find_program(transport->program))
		return transport->absent;
	(void)snprintf(text, sizeof(text), "no %s in PATH", transport->program);
	return text;
}

void server_folder(struct channel *channel)
{
	(void)snprintf(channel->folder, sizeof(channel->folder), "/tmp/shmline-bench-XXXXXX");
	if (!mkdtemp(channel->folder))
		give_up("mkdtemp: %s", strerror(errno));
}

void server_start(struct channel *channel, const char *const *arguments)
{
	const char *path = find_program(channel->transport->program);
	int log;

	channel->server = fork();
	if (channel->server < 0)
		err(1, "fork");
	if (channel->server > 0)
		return;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (chdir(channel->folder))
		give_up("%s: %s", channel->folder, strerror(errno));
	log = open("log", O_CREAT | O_WRONLY | O_APPEND, 0600);
	if (log < 0 || dup2(log, 1) < 0 || dup2(log, 2) < 0)
		give_up("log: %s", strerror(errno));
	(void)execv(path, (char *const *)(uintptr_t)arguments);
	give_up("%s: %s", path, strerror(errno));
}

static int remove_one(const char *path, const struct stat *status, int flag, struct FTW *place)
{
	(void)status;
	(void)flag;
	(void)place;
	return remove(path);
}

void server_end(struct channel *channel)
{
	(void)kill(channel->server, SIGKILL);
	(void)waitpid(channel->server, NULL, 0);
	(void)nftw(channel->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* ------------------------------------------------------------------ connections */

static struct talk *talk_to(const struct sockaddr *address, socklen_t size)
{
	struct talk *talk = new_memory(sizeof(*talk));

	for (int ms = 0; ms < START_MS; ms++) {
		talk->fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (talk->fd >= 0 && connect(talk->fd, address, size) == 0)
			return talk;
		(void)close(talk->fd);
		nap(1000);
	}
	give_up("no server came up: %s", strerror(errno));
}

struct talk *talk_unix(const struct channel *channel, const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s", channel->folder, name);
	return talk_to((struct sockaddr *)&address, sizeof(address));
}

struct talk *talk_port(int port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct talk *talk = talk_to((struct sockaddr *)&address, sizeof(address));

	(void)setsockopt(talk->fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
	return talk;
}

void talk_end(struct talk *talk)
{
	(void)close(talk->fd);
	free(talk);
}

void talk_flush(struct talk *talk)
{
	for (size_t at = 0; at < talk->said;) {
		ssize_t did = write(talk->fd, talk->out + at, talk->said - at);

		if (did < 0)
			give_up("a server's connection: %s", strerror(errno));
		at += (size_t)did;
	}
	talk->said = 0;
}

void talk_say(struct talk *talk, const void *bytes, size_t n)
{
	if (talk->said + n > sizeof(talk->out))
		talk_flush(talk);
	memcpy(talk->out + talk->said, bytes, n);
	talk->said += n;
}

void talk_print(struct talk *talk, const char *format, ...)
{
	char text[1024];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	talk_say(talk, text, (size_t)n);
}

/* More of what the other side says; first it gets what we have said. */
static void hear(struct talk *talk)
{
	ssize_t did;

	talk_flush(talk);
	memmove(talk->in, talk->in + talk->begin, talk->end - talk->begin);
	talk->end -= talk->begin;
	talk->begin = 0;
	did = read(talk->fd, talk->in + talk->end, BUFFER - talk->end);
	if (did <= 0)
		give_up("a server's connection: %s", did < 0 ? strerror(errno) : "closed");
	talk->end += (size_t)did;
}

char *talk_line(struct talk *talk)
{
	for (;;) {
		char *line = talk->in + talk->begin;
		char *end = memchr(line, '\n', talk->end - talk->begin);

		if (end) {
			talk->begin = (size_t)(end + 1 - talk->in);
			end[end > line && end[-1] == '\r' ? -1 : 0] = '\0';
			return line;
		}
		hear(talk);
	}
}

void *talk_bytes(struct talk *talk, size_t n)
{
	char *bytes;

	while (talk->end - talk->begin < n)
		hear(talk);
	bytes = talk->in + talk->begin;
	talk->begin += n;
	return bytes;
}

void talk_expect(struct talk *talk, const char *words)
{
	char *line = talk_line(talk);

	if (strncmp(line, words, strlen(words)) != 0)
		give_up("a server said \"%s\", expected \"%s\"", line, words);
}
