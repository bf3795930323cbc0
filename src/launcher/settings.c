/*
 * settings.c - the launcher's options: one table, and what no single option can say, the rules
 * between them.
 */
#include "src/launcher/settings.h"

#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shm/ring.h"
#include "src/base/backoff.h"
#include "src/base/diag.h"
#include "src/base/exitcode.h"
#include "src/base/options.h"
#include "src/base/pace.h"
#include "src/base/quantity.h"
#include "src/base/whenfull.h"
#include "src/launcher/config.h"
#include "src/launcher/listen.h"
#include "src/launcher/settings_file.h"

#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S UINT64_C(1000000000)

/* Workers that a line may have on one side, so that both, some guests and the launcher fit into
   RING_MEMBERS_MAX. */
#define WORKERS_MAX SETTINGS_WORKERS_MAX

/* Consumers that USR1 may add beyond twice the number that was asked for. */
#define CONSUMERS_SPARE 16

/* Member entries for guests: producers and consumers from outside, ringctl, the launcher itself. */
#define GUESTS 32

/* Guesses: 40 MB a worker hold the last hours of a chatty one. */
#define LOG_BYTES 10485760
#define LOG_FILES 3

#define ITEMS_DEFAULT 10
#define ITEMS_MAX UINT64_C(1000000000000000000)

const char *const settings_stop_modes[] = { "soft", "strict", "now", "ignore", NULL };
static const char *const restart_policies[] = {
	[RESTART_ON_FAILURE] = "on-failure",
	[RESTART_ALWAYS] = "always",
	[RESTART_NEVER] = "never",
	NULL,
};
static const char *const on_giveups[] = {
	[GIVEUP_DEGRADE] = "degrade",
	[GIVEUP_STOP] = "stop",
	NULL,
};
static const char *const color_whens[] = {
	[COLOR_AUTO] = "auto",
	[COLOR_ALWAYS] = "always",
	[COLOR_NEVER] = "never",
	NULL,
};

/* ---------------------------------------------------------------- values with a form of their own */

static uint64_t cores(void)
{
	cpu_set_t set;
	int n = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 0;

	return n > 0 ? (uint64_t)n : 1;
}

static const char **text_field(const struct option_entry *entry, void *settings)
{
	void *field = (char *)settings + entry->field;

	return field;
}

static bool take_ring_name(const struct option_entry *entry, const char *value, void *settings,
			   const char **expected)
{
	*expected = "a name of 1 to 200 letters, digits, dots, dashes and underscores, not beginning "
		    "with a dot or dash";
	*text_field(entry, settings) = value;
	return ring_name_is_valid(value);
}

/* One per core is the least that auto may need, eight the most that most work waits for. Work that only
   waits may need more: a guess. */
#define AUTO_PER_CORE 8
#define AUTO_MIN 64

static bool take_range(const char *value, const char *dots, struct settings *all)
{
	char min[8];

	if ((size_t)(dots - value) >= sizeof(min))
		return false;
	memcpy(min, value, (size_t)(dots - value));
	min[dots - value] = '\0';
	if (quantity_count(min, 1, WORKERS_MAX, &all->consumers_min) < 0)
		return false;
	all->consumers = all->consumers_min;
	return quantity_count(dots + 2, all->consumers_min, WORKERS_MAX, &all->consumers_max) == 0;
}

static bool take_consumers(const struct option_entry *entry, const char *value, void *settings,
			   const char **expected)
{
	struct settings *all = settings;
	const char *dots = strstr(value, "..");

	(void)entry;
	*expected = "a number from 0 to 2000, MIN..MAX from 1 to 2000, or auto";
	if (dots)
		return take_range(value, dots, all);
	if (strcmp(value, "auto") == 0) {
		all->consumers = all->consumers_min = 1;
		all->consumers_max = AUTO_PER_CORE * cores() > AUTO_MIN ? AUTO_PER_CORE * cores() : AUTO_MIN;
		return true;
	}
	all->consumers_max = 0;
	return quantity_count(value, 0, WORKERS_MAX, &all->consumers) == 0;
}

