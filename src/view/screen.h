/*
 * screen.h - private to the views: the drawing that `ringctl top` and `launcher --watch` share, on the
 * terminal that terminal.h has taken. It fits any size from 40x10 up.
 */
#ifndef SHMLINE_VIEW_SCREEN_H
#define SHMLINE_VIEW_SCREEN_H

#include "src/view/history.h"
#include "src/view/terminal.h"

#define SCREEN_TEXT_LINES 8

enum screen_sort { SORT_NAME, SORT_RATE, SORT_AGE, SORT_DONE, SORTS };

struct screen {
	struct terminal terminal;
	enum screen_sort sort;
	bool is_paused;
	unsigned scrolled;		/* workers that are above the first that is shown */
	char message[160];		/* over the keys' line; "": none */
	uint64_t message_until_ns;
	char text[SCREEN_TEXT_LINES][240];	/* the last lines that others wrote; "": none */
	const char *keys, *keys_short;	/* what can be done: "s sort  q quit"; in 40 columns */
};

void screen_draw(struct screen *screen, const char *ring, struct snapshot *snapshot,
		 const struct history *history);

/* Say something for some seconds. */
void screen_say(struct screen *screen, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Keys that change only the drawing: sort, scroll, a new size. Was it one? */
bool screen_key(struct screen *screen, int key);

#endif
