/*
 * kin.h - the processes below one: its children, found and ended, and all that hangs from them, for a
 * signal to the whole line.
 */
#ifndef SHMLINE_LAUNCHER_KIN_H
#define SHMLINE_LAUNCHER_KIN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Become the subreaper. Children that are there already are not ours and are left alone. 0, or -1 with
   errno. */
int kin_adopt(void);

/* Was this child there before kin_adopt()? */
bool kin_is_inherited(pid_t child);

/*
 * KILL our children, with their process groups, but those that are spared. Returns how many were found.
 * Their own children become ours in turn, so it is called again until none is.
 */
size_t kin_kill_children(bool (*is_spared)(pid_t child, const void *context), const void *context);

/* A signal for every process below `root`, whatever its group or session. */
void kin_signal(pid_t root, int signal);

#endif
