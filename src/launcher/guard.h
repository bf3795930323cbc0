/*
 * guard.h - the process between the launcher and its workers. It starts them, and it outlives a
 * launcher that is killed just long enough to end all that they are and have started.
 *
 *	launcher --- guard --+-- producer 1
 *	                     +-- consumer 1 --- COMMAND ...
 *
 * A child of a process that dies is handed to the next subreaper above it. Every worker is one, so what
 * it starts stays below it, in whatever group or session, and comes to the guard when the worker dies:
 * a child of the guard that is no worker is an orphan, and is killed. The guard holds the launcher's
 * life by a socket, of which the launcher alone has the other end. Workers hold the guard's by the
 * parent-death signal, which the guard, having one thread, may set. The launcher is a subreaper too, so
 * that a guard that is killed leaves its orphans to it.
 */
#ifndef SHMLINE_LAUNCHER_GUARD_H
#define SHMLINE_LAUNCHER_GUARD_H

#include <stdbool.h>
#include <sys/types.h>

#include "src/launcher/team.h"

struct guard;

/* How a worker ended, as waitid(2) says it. */
struct guard_end {
	pid_t pid;
	int code;		/* CLD_EXITED, or killed */
	int status;		/* exit code or signal */
};

/* Fork a guard for workers of these teams, which it keeps as they are now. NULL with errno. */
struct guard *guard_open(const struct teams *teams);

/*
 * Start worker `number` of a team, with standard input, output and error. Its session and process group
 * have its pid. -1 with errno; EPIPE: the guard is gone, and with it all its workers.
 */
pid_t guard_start(struct guard *guard, const struct team *team, unsigned number, const int fds[3]);

/* Signal a worker, or its process group; one that has ended, whoever has its number now, gets none. */
void guard_signal(struct guard *guard, pid_t pid, int signal, bool group);

/* Readable when a worker has ended, and when the guard is gone. */
int guard_fd(const struct guard *guard);

/* The next worker that has ended. 1, 0 when there is none now, -1 when the guard is gone. */
int guard_next_end(struct guard *guard, struct guard_end *end);

/* Tell it to end, with all that is left of the workers. Its own end comes as SIGCHLD. */
void guard_dismiss(struct guard *guard);

pid_t guard_pid(const struct guard *guard);

/* Dismisses it, waits for it, and frees the handle. NULL is allowed. */
void guard_close(struct guard *guard);

#endif
