/* config.c - see config.h. The form is libinih's; what keys mean is settings_file.c's business. */
#include "src/launcher/config.h"

#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/diag.h"
#include "src/base/exitcode.h"

/* The file being read. The library tells no line numbers, and nothing of sections without keys. */
struct reading {
	struct config *config;
	FILE *file;
	unsigned line;
	bool is_indented;		/* it may go on with the value of the one before */
};

void config_refuse(const struct config *config, unsigned line, const char *format, ...)
{
	char text[2048];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	diag_die(EXIT_BAD_USAGE, "%s:%u: %s", config->path, line, text);
}

static void *grow(void *array, size_t count, size_t size)
{
	void *grown = reallocarray(array, count + 1, size);

	if (!grown)
		diag_die(EXIT_SYSTEM, "no memory for the configuration");
	memset((char *)grown + count * size, 0, size);
	return grown;
}

static char *copy(const char *text)
{
	char *copied = strdup(text);

	if (!copied)
		diag_die(EXIT_SYSTEM, "no memory for the configuration");
	return copied;
}

/* ---------------------------------------------------------------- lines */

static void note_section(struct reading *reading, const char *bracket)
{
	struct config *config = reading->config;
	const char *end = strchr(bracket, ']');
	struct config_section *section;

	if (!end)
		return;		/* the library says so */
	config->sections = grow(config->sections, config->count, sizeof(*config->sections));
	section = &config->sections[config->count++];
	section->line = reading->line;
	section->name = strndup(bracket + 1, (size_t)(end - bracket - 1));
	for (size_t i = 0; section->name && i + 1 < config->count; i++)
		if (strcmp(config->sections[i].name, section->name) == 0)
			config_refuse(config, section->line, "[%s]: it is there already, in line %u",
				      section->name, config->sections[i].line);
}

static char *read_line(char *line, int size, void *context)
{
	struct reading *reading = context;
	const char *start = fgets(line, size, reading->file);

	if (!start)
		return NULL;
	reading->line++;
	if (strlen(line) + 1 == (size_t)size && !strchr(line, '\n'))
		config_refuse(reading->config, reading->line,
			      "longer than %d bytes: expected the rest in lines that begin with a blank", size - 2);
	reading->is_indented = *start == ' ' || *start == '\t';
	if (*start == '[')
		note_section(reading, start);
	return line;
}

/* ---------------------------------------------------------------- keys */

/* A line that begins with a blank goes on with the value of the one before. */
static void append(struct config_key *key, const char *value)
{
	char *joined;

	if (asprintf(&joined, "%s %s", key->value, value) < 0)
		diag_die(EXIT_SYSTEM, "no memory for the configuration");
	free(key->value);
	key->value = joined;
}

static int note_key(void *context, const char *in, const char *name, const char *value)
{
	struct reading *reading = context;
	struct config *config = reading->config;
	struct config_section *section;
	struct config_key *key;

	if (config->count == 0 || !*in)
		config_refuse(config, reading->line, "%s: expected a section before it, as [launcher]", name);
	section = &config->sections[config->count - 1];
	key = section->count > 0 ? &section->keys[section->count - 1] : NULL;
	if (key && strcmp(key->name, name) == 0 && reading->is_indented) {
		append(key, value);
		key->line = reading->line;
		return 1;
	}
	section->keys = grow(section->keys, section->count, sizeof(*section->keys));
	key = &section->keys[section->count++];
	*key = (struct config_key){ .name = copy(name), .value = copy(value), .line = reading->line };
	return 1;
}

/* ---------------------------------------------------------------- the file */

void config_read(struct config *config, const char *path)
{
	struct reading reading = { .config = config, .file = fopen(path, "re") };
	int result;

	*config = (struct config){ .path = path };
	if (!reading.file)
		diag_die(EXIT_NO_INPUT, "--config: cannot read \"%s\": %s", path, strerror(errno));
	result = ini_parse_stream(read_line, &reading, note_key, &reading);
	if (ferror(reading.file))
		diag_die(EXIT_NO_INPUT, "--config: cannot read \"%s\": %s", path, strerror(errno));
	fclose(reading.file);
	if (result > 0)
		config_refuse(config, (unsigned)result, "neither a section nor a key: expected [NAME] or NAME = VALUE");
	if (result < 0)
		diag_die(EXIT_SYSTEM, "no memory for the configuration");
}

void config_free(struct config *config)
{
	for (size_t i = 0; i < config->count; i++) {
		struct config_section *section = &config->sections[i];

		for (size_t j = 0; j < section->count; j++) {
			free(section->keys[j].name);
			free(section->keys[j].value);
		}
		free(section->keys);
		free(section->name);
	}
	free(config->sections);
}
