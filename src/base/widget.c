/* widget.c - see widget.h. */
#include "src/base/widget.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

size_t widget_format(const struct widget *widget, char text[WIDGET_TEXT_MAX])
{
	int n = snprintf(text, WIDGET_TEXT_MAX,
			 "widget %" PRIu64 " from producer %" PRIu64 " at %" PRIu64 " broken=%d",
			 widget->id, widget->producer, widget->made_ns, widget->is_broken);

	return (size_t)n;
}

/* The bytes that are still to be read. */
struct cursor {
	const char *at, *end;
};

static bool skip_word(struct cursor *cursor, const char *word)
{
	size_t len = strlen(word);

	if ((size_t)(cursor->end - cursor->at) < len || memcmp(cursor->at, word, len) != 0)
		return false;
	cursor->at += len;
	return true;
}

static bool read_number(struct cursor *cursor, uint64_t *number)
{
	const char *from = cursor->at;

	*number = 0;
	while (cursor->at < cursor->end && *cursor->at >= '0' && *cursor->at <= '9') {
		uint64_t digit = (uint64_t)(*cursor->at++ - '0');

		if (__builtin_mul_overflow(*number, 10, number) ||
		    __builtin_add_overflow(*number, digit, number))
			return false;
	}
	return cursor->at > from;
}

bool widget_parse(const void *bytes, size_t len, struct widget *widget)
{
	struct cursor cursor = { .at = bytes, .end = (const char *)bytes + len };
	struct widget read;
	uint64_t broken;

	if (len == 0 || !skip_word(&cursor, "widget ") || !read_number(&cursor, &read.id) ||
	    !skip_word(&cursor, " from producer ") || !read_number(&cursor, &read.producer) ||
	    !skip_word(&cursor, " at ") || !read_number(&cursor, &read.made_ns) ||
	    !skip_word(&cursor, " broken=") || !read_number(&cursor, &broken))
		return false;
	if (cursor.at != cursor.end || broken > 1)
		return false;
	read.is_broken = broken == 1;
	*widget = read;
	return true;
}
