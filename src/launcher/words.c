/* words.c - see words.h. */
#include "src/launcher/words.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static const char blanks[] = " \t\n";

/* Copy what stands in quotes, from behind the first to behind the second. NULL: there is no second. */
static const char *copy_quoted(const char *from, char quote, char **to)
{
	for (; *from && *from != quote; from++) {
		if (quote == '"' && from[0] == '\\' && (from[1] == '"' || from[1] == '\\'))
			from++;
		*(*to)++ = *from;
	}
	return *from ? from + 1 : NULL;
}

static const char *copy_word(const char *from, char **to)
{
	while (from && *from && !strchr(blanks, *from)) {
		if (*from == '\'' || *from == '"') {
			from = copy_quoted(from + 1, *from, to);
		} else {
			if (from[0] == '\\' && from[1])
				from++;
			*(*to)++ = *from++;
		}
	}
	*(*to)++ = '\0';
	return from;
}

/* A word takes a blank, the last one the end; so no line has more words than half its bytes. */
char **words_split(const char *line)
{
	size_t len = strlen(line), most = len / 2 + 2, n = 0;
	char **words = malloc(most * sizeof(*words) + len + 1), *to;

	if (!words)
		return NULL;
	to = (char *)(words + most);
	for (line += strspn(line, blanks); *line; line += strspn(line, blanks)) {
		words[n++] = to;
		line = copy_word(line, &to);
		if (!line) {
			free(words);
			errno = EINVAL;
			return NULL;
		}
	}
	words[n] = NULL;
	return words;
}
