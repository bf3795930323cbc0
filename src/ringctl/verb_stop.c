/*
 * verb_stop.c - raise a ring's stop flag. What follows (the drain) is the members' own doing.
 */
#include "src/ringctl/verb.h"
#include "shm/ring.h"
#include "src/base/diag.h"
#include "src/base/exitcode.h"
#include "src/ringctl/json.h"
#include "src/ringctl/reading.h"
#include "src/view/words.h"

static void show_json(struct ring *ring)
{
	json_line(json_pack("{s:s, s:s, s:s}", "ring", ring_name(ring), "stop",
			    words_stop_mode(ring_stopped(ring)), "stop_cause",
			    words_stop_cause(ring_stop_cause(ring))));
}

static int stop_run(const struct settings *settings, char **operands, int n)
{
	enum ring_stop_mode mode = RING_STOP_SOFT + (unsigned)settings->mode;
	int code = EXIT_OK;
	struct ring *ring;

	(void)n;
	/* A consumer too many is noticed by nobody; a producer or a holder would keep the line open. */
	ring = reading_open(operands[0], RING_CONSUMER, &code);
	if (ring == NULL)
		return code;
	ring_stop(ring, mode, RING_CAUSE_USER);
	if (ring_stopped(ring) != mode)
		diag_warn("ring \"%s\": the stop flag only rises, it stays at \"%s\"", operands[0],
			  words_stop_mode(ring_stopped(ring)));
	if (settings->json)
		show_json(ring);
	/* Those who left meanwhile took us for a consumer, and left the drained ring to us. */
	ring_close_last(ring);
	return code;
}

static const struct option_entry stop_options[] = {
	{
		.name = "mode",
		.letter = 'm',
		.arg = "MODE",
		.help = "soft: what is being made may still be published; strict: nothing more is; "
			"now: nothing is taken either, what is left stays (soft)",
		.kind = OPTION_CHOICE,
		.choices = words_stop_choices,
		.field = offsetof(struct settings, mode),
	},
	OPTION_JSON,
	{ .name = NULL },
};

const struct verb verb_stop = {
	.name = "stop",
	.operands = "NAME",
	.help = "raise the stop flag: producers end, consumers drain the ring",
	.options = stop_options,
	.operands_min = 1,
	.operands_max = 1,
	.run = stop_run,
};
