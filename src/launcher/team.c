/* team.c - see team.h. */
#include "src/launcher/team.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct team *add(struct teams *teams, enum side side, const char *name, uint64_t count,
			const struct settings *settings, const struct orders *orders)
{
	struct team *team = &teams->list[teams->count++];

	*team = (struct team){
		.side = side, .name = name, .count = count, .settings = *settings, .orders = *orders,
		.input = { .fd = -1 },
	};
	team->orders.settings = &team->settings;
	return team;
}

static void add_side(struct teams *teams, enum side side, const struct orders *orders)
{
	const struct settings *settings = orders->settings;

	if (!settings_has_section(settings, side))
		add(teams, side, side_name(side),
		    side == SIDE_PRODUCER ? settings->producers : settings->consumers, settings, orders);
	for (size_t i = 0; i < settings->section_count; i++) {
		const struct section *section = &settings->sections[i];

		if (section->side == side)
			add(teams, side, section->name, section->count, &section->settings, orders)->line =
				section->line;
	}
}

int teams_init(struct teams *teams, const struct orders *orders)
{
	*teams = (struct teams){ .list = calloc(orders->settings->section_count + 2, sizeof(struct team)) };
	if (!teams->list)
		return -1;
	add_side(teams, SIDE_PRODUCER, orders);
	add_side(teams, SIDE_CONSUMER, orders);
	return 0;
}

void teams_free(struct teams *teams)
{
	free(teams->list);
}

static size_t length(char *const *words)
{
	size_t n = 0;

	while (words && words[n])
		n++;
	return n;
}

/* Set `word`, "NAME=VALUE", among the first n. Returns how many there are then. */
static size_t put(char **words, size_t n, char *word)
{
	size_t name = strcspn(word, "=") + 1;

	for (size_t i = 0; i < n; i++) {
		if (strncmp(words[i], word, name) == 0) {
			words[i] = word;
			return n;
		}
	}
	words[n] = word;
	return n + 1;
}

char **team_environment(const struct team *team)
{
	char *const *added = team->settings.environment;
	size_t n = length(environ);
	char **words = calloc(n + length(added) + 1, sizeof(*words));

	if (!words)
		return NULL;
	memcpy(words, environ, n * sizeof(*words));
	for (; added && *added; added++)
		n = put(words, n, *added);
	return words;
}

int teams_open_input(struct teams *teams)
{
	int code = 0;

	for (size_t i = 0; i < teams->count && code == 0; i++)
		if (teams->list[i].side == SIDE_PRODUCER)
			code = input_open(&teams->list[i].input, &teams->list[i].settings);
	if (code != 0)
		teams_close_input(teams);
	return code;
}

void teams_close_input(struct teams *teams)
{
	for (size_t i = 0; i < teams->count; i++)
		input_close(&teams->list[i].input);
}
