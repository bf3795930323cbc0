/*
 * logs.h - the workers' standard output and error: a pipe each, read by the loop, passed on as whole
 * lines. A worker that floods is held back by its own pipe, never by the others' and never by growing
 * memory.
 */
#ifndef SHMLINE_LAUNCHER_LOGS_H
#define SHMLINE_LAUNCHER_LOGS_H

#include <stdbool.h>
#include <stddef.h>

#include "src/launcher/output.h"

struct event_base;
struct logs;
struct log;

struct logs_options {
	const char *dir;	/* a file for each worker in there; NULL: the launcher's own streams */
	struct output_rotation rotation;	/* of these files */
	bool tag;		/* "consumer 3 | " before each line */
	bool color_out, color_err;	/* tags in colour on that stream */
	char terminator;	/* of a line on standard output */
	bool has_lengths;	/* what comes there are no lines, but records with 4 bytes of length */
	size_t line_max;	/* longer lines are passed on in pieces */
	/* The launcher's standard output can't be written any more. (Elsewhere lines just go missing.) */
	void (*out_broken)(int error, void *context);
	/* Before something is written to the launcher's own streams. NULL: nobody wants to know. */
	void (*writes)(void);
	void *context;
};

/* NULL with errno. */
struct logs *logs_open(struct event_base *base, const struct logs_options *options);

/* A worker called `name` starts: *out and *err are the write ends for it, to be closed when it has
   them. The log lives until it is released and both pipes have ended. NULL with errno. */
struct log *logs_add(struct logs *logs, const char *name, int *out, int *err);

/*
 * A pipe to standard output that workers share who take turns themselves: pipes side by side would lose
 * their order. It is opened when it is first asked for, and has no tags. The write end, which stays the
 * logs' own; -1 with errno.
 */
int logs_common_out(struct logs *logs);

/* No worker will write to it any more. Without one that is open, nothing. */
void logs_end_common(struct logs *logs);

/* The last lines on standard error, as far as they have come, made fit to be shown. */
const char *log_last_lines(struct log *log, char *buffer, size_t size);

void log_release(struct log *log);

/* The launcher's own messages go to standard error in their turn, by the loop; or again directly. When
   nobody reads there, those beyond a few hundred are lost: the loop never waits. */
void logs_take_messages(struct logs *logs, bool take);

/* Has everything that workers wrote been passed on? */
bool logs_are_done(const struct logs *logs);

/* Frees it all, whatever stands in the pipes. NULL is allowed. */
void logs_close(struct logs *logs);

#endif
