/*
 * kin.h - the processes that workers start: their sessions, and the orphans that the kernel hands to
 * the launcher, their nearest subreaper, when a worker dies. They end with what started them.
 */
#ifndef SHMLINE_LAUNCHER_KIN_H
#define SHMLINE_LAUNCHER_KIN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Become the subreaper. Children that are there already are not ours and are left alone. 0, or -1 with
   errno. */
int kin_adopt(void);

/*
 * KILL the orphans of this session with their process groups; 0: of every session, for the end, when
 * all workers are gone. Returns how many were found. Their own children become orphans in turn, so it
 * is called again until none is.
 */
size_t kin_kill_orphans(pid_t session);

/* A signal for every process, whatever its group, whose session is_ours() says yes to. */
void kin_signal(bool (*is_ours)(pid_t session, void *context), void *context, int signal);

#endif
