/* show.c - see show.h. Every line is one that a shell would run as it stands. */
#include "src/consumer/show.h"

#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shm/ring.h"
#include "src/base/diag.h"
#include "src/base/exitcode.h"
#include "src/base/shellwords.h"
#include "src/consumer/command.h"

#define CONSUMER 1	/* {%}: any of them may get the item */

struct show {
	const struct sink_request *request;
	struct command_line line;
	struct ring_item *items;	/* of one run */
	size_t n;
	uint64_t id;
};

static int no_memory(void)
{
	diag_error("no memory for items");
	return EXIT_SYSTEM;
}

/* ------------------------------------------------------------------ one line */

/* As a format of printf(1), which can say every byte. */
static void print_bytes(const struct ring_item *item)
{
	const unsigned char *bytes = item->data;

	for (size_t i = 0; i < item->len; i++) {
		if (bytes[i] == '%')
			fputs("%%", stdout);
		else if (bytes[i] == '\0' || bytes[i] == '\\' || bytes[i] == '\'' || (bytes[i] == '-' && i == 0))
			printf("\\%03o", bytes[i]);
		else
			putchar(bytes[i]);
	}
}

static void print_input(const struct show *show)
{
	fputs("printf '", stdout);
	for (size_t i = 0; i < show->n; i++) {
		print_bytes(&show->items[i]);
		if (show->request->command.batch > 1)
			fputs(show->request->terminator ? "\\n" : "\\000", stdout);
	}
	fputs("' | ", stdout);
}

static int print_run(struct show *show)
{
	const struct command *command = &show->request->command;

	if (command_build(command, show->items, show->n, CONSUMER, &show->line) < 0)
		return no_memory();
	if (command->on_stdin)
		print_input(show);
	shellwords_print(stdout, show->line.argv);
	putchar('\n');
	return EXIT_OK;
}

static int flush(struct show *show)
{
	int code = show->n > 0 ? print_run(show) : EXIT_OK;

	while (show->n > 0)
		free(show->items[--show->n].data);
	return code;
}

/* ------------------------------------------------------------------ items */

static bool can_be_word(const struct show *show, const struct ring_item *item)
{
	return !command_has_item_words(&show->request->command) || !memchr(item->data, '\0', item->len);
}

static int add(struct show *show, void *bytes, size_t len)
{
	struct ring_item item = { .data = bytes, .len = len, .id = ++show->id };

	if (!can_be_word(show, &item)) {
		diag_warn("item %llu would be dead: it holds a NUL byte, which no argument can; use --stdin",
			  (unsigned long long)item.id);
		free(bytes);
		return EXIT_OK;
	}
	show->items[show->n++] = item;
	return show->n == show->request->command.batch ? flush(show) : EXIT_OK;
}

/* The next item's bytes; NULL: there is none, and *code says whether that is an error. */
static void *read_item(size_t *len, int *code)
{
	uint32_t length;
	void *bytes;

	if (fread(&length, sizeof(length), 1, stdin) != 1)
		return NULL;
	*len = le32toh(length);
	bytes = malloc(*len + 1);
	if (!bytes)
		*code = no_memory();
	if (!bytes || fread(bytes, 1, *len, stdin) == *len)
		return bytes;
	free(bytes);
	return NULL;
}

/* What is known is seen while the next item is waited for. */
static void flush_idle(void)
{
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };

	if (poll(&in, 1, 0) == 0)
		fflush(stdout);
}

static int show_runs(struct show *show)
{
	size_t len;
	void *bytes;
	int code = EXIT_OK;

	while (code == EXIT_OK && !ferror(stdout) && (bytes = read_item(&len, &code))) {
		code = add(show, bytes, len);
		flush_idle();
	}
	return code == EXIT_OK ? flush(show) : code;
}

static int show_lasting(struct show *show)
{
	if (command_build_lasting(&show->request->command, CONSUMER, &show->line) < 0)
		return no_memory();
	shellwords_print(stdout, show->line.argv);
	putchar('\n');
	return EXIT_OK;
}

int show_all(const struct settings *settings)
{
	struct show show = { .request = &settings->request };
	int code;

	show.items = calloc(settings->request.command.batch, sizeof(*show.items));
	if (!show.items)
		return no_memory();
	code = settings->sink == &worker_exec ? show_runs(&show) : show_lasting(&show);
	/* Who reads has seen enough: that is no error. */
	if (fflush(stdout) != 0 && errno != EPIPE && code == EXIT_OK) {
		diag_error("cannot write to standard output: %m");
		code = EXIT_IO;
	}
	free(show.items);
	command_line_free(&show.line);
	return code;
}
