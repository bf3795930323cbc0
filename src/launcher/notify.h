/*
 * notify.h - what a service manager is told, by datagrams to $NOTIFY_SOCKET (sd_notify(3)): ready, how
 * the line is, that it stops, that it lives, that it needs more time.
 */
#ifndef SHMLINE_LAUNCHER_NOTIFY_H
#define SHMLINE_LAUNCHER_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>

struct notifier;

enum notify_phase { NOTIFY_STARTING, NOTIFY_READY, NOTIFY_STOPPING };

/* The manager of this process, if there is one that wants to know; NULL: there is none. Takes its
   variables out of the environment, so that workers don't speak for us. */
struct notifier *notify_open(void);

/*
 * The phase now, and the line in words. Called every quarter of a second or so, it says what is new, that
 * we live as often as is wanted, and while stopping that more time is needed. Never waits. NULL is allowed.
 */
void notify_tell(struct notifier *notifier, uint64_t now_ns, enum notify_phase phase, const char *status);

void notify_close(struct notifier *notifier);

#endif
