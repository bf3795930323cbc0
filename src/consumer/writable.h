/* writable.h - whether a file can be appended to, asked without making it. */
#ifndef SHMLINE_WRITABLE_H
#define SHMLINE_WRITABLE_H

/* `option` is the one that named it, for the message; path NULL: no file. 0 or EXIT_CANT_CREATE. */
int writable_check(const char *option, const char *path);

#endif
