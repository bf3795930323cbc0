/* title.c - see title.h. */
#include "src/consumer/title.h"

#include <bsd/unistd.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "shm/ring.h"
#include "src/base/quantity.h"

#define NS_PER_MS UINT64_C(1000000)

static struct {
	unsigned number;		/* 0: not shown */
	char arguments[512];		/* as it was started, as far as they fit */
	char what[32];
	uint64_t since_ns;
} title;

void title_keep(int argc, char **argv)
{
	size_t used = 0;

	for (int i = 0; i < argc && used < sizeof(title.arguments) - 1; i++) {
		int n = snprintf(title.arguments + used, sizeof(title.arguments) - used, "%s%s", i ? " " : "",
				 argv[i]);

		used += n > 0 ? (size_t)n : 0;
	}
	setproctitle_init(argc, argv, environ);
}

void title_begin(unsigned number)
{
	title.number = number;
	title_work_on("");
}

void title_work_on(const char *what)
{
	if (title.number == 0)
		return;
	snprintf(title.what, sizeof(title.what), "%s", what);
	title.since_ns = ring_now_ns();
	title_refresh();
}

/* Tenths of a second are exact enough for people. */
void title_refresh(void)
{
	uint64_t age_ns = ring_now_ns() - title.since_ns;
	char age[16];

	if (title.number == 0)
		return;
	if (!title.what[0]) {
		setproctitle("-consumer %u: waits | %s", title.number, title.arguments);
		return;
	}
	quantity_show_duration(age, sizeof(age), age_ns - age_ns % (100 * NS_PER_MS));
	setproctitle("-consumer %u: %s, %s | %s", title.number, title.what, age, title.arguments);
}
