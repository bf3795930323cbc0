/* text.h - text that grows piece by piece in a buffer, counted on when the buffer is full. */
#ifndef SHMLINE_TEXT_H
#define SHMLINE_TEXT_H

#include <stddef.h>

/* Set out and size. `used` is what would have been written, as snprintf(3) counts. */
struct text {
	char *out;
	size_t size, used;
};

void text_add(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
