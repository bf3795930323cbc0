/* settings.c - the consumer's options: one table, and the rules between them. */
#include "src/consumer/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/diag.h"
#include "src/base/exitcode.h"
#include "src/base/options.h"

#define KILL_AFTER_NS UINT64_C(5000000000)	/* 5s, as the launcher has it */
#define BLOCK_DEFAULT (64u * 1024)		/* what a pipe holds */
#define BLOCK_MAX (1u << 30)
#define DELIVERIES_MAX 4095			/* as far as the ring counts */

/* ------------------------------------------------------------------ values with a form of their own */

static bool take_ring(const struct option_entry *entry, const char *value, void *settings,
		      const char **expected)
{
	(void)entry;
	*expected = "a name of 1 to 200 letters, digits, dots, dashes and underscores, not beginning "
		    "with a dot or dash";
	((struct settings *)settings)->ring = value;
	return ring_name_is_valid(value);
}

static bool take_sink(const struct option_entry *entry, const char *value, void *settings,
		      const char **expected)
{
	struct settings *all = settings;

	(void)entry;
	all->sink = sink_find(value, &all->request.arg, expected);
	return all->sink != NULL;
}

static bool take_worker(const struct option_entry *entry, const char *value, void *settings,
			const char **expected)
{
	struct settings *all = settings;

	(void)entry;
	all->worker = worker_find(value, expected);
	return all->worker != NULL;
}

static bool take_backoff(const struct option_entry *entry, const char *value, void *settings,
			 const char **expected)
{
	struct rules *rules = &((struct settings *)settings)->rules;

	(void)entry;
	*expected = BACKOFF_EXPECTED;
	rules->has_backoff = true;
	return backoff_parse(value, &rules->backoff) == 0;
}

static bool take_pace(const struct option_entry *entry, const char *value, void *settings,
		      const char **expected)
{
	(void)entry;
	*expected = PACE_EXPECTED;
	return pace_parse(value, &((struct settings *)settings)->pace) == 0;
}

/* ------------------------------------------------------------------ the table */

enum { STOP_SOFT, STOP_STRICT, STOP_NOW, STOP_IGNORE };

static const char *const stop_choices[] = {
	[STOP_SOFT] = "soft", [STOP_STRICT] = "strict", [STOP_NOW] = "now", [STOP_IGNORE] = "ignore", NULL,
};

static const enum ring_stop_mode stop_modes[] = {
	[STOP_SOFT] = RING_STOP_SOFT,
	[STOP_STRICT] = RING_STOP_STRICT,
	[STOP_NOW] = RING_STOP_NOW,
	[STOP_IGNORE] = RING_STOP_NONE,
};

#define FIELD(name) .field = offsetof(struct settings, name)

