/* team.c - see team.h. */
#include "src/launcher/team.h"

#include <stdlib.h>

int teams_init(struct teams *teams, const struct orders *orders)
{
	const struct settings *settings = orders->settings;
	const uint64_t counts[] = { settings->producers, settings->consumers };

	*teams = (struct teams){ .list = calloc(2, sizeof(struct team)) };
	if (!teams->list)
		return -1;
	for (enum side side = SIDE_PRODUCER; side <= SIDE_CONSUMER; side++)
		teams->list[teams->count++] = (struct team){
			.side = side,
			.name = side_name(side),
			.count = counts[side],
			.orders = *orders,
		};
	return 0;
}

void teams_free(struct teams *teams)
{
	free(teams->list);
}
