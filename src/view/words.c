/*
 * words.c - the words for what a ring, a slot and a member are.
 */
#include "src/view/words.h"

#include <errno.h>
#include <string.h>

static const char *const slot_states[] = {
	[RING_SLOT_FREE] = "free",
	[RING_SLOT_WRITING] = "writing",
	[RING_SLOT_READY] = "ready",
	[RING_SLOT_DELAYED] = "delayed",
	[RING_SLOT_IN_FLIGHT] = "in_flight",
	[RING_SLOT_DEAD] = "dead",
};

const char *const words_stop_choices[] = {
	[RING_STOP_SOFT - RING_STOP_SOFT] = "soft",
	[RING_STOP_STRICT - RING_STOP_SOFT] = "strict",
	[RING_STOP_NOW - RING_STOP_SOFT] = "now",
	NULL,
};

static const char *const stop_causes[] = {
	[RING_CAUSE_NONE] = "none",
	[RING_CAUSE_END] = "end",
	[RING_CAUSE_ITEM] = "item",
	[RING_CAUSE_USER] = "user",
	[RING_CAUSE_FAILURE] = "failure",
};

static const struct {
	unsigned role;
	const char *word;
} roles_words[] = {
	{ .role = RING_PRODUCER, .word = "producer" },
	{ .role = RING_CONSUMER, .word = "consumer" },
	{ .role = RING_LAUNCHER, .word = "launcher" },
	{ .role = RING_HOLDER, .word = "holder" },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

const char *words_ring_state(const struct reading *reading)
{
	const struct ring_stats *stats = &reading->stats;
	bool is_attended = reading->living > 0;

	if (stats->stop == RING_STOP_NONE)
		return is_attended ? "running" : "idle";
	if (stats->left == 0 && stats->writing == 0 && reading->producers == 0)
		return "drained";
	if (stats->stop == RING_STOP_NOW || !is_attended)
		return "stopped";
	return "draining";
}

const char *words_unsound(int error)
{
	switch (error) {
	case EBADMSG:
		return "damaged";
	case EPROTO:
		return "foreign";
	case EPERM:
	case EACCES:
		return "denied";
	default:
		return "unknown";
	}
}

const char *words_slot_state(enum ring_slot_state state)
{
	return state < COUNT(slot_states) ? slot_states[state] : "unknown";
}

const char *words_stop_mode(enum ring_stop_mode mode)
{
	if (mode == RING_STOP_NONE)
		return "none";
	return mode <= RING_STOP_NOW ? words_stop_choices[mode - RING_STOP_SOFT] : "unknown";
}

const char *words_stop_cause(enum ring_stop_cause cause)
{
	return cause < COUNT(stop_causes) ? stop_causes[cause] : "unknown";
}

const char *words_roles(char buffer[static WORDS_ROLES_MAX], unsigned roles)
{
	char *end = buffer;

	*end = '\0';
	for (size_t i = 0; i < COUNT(roles_words); i++) {
		if (!(roles & roles_words[i].role))
			continue;
		if (end > buffer)
			*end++ = '+';
		end = stpcpy(end, roles_words[i].word);
	}
	return roles == RING_OBSERVER ? "observer" : buffer;
}