static const struct option_entry entries[] = {
	{ .group = "The ring", .name = "ring", .letter = 'r', .arg = "NAME",
	  .help = "name of the ring (default)", .kind = OPTION_CALL, .call = take_ring,
	  .takes_ring = true },
	{ .name = "slots", .arg = "N", .help = "items a ring holds that is made (1024)",
	  .kind = OPTION_COUNT, .min = 2, .max = RING_SLOTS_MAX, FIELD(slots) },
	{ .name = "item-max", .arg = "SIZE",
	  .help = "longest item of a ring that is made (4096 bytes; sizes as 64K, 2M)",
	  .kind = OPTION_SIZE, .min = 1, .max = RING_ITEM_MAX_MAX, FIELD(item_max) },
	{ .name = "keep-open", .help = "wait for more producers when all have left",
	  .kind = OPTION_FLAG, FIELD(keep_open) },
	{ .name = "idle-exit", .arg = "DURATION", .help = "end when nothing came for so long",
	  .kind = OPTION_DURATION, .max = SETTING_NONE - 1, FIELD(idle_exit_ns) },

	{ .group = "Where items go", .name = "sink", .arg = "KIND[:ARG]",
	  .help = "one of those below (log; with COMMAND exec)", .kind = OPTION_CALL,
	  .call = take_sink },
	{ .name = "null", .letter = '0',
	  .help = "NUL instead of newline behind items on standard output, or in a batch on COMMAND's "
		  "standard input",
	  .kind = OPTION_FLAG, FIELD(is_null) },
	{ .name = "worker", .arg = "PROTOCOL", .help = "how COMMAND gets items, see below (exec)",
	  .kind = OPTION_CALL, .call = take_worker },
	{ .name = "batch", .arg = "N", .help = "items a run of COMMAND gets, at most (1)",
	  .kind = OPTION_COUNT, .min = 1, .max = RING_SLOTS_MAX, FIELD(batch) },
	{ .name = "window", .arg = "N",
	  .help = "items that a COMMAND which stays may hold unanswered (1)", .kind = OPTION_COUNT,
	  .min = 1, .max = RING_SLOTS_MAX, FIELD(window) },
	{ .name = "block", .arg = "SIZE",
	  .help = "bytes of whole records that a streaming COMMAND gets at once, about (64K)",
	  .kind = OPTION_SIZE, .min = 1, .max = BLOCK_MAX, FIELD(block) },
	{ .name = "shell", .help = "run COMMAND by sh -c, where {} is \"$1\" (or \"$@\")", .kind = OPTION_FLAG,
	  FIELD(request.command.is_shell) },
	{ .name = "stdin", .help = "hand the item to COMMAND on its standard input",
	  .kind = OPTION_FLAG, FIELD(request.command.on_stdin) },
	{ .name = "time-limit", .arg = "DURATION",
	  .help = "time COMMAND may take for an item; then it gets TERM, then KILL, and has failed",
	  .kind = OPTION_DURATION, .min = 1, .max = SETTING_NONE - 1, FIELD(request.time_limit_ns) },
	{ .name = "kill-after", .arg = "DURATION", .help = "from TERM to KILL (5s)",
	  .kind = OPTION_DURATION, .max = SETTING_NONE - 1, FIELD(request.kill_after_ns) },
	{ .name = "joblog", .arg = "FILE",
	  .help = "append a line for each run of COMMAND, as GNU parallel writes it",
	  .kind = OPTION_TEXT, .takes_file = true, FIELD(request.joblog) },
	{ .name = "keep-order",
	  .help = "COMMAND's output in the order of the items, whichever is done first",
	  .kind = OPTION_FLAG, FIELD(request.keep_order) },
	{ .name = "pace", .arg = "D[+D@P]",
	  .help = "a pause after each item, and a second one with probability P",
	  .kind = OPTION_CALL, .call = take_pace },

	{ .group = "When it goes wrong", .name = "retries", .arg = "N",
	  .help = "times a failing item is tried again (0)", .kind = OPTION_COUNT, .max = UINT16_MAX,
	  FIELD(rules.retries) },
	{ .name = "backoff", .arg = "SPEC",
	  .help = "wait before a retry: const:D, or exp:MIN..MAX with full jitter (none)",
	  .kind = OPTION_CALL, .call = take_backoff },
	{ .name = "max-deliveries", .arg = "N",
	  .help = "deliveries after which an item that keeps killing its consumer is dead (5)",
	  .kind = OPTION_COUNT, .min = 1, .max = DELIVERIES_MAX, FIELD(rules.max_deliveries) },
	{ .name = "dead", .arg = "FILE", .help = "append dead letters as JSON lines",
	  .kind = OPTION_TEXT, .takes_file = true, FIELD(dead_file) },
	{ .name = "stop", .arg = "MODE",
	  .help = "what a broken item does: soft, strict, now, ignore (soft)",
	  .kind = OPTION_CHOICE, .choices = stop_choices, FIELD(stop_choice) },

	{ .group = "What is said", .name = "quiet", .help = "say only what went wrong",
	  .kind = OPTION_FLAG, FIELD(quiet) },
	{ .name = "verbose", .letter = 'v', .help = "say more", .kind = OPTION_FLAG, FIELD(verbose) },

	/* For the launcher: which consumer this is, no more than a look at the options, and what would be
	   run. */
	{ .name = "number", .arg = "I", .kind = OPTION_COUNT, .min = 1, .max = RING_MEMBERS_MAX,
	  FIELD(number) },
	{ .name = "check", .kind = OPTION_FLAG, FIELD(only_check) },
	{ .name = "show", .kind = OPTION_FLAG, FIELD(only_show) },
	{ .name = NULL },
};

