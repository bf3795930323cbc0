/* environment.h - the environment of COMMAND: the consumer's own and what tells of the item. */
#ifndef SHMLINE_ENVIRONMENT_H
#define SHMLINE_ENVIRONMENT_H

#include <stdint.h>

struct environment {
	char **envp;
	char ring[256], consumer[48], item[48], delivery[48];
};

/* 0, or -1 without memory. The environment must stay where it is: envp points into it. */
int environment_init(struct environment *environment, const char *ring, unsigned consumer);
void environment_set(struct environment *environment, uint64_t item, uint32_t delivery);
/* What a process that outlives its items gets: the same without SHMLINE_ITEM and SHMLINE_DELIVERY. */
char *const *environment_lasting(const struct environment *environment);
void environment_free(struct environment *environment);

#endif
