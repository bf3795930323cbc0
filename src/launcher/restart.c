/* restart.c - see restart.h. */
#include "src/launcher/restart.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/exitcode.h"
#include "src/base/quantity.h"

int restart_limit_parse(const char *text, struct restart_rules *rules)
{
	const char *slash = strchr(text, '/');
	char number[8];
	uint64_t limit, window_ns;

	if (!slash || (size_t)(slash - text) >= sizeof(number))
		return -1;
	memcpy(number, text, (size_t)(slash - text));
	number[slash - text] = '\0';
	if (quantity_count(number, 0, RESTART_LIMIT_MAX, &limit) < 0 ||
	    quantity_duration(slash + 1, 1, UINT64_MAX / 2, &window_ns) < 0)
		return -1;
	rules->limit = (uint32_t)limit;
	rules->window_ns = window_ns;
	return 0;
}

/* Codes that a new start would only repeat. */
static const int final_codes[] = {
	EXIT_BAD_USAGE, EXIT_BAD_DATA,      EXIT_NO_INPUT, EXIT_INTERNAL,
	EXIT_CANT_CREATE, EXIT_NO_PERMISSION, EXIT_CANT_RUN, EXIT_NOT_FOUND,
};

enum ending restart_ending(bool is_producer, int exit_code)
{
	/* Items that a consumer declared dead, or that raised the flag, are in the books. */
	if (exit_code == EXIT_OK || exit_code == EXIT_ITEMS_DEAD || exit_code == EXIT_ITEM_STOPPED)
		return ENDING_GOOD;
	/* --when-full fail: the line fails, it does not knock again. */
	if (is_producer && exit_code == EXIT_ITEMS_LEFT)
		return ENDING_FINAL;
	for (size_t i = 0; i < sizeof(final_codes) / sizeof(final_codes[0]); i++)
		if (exit_code == final_codes[i])
			return ENDING_FINAL;
	return ENDING_BAD;
}

int restart_history_create(struct restart_history *history, const struct restart_rules *rules)
{
	*history = (struct restart_history){ .restarted_ns = NULL };
	if (rules->limit == 0)
		return 0;
	history->restarted_ns = calloc(rules->limit, sizeof(*history->restarted_ns));
	return history->restarted_ns ? 0 : -1;
}

void restart_history_free(struct restart_history *history)
{
	free(history->restarted_ns);
	history->restarted_ns = NULL;
}

static void forgive(struct restart_history *history, const struct restart_run *run)
{
	bool is_long = run->ended_ns - run->started_ns >= RESTART_HEALTHY_NS;

	if (is_long)
		history->count = 0;
	if (is_long || run->made_progress)
		history->attempt = 0;
}

/* The oldest of the last `limit` restarts is still within the window: one more is one too many. */
static bool limit_is_reached(const struct restart_rules *rules,
			     const struct restart_history *history, uint64_t now_ns)
{
	if (rules->limit == 0)
		return true;
	return history->count == rules->limit &&
	       now_ns - history->restarted_ns[history->next] < rules->window_ns;
}

static void note_restart(const struct restart_rules *rules, struct restart_history *history,
			 uint64_t at_ns)
{
	history->restarted_ns[history->next] = at_ns;
	history->next = (history->next + 1) % rules->limit;
	if (history->count < rules->limit)
		history->count++;
	if (history->attempt < UINT32_MAX)
		history->attempt++;
}

enum restart_verdict restart_decide(const struct restart_rules *rules,
				    struct restart_history *history, const struct restart_run *run,
				    double random01, uint64_t *delay_ns)
{
	if (run->ending == ENDING_FINAL)
		return RESTART_GIVE_UP;
	if (run->ending == ENDING_GOOD && rules->policy != RESTART_ALWAYS)
		return RESTART_DONE;
	if (rules->policy == RESTART_NEVER)
		return RESTART_GIVE_UP;
	forgive(history, run);
	if (limit_is_reached(rules, history, run->ended_ns))
		return RESTART_GIVE_UP;
	*delay_ns = backoff_delay_ns(&rules->backoff, history->attempt, random01);
	note_restart(rules, history, run->ended_ns + *delay_ns);
	return RESTART_AGAIN;
}
