/*
 * interrupt.h - the signals that ask a worker to end. They are noted, they end whatever wait the
 * program is in, and the program looks for them between its steps.
 *
 * A signal that comes between such a look and the wait behind it would be slept through; so once
 * one has come, a timer interrupts every wait again, many times a second, until the program has ended.
 */
#ifndef SHMLINE_INTERRUPT_H
#define SHMLINE_INTERRUPT_H

#include <stdbool.h>
#include <stdint.h>

/*
 * From now on: INT, TERM and HUP (unless they were ignored, as under nohup) are noted as requests to
 * end, USR1 as a request to leave after the item in hand; PIPE is ignored, so that a write says EPIPE.
 * A third request to end ends the program at once, wherever it hangs.
 */
void interrupt_catch(void);

/* The first INT, TERM or HUP that came; 0: none. */
int interrupt_signal(void);

/* How many of them came. */
int interrupt_count(void);

/* Did USR1, or any of them, come? */
bool interrupt_wants_leave(void);

/* Sleep for `ns`, or less: until a signal comes, and never longer than a quarter of a second, so that
   the caller can look round. */
void interrupt_nap(uint64_t ns);

#endif
