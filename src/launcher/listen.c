/* listen.c - the address of --listen, its socket and its connections. */
#include "src/launcher/listen.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <event2/util.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "src/base/diag.h"
#include "src/base/exitcode.h"
#include "src/base/quantity.h"
#include "src/launcher/run.h"

/* A client that is slower than this is let go. */
#define PATIENCE_S 10

/* No request of ours has more. */
#define HEADERS_MAX_BYTES 8192
#define BODY_MAX_BYTES 1024

#define RECOUNT_NS UINT64_C(100000000)
#define SAMPLE_NS UINT64_C(1000000000)

struct listener {
	struct listen_address address;
	int fd;
	struct evhttp *http;
	struct evhttp_bound_socket *bound;
	struct event *recount;
	struct event *second;		/* so that the page has a history from the beginning */
	struct supervisor *sv;
	size_t accepted;		/* connections since they were counted, and those there were */
};

/* ---------------------------------------------------------------- the address */

static int parse_unix(const char *path, struct listen_address *address)
{
	struct sockaddr_un *un = (struct sockaddr_un *)&address->socket;

	if (path[0] == '\0' || strlen(path) >= sizeof(un->sun_path))
		return -1;
	un->sun_family = AF_UNIX;
	memcpy(un->sun_path, path, strlen(path) + 1);
	address->len = sizeof(*un);
	address->path = path;
	return 0;
}

static int parse_v4(const char *host, uint16_t port, struct listen_address *address)
{
	struct sockaddr_in *in = (struct sockaddr_in *)&address->socket;

	in->sin_family = AF_INET;
	in->sin_port = htons(port);
	address->len = sizeof(*in);
	return inet_pton(AF_INET, host, &in->sin_addr) == 1 ? 0 : -1;
}

static int parse_v6(const char *host, uint16_t port, struct listen_address *address)
{
	struct sockaddr_in6 *in = (struct sockaddr_in6 *)&address->socket;

	in->sin6_family = AF_INET6;
	in->sin6_port = htons(port);
	address->len = sizeof(*in);
	return inet_pton(AF_INET6, host, &in->sin6_addr) == 1 ? 0 : -1;
}

int listen_parse(const char *text, struct listen_address *address)
{
	const char *colon = strrchr(text, ':');
	char host[INET6_ADDRSTRLEN + 2] = "";
	size_t len = colon ? (size_t)(colon - text) : 0;
	uint64_t port;

	memset(address, 0, sizeof(*address));
	if (strncmp(text, "unix:", 5) == 0)
		return parse_unix(text + 5, address);
	if (len >= sizeof(host) || quantity_count(colon ? colon + 1 : text, 0, UINT16_MAX, &port) < 0)
		return -1;
	memcpy(host, text, len);
	if (len == 0 || strcmp(host, "localhost") == 0)
		return parse_v4("127.0.0.1", (uint16_t)port, address);
	if (host[0] == '[' && host[len - 1] == ']') {
		host[len - 1] = '\0';
		return parse_v6(host + 1, (uint16_t)port, address);
	}
	return parse_v4(host, (uint16_t)port, address);
}

/* ---------------------------------------------------------------- the socket */

/* A name that a killed launcher left, on which nobody listens. */
static bool is_stale(const struct listen_address *address)
{
	struct stat status;
	int fd, failed;

	if (lstat(address->path, &status) < 0 || !S_ISSOCK(status.st_mode))
		return false;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	failed = fd < 0 ? 0 : connect(fd, (const struct sockaddr *)&address->socket, address->len);
	if (fd >= 0)
		(void)close(fd);
	return failed && errno == ECONNREFUSED;
}

/* Nobody but its user may open it, from the first moment. */
static int bind_unix(int fd, const struct listen_address *address)
{
	mode_t before;
	int result;

	if (is_stale(address))
		(void)unlink(address->path);
	before = umask(0177);
	result = bind(fd, (const struct sockaddr *)&address->socket, address->len);
	(void)umask(before);
	return result;
}

static int bind_address(const struct listen_address *address)
{
	const int yes = 1;
	int fd = socket(address->socket.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int result, error;

	if (fd < 0)
		return -1;
	if (address->path)
		result = bind_unix(fd, address);
	else if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) < 0)
		result = -1;
	else
		result = bind(fd, (const struct sockaddr *)&address->socket, address->len);
	if (result == 0 && listen(fd, SOMAXCONN) == 0)
		return fd;
	error = errno;
	(void)close(fd);
	errno = error;
	return -1;
}