static struct option_table table = {
	.program = "consumer",
	.usage = "[OPTION...] [-- COMMAND [ARG...]]",
	.about = "Take items from a ring, which whoever comes first makes, work on them and ack them. Ends\n"
		 "when producers were there, all have left, and nothing is left in the ring.",
	.entries = entries,
};

/* The sinks and workers list themselves. */
static const char *closing_text(void)
{
	static char text[4096];

	snprintf(text, sizeof(text),
		 "Sinks:\n%s\nWorkers:\n%s\n"
		 "In COMMAND {} is the item, {#} its id, {%%} the consumer's number; without {} the item\n"
		 "is the last argument. It finds SHMLINE_RING, SHMLINE_ITEM (the id), SHMLINE_DELIVERY and\n"
		 "SHMLINE_CONSUMER in its environment. Its exit code: 0 done; 75 try again later; 65 dead;\n"
		 "255 dead, and raise the stop flag; any other, or a signal: failed, tried again while\n"
		 "--retries lasts, then dead.\n\n"
		 "Exit codes: 0 drained, or nothing came for --idle-exit; 64 wrong usage; 75 items left by a\n"
		 "forced stop; 123 some items dead; 124 an item raised the stop flag; 126, 127 COMMAND can't\n"
		 "be run, is not found; 128+N ended by signal N; 69, 70, 71, 73, 74 and 77 as in\n"
		 "sysexits.h.",
		 sink_list(), worker_list());
	return text;
}

/* ------------------------------------------------------------------ rules between options */

#define REFUSE(...) diag_die(EXIT_BAD_USAGE, __VA_ARGS__)

enum { IS_EXEC = 1, IS_RECORDS = 2, IS_STREAM = 4 };

static unsigned kind_of(const struct sink *worker)
{
	return !worker || worker == &worker_exec ? IS_EXEC : worker == &worker_stream ? IS_STREAM : IS_RECORDS;
}

/* A COMMAND that stays gets items on its standard input, and nowhere else. */
static void refuse_places(const struct settings *settings)
{
	for (char *const *word = settings->request.command.words; *word; word++)
		if (strcmp(*word, "{}") == 0 || strcmp(*word, "{#}") == 0)
			REFUSE("--worker %s: expected a COMMAND without %s: it gets its items on standard "
			       "input", settings->worker->name, *word);
}

static void check_worker(const struct settings *settings)
{
	const struct sink_request *request = &settings->request;
	const struct {
		const char *option, *expected;
		unsigned fits;
		bool is_given;
	} fitting[] = {
		{ .option = "--window", .expected = "--worker lines, nul or len32", .fits = IS_RECORDS,
		  .is_given = settings->window != 0 },
		{ .option = "--block", .expected = "--worker stream", .fits = IS_STREAM,
		  .is_given = settings->block != 0 },
		{ .option = "--batch", .expected = "--worker exec", .fits = IS_EXEC,
		  .is_given = settings->batch != 0 },
		{ .option = "--stdin", .expected = "--worker exec, others get items there anyway",
		  .fits = IS_EXEC, .is_given = request->command.on_stdin },
		{ .option = "--time-limit", .expected = "a worker that tells when it is done with an item",
		  .fits = IS_EXEC | IS_RECORDS, .is_given = request->time_limit_ns != 0 },
		{ .option = "--retries", .expected = "a worker whose items can fail, not stream",
		  .fits = IS_EXEC | IS_RECORDS,
		  .is_given = settings->rules.retries != SETTING_NONE },
		{ .option = "--backoff", .expected = "a worker whose items can fail, not stream",
		  .fits = IS_EXEC | IS_RECORDS, .is_given = settings->rules.has_backoff },
		{ .option = "--joblog", .expected = "a worker that tells when it is done with an item",
		  .fits = IS_EXEC | IS_RECORDS, .is_given = request->joblog },
	};
	unsigned kind = kind_of(settings->worker);

	for (size_t i = 0; i < sizeof(fitting) / sizeof(fitting[0]); i++)
		if (fitting[i].is_given && !(fitting[i].fits & kind))
			REFUSE("%s: expected %s", fitting[i].option, fitting[i].expected);
	if (kind != IS_EXEC)
		refuse_places(settings);
}

