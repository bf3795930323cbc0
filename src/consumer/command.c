/* command.c - see command.h. */
#include "src/consumer/command.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shm/ring.h"

/* ------------------------------------------------------------------ words in memory */

static char *grow(struct command_line *line, size_t more)
{
	size_t size = line->text_size;
	char *text;

	if (line->text_size - line->used >= more)
		return line->text + line->used;
	while (size - line->used < more)
		size = size ? 2 * size : 4096;
	text = realloc(line->text, size);
	if (!text) {
		line->no_memory = true;
		return NULL;
	}
	line->text = text;
	line->text_size = size;
	return text + line->used;
}

static void add_bytes(struct command_line *line, const void *bytes, size_t len)
{
	char *to = grow(line, len);

	if (!to || len == 0)
		return;
	memcpy(to, bytes, len);
	line->used += len;
}

static void add_text(struct command_line *line, const char *text)
{
	add_bytes(line, text, strlen(text));
}

static void add_number(struct command_line *line, uint64_t number)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, number);
	add_text(line, text);
}

/* Begin a word: argv holds offsets into text until all is there, for text may move. */
static void begin_word(struct command_line *line)
{
	if (line->n + 2 > line->argv_size) {
		size_t size = line->argv_size ? 2 * line->argv_size : 64;
		char **argv = reallocarray(line->argv, size, sizeof(*argv));

		if (!argv) {
			line->no_memory = true;
			return;
		}
		line->argv = argv;
		line->argv_size = size;
	}
	line->argv[line->n++] = (char *)(uintptr_t)line->used;
}

static void end_word(struct command_line *line)
{
	add_bytes(line, "", 1);
}

static void finish(struct command_line *line)
{
	for (size_t i = 0; i < line->n; i++)
		line->argv[i] = line->text + (uintptr_t)line->argv[i];
	line->argv[line->n] = NULL;
}

void command_line_free(struct command_line *line)
{
	free(line->argv);
	free(line->text);
}

/* ------------------------------------------------------------------ placeholders */

struct values {
	const struct ring_item *item;	/* NULL: {} and {#} are left as they stand */
	const char *shell;	/* what {} is in a shell's text; NULL: the item itself */
	unsigned consumer;
};

/* `text` begins with a placeholder: add its value, and return what is behind it. Else NULL. */
static const char *expand_one(struct command_line *line, const char *text,
			      const struct values *values)
{
	if (values->item && strncmp(text, "{}", 2) == 0) {
		if (values->shell)
			add_text(line, values->shell);
		else
			add_bytes(line, values->item->data, values->item->len);
		return text + 2;
	}
	if (values->item && strncmp(text, "{#}", 3) == 0) {
		add_number(line, values->item->id);
		return text + 3;
	}
	if (strncmp(text, "{%}", 3) == 0) {
		add_number(line, values->consumer);
		return text + 3;
	}
	return NULL;
}

static void expand(struct command_line *line, const char *text, const struct values *values)
{
	while (*text) {
		const char *behind = expand_one(line, text, values);

		if (!behind) {
			size_t plain = 1 + strcspn(text + 1, "{");

			add_bytes(line, text, plain);
			behind = text + plain;
		}
		text = behind;
	}
}

static bool has_item(const char *word)
{
	return strstr(word, "{}") != NULL;
}

static bool any_has_item(const struct command *command)
{
	for (char *const *word = command->words; *word; word++)
		if (has_item(*word))
			return true;
	return false;
}

bool command_has_item_words(const struct command *command)
{
	return !command->on_stdin || any_has_item(command);
}

/* ------------------------------------------------------------------ the two forms */

static void add_word(struct command_line *line, const char *word, const struct values *values)
{
	begin_word(line);
	expand(line, word, values);
	end_word(line);
}

static void add_items(struct command_line *line, const char *word, const struct ring_item *items,
		      size_t n, unsigned consumer)
{
	for (size_t i = 0; i < n; i++) {
		const struct values values = { .item = &items[i], .consumer = consumer };

		add_word(line, word, &values);
	}
}

static void build_direct(const struct command *command, const struct ring_item *items, size_t n,
			 unsigned consumer, struct command_line *line)
{
	for (char *const *word = command->words; *word; word++)
		add_items(line, *word, items, has_item(*word) ? n : 1, consumer);
	if (!command->on_stdin && !any_has_item(command))
		add_items(line, "{}", items, n, consumer);
}

/* The text of sh -c: the words, joined. */
static void add_script(struct command_line *line, const struct command *command,
		       const struct values *values)
{
	for (char *const *word = command->words; *word; word++) {
		expand(line, *word, values);
		add_text(line, word[1] ? " " : "");
	}
}

static void build_shell(const struct command *command, const struct ring_item *items, size_t n,
			unsigned consumer, struct command_line *line)
{
	const char *parameters = command->batch > 1 ? "\"$@\"" : "\"$1\"";
	const struct values values = { .item = items, .shell = parameters, .consumer = consumer };

	add_word(line, "sh", &values);
	add_word(line, "-c", &values);
	begin_word(line);
	add_script(line, command, &values);
	if (!command->on_stdin && !any_has_item(command)) {
		add_text(line, " ");
		add_text(line, parameters);
	}
	end_word(line);
	add_word(line, "sh", &values);	/* $0 */
	if (command_has_item_words(command))
		add_items(line, "{}", items, n, consumer);
}

static void begin(struct command_line *line)
{
	line->n = line->used = 0;
	line->no_memory = false;
}

static int end(struct command_line *line)
{
	if (line->no_memory)
		return -1;
	finish(line);
	return 0;
}

int command_build(const struct command *command, const struct ring_item *items, size_t n,
		  unsigned consumer, struct command_line *line)
{
	begin(line);
	if (command->is_shell)
		build_shell(command, items, n, consumer, line);
	else
		build_direct(command, items, n, consumer, line);
	return end(line);
}

int command_build_lasting(const struct command *command, unsigned consumer,
			  struct command_line *line)
{
	const struct values values = { .consumer = consumer };

	begin(line);
	if (command->is_shell) {
		add_word(line, "sh", &values);
		add_word(line, "-c", &values);
		begin_word(line);
		add_script(line, command, &values);
		end_word(line);
		add_word(line, "sh", &values);
	} else {
		for (char *const *word = command->words; *word; word++)
			add_word(line, *word, &values);
	}
	return end(line);
}