static void show_address(int fd, const struct listen_address *address, char *text, size_t size)
{
	struct sockaddr_storage real = address->socket;
	socklen_t len = sizeof(real);
	char host[INET6_ADDRSTRLEN] = "?";

	if (address->path) {
		(void)snprintf(text, size, "unix:%s", address->path);
		return;
	}
	if (fd >= 0)	/* port 0 has become one */
		(void)getsockname(fd, (struct sockaddr *)&real, &len);
	if (real.ss_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)&real;

		(void)inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host));
		(void)snprintf(text, size, "http://%s:%u/", host, ntohs(in->sin_port));
	} else {
		const struct sockaddr_in6 *in = (const struct sockaddr_in6 *)&real;

		(void)inet_ntop(AF_INET6, &in->sin6_addr, host, sizeof(host));
		(void)snprintf(text, size, "http://[%s]:%u/", host, ntohs(in->sin6_port));
	}
}

int listen_open(struct listener **out, const struct listen_address *address)
{
	struct listener *listener = calloc(1, sizeof(*listener));
	char shown[160];

	if (!listener)
		diag_die(EXIT_SYSTEM, "no memory");
	listener->address = *address;
	listener->fd = bind_address(address);
	show_address(listener->fd, address, shown, sizeof(shown));
	if (listener->fd < 0) {
		diag_error("--listen: cannot listen at %s: %s", shown, strerror(errno));
		free(listener);
		return EXIT_CANT_CREATE;
	}
	diag_info("listens at %s", shown);
	*out = listener;
	return 0;
}

/* ---------------------------------------------------------------- connections */

/* Its own end has the address that we listen at, and it has another end. */
static bool is_connection(const struct listener *listener, int fd)
{
	struct sockaddr_storage name = { .ss_family = AF_UNSPEC }, peer;
	socklen_t name_len = sizeof(name), peer_len = sizeof(peer);

	if (getsockname(fd, (struct sockaddr *)&name, &name_len) < 0 ||
	    name.ss_family != listener->address.socket.ss_family || name_len <= sizeof(sa_family_t))
		return false;
	return getpeername(fd, (struct sockaddr *)&peer, &peer_len) == 0;
}

/*
 * How many there are: libevent does not tell when one ends, but what is open can be counted. While there are
 * too many, others wait in the kernel; the run's own descriptors are never used up.
 */
static size_t count_connections(const struct listener *listener)
{
	DIR *folder = opendir("/proc/self/fd");
	struct dirent *entry;
	size_t n = 0;

	while (folder && (entry = readdir(folder)))
		n += is_connection(listener, atoi(entry->d_name));
	if (folder)
		(void)closedir(folder);
	return n;
}

static void review_connections(struct listener *listener)
{
	struct evconnlistener *door = evhttp_bound_socket_get_listener(listener->bound);

	if (listener->accepted >= LISTEN_CONNECTIONS)
		listener->accepted = count_connections(listener);
	if (listener->accepted < LISTEN_CONNECTIONS) {
		(void)evconnlistener_enable(door);
		return;
	}
	(void)evconnlistener_disable(door);
	run_arm(listener->recount, RECOUNT_NS);
}

static void on_recount(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	review_connections(context);
}

/* Called as a connection is accepted. */
static struct bufferevent *new_connection(struct event_base *base, void *context)
{
	struct listener *listener = context;

	listener->accepted++;
	if (listener->accepted >= LISTEN_CONNECTIONS)
		review_connections(listener);
	return bufferevent_socket_new(base, -1, 0);
}

static void on_second(evutil_socket_t fd, short what, void *context)
{
	struct listener *listener = context;

	(void)fd;
	(void)what;
	(void)view_look(listener->sv);
	run_arm(listener->second, SAMPLE_NS);
}

void listen_begin(struct listener *listener, struct supervisor *sv)
{
	if (!listener)
		return;
	listener->sv = sv;
	listener->http = evhttp_new(sv->base);
	listener->second = evtimer_new(sv->base, on_second, listener);
	listener->recount = evtimer_new(sv->base, on_recount, listener);
	if (!listener->http || !listener->recount || !listener->second)
		diag_die(EXIT_SYSTEM, "no memory for --listen");
	evhttp_set_max_headers_size(listener->http, HEADERS_MAX_BYTES);
	evhttp_set_max_body_size(listener->http, BODY_MAX_BYTES);
	evhttp_set_timeout(listener->http, PATIENCE_S);
	evhttp_set_bevcb(listener->http, new_connection, listener);
	evhttp_set_gencb(listener->http, listen_answer, sv);
	listener->bound = evhttp_accept_socket_with_handle(listener->http, listener->fd);
	if (!listener->bound)
		diag_die(EXIT_SYSTEM, "no memory for --listen");
	run_arm(listener->second, SAMPLE_NS);
}

void listen_close(struct listener *listener)
{
	if (!listener)
		return;
	if (listener->http)
		evhttp_free(listener->http);	/* and the socket */
	else
		(void)close(listener->fd);
	if (listener->recount)
		event_free(listener->recount);
	if (listener->second)
		event_free(listener->second);
	if (listener->address.path)
		(void)unlink(listener->address.path);
	free(listener);
}
