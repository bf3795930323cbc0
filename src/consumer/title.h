/*
 * title.h - what ps shows of a consumer under a launcher: what it works on and since when, then the
 * command line it was started with.
 *
 *	consumer 3: item 1841, 2.1s | /usr/bin/shmline-consumer --ring=jobs --number=3 ...
 */
#ifndef SHMLINE_TITLE_H
#define SHMLINE_TITLE_H

/* Called first in main(): the title takes the place of the arguments. */
void title_keep(int argc, char **argv);

/* From now on it is shown, as that of consumer `number`. */
void title_begin(unsigned number);

/* It works on this ("item 1841"); "" for nothing. Kept, not copied beyond 31 bytes. */
void title_work_on(const char *what);

/* Show how long by now. */
void title_refresh(void);

#endif
