/*
 * view_capture.h - private to the view: what the launcher and its workers write to a terminal that shows
 * the view. It goes to memory, is shown from there, and its last lines are written after all at the end.
 */
#ifndef SHMLINE_LAUNCHER_VIEW_CAPTURE_H
#define SHMLINE_LAUNCHER_VIEW_CAPTURE_H

#include "src/view/screen.h"

struct capture {
	int stream;		/* standard output or error */
	int before;		/* the terminal; -1: the stream is none, and goes where it went */
	int memory;
	off_t read_to;
	char line[sizeof(((struct screen *)0)->text[0])];	/* begun */
	size_t line_len;
};

/* 0, or -1 with errno. */
int capture_begin(struct capture *capture, int stream);

/* What has come since the last time, as the last lines of the screen. */
void capture_show(struct capture *capture, struct screen *screen);

/* The stream goes to the terminal again, and so do the last `keep` bytes. */
void capture_end(struct capture *capture, off_t keep);

#endif
