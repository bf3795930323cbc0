/* whenfull.c - see whenfull.h. */
#include "src/base/whenfull.h"
#include "src/base/quantity.h"

#include <limits.h>
#include <stddef.h>
#include <string.h>

#define NS_PER_MS UINT64_C(1000000)

static const struct {
	const char *name;
	struct when_full policy;
} policies[] = {
	{ .name = "block", .policy = { .kind = WHEN_FULL_BLOCK, .timeout_ms = -1 } },
	{ .name = "fail", .policy = { .kind = WHEN_FULL_FAIL } },
	{ .name = "drop-newest", .policy = { .kind = WHEN_FULL_DROP_NEWEST } },
	{ .name = "drop-oldest", .policy = { .kind = WHEN_FULL_DROP_OLDEST } },
};

int when_full_parse(const char *text, struct when_full *policy)
{
	uint64_t limit_ns;

	for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
		if (strcmp(text, policies[i].name) == 0) {
			*policy = policies[i].policy;
			return 0;
		}
	}
	if (strncmp(text, "block:", 6) != 0 ||
	    quantity_duration(text + 6, 0, INT_MAX * NS_PER_MS, &limit_ns) < 0)
		return -1;
	policy->kind = WHEN_FULL_BLOCK;
	/* Rounded up: a wait is never shorter than what was asked for. */
	policy->timeout_ms = (int)((limit_ns + NS_PER_MS - 1) / NS_PER_MS);
	return 0;
}
