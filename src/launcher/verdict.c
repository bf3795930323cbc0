/* verdict.c - see verdict.h. */
#include "src/launcher/verdict.h"

#include <stddef.h>

#include "src/base/exitcode.h"

/* Failures of workers, the one that says most first. Behind them comes any other. */
static const int rank[] = {
	EXIT_INTERNAL, EXIT_BAD_USAGE, EXIT_NOT_FOUND,   EXIT_CANT_RUN,      EXIT_BAD_DATA, EXIT_NO_INPUT,
	EXIT_NO_RING,  EXIT_SYSTEM,    EXIT_CANT_CREATE, EXIT_NO_PERMISSION, EXIT_IO,       EXIT_ITEMS_LEFT,
};

static size_t rank_of(int code)
{
	size_t i = 0;

	while (i < sizeof(rank) / sizeof(rank[0]) && rank[i] != code)
		i++;
	return i;
}

int verdict_worse(int a, int b)
{
	if (a == 0 || b == 0)
		return a ? a : b;
	return rank_of(a) <= rank_of(b) ? a : b;
}

int verdict_exit_code(const struct outcome *outcome)
{
	if (outcome->is_unsound)
		return EXIT_INTERNAL;
	if (outcome->failure && outcome->failure != EXIT_ITEMS_LEFT)
		return outcome->failure;
	if (outcome->gave_up)
		return EXIT_GAVE_UP;
	if (outcome->left > 0 || outcome->failure)
		return EXIT_ITEMS_LEFT;
	if (outcome->item_stopped)
		return EXIT_ITEM_STOPPED;
	if (outcome->dead > 0)
		return EXIT_ITEMS_DEAD;
	return outcome->ended_by ? EXIT_BY_SIGNAL + outcome->ended_by : EXIT_OK;
}