/* Of the following, the text is kept for the programs that it is passed on to. */

static bool take_pace(const struct option_entry *entry, const char *value, void *settings,
		      const char **expected)
{
	struct pace pace;

	*expected = PACE_EXPECTED;
	*text_field(entry, settings) = value;
	return pace_parse(value, &pace) == 0;
}

static bool take_when_full(const struct option_entry *entry, const char *value, void *settings,
			   const char **expected)
{
	struct when_full when_full;

	*expected = WHEN_FULL_EXPECTED;
	*text_field(entry, settings) = value;
	return when_full_parse(value, &when_full) == 0;
}

static bool take_backoff(const struct option_entry *entry, const char *value, void *settings,
			 const char **expected)
{
	struct backoff backoff;

	*expected = BACKOFF_EXPECTED;
	*text_field(entry, settings) = value;
	return backoff_parse(value, &backoff) == 0;
}

static bool take_arg_file(const struct option_entry *entry, const char *value, void *settings,
			  const char **expected)
{
	struct settings *all = settings;
	const char **files = reallocarray(all->arg_files, all->arg_files_count + 1, sizeof(*files));

	(void)entry;
	*expected = "the name of a file, or - for standard input";
	if (!files)
		diag_die(EXIT_SYSTEM, "no memory for file names");
	files[all->arg_files_count++] = value;
	all->arg_files = files;
	return *value != '\0';
}

static bool take_duration(const struct option_entry *entry, const char *value, void *settings,
			  const char **expected)
{
	uint64_t ns;

	*expected = "a duration above 0, as 250ms, 1.5s or 2m";
	*text_field(entry, settings) = value;
	return quantity_duration(value, 1, UINT64_MAX, &ns) == 0;
}

static bool take_restart_limit(const struct option_entry *entry, const char *value, void *settings,
			       const char **expected)
{
	struct settings *all = settings;

	(void)entry;
	*expected = RESTART_LIMIT_EXPECTED;
	return restart_limit_parse(value, &all->restart) == 0;
}

static bool take_restart_backoff(const struct option_entry *entry, const char *value,
				 void *settings, const char **expected)
{
	struct settings *all = settings;

	(void)entry;
	*expected = BACKOFF_EXPECTED;
	return backoff_parse(value, &all->restart.backoff) == 0;
}

static bool take_limit(const struct option_entry *entry, const char *value, void *settings,
		       const char **expected)
{
	struct settings *all = settings;

	(void)entry;
	*expected = LIMIT_EXPECTED;
	return limits_add(&all->limits, value) == 0;
}

static bool take_nice(const struct option_entry *entry, const char *value, void *settings,
		      const char **expected)
{
	struct settings *all = settings;

	(void)entry;
	*expected = "a number from -20 to 19";
	return nice_parse(value, &all->nice) == 0;
}

static bool take_listen(const struct option_entry *entry, const char *value, void *settings,
			const char **expected)
{
	struct listen_address address;

	*expected = LISTEN_EXPECTED;
	*text_field(entry, settings) = value;
	return listen_parse(value, &address) == 0;
}

/* ---------------------------------------------------------------- the table */

#define FIELD(name) .field = offsetof(struct settings, name)
#define CONSUMERS_ENTRY .kind = OPTION_CALL, .call = take_consumers

