/* settings.c - the producer's options: one table, and the rules between them. */
#include "src/producer/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shm/ring.h"
#include "src/base/diag.h"
#include "src/base/exitcode.h"
#include "src/base/options.h"
#include "src/base/quantity.h"

#define ITEMS_DEFAULT 10	/* widgets of a producer that is told nothing */

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

static bool take_source(const struct option_entry *entry, const char *value, void *settings,
			const char **expected)
{
	struct settings *all = settings;

	(void)entry;
	all->source = source_find(value, &all->source_arg, expected);
	return all->source != NULL;
}

static void add_file(struct settings *settings, const char *file)
{
	size_t n = settings->n_files + 1;
	const char **files = reallocarray(settings->files, n, sizeof(*files));

	if (!files)
		diag_die(EXIT_SYSTEM, "no memory for %zu file names", n);
	files[settings->n_files] = file;
	settings->files = files;
	settings->n_files = n;
}

static bool take_file(const struct option_entry *entry, const char *value, void *settings,
		      const char **expected)
{
	(void)entry;
	*expected = "the name of a file, or - for standard input";
	add_file(settings, value);
	return *value != '\0';
}

/* What stands behind the backslash: a letter of C, octal digits, or x and hexadecimal ones. */
static int escaped_byte(const char *text)
{
	static const char letters[] = "abfnrtv\\", bytes[] = "\a\b\f\n\r\t\v\\";
	const char *letter = strchr(letters, text[0]);
	int base = text[0] == 'x' ? 16 : 8;
	char *end;
	unsigned long byte;

	if (letter && text[0] && text[1] == '\0')
		return bytes[letter - letters];
	if (base == 16)
		text++;
	if (text[strspn(text, base == 16 ? "0123456789abcdefABCDEF" : "01234567")] != '\0')
		return -1;
	byte = strtoul(text, &end, base);
	return end != text && byte <= 255 ? (int)byte : -1;
}

static bool take_delimiter(const struct option_entry *entry, const char *value, void *settings,
			   const char **expected)
{
	int byte = -1;

	(void)entry;
	*expected = "one byte, or as in C: \\n, \\t, \\0, \\x1e, \\036";
	if (value[0] && value[1] == '\0')
		byte = (unsigned char)value[0];
	else if (value[0] == '\\')
		byte = escaped_byte(value + 1);
	((struct settings *)settings)->delimiter = byte;
	return byte >= 0;
}

static bool take_when_full(const struct option_entry *entry, const char *value, void *settings,
			   const char **expected)
{
	(void)entry;
	*expected = WHEN_FULL_EXPECTED;
	return when_full_parse(value, &((struct settings *)settings)->when_full) == 0;
}

static bool take_pace(const struct option_entry *entry, const char *value, void *settings,
		      const char **expected)
{
	(void)entry;
	*expected = PACE_EXPECTED;
	return pace_parse(value, &((struct settings *)settings)->pace) == 0;
}

/* ------------------------------------------------------------------ the table */

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
	{ .name = "keep-open", .help = "stay, and so keep the ring open, until a signal or the stop flag",
	  .kind = OPTION_FLAG, FIELD(keep_open) },

	{ .group = "Where items come from", .name = "source", .arg = "KIND[:ARG]",
	  .help = "one of those below (lines with a FILE, -a, -0 or -d; else widgets)",
	  .kind = OPTION_CALL, .call = take_source },
	{ .name = "arg-file", .letter = 'a', .arg = "FILE",
	  .help = "read items from FILE, as from a FILE behind the options", .kind = OPTION_CALL,
	  .call = take_file, .takes_file = true },
	{ .name = "null", .letter = '0', .help = "items end with a NUL byte", .kind = OPTION_FLAG,
	  FIELD(is_null) },
	{ .name = "delimiter", .letter = 'd', .arg = "C",
	  .help = "items end with the byte C, which may be written as in C (\\t, \\x1e)",
	  .kind = OPTION_CALL, .call = take_delimiter },
	{ .name = "items", .letter = 'n', .arg = "N",
	  .help = "items to publish (10 if they are generated, else all; 0: no end)",
	  .kind = OPTION_COUNT, .max = SETTING_NONE - 1, FIELD(items) },
	{ .name = "broken", .letter = 'k', .arg = "K", .help = "the K-th widget is broken",
	  .kind = OPTION_COUNT, .min = 1, .max = SETTING_NONE - 1, FIELD(broken) },
	{ .name = "invoice-work", .arg = "DURATION", .help = "time that getting one invoice takes (0)",
	  .kind = OPTION_DURATION, .max = SETTING_NONE - 1, FIELD(work_ns) },

	{ .group = "How they are published", .name = "when-full", .arg = "POLICY",
	  .help = "block (default), block:DURATION, fail, drop-newest, drop-oldest",
	  .kind = OPTION_CALL, .call = take_when_full },
	{ .name = "pace", .arg = "D[+D@P]",
	  .help = "a pause after each item, and a second one with probability P",
	  .kind = OPTION_CALL, .call = take_pace },

	{ .group = "What is said", .name = "quiet", .help = "say only what went wrong",
	  .kind = OPTION_FLAG, FIELD(quiet) },
	{ .name = "verbose", .letter = 'v', .help = "say more", .kind = OPTION_FLAG, FIELD(verbose) },

	/* For the launcher: which of how many producers this is, what they make together, no
	   more than a look at the options, and the records without a ring. */
	{ .name = "number", .arg = "I", .kind = OPTION_COUNT, .min = 1, .max = RING_MEMBERS_MAX,
	  FIELD(number) },
	{ .name = "first", .arg = "I", .kind = OPTION_COUNT, .min = 1, .max = RING_MEMBERS_MAX, FIELD(first) },
	{ .name = "lanes", .arg = "N", .kind = OPTION_COUNT, .max = RING_MEMBERS_MAX, FIELD(lanes) },
	{ .name = "items-in-all", .arg = "N", .kind = OPTION_COUNT, .max = SETTING_NONE - 1,
	  FIELD(items_in_all) },
	{ .name = "check", .kind = OPTION_FLAG, FIELD(only_check) },
	{ .name = "show", .kind = OPTION_FLAG, FIELD(only_show) },
	{ .name = NULL },
};

