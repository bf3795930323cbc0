/*
 * widget.h - the widget: what the built-in source makes and the log sink knows how to read. As an
 * item it is one line of text without its newline:
 *
 *	widget 7 from producer 2 at 1700000000123456789 broken=0
 */
#ifndef SHMLINE_WIDGET_H
#define SHMLINE_WIDGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct widget {
	uint64_t id;		/* from 1, unique across the producers of a ring */
	uint64_t producer;	/* its number */
	uint64_t made_ns;	/* wall clock, since 1970 */
	bool is_broken;
};

#define WIDGET_TEXT_MAX 112	/* bytes of the longest, with the end */

/* Returns the length without the end. */
size_t widget_format(const struct widget *widget, char text[WIDGET_TEXT_MAX]);

/* Is this exactly a widget? Then it is in *widget. */
bool widget_parse(const void *bytes, size_t len, struct widget *widget);

#endif
