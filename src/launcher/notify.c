/* notify.c - see notify.h. */
#include "src/launcher/notify.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "src/base/quantity.h"

#define NS_PER_US 1000
#define NS_PER_S UINT64_C(1000000000)

/* How often the words may change, and how often more time is asked for, each time so much. */
#define STATUS_NS NS_PER_S
#define EXTEND_NS NS_PER_S
#define EXTEND_US 10000000

#define STATUS_BYTES 192

struct notifier {
	int fd;
	enum notify_phase phase;	/* that was told */
	uint64_t watchdog_ns;		/* 0: nobody watches */
	uint64_t alive_ns, status_ns, extend_ns;	/* when it was told last */
	char status[STATUS_BYTES];
};

/* "/run/systemd/notify", or "@name" for one that is in no directory. */
static int connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t len = strlen(path);
	int fd;

	if ((path[0] != '/' && path[0] != '@') || len < 2 || len >= sizeof(address.sun_path))
		return -1;
	memcpy(address.sun_path, path, len);
	if (path[0] == '@')
		address.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address,
			       (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* WATCHDOG_PID names the process that is watched, when not every one is that has the variable. */
static uint64_t watchdog_ns(void)
{
	const char *usec = getenv("WATCHDOG_USEC"), *watched = getenv("WATCHDOG_PID");
	uint64_t us, pid;

	if (!usec || quantity_count(usec, 1, UINT64_MAX / NS_PER_US, &us) < 0)
		return 0;
	if (watched && (quantity_count(watched, 1, INT32_MAX, &pid) < 0 || (pid_t)pid != getpid()))
		return 0;
	return us * NS_PER_US;
}

struct notifier *notify_open(void)
{
	const char *path = getenv("NOTIFY_SOCKET");
	int fd = path ? connect_to(path) : -1;
	struct notifier *notifier = fd >= 0 ? calloc(1, sizeof(*notifier)) : NULL;

	if (notifier) {
		notifier->fd = fd;
		notifier->watchdog_ns = watchdog_ns();
	} else if (fd >= 0) {
		close(fd);
	}
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	return notifier;
}

/* A manager that does not listen just now is told again later. */
static bool say(struct notifier *notifier, const char *text)
{
	return send(notifier->fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}

static void tell_phase(struct notifier *notifier, enum notify_phase phase)
{
	if (phase == notifier->phase)
		return;
	if (notifier->phase == NOTIFY_STARTING && !say(notifier, "READY=1"))
		return;
	notifier->phase = NOTIFY_READY;
	if (phase == NOTIFY_STOPPING && say(notifier, "STOPPING=1"))
		notifier->phase = phase;
}

/* "draining: ..." is followed by "stopping: ..." at once, by other numbers a second later. */
static bool is_other_state(const char *status, const char *before)
{
	size_t len = strcspn(status, ":");

	return strcspn(before, ":") != len || strncmp(status, before, len) != 0;
}

static void tell_status(struct notifier *notifier, uint64_t now_ns, const char *status)
{
	char text[STATUS_BYTES + 16];

	if (strcmp(status, notifier->status) == 0 ||
	    (!is_other_state(status, notifier->status) && now_ns - notifier->status_ns < STATUS_NS))
		return;
	snprintf(text, sizeof(text), "STATUS=%.*s", STATUS_BYTES - 1, status);
	if (!say(notifier, text))
		return;
	snprintf(notifier->status, sizeof(notifier->status), "%s", status);
	notifier->status_ns = now_ns;
}

/* Twice as often as is wanted, as sd_watchdog_enabled(3) recommends. */
static void tell_alive(struct notifier *notifier, uint64_t now_ns)
{
	if (notifier->watchdog_ns > 0 && now_ns - notifier->alive_ns >= notifier->watchdog_ns / 3 &&
	    say(notifier, "WATCHDOG=1"))
		notifier->alive_ns = now_ns;
}

static void ask_for_time(struct notifier *notifier, uint64_t now_ns)
{
	char text[48];

	if (notifier->phase != NOTIFY_STOPPING || now_ns - notifier->extend_ns < EXTEND_NS)
		return;
	snprintf(text, sizeof(text), "EXTEND_TIMEOUT_USEC=%d", EXTEND_US);
	if (say(notifier, text))
		notifier->extend_ns = now_ns;
}

void notify_tell(struct notifier *notifier, uint64_t now_ns, enum notify_phase phase, const char *status)
{
	if (!notifier)
		return;
	tell_phase(notifier, phase);
	tell_status(notifier, now_ns, status);
	tell_alive(notifier, now_ns);
	ask_for_time(notifier, now_ns);
}

void notify_close(struct notifier *notifier)
{
	if (!notifier)
		return;
	close(notifier->fd);
	free(notifier);
}
