/* orders.c - see orders.h. One table says which setting goes to which side under what name. */
#include "src/launcher/orders.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/base/diag.h"
#include "src/base/lineio.h"
#include "src/base/shellwords.h"

#define TO(side) (1u << (side))
#define TO_BOTH (TO(SIDE_PRODUCER) | TO(SIDE_CONSUMER))

enum passed_kind { PASSED_TEXT, PASSED_COUNT, PASSED_FLAG };

/* Of two entries with one option the later one wins, in the program as well. */
static const struct passed {
	const char *option;
	enum passed_kind kind;
	unsigned to;
	size_t field;
} passed[] = {
#define PASS(name, how, whom, member) \
	{ .option = name, .kind = how, .to = whom, .field = offsetof(struct settings, member) }
	PASS("source", PASSED_TEXT, TO(SIDE_PRODUCER), source),
	PASS("null", PASSED_FLAG, TO(SIDE_PRODUCER), is_null),
	PASS("delimiter", PASSED_TEXT, TO(SIDE_PRODUCER), delimiter),
	PASS("broken", PASSED_COUNT, TO(SIDE_PRODUCER), broken),
	PASS("invoice-work", PASSED_TEXT, TO(SIDE_PRODUCER), invoice_work),
	PASS("when-full", PASSED_TEXT, TO(SIDE_PRODUCER), when_full),
	PASS("lanes", PASSED_COUNT, TO(SIDE_PRODUCER), producers),
	PASS("sink", PASSED_TEXT, TO(SIDE_CONSUMER), sink),
	PASS("worker", PASSED_TEXT, TO(SIDE_CONSUMER), worker),
	PASS("batch", PASSED_COUNT, TO(SIDE_CONSUMER), batch),
	PASS("window", PASSED_COUNT, TO(SIDE_CONSUMER), window),
	PASS("block", PASSED_COUNT, TO(SIDE_CONSUMER), block),
	PASS("shell", PASSED_FLAG, TO(SIDE_CONSUMER), shell),
	PASS("stdin", PASSED_FLAG, TO(SIDE_CONSUMER), on_stdin),
	PASS("keep-order", PASSED_FLAG, TO(SIDE_CONSUMER), keep_order),
	PASS("retries", PASSED_COUNT, TO(SIDE_CONSUMER), retries),
	PASS("backoff", PASSED_TEXT, TO(SIDE_CONSUMER), backoff),
	PASS("max-deliveries", PASSED_COUNT, TO(SIDE_CONSUMER), max_deliveries),
	PASS("time-limit", PASSED_TEXT, TO(SIDE_CONSUMER), time_limit),
	PASS("joblog", PASSED_TEXT, TO(SIDE_CONSUMER), joblog),
	PASS("dead", PASSED_TEXT, TO(SIDE_CONSUMER), dead),
	PASS("pace", PASSED_TEXT, TO_BOTH, pace),
	PASS("pace", PASSED_TEXT, TO(SIDE_PRODUCER), producer_pace),
	PASS("pace", PASSED_TEXT, TO(SIDE_CONSUMER), consumer_pace),
	PASS("quiet", PASSED_FLAG, TO_BOTH, quiet),
	PASS("verbose", PASSED_FLAG, TO_BOTH, verbose),
#undef PASS
};

bool orders_take(enum side side, const char *option)
{
	/* Made by the launcher, under the name of none of its options. */
	if (strcmp(option, "lanes") == 0)
		return false;
	if (strcmp(option, "arg-file") == 0)
		return side == SIDE_PRODUCER;
	for (size_t i = 0; i < sizeof(passed) / sizeof(passed[0]); i++)
		if (passed[i].to & TO(side) && strcmp(passed[i].option, option) == 0)
			return true;
	return false;
}

const char *side_name(enum side side)
{
	return side == SIDE_PRODUCER ? "producer" : "consumer";
}

/* ---------------------------------------------------------------- where the programs are */

/* "/opt/bin/shmline-launcher" becomes "/opt/bin/shmline-". */
static void cut_program(char *path)
{
	static const char own[] = "launcher";
	char *base = strrchr(path, '/') + 1;
	size_t len = strlen(base);

	if (len >= sizeof(own) - 1 && strcmp(base + len - (sizeof(own) - 1), own) == 0)
		base[len - (sizeof(own) - 1)] = '\0';
	else
		*base = '\0';
}

int orders_init(struct orders *orders, const struct settings *settings, const char *ring)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	*orders = (struct orders){ .settings = settings, .ring = ring };
	if (n < 0)
		return -1;
	path[n] = '\0';
	cut_program(path);
	for (enum side side = SIDE_PRODUCER; side <= SIDE_CONSUMER; side++)
		if (asprintf(&orders->programs[side], "%s%s", path, side_name(side)) < 0)
			return -1;
	return 0;
}