static const struct option_entry entries[] = {
	{ .group = "The line", .name = "producers", .letter = 'p', .arg = "N",
	  .help = "producers to run (1); 0: others attach from outside", .kind = OPTION_COUNT,
	  .max = WORKERS_MAX, FIELD(producers) },
	{ .name = "consumers", .letter = 'c', .arg = "N",
	  .help = "consumers to run (1; with COMMAND the number of cores); MIN..MAX or auto: as many as "
		  "keep up; 0: others attach; -P and -j are the same",
	  CONSUMERS_ENTRY },
	{ .name = "max-procs", .letter = 'P', .arg = "N", CONSUMERS_ENTRY },
	{ .name = "jobs", .letter = 'j', .arg = "N", CONSUMERS_ENTRY },
	{ .name = "ring", .letter = 'r', .arg = "NAME",
	  .help = "name of the ring (one of its own for this run)", .kind = OPTION_CALL,
	  .call = take_ring_name, .takes_ring = true, FIELD(ring) },
	{ .name = "slots", .arg = "N", .help = "items the ring holds (1024)", .kind = OPTION_COUNT,
	  .min = 2, .max = RING_SLOTS_MAX, FIELD(slots) },
	{ .name = "item-max", .arg = "SIZE", .help = "longest item (4096 bytes; sizes as 64K, 2M)",
	  .kind = OPTION_SIZE, .min = 1, .max = RING_ITEM_MAX_MAX, FIELD(item_max_bytes) },
	{ .name = "resume", .help = "take up a ring that an earlier launcher left",
	  .kind = OPTION_FLAG, FIELD(resume) },
	{ .name = "config", .letter = 'f', .arg = "FILE",
	  .help = "read the line from FILE (INI): [launcher], [producer:NAME], [consumer:NAME]; options here "
		  "prevail", .kind = OPTION_TEXT, .takes_file = true, FIELD(config) },
	{ .name = "check", .help = "only read the file of --config, and say what is wrong in it",
	  .kind = OPTION_FLAG, FIELD(only_check) },
	{ .name = "keep", .help = "leave the ring in place at the end", .kind = OPTION_FLAG,
	  FIELD(keep) },

	{ .group = "Where items come from", .name = "source", .arg = "KIND[:ARG]",
	  .help = "what producers publish: widgets, lines[:FILE], ... (widgets; with COMMAND lines)",
	  .kind = OPTION_TEXT, FIELD(source) },
	{ .name = "items", .letter = 'n', .arg = "ITEMS",
	  .help = "items that generated sources make in all (10; 0: no end)", .kind = OPTION_COUNT,
	  .max = ITEMS_MAX, FIELD(items) },
	{ .name = "broken", .letter = 'k', .arg = "K", .help = "the K-th widget is broken",
	  .kind = OPTION_COUNT, .min = 1, .max = ITEMS_MAX, FIELD(broken) },
	{ .name = "invoice-work", .arg = "D", .help = "time that getting one invoice takes (0)",
	  .kind = OPTION_CALL, .call = take_duration, FIELD(invoice_work) },
	{ .name = "arg-file", .letter = 'a', .arg = "FILE",
	  .help = "read items from FILE; may be given several times", .kind = OPTION_CALL,
	  .call = take_arg_file, .takes_file = true },
	{ .name = "null", .letter = '0', .help = "items end with a NUL byte", .kind = OPTION_FLAG,
	  FIELD(is_null) },
	{ .name = "delimiter", .letter = 'd', .arg = "C", .help = "items end with the character C",
	  .kind = OPTION_TEXT, FIELD(delimiter) },
	{ .name = "when-full", .arg = "POLICY",
	  .help = "block (default), block:DURATION, fail, drop-newest, drop-oldest",
	  .kind = OPTION_CALL, .call = take_when_full, FIELD(when_full) },

	{ .group = "What is done with them", .name = "sink", .arg = "KIND[:ARG]",
	  .help = "where items go: log (a line an item), null, stdout, exec, ... (log)",
	  .kind = OPTION_TEXT, FIELD(sink) },
	{ .name = "worker", .arg = "PROTOCOL",
	  .help = "how COMMAND gets items: exec, one run an item; lines, nul, len32, stream: one process "
		  "a consumer (exec)",
	  .kind = OPTION_TEXT, FIELD(worker) },
	{ .name = "window", .arg = "N",
	  .help = "items that a COMMAND which stays may hold unanswered (1)", .kind = OPTION_COUNT,
	  .min = 1, .max = RING_SLOTS_MAX, FIELD(window) },
	{ .name = "block", .arg = "SIZE",
	  .help = "bytes of whole records that a streaming COMMAND gets at once, about (64K)",
	  .kind = OPTION_SIZE, .min = 1, .max = RING_ITEM_MAX_MAX, FIELD(block) },
	{ .name = "batch", .arg = "N", .help = "items a run of COMMAND gets as arguments (1)",
	  .kind = OPTION_COUNT, .min = 1, .max = RING_SLOTS_MAX, FIELD(batch) },
	{ .name = "shell", .help = "run COMMAND by sh -c", .kind = OPTION_FLAG, FIELD(shell) },
	{ .name = "stdin", .help = "hand the item to COMMAND on its standard input",
	  .kind = OPTION_FLAG, FIELD(on_stdin) },
	{ .name = "keep-order",
	  .help = "COMMAND's output in the order of the items, whichever is done first",
	  .kind = OPTION_FLAG, FIELD(keep_order) },
	{ .name = "retries", .arg = "N", .help = "times a failing item is tried again (0)",
	  .kind = OPTION_COUNT, .max = UINT16_MAX, FIELD(retries) },
	{ .name = "backoff", .arg = "SPEC",
	  .help = "wait before a retry: const:D, or exp:MIN..MAX with full jitter",
	  .kind = OPTION_CALL, .call = take_backoff, FIELD(backoff) },
	{ .name = "max-deliveries", .arg = "N",
	  .help = "deliveries after which an item that keeps killing its consumer is dead (5)",
	  .kind = OPTION_COUNT, .min = 1, .max = 4095, FIELD(max_deliveries) },
	{ .name = "time-limit", .arg = "D",
	  .help = "time one item may take; then its worker gets TERM, then KILL, and it has failed",
	  .kind = OPTION_CALL, .call = take_duration, FIELD(time_limit) },
	{ .name = "joblog", .arg = "FILE", .help = "a line an item, as GNU parallel writes it",
	  .kind = OPTION_TEXT, .takes_file = true, FIELD(joblog) },
	{ .name = "dead", .arg = "FILE", .help = "dead letters as JSON lines", .kind = OPTION_TEXT,
	  .takes_file = true, FIELD(dead) },

	{ .group = "Pace", .name = "pace", .arg = "D[+D@P]",
	  .help = "a pause after each item on both sides, and a second one with probability P",
	  .kind = OPTION_CALL, .call = take_pace, FIELD(pace) },
	{ .name = "producer-pace", .arg = "D[+D@P]", .help = "the same for producers only",
	  .kind = OPTION_CALL, .call = take_pace, FIELD(producer_pace) },
	{ .name = "consumer-pace", .arg = "D[+D@P]", .help = "the same for consumers only",
	  .kind = OPTION_CALL, .call = take_pace, FIELD(consumer_pace) },

	{ .group = "Stopping and starting again", .name = "stop", .arg = "MODE",
	  .help = "what a broken item does: soft, strict, now, ignore (soft)",
	  .kind = OPTION_CHOICE, .choices = settings_stop_modes, FIELD(stop) },
	{ .name = "drain-timeout", .arg = "D", .help = "how long a drain may take (no limit)",
	  .kind = OPTION_DURATION, .max = SETTING_NONE - 1, FIELD(drain_timeout_ns) },
	{ .name = "kill-after", .arg = "D", .help = "from TERM to KILL (5s)",
	  .kind = OPTION_DURATION, .max = SETTING_NONE - 1, FIELD(kill_after_ns) },
	{ .name = "restart", .arg = "POLICY",
	  .help = "which workers are started again: on-failure, always, never (on-failure)",
	  .kind = OPTION_CHOICE, .choices = restart_policies, FIELD(restart.policy) },
	{ .name = "restart-limit", .arg = "N/D",
	  .help = "restarts of one worker within D before it is given up (5/60s)",
	  .kind = OPTION_CALL, .call = take_restart_limit },
	{ .name = "restart-backoff", .arg = "SPEC",
	  .help = "wait before a restart (exp:100ms..10s)", .kind = OPTION_CALL,
	  .call = take_restart_backoff },

	{ .name = "on-giveup", .arg = "WHAT",
	  .help = "when a worker is given up: degrade, the others go on; stop, the line drains (degrade)",
	  .kind = OPTION_CHOICE, .choices = on_giveups, FIELD(on_giveup) },

	{ .group = "What workers may", .name = "rlimit", .arg = "NAME=SOFT[:HARD]",
	  .help = "a resource limit, as nofile=1024 or as=2G; may be given for each resource",
	  .kind = OPTION_CALL, .call = take_limit },
	{ .name = "nice", .arg = "N", .help = "added to their niceness (0)", .kind = OPTION_CALL,
	  .call = take_nice },
	{ .name = "no-new-privs", .help = "no set-user-ID program gives them more rights",
	  .kind = OPTION_FLAG, FIELD(no_new_privs) },
	{ .name = "user", .arg = "NAME", .help = "the whole line runs as this user, if root starts it",
	  .kind = OPTION_TEXT, FIELD(user) },
	{ .name = "pidfile", .arg = "FILE", .help = "keep the process id here; refuse to run twice",
	  .kind = OPTION_TEXT, .takes_file = true, FIELD(pidfile) },

	{ .group = "What is said", .name = "tag", .help = "prefix workers' lines with their name",
	  .kind = OPTION_FLAG, FIELD(tag) },
	{ .name = "watch", .help = "live view in the terminal", .kind = OPTION_FLAG, FIELD(watch) },
	{ .name = "listen", .arg = "ADDRESS",
	  .help = "page, /metrics and /stats over HTTP at PORT, HOST:PORT or unix:PATH",
	  .kind = OPTION_CALL, .call = take_listen, FIELD(listen) },
	{ .name = "bar", .help = "progress bar on standard error, if that is a terminal",
	  .kind = OPTION_FLAG, FIELD(bar) },
	{ .name = "log-dir", .arg = "DIR", .help = "workers' lines go to a rotated file each",
	  .kind = OPTION_TEXT, .takes_file = true, FIELD(log_dir) },
	{ .name = "log-size", .arg = "SIZE", .help = "size at which such a file is rotated (10M)",
	  .kind = OPTION_SIZE, .min = 4096, FIELD(log_bytes) },
	{ .name = "log-keep", .arg = "N", .help = "old ones that are kept (3)", .kind = OPTION_COUNT,
	  .max = 1000, FIELD(log_files) },
	{ .name = "json", .help = "the summary as one JSON object on standard output",
	  .kind = OPTION_FLAG, FIELD(json) },
	{ .name = "dry-run", .help = "show what would be run, and end", .kind = OPTION_FLAG,
	  FIELD(dry_run) },
	{ .name = "quiet", .help = "say only what went wrong", .kind = OPTION_FLAG, FIELD(quiet) },
	{ .name = "verbose", .letter = 'v', .help = "say more", .kind = OPTION_FLAG, FIELD(verbose) },
	{ .name = "color", .arg = "WHEN", .help = "colour tags: auto, always, never (auto)",
	  .kind = OPTION_CHOICE, .choices = color_whens, FIELD(color) },
	{ .name = NULL },
};

