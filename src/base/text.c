/* text.c - see text.h. */
#include "src/base/text.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

void text_add(struct text *text, const char *format, ...)
{
	bool fits = text->used < text->size;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(fits ? text->out + text->used : NULL, fits ? text->size - text->used : 0,
		      format, args);
	va_end(args);
	if (n > 0)
		text->used += (size_t)n;
}