void orders_free(struct orders *orders)
{
	free(orders->programs[SIDE_PRODUCER]);
	free(orders->programs[SIDE_CONSUMER]);
}

/* ---------------------------------------------------------------- building one */

struct argv {
	char **words;
	size_t count, size;
	bool failed;		/* no memory */
};

static DIAG_PRINTF(2, 3) void add(struct argv *argv, const char *format, ...)
{
	va_list args;

	if (argv->count + 1 >= argv->size) {
		size_t size = argv->size ? 2 * argv->size : 32;
		char **words = reallocarray(argv->words, size, sizeof(*words));

		if (!words) {
			argv->failed = true;
			return;
		}
		argv->words = words;
		argv->size = size;
	}
	va_start(args, format);
	if (vasprintf(&argv->words[argv->count], format, args) >= 0)
		argv->count++;
	else
		argv->failed = true;
	va_end(args);
	argv->words[argv->count] = NULL;
}

static void add_passed(struct argv *argv, const struct passed *entry, const void *settings)
{
	const void *field = (const char *)settings + entry->field;

	switch (entry->kind) {
	case PASSED_TEXT:
		if (*(const char *const *)field)
			add(argv, "--%s=%s", entry->option, *(const char *const *)field);
		return;
	case PASSED_COUNT:
		if (*(const uint64_t *)field != SETTING_NONE)
			add(argv, "--%s=%llu", entry->option,
			    (unsigned long long)*(const uint64_t *)field);
		return;
	case PASSED_FLAG:
		if (*(const bool *)field)
			add(argv, "--%s", entry->option);
		return;
	}
}

static bool is_word(const char *given, const char *word)
{
	return given && strcmp(given, word) == 0;
}

/* What depends on more than one setting. */
static void add_special(struct argv *argv, const struct settings *settings, enum side side)
{
	for (size_t i = 0; side == SIDE_PRODUCER && i < settings->arg_files_count; i++)
		add(argv, "--arg-file=%s", settings->arg_files[i]);
	if (side == SIDE_PRODUCER && settings->first > 1)
		add(argv, "--first=%llu", (unsigned long long)settings->first);
	if (side == SIDE_PRODUCER && settings_source_is_generated(settings))
		add(argv, "--items-in-all=%llu", (unsigned long long)settings->items);
	if (side == SIDE_CONSUMER)
		add(argv, "--stop=%s", settings_stop_modes[settings->stop]);
	/* A consumer tells only a COMMAND to end. */
	if (side == SIDE_CONSUMER && settings->command)
		add(argv, "--kill-after=%lluns", (unsigned long long)settings->kill_after_ns);
	/* Records leave as they came. */
	if (side == SIDE_CONSUMER && settings->is_null &&
	    (is_word(settings->sink, "stdout") || is_word(settings->worker, "stream")))
		add(argv, "--null");
}

static void add_options(struct argv *argv, const struct settings *settings, enum side side)
{
	for (size_t i = 0; i < sizeof(passed) / sizeof(passed[0]); i++)
		if (passed[i].to & TO(side))
			add_passed(argv, &passed[i], settings);
	add_special(argv, settings, side);
	if (side == SIDE_PRODUCER || !settings->command)
		return;
	add(argv, "--");
	for (char **word = settings->command; *word; word++)
		add(argv, "%s", *word);
}

static char **finish(struct argv *argv)
{
	if (!argv->failed)
		return argv->words;
	orders_free_argv(argv->words);
	return NULL;
}

char **orders_for_worker(const struct orders *orders, enum side side, unsigned number)
{
	struct argv argv = { .words = NULL };

	add(&argv, "%s", orders->programs[side]);
	add(&argv, "--ring=%s", orders->ring);
	add(&argv, "--number=%u", number);
	add_options(&argv, orders->settings, side);
	return finish(&argv);
}

char **orders_for_check(const struct orders *orders, enum side side)
{
	struct argv argv = { .words = NULL };

	add(&argv, "%s", orders->programs[side]);
	add(&argv, "--check");
	add_options(&argv, orders->settings, side);
	return finish(&argv);
}

char **orders_for_show(const struct orders *orders, enum side side)
{
	struct argv argv = { .words = NULL };

	add(&argv, "%s", orders->programs[side]);
	add(&argv, "--show");
	if (side == SIDE_PRODUCER)
		add(&argv, "--item-max=%llu", (unsigned long long)orders->settings->item_max_bytes);
	add_options(&argv, orders->settings, side);
	return finish(&argv);
}

void orders_free_argv(char **argv)
{
	for (char **word = argv; word && *word; word++)
		free(*word);
	free(argv);
}

/* ---------------------------------------------------------------- showing one */

int orders_print(char *const *argv, int fd)
{
	char *line = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&line, &len);
	int result;

	if (!out)
		return -1;
	shellwords_print(out, argv);
	putc('\n', out);
	result = fclose(out) == 0 ? write_all(fd, line, len) : -1;
	free(line);
	return result;
}
