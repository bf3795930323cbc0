/* environment.c - see environment.h. */
#include "src/consumer/environment.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OWN_PREFIX "SHMLINE_"

static size_t count(char **list)
{
	size_t n = 0;

	while (list[n])
		n++;
	return n;
}

int environment_init(struct environment *environment, const char *ring, unsigned consumer)
{
	char *own[] = { environment->item, environment->delivery, environment->ring,
			environment->consumer };
	const size_t owns = sizeof(own) / sizeof(own[0]);
	char **to = calloc(count(environ) + owns + 1, sizeof(*to));

	if (!to)
		return -1;
	environment->envp = to;
	snprintf(environment->ring, sizeof(environment->ring), OWN_PREFIX "RING=%s", ring);
	snprintf(environment->consumer, sizeof(environment->consumer), OWN_PREFIX "CONSUMER=%u",
		 consumer);
	environment_set(environment, 0, 0);
	for (size_t i = 0; i < owns; i++)
		*to++ = own[i];
	/* A line within a line: the outer one's are not ours. */
	for (char **from = environ; *from; from++)
		if (strncmp(*from, OWN_PREFIX, strlen(OWN_PREFIX)) != 0)
			*to++ = *from;
	return 0;
}

void environment_set(struct environment *environment, uint64_t item, uint32_t delivery)
{
	snprintf(environment->item, sizeof(environment->item), OWN_PREFIX "ITEM=%" PRIu64, item);
	snprintf(environment->delivery, sizeof(environment->delivery),
		 OWN_PREFIX "DELIVERY=%" PRIu32, delivery);
}

/* The item's two stand first. */
char *const *environment_lasting(const struct environment *environment)
{
	return environment->envp + 2;
}

void environment_free(struct environment *environment)
{
	free(environment->envp);
}