static struct option_table table = {
	.program = "producer",
	.usage = "[OPTION...] [FILE...]",
	.about = "Publish items into a ring, which whoever comes first makes: the lines of FILE (- is\n"
		 "standard input), or what another source gives. With neither, widgets.",
	.entries = entries,
};

/* The sources list themselves. */
static const char *closing_text(void)
{
	static char text[2048];

	snprintf(text, sizeof(text),
		 "Sources:\n%s\n"
		 "Exit codes: 0 all published, or the stop flag was up; 64 wrong usage; 65 an item too\n"
		 "long or cut short; 66 no such input; 75 the ring stayed full; 128+N ended by signal N;\n"
		 "69, 70, 71, 73, 74 and 77 as in sysexits.h.",
		 source_list());
	return text;
}

/* ------------------------------------------------------------------ rules between options */

#define REFUSE(...) diag_die(EXIT_BAD_USAGE, __VA_ARGS__)

static void choose_source(struct settings *settings)
{
	bool reads = settings->n_files > 0 || settings->is_null || settings->delimiter >= 0;

	if (!settings->source)
		settings->source = reads ? &source_lines : &source_widgets;
	if (settings->source_arg && settings->source->reads_files)
		add_file(settings, settings->source_arg);
}

/* Among those that share the source, from 1; 0: alone. */
static unsigned share_number(const struct settings *settings)
{
	if (settings->number == 0 || settings->first == 0)
		return (unsigned)settings->number;
	return (unsigned)(settings->number - settings->first + 1);
}

static void check_rules(const struct settings *settings)
{
	const struct source *source = settings->source;
	char shown[128];

	if (settings->n_files > 0 && !source->reads_files)
		REFUSE("FILE \"%s\": source %s reads no files; expected --source lines, nul or len32",
		       diag_quote(shown, sizeof(shown), settings->files[0],
				  strlen(settings->files[0])),
		       source->name);
	if (settings->is_null && settings->delimiter >= 0)
		REFUSE("--null and --delimiter: expected only one of them");
	if (settings->is_null && !source->has_delimiter && source != &source_nul)
		REFUSE("--null: source %s has no delimiter; expected --source lines", source->name);
	if (settings->delimiter >= 0 && !source->has_delimiter)
		REFUSE("--delimiter: source %s has none to choose; expected --source lines",
		       source->name);
	if (settings->broken != 0 && !source->has_broken)
		REFUSE("--broken: source %s makes no widgets; expected --source widgets", source->name);
	if (settings->work_ns != 0 && !source->has_work)
		REFUSE("--invoice-work: source %s makes no invoices; expected --source invoices",
		       source->name);
	if (settings->number > 0 && settings->number < settings->first)
		REFUSE("--number: expected %u or more", (unsigned)settings->first);
	if (settings->lanes > 0 && settings->number > 0 && share_number(settings) > settings->lanes)
		REFUSE("--number: expected %u to %u", (unsigned)settings->first,
		       (unsigned)(settings->first + settings->lanes - 1));
}

static void fill_in(struct settings *settings)
{
	bool is_told = settings->items != SETTING_NONE || settings->items_in_all != SETTING_NONE;

	if (settings->items == SETTING_NONE)
		settings->items = settings->source->is_generated && !is_told ? ITEMS_DEFAULT : 0;
	settings->is_launched = settings->number > 0;
	settings->request = (struct source_request){
		.arg = settings->source_arg,
		.files = settings->files,
		.n_files = settings->n_files,
		.delimiter = settings->is_null ? '\0' : settings->delimiter,
		.number = share_number(settings),
		.lanes = (unsigned)settings->lanes,
		.limit = settings->items_in_all == SETTING_NONE ? 0 : settings->items_in_all,
		.broken = settings->broken,
		.work_ns = settings->work_ns,
		.item_max = settings->item_max,
	};
}

void settings_read(struct settings *settings, int argc, char **argv)
{
	int operand;

	*settings = (struct settings){
		.ring = "default",
		.when_full = { .kind = WHEN_FULL_BLOCK, .timeout_ms = -1 },
		.items = SETTING_NONE,
		.items_in_all = SETTING_NONE,
		.delimiter = -1,
	};
	table.closing = closing_text();
	operand = options_read(&table, argc, argv, settings);
	if (settings->quiet)
		diag_set_level(DIAG_QUIET);
	else if (settings->verbose)
		diag_set_level(DIAG_VERBOSE);
	while (operand < argc)
		add_file(settings, argv[operand++]);
	choose_source(settings);
	check_rules(settings);
	fill_in(settings);
}

void settings_free(struct settings *settings)
{
	free(settings->files);
}
