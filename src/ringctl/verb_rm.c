/*
 * verb_rm.c - remove a ring. Its memory goes when the last process that has it mapped ends.
 */
#include "src/ringctl/verb.h"
#include "shm/ring.h"
#include "src/base/diag.h"
#include "src/base/exitcode.h"
#include "src/ringctl/json.h"
#include "src/ringctl/reading.h"

#include <errno.h>

/* Refused: by how much? The ring may change or go meanwhile; then the error alone is said. */
static int refuse_used(const char *name, int error)
{
	struct ring *ring = ring_open(name, RING_OBSERVER, 0);
	struct reading reading;
	bool is_read = ring != NULL && reading_take(ring, &reading) == 0;

	ring_close(ring);
	if (is_read && error == EBUSY && reading.living > 0) {
		diag_error("cannot remove ring \"%s\": %u members are attached (--force removes it)",
			   name, reading.living);
		return EXIT_NO_RING;
	}
	if (is_read && error == ENOTEMPTY && reading.stats.left > 0) {
		diag_error("cannot remove ring \"%s\": %llu items are left in it (--force removes it)",
			   name, (unsigned long long)reading.stats.left);
		return EXIT_ITEMS_LEFT;
	}
	errno = error;
	return diag_ring_error("remove", name, NULL);
}

static int rm_run(const struct settings *settings, char **operands, int n)
{
	const char *name = operands[0];

	(void)n;
	if (ring_unlink(name, settings->force) == -1)
		return errno == EBUSY || errno == ENOTEMPTY ? refuse_used(name, errno)
							    : diag_ring_error("remove", name, ring_why());
	if (settings->json)
		json_line(json_pack("{s:s, s:b}", "ring", name, "removed", 1));
	return EXIT_OK;
}

static const struct option_entry rm_options[] = {
	{
		.name = "force",
		.letter = 'f',
		.help = "remove it though it is in use, not empty or not sound; its members go on "
			"in memory that nobody else can find",
		.kind = OPTION_FLAG,
		.field = offsetof(struct settings, force),
	},
	OPTION_JSON,
	{ .name = NULL },
};

const struct verb verb_rm = {
	.name = "rm",
	.operands = "NAME",
	.help = "remove a ring that nobody uses and that is empty",
	.options = rm_options,
	.operands_min = 1,
	.operands_max = 1,
	.run = rm_run,
};
