/* words.h - a line split into words as a shell would, without anything that a shell puts in their place. */
#ifndef SHMLINE_LAUNCHER_WORDS_H
#define SHMLINE_LAUNCHER_WORDS_H

/*
 * Blanks divide; '...' holds all together, "..." too but for \" and \\; a backslash keeps the byte behind
 * it. Returns an array that ends with NULL, its words behind it in one piece of memory that free() frees;
 * NULL with errno: EINVAL a quote is not closed, ENOMEM.
 */
char **words_split(const char *line);

#endif
