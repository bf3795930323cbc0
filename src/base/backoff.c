/* backoff.c - see backoff.h. */
#include "src/base/backoff.h"
#include "src/base/quantity.h"

#include <bsd/string.h>
#include <string.h>

static int parse_range(const char *text, struct backoff *out)
{
	char copy[128], *max;

	if (strlcpy(copy, text, sizeof(copy)) >= sizeof(copy))
		return -1;
	max = strstr(copy, "..");
	if (!max)
		return -1;
	*max = '\0';
	max += 2;
	out->kind = BACKOFF_EXP;
	if (quantity_duration(copy, 0, UINT64_MAX / 2, &out->min_ns) < 0 ||
	    quantity_duration(max, out->min_ns, UINT64_MAX / 2, &out->max_ns) < 0)
		return -1;
	return 0;
}

int backoff_parse(const char *text, struct backoff *backoff)
{
	struct backoff parsed = { .kind = BACKOFF_CONST };
	int result = -1;

	if (strncmp(text, "const:", 6) == 0)
		result = quantity_duration(text + 6, 0, UINT64_MAX / 2, &parsed.min_ns);
	else if (strncmp(text, "exp:", 4) == 0)
		result = parse_range(text + 4, &parsed);
	if (result == 0)
		*backoff = parsed;
	return result;
}

/* min doubled `attempt` times, at most max. */
static uint64_t ceiling_ns(const struct backoff *backoff, unsigned attempt)
{
	uint64_t min = backoff->min_ns, max = backoff->max_ns;

	if (attempt >= 64 || min > (max >> attempt))
		return min == 0 ? 0 : max;
	return min << attempt;
}

uint64_t backoff_delay_ns(const struct backoff *backoff, unsigned attempt, double random01)
{
	if (backoff->kind == BACKOFF_CONST)
		return backoff->min_ns;
	return (uint64_t)((double)ceiling_ns(backoff, attempt) * random01);
}
