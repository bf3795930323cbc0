/* standard.h - descriptors 0, 1 and 2, which a caller may have left closed. */
#ifndef SHMLINE_STANDARD_H
#define SHMLINE_STANDARD_H

/*
 * First thing in main(): what is closed is opened as something that nothing can be read from or
 * written to (EBADF), so that no file or ring comes to lie under these numbers. Messages vanish.
 */
void standard_reserve(void);

#endif
