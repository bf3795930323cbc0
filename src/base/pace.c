/* pace.c - see pace.h. Who sleeps, and how a signal ends the sleep, is the caller's business. */
#include "src/base/pace.h"
#include "src/base/quantity.h"

#include <bsd/string.h>
#include <string.h>

int pace_parse(const char *text, struct pace *pace)
{
	struct pace parsed = { .every_ns = 0 };
	char copy[128], *extra, *chance;

	if (strlcpy(copy, text, sizeof(copy)) >= sizeof(copy))
		return -1;
	extra = strchr(copy, '+');
	if (extra) {
		*extra++ = '\0';
		chance = strchr(extra, '@');
		if (!chance)
			return -1;
		*chance++ = '\0';
		if (quantity_duration(extra, 0, UINT64_MAX / 2, &parsed.extra_ns) < 0 ||
		    quantity_probability(chance, &parsed.chance) < 0)
			return -1;
	}
	if (quantity_duration(copy, 0, UINT64_MAX / 2, &parsed.every_ns) < 0)
		return -1;
	*pace = parsed;
	return 0;
}

uint64_t pace_next_ns(const struct pace *pace, double random01)
{
	return pace->every_ns + (random01 < pace->chance ? pace->extra_ns : 0);
}
