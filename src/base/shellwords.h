/* shellwords.h - a command's words as a line that a shell would read back as them. */
#ifndef SHMLINE_SHELLWORDS_H
#define SHMLINE_SHELLWORDS_H

#include <stdio.h>

/* Without a newline. Words in which a shell would see more than themselves stand in single quotes. */
void shellwords_print(FILE *out, char *const *argv);

#endif
