/*
 * verb_fsck.c - check every invariant of a ring. What they are is the ring library's business; here
 * is who may be attached meanwhile, and what is said.
 */
#include "src/ringctl/verb.h"
#include "shm/ring.h"
#include "src/base/diag.h"
#include "src/base/exitcode.h"
#include "src/ringctl/json.h"
#include "src/ringctl/reading.h"

#include <errno.h>
#include <stdio.h>

static void gather_sentence(const char *sentence, void *context)
{
	if (json_array_append_new(context, json_string(sentence)) == -1)
		diag_die(EXIT_SYSTEM, "out of memory");
}

/* Is nobody at work: not one living member but `own`, and no dead one that left things half done? */
static bool is_at_rest(struct ring *ring, uint32_t own)
{
	struct reading reading;

	return reading_take(ring, &reading) == 0 && reading.dead == 0 && reading.living == own;
}

/*
 * A list of sentences, one a violation. What holds only at rest is checked only if the ring is at rest
 * before and after: somebody may have come meanwhile.
 */
static json_t *check(struct ring *ring, uint32_t own)
{
	json_t *violations = json_array();

	if (is_at_rest(ring, own)) {
		if (ring_fsck(ring, true, gather_sentence, violations) == 0 || is_at_rest(ring, own))
			return violations;
		json_array_clear(violations);
	}
	ring_fsck(ring, false, gather_sentence, violations);
	return violations;
}

static void show_people(const char *name, json_t *violations, int recovered)
{
	size_t i;
	json_t *sentence;

	if (recovered > 0)
		printf("%s: recovered %d dead members\n", name, recovered);
	json_array_foreach (violations, i, sentence)
		printf("%s: %s\n", name, json_string_value(sentence));
	if (json_array_size(violations) == 0)
		printf("%s: sound\n", name);
}

static int fsck_report(const char *name, json_t *violations, int recovered, bool as_json)
{
	size_t n = json_array_size(violations);

	if (as_json)
		json_line(json_pack("{s:s, s:b, s:i, s:O}", "ring", name, "is_sound", n == 0,
				    "recovered", recovered, "violations", violations));
	else
		show_people(name, violations, recovered);
	if (n == 0)
		return EXIT_OK;
	diag_error("ring \"%s\" is not sound: %zu violations", name, n);
	return EXIT_INTERNAL;
}

static int fsck_look(const struct settings *settings, const char *name)
{
	int code = EXIT_OK;
	struct ring *ring = reading_open(name, RING_OBSERVER, &code);
	json_t *violations;

	if (ring == NULL)
		return code;
	violations = check(ring, 0);
	code = fsck_report(name, violations, 0, settings->json);
	json_decref(violations);
	ring_close(ring);
	return code;
}

/* Recovering takes a member. */
static int fsck_recover(const struct settings *settings, const char *name)
{
	int code = EXIT_OK, recovered;
	struct ring *ring = reading_open(name, RING_CONSUMER, &code);
	json_t *violations;
	bool was_at_rest;

	if (ring == NULL)
		return code;
	recovered = ring_recover(ring, 0);
	was_at_rest = is_at_rest(ring, 1);
	if (recovered == -1) {
		code = diag_ring_error("recover", name, ring_why());
	} else {
		violations = check(ring, 1);
		code = fsck_report(name, violations, recovered, settings->json);
		json_decref(violations);
	}
	/* Those who left meanwhile left the drained ring to us; but what we found at rest stays. */
	if (was_at_rest)
		ring_close(ring);
	else
		ring_close_last(ring);
	return code;
}

static int fsck_run(const struct settings *settings, char **operands, int n)
{
	(void)n;
	return settings->recover ? fsck_recover(settings, operands[0]) : fsck_look(settings, operands[0]);
}

static const struct option_entry fsck_options[] = {
	{
		.name = "recover",
		.help = "first recover what dead members left",
		.kind = OPTION_FLAG,
		.field = offsetof(struct settings, recover),
	},
	OPTION_JSON,
	{ .name = NULL },
};

const struct verb verb_fsck = {
	.name = "fsck",
	.operands = "NAME",
	.help = "check every invariant of a ring",
	.options = fsck_options,
	.operands_min = 1,
	.operands_max = 1,
	.run = fsck_run,
};
