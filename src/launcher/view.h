/*
 * view.h - the live view of a run in the terminal, and what views have in common: one look at the line at
 * a time, whoever asks for it.
 */
#ifndef SHMLINE_LAUNCHER_VIEW_H
#define SHMLINE_LAUNCHER_VIEW_H

#include "src/view/history.h"

struct supervisor;
struct view;

/* ------------------------------------------------------------------ view_look.c */

/* Looks are at most this often: the line must not feel them. */
#define VIEW_FRAME_NS UINT64_C(250000000)

struct view_look {
	struct snapshot snapshot;
	struct history history;
	uint64_t next_ns;		/* not looked again before */
	uint64_t serial;		/* of the look, from 1 */
};

/* The line as it is now, or was a moment ago. NULL: it can't be read. */
struct view_look *view_look(struct supervisor *sv);
void view_look_free(struct view_look *look);

/* ------------------------------------------------------------------ view.c */

/*
 * With --watch, take the terminal; what is written to it meanwhile is shown in the view, and its last
 * lines again at the end. Before anything is written, or a signal caught. 0, or an exit code, and why
 * has been said.
 */
int view_open(struct view **view, bool wants_color);

/* From here on it is drawn. `view` NULL: there is none. */
void view_begin(struct view *view, struct supervisor *sv);
void view_end(struct view *view);

/* Around a stop of the launcher itself. */
void view_suspend(struct view *view);
void view_resume(struct view *view);

/* Give the terminal back. */
void view_close(struct view *view);

#endif