static const struct option_table table = {
	.program = "launcher",
	.usage = "[-p N] [-c N] [-n ITEMS] [-k BROKEN] [OPTION...] [-- COMMAND [ARG...]]",
	.about = "Run producers and consumers round one ring, drain it, sum up. With COMMAND, items are the\n"
		 "lines of standard input and each is handed to COMMAND; without, a line of widgets runs.",
	.entries = entries,
	.closing = "In COMMAND {} is the item, {#} its id, {%} the consumer's number; without {} the item is\n"
		   "the last argument.\n\n"
		   "Exit codes: 0 drained and nothing dead, 64 wrong usage, 70 the books don't balance,\n"
		   "75 items left, 123 items dead, 124 an item raised the stop flag, 125 a worker was given\n"
		   "up, 126 and 127 COMMAND can't be run or is not found, 128+N ended by signal N; 65, 66,\n"
		   "69, 71, 73, 74 and 77 as in sysexits.h.",
};

/* ---------------------------------------------------------------- what follows from what was given */

static bool kind_is(const char *given, const char *kind)
{
	size_t len = strlen(kind);

	return strncmp(given, kind, len) == 0 && (given[len] == '\0' || given[len] == ':');
}

bool settings_source_is_generated(const struct settings *settings)
{
	return kind_is(settings->source, "widgets") || kind_is(settings->source, "invoices");
}

