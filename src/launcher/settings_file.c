/* settings_file.c - see settings_file.h. */
#include "src/launcher/settings_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/diag.h"
#include "src/base/exitcode.h"
#include "src/base/text.h"
#include "src/launcher/orders.h"
#include "src/launcher/words.h"

#define NAME_MAX_BYTES 32

/* Options that make no sense in a file. */
static const char *const not_in_file[] = {
	"config", "check", "dry-run", "help", "version", "max-procs", "jobs",
};

/* Besides those that go to the programs. */
static const char *const of_workers[] = {
	"restart", "restart-limit", "restart-backoff", "kill-after", "rlimit", "nice", "no-new-privs",
};

#define IS_IN(list, name) is_in(list, sizeof(list) / sizeof((list)[0]), name)

static bool is_in(const char *const *list, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i], name) == 0)
			return true;
	return false;
}

static void *need_memory(void *memory)
{
	if (!memory)
		diag_die(EXIT_SYSTEM, "no memory for the configuration");
	return memory;
}

/* ---------------------------------------------------------------- keys that only sections have */

struct place {
	const struct config *config;
	const struct config_key *key;
	struct section *section;	/* NULL: [launcher] */
};

static void take_command(struct place *at)
{
	char **words = words_split(at->key->value);

	if (!words && errno == EINVAL)
		config_refuse(at->config, at->key->line, "command: expected a quote that is closed");
	need_memory(words);
	if (!words[0])
		config_refuse(at->config, at->key->line, "command \"\": expected a program and its arguments");
	at->section->settings.command = words;
}

/* Of a producer it is what the source exec runs. */
static void take_producer_command(struct place *at)
{
	char *source;

	if (asprintf(&source, "exec:%s", at->key->value) < 0)
		need_memory(NULL);
	at->section->settings.source = source;
}

static void take_numprocs(struct place *at)
{
	bool is_producer = at->section->side == SIDE_PRODUCER;
	char why[256];

	if (settings_set(&at->section->settings, is_producer ? "producers" : "consumers", at->key->value, why,
			 sizeof(why)) < 0)
		config_refuse(at->config, at->key->line, "numprocs%s", strchr(why, ' '));
}

/* A="b",C="d e": supervisord's form. Blanks between them will do as well. */
static void take_environment(struct place *at)
{
	char *list = need_memory(strdup(at->key->value)), **words;
	bool is_quoted = false, is_good;

	for (char *c = list; *c; c++) {
		is_quoted ^= *c == '"';
		if (*c == ',' && !is_quoted)
			*c = ' ';
	}
	words = words_split(list);
	free(list);
	is_good = words != NULL;
	at->section->settings.environment = words;
	for (char **word = words; word && *word; word++)
		is_good &= strchr(*word, '=') != NULL && **word != '=';
	if (!is_good)
		config_refuse(at->config, at->key->line,
			      "environment: expected NAME=\"VALUE\", with commas between them");
}

static void take_directory(struct place *at)
{
	if (at->key->value[0] != '/')
		config_refuse(at->config, at->key->line, "directory \"%s\": expected a path that begins with /",
			      at->key->value);
	at->section->settings.directory = at->key->value;
}

static void take_user(struct place *at)
{
	config_refuse(at->config, at->key->line, "user: expected in [launcher], a ring belongs to one user");
}

static const struct {
	const char *name;
	unsigned sides;
	void (*take)(struct place *at);
} section_keys[] = {
	{ .name = "command", .sides = 1u << SIDE_CONSUMER, .take = take_command },
	{ .name = "command", .sides = 1u << SIDE_PRODUCER, .take = take_producer_command },
	{ .name = "numprocs", .sides = 3, .take = take_numprocs },
	{ .name = "environment", .sides = 3, .take = take_environment },
	{ .name = "directory", .sides = 3, .take = take_directory },
	{ .name = "user", .sides = 3, .take = take_user },
};
#define SECTION_KEYS (sizeof(section_keys) / sizeof(section_keys[0]))

/* ---------------------------------------------------------------- keys that are options */

static bool is_known(const struct section *section, const char *name)
{
	if (!section)
		return !IS_IN(not_in_file, name);
	return orders_take(section->side, name) || IS_IN(of_workers, name);
}

static void refuse_unknown(const struct place *at)
{
	const struct option_entry *entries = settings_options()->entries;
	char list[1536];
	struct text text = { .out = list, .size = sizeof(list) };

	for (size_t i = 0; at->section && i < SECTION_KEYS; i++)
		if (section_keys[i].sides & 1u << at->section->side && section_keys[i].take != take_user)
			text_add(&text, "%s, ", section_keys[i].name);
	for (; entries->name; entries++)
		if (is_known(at->section, entries->name))
			text_add(&text, "%s, ", entries->name);
	if (text.used >= 2 && text.used < sizeof(list))
		list[text.used - 2] = '\0';
	config_refuse(at->config, at->key->line, "unknown key \"%s\": expected one of %s", at->key->name, list);
}