static void check_rules(const struct settings *settings)
{
	const struct sink_request *request = &settings->request;
	const struct {
		const char *option;
		bool is_given;
	} needing[] = {
		{ .option = "--worker", .is_given = settings->worker },
		{ .option = "--window", .is_given = settings->window != 0 },
		{ .option = "--block", .is_given = settings->block != 0 },
		{ .option = "--shell", .is_given = request->command.is_shell },
		{ .option = "--stdin", .is_given = request->command.on_stdin },
		{ .option = "--batch", .is_given = settings->batch != 0 },
		{ .option = "--time-limit", .is_given = request->time_limit_ns != 0 },
		{ .option = "--kill-after", .is_given = request->kill_after_ns != SETTING_NONE },
		{ .option = "--joblog", .is_given = request->joblog },
		{ .option = "--keep-order", .is_given = request->keep_order },
		{ .option = "--retries", .is_given = settings->rules.retries != SETTING_NONE },
		{ .option = "--backoff", .is_given = settings->rules.has_backoff },
		{ .option = "--sink exec", .is_given = settings->sink && settings->sink->is_worker },
	};

	for (size_t i = 0; i < sizeof(needing) / sizeof(needing[0]); i++)
		if (!request->command.words && needing[i].is_given)
			REFUSE("%s: expected a COMMAND behind the options", needing[i].option);
	if (request->command.words && settings->sink && !settings->sink->is_worker)
		REFUSE("--sink %s: expected no other sink than exec with a COMMAND",
		       settings->sink->name);
	if (request->keep_order && settings->batch > 1)
		REFUSE("--keep-order: expected no --batch, whose runs have several items");
	if (request->keep_order && settings->worker == &worker_stream)
		REFUSE("--keep-order: expected a worker that tells when it is done with an item");
	if (settings->is_null && settings->sink != &sink_stdout && !request->command.on_stdin &&
	    settings->worker != &worker_stream)
		REFUSE("--null: expected --sink stdout, --stdin or --worker stream, which write items that "
		       "end somehow");
	if (request->command.words)
		check_worker(settings);
}

static void fill_in(struct settings *settings)
{
	struct sink_request *request = &settings->request;

	if (settings->worker)
		settings->sink = settings->worker;
	if (!settings->sink)
		settings->sink = request->command.words ? &worker_exec : &sink_log;
	if (settings->rules.retries == SETTING_NONE)
		settings->rules.retries = 0;
	if (request->kill_after_ns == SETTING_NONE)
		request->kill_after_ns = KILL_AFTER_NS;
	request->window = settings->window ? settings->window : 1;
	request->block = settings->block ? settings->block : BLOCK_DEFAULT;
	request->command.batch = settings->batch ? settings->batch : 1;
	settings->rules.shares_hands = request->command.words &&
				       (kind_of(settings->worker) != IS_EXEC || request->command.batch > 1);
	request->terminator = settings->is_null ? '\0' : '\n';
	request->number = (unsigned)settings->number;
	settings->is_launched = settings->number > 0;
	settings->stop = stop_modes[settings->stop_choice];
}

void settings_read(struct settings *settings, int argc, char **argv)
{
	int operand;

	*settings = (struct settings){
		.ring = "default",
		.rules = { .retries = SETTING_NONE, .max_deliveries = 5 },
		.request = { .kill_after_ns = SETTING_NONE },
		.idle_exit_ns = SETTING_NONE,
		.stop_choice = STOP_SOFT,
	};
	table.closing = closing_text();
	operand = options_read(&table, argc, argv, settings);
	if (settings->quiet)
		diag_set_level(DIAG_QUIET);
	else if (settings->verbose)
		diag_set_level(DIAG_VERBOSE);
	if (operand < argc)
		settings->request.command.words = argv + operand;
	check_rules(settings);
	fill_in(settings);
}