/* Record sources read standard input unless a file is named. */
bool settings_source_is_stdin(const struct settings *settings)
{
	static const char *const records[] = { "lines", "nul", "len32" };
	const char *file = strchr(settings->source, ':');

	for (size_t i = 0; i < settings->arg_files_count; i++)
		if (strcmp(settings->arg_files[i], "-") == 0)
			return true;
	if (settings->arg_files_count > 0)
		return false;
	if (file)
		return strcmp(file, ":-") == 0;
	for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++)
		if (kind_is(settings->source, records[i]))
			return true;
	return false;
}

bool settings_has_section(const struct settings *settings, enum side side)
{
	for (size_t i = 0; i < settings->section_count; i++)
		if (settings->sections[i].side == side)
			return true;
	return false;
}

bool settings_are_scaled(const struct settings *settings)
{
	return settings->consumers_max > 0;
}

bool settings_output_is_nul(const struct settings *settings)
{
	if (settings->worker && kind_is(settings->worker, "nul"))
		return true;
	return settings->is_null && settings->sink && kind_is(settings->sink, "stdout");
}

bool settings_output_has_lengths(const struct settings *settings)
{
	return settings->worker && kind_is(settings->worker, "len32");
}

uint32_t settings_consumers_max(const struct settings *settings)
{
	bool is_scaled = settings_are_scaled(settings);
	uint64_t wanted = (is_scaled ? settings->consumers_max : 2 * settings->consumers) + CONSUMERS_SPARE;
	uint64_t fits = RING_MEMBERS_MAX - GUESTS - settings->producers;

	return (uint32_t)(wanted < fits ? wanted : fits);
}

