/*
 * command.h - COMMAND and how items get into it. Pure but for memory.
 *
 * {} is the item, {#} its id, {%} the consumer's number, wherever they stand in a word. Of a run with
 * several items, a word with {} is repeated for each, and {#} elsewhere is the first one's. Without {}
 * the items follow as the last words, unless they go to standard input.
 *
 * A shell gets items as its positional parameters, and {} in its text becomes "$1" ("$@" for several):
 * whatever an item holds, it is never read as shell code.
 */
#ifndef SHMLINE_COMMAND_H
#define SHMLINE_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

struct ring_item;

struct command {
	char *const *words;	/* ends with NULL; NULL: there is no COMMAND */
	bool is_shell;		/* the words, joined by blanks, are run by sh -c */
	bool on_stdin;
	size_t batch;		/* items of a run, at most */
};

/* The words of a run, in memory that the next one uses again. */
struct command_line {
	char **argv;
	size_t n, argv_size;
	char *text;
	size_t used, text_size;
	bool no_memory;
};

/* Do the items' bytes become arguments, which can't hold a NUL byte? */
bool command_has_item_words(const struct command *command);

/* 0, or -1 without memory. The items' bytes must be free of NUL if they become arguments. */
int command_build(const struct command *command, const struct ring_item *items, size_t n,
		  unsigned consumer, struct command_line *line);

/* The words of a process that outlives its items: {%} has its value, {} and {#} mean nothing and stay. */
int command_build_lasting(const struct command *command, unsigned consumer,
			  struct command_line *line);

void command_line_free(struct command_line *line);

#endif