static void refuse_twice(const struct config *config, const struct config_section *section, size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (strcmp(section->keys[j].name, section->keys[i].name) == 0 &&
		    strcmp(section->keys[i].name, "rlimit") != 0 && strcmp(section->keys[i].name, "arg-file") != 0)
			config_refuse(config, section->keys[i].line, "%s: it is there already, in line %u",
				      section->keys[i].name, section->keys[j].line);
}

static void take_key(struct place *at, struct settings *settings)
{
	char why[256];

	for (size_t i = 0; at->section && i < SECTION_KEYS; i++) {
		if (strcmp(section_keys[i].name, at->key->name) == 0 &&
		    section_keys[i].sides & 1u << at->section->side) {
			section_keys[i].take(at);
			return;
		}
	}
	if (!settings_option(at->key->name) || !is_known(at->section, at->key->name))
		refuse_unknown(at);
	if (settings_set(settings, at->key->name, at->key->value, why, sizeof(why)) < 0)
		config_refuse(at->config, at->key->line, "%s", why);
}

/* ---------------------------------------------------------------- sections */

static void take_keys(const struct config *config, const struct config_section *from, struct section *section,
		      struct settings *settings)
{
	for (size_t i = 0; i < from->count; i++) {
		struct place at = { .config = config, .key = &from->keys[i], .section = section };

		refuse_twice(config, from, i);
		take_key(&at, settings);
	}
}

void settings_file_line(struct settings *settings, const struct config *config)
{
	for (size_t i = 0; i < config->count; i++)
		if (strcmp(config->sections[i].name, "launcher") == 0)
			take_keys(config, &config->sections[i], NULL, settings);
}

/* "consumer:pack" is a consumer called pack, "consumer" one without a name of its own. */
static bool parse_name(struct section *section, const char *name)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

	for (enum side side = SIDE_PRODUCER; side <= SIDE_CONSUMER; side++) {
		size_t len = strlen(side_name(side));

		if (strncmp(name, side_name(side), len) != 0 || (name[len] != ':' && name[len] != '\0'))
			continue;
		section->side = side;
		section->name = name[len] ? name + len + 1 : side_name(side);
		len = strlen(section->name);
		return len > 0 && len <= NAME_MAX_BYTES && strspn(section->name, letters) == len;
	}
	return false;
}

/* Files that the line reads are no section's, unless it names none. */
static void inherit(struct section *section, const struct settings *line)
{
	section->settings = *line;
	section->settings.sections = NULL;
	section->settings.section_count = 0;
	section->settings.arg_files = NULL;
	section->settings.arg_files_count = 0;
	section->settings.producers = 1;
	section->settings.consumers = 1;
	section->settings.consumers_max = 0;
}

static void add_section(struct settings *settings, const struct config *config,
			const struct config_section *from)
{
	struct section *section;

	settings->sections = need_memory(reallocarray(settings->sections, settings->section_count + 1,
						      sizeof(*settings->sections)));
	section = &settings->sections[settings->section_count++];
	*section = (struct section){ .line = from->line };
	if (!parse_name(section, from->name))
		config_refuse(config, from->line, "[%s]: expected [launcher], [producer:NAME] or [consumer:NAME], "
						  "NAME of at most %d letters, digits, dots, dashes and underscores",
			      from->name, NAME_MAX_BYTES);
	inherit(section, settings);
	take_keys(config, from, section, &section->settings);
	settings_finish(&section->settings, config->path, from->line);
}

/* The sections take the place of what the line says of their side. */
static void count_in(struct settings *settings, const struct config *config)
{
	uint64_t counts[2] = { 0, 0 }, most = 0;
	unsigned scaled = 0, readers = 0;

	for (size_t i = 0; i < settings->section_count; i++) {
		struct section *section = &settings->sections[i];
		bool is_scaled = section->side == SIDE_CONSUMER && settings_are_scaled(&section->settings);

		section->count = section->side == SIDE_PRODUCER ? section->settings.producers
							       : section->settings.consumers;
		section->settings.first = counts[section->side] + 1;
		counts[section->side] += section->count;
		most += section->side == SIDE_CONSUMER ? (is_scaled ? section->settings.consumers_max : section->count) : 0;
		scaled += is_scaled;
		readers += section->side == SIDE_PRODUCER && settings_source_is_stdin(&section->settings);
		if (scaled > 1)
			config_refuse(config, section->line, "numprocs: expected only one section with a range");
		if (readers > 1)
			config_refuse(config, section->line, "source: expected only one section that reads standard input");
		if (counts[section->side] > SETTINGS_WORKERS_MAX)
			config_refuse(config, section->line, "numprocs: expected at most %d workers on a side",
				      SETTINGS_WORKERS_MAX);
	}
	if (settings_has_section(settings, SIDE_PRODUCER))
		settings->producers = counts[SIDE_PRODUCER];
	if (settings_has_section(settings, SIDE_CONSUMER)) {
		settings->consumers = counts[SIDE_CONSUMER];
		settings->consumers_max = scaled ? most : 0;
	}
}

void settings_file_sections(struct settings *settings, const struct config *config)
{
	for (size_t i = 0; i < config->count; i++)
		if (strcmp(config->sections[i].name, "launcher") != 0)
			add_section(settings, config, &config->sections[i]);
	count_in(settings, config);
}