uint32_t settings_members(const struct settings *settings)
{
	return (uint32_t)settings->producers + settings_consumers_max(settings) + GUESTS;
}

static void fill_in(struct settings *settings)
{
	bool reads = settings->command || settings->arg_files_count > 0 || settings->is_null ||
		     settings->delimiter;

	if (!settings->source)
		settings->source = reads ? "lines" : "widgets";
	if (settings->items == SETTING_NONE)
		settings->items = ITEMS_DEFAULT;
	if (settings->consumers == SETTING_NONE)
		settings->consumers = settings->command ? cores() : 1;
}

/* ---------------------------------------------------------------- rules between options */

/* The section of a file that is being checked: "jobs.ini:7: ", or nothing. */
static char place[256];

static _Noreturn DIAG_PRINTF(1, 2) void refuse(const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	diag_die(EXIT_BAD_USAGE, "%s%s", place, text);
}

#define REFUSE(...) refuse(__VA_ARGS__)

/* -n and -k as given, before the defaults are filled in. */
static void check_source(const struct settings *settings)
{
	bool is_generated = settings_source_is_generated(settings);
	char shown[128];

	diag_quote(shown, sizeof(shown), settings->source, strlen(settings->source));
	if (settings->items != SETTING_NONE && !is_generated)
		REFUSE("--items: source \"%s\" reads what there is; expected --source widgets or invoices",
		       shown);
	if (settings->broken != SETTING_NONE && !kind_is(settings->source, "widgets"))
		REFUSE("--broken: source \"%s\" makes no widgets; expected --source widgets", shown);
	if (settings->invoice_work && !kind_is(settings->source, "invoices"))
		REFUSE("--invoice-work: source \"%s\" makes no invoices; expected --source invoices",
		       shown);
	if (is_generated &&
	    (settings->arg_files_count > 0 || settings->is_null || settings->delimiter))
		REFUSE("--arg-file, --null and --delimiter: source \"%s\" reads nothing; expected --source "
		       "lines", shown);
	if (settings->is_null && settings->delimiter)
		REFUSE("--null and --delimiter: expected only one of them");
}

