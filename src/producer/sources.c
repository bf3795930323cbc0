/* sources.c - the list of sources: finding one by name, and how they are shown. */
#include "src/producer/source.h"

#include <stdio.h>
#include <string.h>

#include "src/base/diag.h"
#include "src/base/exitcode.h"

static const struct source *const sources[] = {
	&source_widgets, &source_invoices, &source_lines, &source_nul, &source_len32, &source_exec,
};

#define SOURCES (sizeof(sources) / sizeof(sources[0]))

/* "lines[:FILE]" */
static int show_form(char *out, size_t size, const struct source *source)
{
	if (!source->arg)
		return snprintf(out, size, "%s", source->name);
	return snprintf(out, size, source->arg_needed ? "%s:%s" : "%s[:%s]", source->name,
			source->arg);
}

static const char *known_forms(void)
{
	static char text[256];
	size_t used = 0;

	for (size_t i = 0; i < SOURCES && used < sizeof(text); i++) {
		const char *joint = i == 0 ? "" : i + 1 < SOURCES ? ", " : " or ";

		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s", joint);
		if (used < sizeof(text))
			used += (size_t)show_form(text + used, sizeof(text) - used, sources[i]);
	}
	return text;
}

const char *source_list(void)
{
	static char text[1024];
	size_t used = 0;

	for (size_t i = 0; i < SOURCES && used < sizeof(text); i++) {
		char form[64];

		show_form(form, sizeof(form), sources[i]);
		used += (size_t)snprintf(text + used, sizeof(text) - used, "  %-18s %s\n", form,
					 sources[i]->help);
	}
	return text;
}

const struct source *source_find(const char *text, const char **arg, const char **expected)
{
	size_t len = strcspn(text, ":");
	const char *behind = text[len] == ':' ? text + len + 1 : NULL;

	*expected = known_forms();
	for (size_t i = 0; i < SOURCES; i++) {
		const struct source *source = sources[i];

		if (strncmp(source->name, text, len) != 0 || source->name[len] != '\0')
			continue;
		if ((behind && (!source->arg || !*behind)) || (!behind && source->arg_needed))
			return NULL;
		*arg = behind;
		return source;
	}
	return NULL;
}

int source_refuse_length(const struct source *source, const struct record *record, uint64_t number,
			 size_t item_max)
{
	const char *from = record->from ? source_show_file(record->from) : source->name;

	diag_error("%s: record %llu, at byte %llu, has %s%zu bytes, more than the ring's %zu (--item-max)",
		   from, (unsigned long long)number, (unsigned long long)record->offset,
		   record->is_cut ? "at least " : "", record->len, item_max);
	return EXIT_BAD_DATA;
}

const char *source_show_file(const char *file)
{
	static char text[512];

	if (strcmp(file, "-") == 0)
		return "standard input";
	text[0] = '"';
	diag_quote(text + 1, sizeof(text) - 2, file, strlen(file));
	return strcat(text, "\"");
}
