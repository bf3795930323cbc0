/* sinks.c - the lists of sinks and of worker protocols: finding one by name, and how they are shown. */
#include "src/consumer/sink.h"

#include <stdio.h>
#include <string.h>

static const struct sink *const sinks[] = {
	&sink_log, &sink_null, &sink_stdout, &sink_sqlite, &sink_postgres, &worker_exec, NULL,
};
static const struct sink *const workers[] = {
	&worker_exec, &worker_lines, &worker_nul, &worker_len32, &worker_stream, NULL,
};

/* "sqlite:FILE" */
static int show_form(char *out, size_t size, const struct sink *sink)
{
	if (!sink->arg)
		return snprintf(out, size, "%s", sink->name);
	return snprintf(out, size, sink->arg_needed ? "%s:%s" : "%s[:%s]", sink->name, sink->arg);
}

static const char *known_forms(const struct sink *const *list)
{
	static char text[256];
	size_t used = 0;

	for (size_t i = 0; list[i] && used < sizeof(text); i++) {
		const char *joint = i == 0 ? "" : list[i + 1] ? ", " : " or ";

		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s", joint);
		if (used < sizeof(text))
			used += (size_t)show_form(text + used, sizeof(text) - used, list[i]);
	}
	return text;
}

static void list_into(char *text, size_t size, const struct sink *const *list)
{
	size_t used = 0;

	for (size_t i = 0; list[i] && used < size; i++) {
		char form[64];

		show_form(form, sizeof(form), list[i]);
		used += (size_t)snprintf(text + used, size - used, "  %-10s %s\n", form,
					 list[i]->help);
	}
}

const char *sink_list(void)
{
	static char text[1024];

	list_into(text, sizeof(text), sinks);
	return text;
}

const char *worker_list(void)
{
	static char text[1024];

	list_into(text, sizeof(text), workers);
	return text;
}

static const struct sink *find(const struct sink *const *list, const char *text, const char **arg,
			       const char **expected)
{
	size_t len = strcspn(text, ":");
	const char *behind = text[len] == ':' ? text + len + 1 : NULL;

	*expected = known_forms(list);
	for (; *list; list++) {
		const struct sink *sink = *list;

		if (strncmp(sink->name, text, len) != 0 || sink->name[len] != '\0')
			continue;
		if ((behind && (!sink->arg || !*behind)) || (!behind && sink->arg_needed))
			return NULL;
		*arg = behind;
		return sink;
	}
	return NULL;
}

const struct sink *sink_find(const char *text, const char **arg, const char **expected)
{
	return find(sinks, text, arg, expected);
}

const struct sink *worker_find(const char *text, const char **expected)
{
	const char *none;

	return find(workers, text, &none, expected);
}