/* The option that was given and is nothing without a COMMAND, or NULL. */
static const char *needs_command(const struct settings *settings)
{
	if (settings->shell)
		return "--shell";
	if (settings->on_stdin)
		return "--stdin";
	if (settings->batch != SETTING_NONE)
		return "--batch";
	if (settings->keep_order)
		return "--keep-order";
	if (settings->window != SETTING_NONE)
		return "--window";
	if (settings->block != SETTING_NONE)
		return "--block";
	if (settings->worker)
		return "--worker";
	return settings->sink && kind_is(settings->sink, "exec") ? "--sink exec" : NULL;
}

static void check_command(const struct settings *settings)
{
	const char *needs = needs_command(settings);
	char shown[128];

	if (!settings->command && needs)
		REFUSE("%s: expected a COMMAND behind the options", needs);
	if (settings->command && settings->sink && !kind_is(settings->sink, "exec"))
		REFUSE("--sink \"%s\": expected no other sink than exec with a COMMAND",
		       diag_quote(shown, sizeof(shown), settings->sink, strlen(settings->sink)));
}

static void check_records(const struct settings *settings)
{
	if (settings->tag && settings_output_has_lengths(settings))
		REFUSE("--tag: expected a worker that answers in lines, not len32");
}

/* Consumers share one pipe, into which each writes in its turn. */
static void check_order(const struct settings *settings)
{
	if (!settings->keep_order)
		return;
	if (settings->tag || settings->log_dir)
		REFUSE("--keep-order: expected neither --tag nor --log-dir");
	if (settings->producers > 1)
		REFUSE("--keep-order: expected one producer, the items of several have no order");
}

static void check_ring(const struct settings *settings)
{
	if (settings->resume && !settings->ring)
		REFUSE("--resume: expected --ring NAME too, the ring to take up");
	if (settings->watch && settings->bar)
		REFUSE("--watch and --bar: expected only one of them");
	if (settings->quiet && settings->verbose)
		REFUSE("--quiet and --verbose: expected only one of them");
}

static void warn(const struct settings *settings)
{
	if (settings->broken != SETTING_NONE && settings->items != 0 &&
	    settings->broken > settings->items)
		diag_warn("--broken %llu: only %llu widgets are made, so none is broken",
			  (unsigned long long)settings->broken, (unsigned long long)settings->items);
}

static const struct settings defaults = {
	.producers = 1,
	.consumers = SETTING_NONE,
	.items = SETTING_NONE,
	.broken = SETTING_NONE,
	.slots = 1024,
	.item_max_bytes = 4096,
	.batch = SETTING_NONE,
	.window = SETTING_NONE,
	.block = SETTING_NONE,
	.retries = SETTING_NONE,
	.max_deliveries = SETTING_NONE,
	.drain_timeout_ns = SETTING_NONE,
	.kill_after_ns = 5 * NS_PER_S,
	.log_bytes = LOG_BYTES,
	.log_files = LOG_FILES,
	.restart = {
		.policy = RESTART_ON_FAILURE,
		.limit = 5,
		.window_ns = 60 * NS_PER_S,
		.backoff = { .kind = BACKOFF_EXP, .min_ns = 100 * NS_PER_MS, .max_ns = 10 * NS_PER_S },
	},
};

