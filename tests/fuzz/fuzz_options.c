/*
 * fuzz_options.c - command lines and the values in them. The input is the arguments, each ended by a zero
 * byte; each of them is also read as every kind of value. What is accepted lies in its bounds; what is
 * refused is refused in one line.
 */
#include "input.h"

#include "src/base/backoff.h"
#include "src/base/diag.h"
#include "src/base/options.h"
#include "src/base/pace.h"
#include "src/base/quantity.h"
#include "src/base/whenfull.h"

#include <stdbool.h>

#define ARGUMENTS_MAX 12

struct settings {
	bool quiet;
	const char *name;
	uint64_t count, size, duration;
	int choice;
	struct when_full policy;
};

static bool set_policy(const struct option_entry *entry, const char *value, void *settings,
		       const char **expected)
{
	(void)entry;
	*expected = WHEN_FULL_EXPECTED;
	return when_full_parse(value, &((struct settings *)settings)->policy) == 0;
}

static const char *const choices[] = { "soft", "strict", "now", NULL };

static const struct option_entry entries[] = {
	{ .name = "quiet", .letter = 'q', .help = "say less", .kind = OPTION_FLAG,
	  .field = offsetof(struct settings, quiet) },
	{ .name = "name", .letter = 'r', .arg = "NAME", .help = "a name", .kind = OPTION_TEXT,
	  .field = offsetof(struct settings, name) },
	{ .name = "count", .letter = 'n', .arg = "N", .help = "a number", .kind = OPTION_COUNT,
	  .min = 2, .max = 1000, .field = offsetof(struct settings, count) },
	{ .name = "size", .letter = 's', .arg = "SIZE", .help = "bytes", .kind = OPTION_SIZE,
	  .min = 1, .max = 1 << 20, .field = offsetof(struct settings, size) },
	{ .name = "duration", .letter = 'd', .arg = "D", .help = "time", .kind = OPTION_DURATION,
	  .max = UINT64_C(1) << 50, .field = offsetof(struct settings, duration) },
	{ .name = "stop", .arg = "MODE", .help = "how", .kind = OPTION_CHOICE, .choices = choices,
	  .field = offsetof(struct settings, choice) },
	{ .name = "when-full", .arg = "POLICY", .help = "what then", .kind = OPTION_CALL,
	  .call = set_policy },
	{ .name = NULL },
};

static const struct option_table table = {
	.program = "fuzz", .usage = "[OPTION...] [FILE...]", .about = "fuzz.", .entries = entries,
};

/* ------------------------------------------------------------------ command lines */

static void check_settings(const struct settings *settings)
{
	MUST(settings->count == 0 || (settings->count >= 2 && settings->count <= 1000));
	MUST(settings->size <= 1 << 20);
	MUST(settings->duration <= UINT64_C(1) << 50);
	MUST(settings->choice >= 0 && settings->choice < 3);
	MUST(settings->policy.timeout_ms >= -1);
}

static void check_line(const char *line, size_t size)
{
	MUST(strnlen(line, size) < size && *line && !strchr(line, '\n'));
}

static void check_arguments(int argc, char **argv)
{
	struct settings settings = { 0 };
	char why[100], help[64];
	int operands = -1;

	switch (options_parse(&table, argc, argv, &settings, &operands, why, sizeof(why))) {
	case OPTIONS_OK:
		MUST(operands >= 1 && operands <= argc);
		check_settings(&settings);
		break;
	case OPTIONS_BAD:
		check_line(why, sizeof(why));
		break;
	case OPTIONS_HELP:
		MUST(options_help(&table, help, sizeof(help)) > (int)sizeof(help));
		MUST(strnlen(help, sizeof(help)) < sizeof(help));
		break;
	case OPTIONS_VERSION:
	case OPTIONS_LIST:
		break;
	}
}

/* ------------------------------------------------------------------ values */

static void check_quantities(const char *text)
{
	char shown[16];
	uint64_t value;
	double chance;

	if (quantity_count(text, 10, 1000000, &value) == 0)
		MUST(value >= 10 && value <= 1000000);
	if (quantity_size(text, 1, UINT64_C(1) << 40, &value) == 0) {
		MUST(value >= 1 && value <= UINT64_C(1) << 40);
		MUST(*quantity_show_size(shown, sizeof(shown), value));
	}
	if (quantity_duration(text, 5, UINT64_MAX / 2, &value) == 0) {
		MUST(value >= 5 && value <= UINT64_MAX / 2);
		MUST(*quantity_show_duration(shown, sizeof(shown), value));
	}
	if (quantity_probability(text, &chance) == 0)
		MUST(chance >= 0 && chance <= 1);
}

static void check_policies(const char *text)
{
	struct backoff backoff;
	struct pace pace;
	struct when_full policy;

	if (pace_parse(text, &pace) == 0) {
		MUST(pace.chance >= 0 && pace.chance <= 1);
		MUST(pace_next_ns(&pace, 0.999) >= pace.every_ns);
	}
	if (backoff_parse(text, &backoff) == 0)
		for (unsigned attempt = 0; attempt < 100; attempt++) {
			uint64_t delay = backoff_delay_ns(&backoff, attempt, 0.999);

			MUST(delay <= backoff.max_ns || backoff.kind == BACKOFF_CONST);
		}
	if (when_full_parse(text, &policy) == 0)
		MUST(policy.timeout_ms >= (policy.kind == WHEN_FULL_BLOCK ? -1 : 0));
}

/* Whatever it is, it can be quoted, cut to any length. */
static void check_quoting(const char *text)
{
	char shown[40];

	for (size_t size = 1; size <= sizeof(shown); size += 13) {
		(void)diag_quote(shown, size, text, strlen(text));
		MUST(strnlen(shown, size) < size);
		for (const char *at = shown; *at; at++)
			MUST((unsigned char)*at >= ' ' && (unsigned char)*at < 0x7f);
	}
}

/* ------------------------------------------------------------------ input */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *argv[ARGUMENTS_MAX + 2] = { (char *)(uintptr_t)"fuzz" };
	int argc = 1;

	while (size > 0 && argc <= ARGUMENTS_MAX) {
		size_t len = strnlen((const char *)data, size);
		size_t whole = len + (len < size);

		/* Each in memory of its own size, so that reading beyond it is seen. */
		argv[argc] = strndup((const char *)data, len);
		MUST(argv[argc]);
		check_quantities(argv[argc]);
		check_policies(argv[argc]);
		check_quoting(argv[argc]);
		argc++;
		data += whole;
		size -= whole;
	}
	check_arguments(argc, argv);
	for (int i = 1; i < argc; i++)
		free(argv[i]);
	return 0;
}
