/*
 * listen.h - --listen: a page, its numbers as JSON and as Prometheus reads them, over HTTP. It only
 * reads. What is answered is in listen_answer.c.
 */
#ifndef SHMLINE_LAUNCHER_LISTEN_H
#define SHMLINE_LAUNCHER_LISTEN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

struct listener;
struct supervisor;

#define LISTEN_EXPECTED \
	"PORT or HOST:PORT with a numeric HOST ([::1]:9100), or unix:PATH; PORT alone is on 127.0.0.1"

struct listen_address {
	struct sockaddr_storage socket;
	socklen_t len;
	const char *path;	/* of a unix socket; NULL: none */
};

/* Is this an address? Pure. 0 or -1. */
int listen_parse(const char *text, struct listen_address *address);

/* How many connections are served at a time; more wait until one of these ends. */
#define LISTEN_CONNECTIONS 256

/* Bind the address. 0, or an exit code, and why has been said. */
int listen_open(struct listener **listener, const struct listen_address *address);

/* From here on it answers, in the run's loop. `listener` NULL: there is none. */
void listen_begin(struct listener *listener, struct supervisor *sv);

/* No more. A unix socket's name goes. */
void listen_close(struct listener *listener);

/* ------------------------------------------------------------------ listen_answer.c */

struct evhttp_request;

void listen_answer(struct evhttp_request *request, void *sv);

/* listen_page.c: the page, as it stands in listen_page.html. */
extern const char listen_page[];
extern const size_t listen_page_size;

#endif
