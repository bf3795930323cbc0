/* letters.h - the file of dead letters: a JSON object a line for each item that died, and its story. */
#ifndef SHMLINE_LETTERS_H
#define SHMLINE_LETTERS_H

#include <stddef.h>

struct outcome;
struct ring_item;

struct letters {
	const char *path;
	int fd;
};

/* 0, or EXIT_CANT_CREATE after saying why. */
int letters_open(struct letters *letters, const char *path);

/* Append a letter, of a parcel one for each record; letters NULL: nothing. 0, or EXIT_IO after saying why. */
int letters_write(const struct letters *letters, const struct ring_item *item,
		  const struct outcome *outcome);

void letters_close(struct letters *letters);

#endif
