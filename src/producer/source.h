/*
 * source.h - the contract of a source: where a producer's items come from. A new one is a file
 * source_NAME.c with a `const struct source`, and a line in sources.c.
 */
#ifndef SHMLINE_SOURCE_H
#define SHMLINE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ring;

/* What the user asked for. It outlives the source, which may point to it. */
struct source_request {
	const char *arg;		/* of --source KIND:ARG; NULL: none */
	const char *const *files;	/* ARG of a source that reads files, --arg-file, operands */
	size_t n_files;
	int delimiter;			/* -d as a byte; -1: the source's own */
	unsigned number;		/* this producer's among those that share the source, from 1; 0: alone */
	unsigned lanes;			/* how many share it */
	uint64_t limit;			/* generated items in all, over every producer; 0: no end */
	uint64_t broken;		/* the widget that is broken; 0: none */
	uint64_t work_ns;		/* time that making one takes */
	size_t item_max;		/* of records that are only looked at; else the ring says it */
};

struct record {
	const void *data;	/* valid until the next call of the source */
	size_t len;		/* above the ring's item_max: too long, and only len is of use */
	bool is_cut;		/* too long, and its end was not even seen: len is what was */
	uint64_t mark;		/* for the item's mark; 0: none */
	const char *from;	/* the file it comes from, for source_show_file(); NULL: no file */
	uint64_t offset;	/* where in that file it begins */
	uint32_t run;		/* 0: one record, without what delimits it. Else so many, one behind the
				   other and each with its delimiter; the mark is the last one's */
};

enum source_result {
	SOURCE_RECORD,
	SOURCE_WAIT,	/* nothing yet, after at most a quarter of a second, or a signal came */
	SOURCE_END,
	SOURCE_FAILED,	/* said with diag.h; *code is the exit code */
};

struct source {
	const char *name;
	const char *arg;	/* what stands behind the colon, for help: "COMMAND"; NULL: nothing may */
	const char *help;	/* one clause */
	bool arg_needed;
	bool reads_files;	/* FILE operands, -a; ARG is one more FILE */
	bool has_delimiter;	/* -d */
	bool is_generated;	/* makes items itself, as many as it is told */
	bool has_broken;	/* -k */
	bool has_work;		/* --invoice-work */

	/*
	 * Check the request and get ready, creating nothing; the ring is not there yet. Returns 0, or
	 * an exit code after saying why. *state is NULL before; what it is set to is closed, also when
	 * the open failed.
	 */
	int (*open)(const struct source_request *request, void **state);
	/* The ring is there. `mark` is how far a producer of this number came before; 0: nowhere.
	   0, or an exit code after saying why. ring NULL: records are only looked at (reads_files). */
	int (*attach)(void *state, struct ring *ring, uint64_t mark);
	/* The next record. Doesn't wait for longer than SOURCE_WAIT says. */
	enum source_result (*next)(void *state, struct record *record, int *code);
	/* The same, with those behind it that have been read already: up to `most` in all, in no more
	   bytes than an item may have, if `delimiter` is what ends them. NULL: there are never such. */
	enum source_result (*next_run)(void *state, char delimiter, uint32_t most,
				       struct record *record, int *code);
	/* The same, each by itself: *n of them, of at most `max`, all valid until the next call. Only the
	   first may be too long. NULL: as above. */
	enum source_result (*next_many)(void *state, struct record *records, uint32_t max, uint32_t *n,
					int *code);
	void (*close)(void *state);
};

extern const struct source source_widgets, source_invoices;
extern const struct source source_lines, source_nul, source_len32, source_exec;

/*
 * Find the source that "KIND" or "KIND:ARG" names, and *arg (NULL: none). NULL when there is none or
 * its ARG is missing or too much; then *expected says what was expected. Both point to static memory
 * or into `text`.
 */
const struct source *source_find(const char *text, const char **arg, const char **expected);

/* The record, the number-th of all, is too long. Says so, and returns the exit code. */
int source_refuse_length(const struct source *source, const struct record *record, uint64_t number,
			 size_t item_max);

/* A file's name as messages say it, quoted, or "standard input" for "-". In static memory. */
const char *source_show_file(const char *file);

/* Every source with its help, a line each, for --help. */
const char *source_list(void);

#endif
