/* program.h - whether a program is there to be run, said before anything is made. */
#ifndef SHMLINE_PROGRAM_H
#define SHMLINE_PROGRAM_H

/* `name` as execvp(3) finds it: 0, or errno (ENOENT: not found, EACCES: can't be executed). */
int program_check(const char *name);

#endif
