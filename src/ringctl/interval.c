/* interval.c - see interval.h. */
#include "src/ringctl/interval.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "shm/ring.h"
#include "src/base/diag.h"
#include "src/base/exitcode.h"
#include "src/base/quantity.h"

#define INTERVAL_MIN_NS UINT64_C(10000000)	/* guess: a look costs a pass over all slots */
#define INTERVAL_MAX_NS (UINT64_C(86400) * 1000000000)

void interval_read(struct interval *interval, const char *verb, char **operands, int n)
{
	*interval = (struct interval){ .count = UINT64_MAX };
	if (quantity_duration(operands[0], INTERVAL_MIN_NS, INTERVAL_MAX_NS, &interval->ns) == -1)
		diag_die(EXIT_BAD_USAGE,
			 "%s: INTERVAL \"%s\": expected a duration from 10ms to 1d, as 1s or 250ms", verb,
			 operands[0]);
	if (n > 1 && quantity_count(operands[1], 1, UINT64_MAX, &interval->count) == -1)
		diag_die(EXIT_BAD_USAGE, "%s: COUNT \"%s\": expected a number of at least 1", verb,
			 operands[1]);
}

void interval_wait(struct interval *interval)
{
	const struct timespec when = {
		.tv_sec = (time_t)(interval->next_ns / 1000000000),
		.tv_nsec = (long)(interval->next_ns % 1000000000),
	};

	if (interval->next_ns == 0)
		interval->next_ns = ring_now_ns();
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &when, NULL) == EINTR)
		;
	interval->next_ns += interval->ns;
}

unsigned interval_screen_lines(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == -1 || size.ws_row < 3)
		return 0;
	return size.ws_row - 2u;
}
