/*
 * terminal.h - private to the views: the terminal while a view has it. It is left as it was, however the
 * program ends: a process of its own watches, and puts it right after a kill.
 */
#ifndef SHMLINE_VIEW_TERMINAL_H
#define SHMLINE_VIEW_TERMINAL_H

#include <stdbool.h>

struct terminal {
	bool is_utf8, has_color;
};

/*
 * Take the terminal that controls this process, whatever the standard streams are. Signals are heard as
 * before, but for TSTP, on which the terminal is given back meanwhile. 0, or -1 with errno (ENXIO: there
 * is none, ENOTSUP: one that can't move its cursor).
 * `messages` is a file in which the program keeps what it has to say meanwhile: if it is killed the end of
 * that is written to the terminal; -1: none.
 */
int terminal_open(struct terminal *terminal, bool wants_color, int messages);

/* Give it back; NULL-safe in that it does nothing when none was taken. */
void terminal_close(void);

/* Give it back for a while, as for a stop. */
void terminal_suspend(void);
void terminal_resume(void);

/* To wait for keys with; the next key, -1: none yet. */
int terminal_fd(void);
int terminal_key(void);

#endif
