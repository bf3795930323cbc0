/*
 * diag.h - what the programs say of themselves: one line on standard error, written by one write,
 * beginning with the program's name. Nothing else in the programs writes to standard error.
 *
 *	producer: cannot open ring "jobs": layout version 2, this build reads 3
 */
#ifndef SHMLINE_DIAG_H
#define SHMLINE_DIAG_H

#include <stdbool.h>
#include <stddef.h>

#define DIAG_PRINTF(f, a) __attribute__((format(printf, f, a)))

enum diag_level { DIAG_QUIET = -1, DIAG_NORMAL = 0, DIAG_VERBOSE = 1 };

/* `program` is kept, not copied. Called first in main(). */
void diag_init(const char *program);
void diag_set_level(enum diag_level level);
enum diag_level diag_level(void);
const char *diag_program(void);

/* What could not be done, to which object, why. Said at every level. */
void diag_error(const char *format, ...) DIAG_PRINTF(1, 2);
/* What somebody should know though the work goes on. Not said when quiet. */
void diag_warn(const char *format, ...) DIAG_PRINTF(1, 2);
/* The course of a run: said unless quiet (info), said with -v (verbose). */
void diag_info(const char *format, ...) DIAG_PRINTF(1, 2);
void diag_verbose(const char *format, ...) DIAG_PRINTF(1, 2);

/* diag_error(), then exit(code). */
_Noreturn void diag_die(int code, const char *format, ...) DIAG_PRINTF(2, 3);

/* From now on lines go there and not to standard error, for who must not wait for its reader; false: it
   could not take the line. NULL: to standard error again. */
void diag_set_writer(bool (*write)(const char *line, size_t len));

/* Call `hook` before each line that is said: something may stand in its way. NULL: nothing. */
void diag_before_line(void (*hook)(void));

/*
 * Bytes from outside as they may be shown: `len` bytes made printable by strvis(3) (VIS_CSTYLE,
 * newlines too), cut with "..." to fit. Returns `buffer`.
 */
const char *diag_quote(char *buffer, size_t size, const void *bytes, size_t len);

/*
 * A ring call failed with errno: what could not be done, to which ring, why (ring_why(), which the
 * caller passes, or strerror), and the exit code that fits this errno. Returns that code.
 *	diag_ring_error("open", name, ring_why())   ->  cannot open ring "jobs": no such ring
 */
int diag_ring_error(const char *verb, const char *ring, const char *why);

/* SIGBUS and SIGABRT (a damaged segment) end the program with one line and EXIT_INTERNAL. */
void diag_catch_damage(void);

#endif
