/* shellwords.c - see shellwords.h. */
#include "src/base/shellwords.h"

#include <stdbool.h>
#include <string.h>

static bool is_plain(const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "-_=./:,+%@^";

	return *word && word[strspn(word, plain)] == '\0';
}

/* In single quotes, in which only they need care. */
static void print_quoted(FILE *out, const char *word)
{
	putc('\'', out);
	for (; *word; word++) {
		if (*word == '\'')
			fputs("'\\''", out);
		else
			putc(*word, out);
	}
	putc('\'', out);
}

void shellwords_print(FILE *out, char *const *argv)
{
	for (char *const *word = argv; *word; word++) {
		if (word != argv)
			putc(' ', out);
		if (is_plain(*word))
			fputs(*word, out);
		else
			print_quoted(out, *word);
	}
}