const struct option_table *settings_options(void)
{
	return &table;
}

const struct option_entry *settings_option(const char *name)
{
	for (const struct option_entry *entry = entries; entry->name; entry++)
		if (strcmp(entry->name, name) == 0)
			return entry;
	return NULL;
}

/* 1 yes, 0 no, -1 neither. */
static int truth(const char *value)
{
	static const char *const words[] = { "no", "yes", "false", "true", "off", "on", "0", "1" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i], value) == 0)
			return (int)(i % 2);
	return -1;
}

static int set_flag(const struct option_entry *entry, struct settings *settings, const char *value, char *why,
		    size_t size)
{
	int is_true = truth(value);

	if (is_true >= 0)
		*(bool *)((char *)settings + entry->field) = is_true;
	else
		snprintf(why, size, "%s \"%s\": expected yes or no", entry->name, value);
	return is_true < 0 ? -1 : 0;
}

/* The words that settings point into live as long as they do. */
static char *as_option(const char *name, const char *value)
{
	char *word;

	if (asprintf(&word, "--%s=%s", name, value) < 0)
		diag_die(EXIT_SYSTEM, "no memory for the configuration");
	return word;
}

int settings_set(struct settings *settings, const char *name, const char *value, char *why, size_t size)
{
	static char **kept;
	static size_t kept_count;
	const struct option_entry *entry = settings_option(name);
	char program[] = "launcher", *argv[] = { program, NULL, NULL }, line[512];
	int operands;

	if (entry->kind == OPTION_FLAG)
		return set_flag(entry, settings, value, why, size);
	argv[1] = as_option(name, value);
	kept = reallocarray(kept, kept_count + 1, sizeof(*kept));
	if (!kept)
		diag_die(EXIT_SYSTEM, "no memory for the configuration");
	kept[kept_count++] = argv[1];
	if (options_parse(&table, 2, argv, settings, &operands, line, sizeof(line)) == OPTIONS_OK)
		return 0;
	snprintf(why, size, "%s", line + strspn(line, "-"));
	return -1;
}

static void check(struct settings *settings)
{
	struct settings given = *settings;

	fill_in(settings);
	given.source = settings->source;
	if (!settings_has_section(settings, SIDE_PRODUCER))
		check_source(&given);
	if (!settings_has_section(settings, SIDE_CONSUMER)) {
		check_command(settings);
		check_records(settings);
	}
	check_order(settings);
	check_ring(settings);
}

void settings_finish(struct settings *settings, const char *path, unsigned line)
{
	snprintf(place, sizeof(place), "%s:%u: ", path, line);
	check(settings);
	place[0] = '\0';
}

/* The line of the file first, so that options prevail; then its sections, which inherit from both. */
static void read_file(struct settings *settings, int argc, char **argv, const char *path)
{
	static struct config config;	/* settings point into it */

	free(settings->arg_files);
	*settings = defaults;
	config_read(&config, path);
	settings_file_line(settings, &config);
	options_read(&table, argc, argv, settings);
	settings_file_sections(settings, &config);
}

void settings_read(struct settings *settings, int argc, char **argv)
{
	int operands;

	*settings = defaults;
	operands = options_read(&table, argc, argv, settings);
	if (settings->config)
		read_file(settings, argc, argv, settings->config);
	else if (settings->only_check)
		REFUSE("--check: expected --config FILE too");
	settings->command = operands < argc ? argv + operands : NULL;
	if (settings->command && settings_has_section(settings, SIDE_CONSUMER))
		REFUSE("--config: expected no COMMAND, its sections have their own");
	check(settings);
	if (settings->quiet || settings->verbose)
		diag_set_level(settings->quiet ? DIAG_QUIET : DIAG_VERBOSE);
	warn(settings);
}
