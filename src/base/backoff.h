/* backoff.h - how long to wait before something is tried again: const:D, or exp:MIN..MAX. */
#ifndef SHMLINE_BACKOFF_H
#define SHMLINE_BACKOFF_H

#include <stdint.h>

enum backoff_kind { BACKOFF_CONST, BACKOFF_EXP };

struct backoff {
	enum backoff_kind kind;
	uint64_t min_ns;	/* const: the delay itself */
	uint64_t max_ns;	/* exp: what the ceiling never exceeds */
};

#define BACKOFF_EXPECTED "const:DURATION or exp:MIN..MAX, as const:1s or exp:100ms..30s"

/* 0, or -1 when `text` is not a backoff (then *backoff is untouched). */
int backoff_parse(const char *text, struct backoff *backoff);

/*
 * The delay before attempt 0, 1, 2, ... for a random number from 0 up to but not including 1.
 *
 * Exponential with full jitter: evenly spread from 0 to a ceiling of min_ns that doubles with every
 * attempt up to max_ns ("Exponential Backoff And Jitter", AWS Architecture Blog, 2015, "Full
 * Jitter"): those who failed together don't come back together.
 */
uint64_t backoff_delay_ns(const struct backoff *backoff, unsigned attempt, double random01);

#endif
