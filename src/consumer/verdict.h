/* verdict.h - what becomes of an item, decided from how its COMMAND ended and what it went through
   before. Pure. */
#ifndef SHMLINE_VERDICT_H
#define SHMLINE_VERDICT_H

#include <stdbool.h>
#include <stdint.h>

#include "src/base/backoff.h"

enum verdict {
	VERDICT_ACK,
	VERDICT_RETRY,		/* back, as failed */
	VERDICT_LATER,		/* back, not as failed */
	VERDICT_DEAD,
	VERDICT_STOP,		/* dead, and the stop flag goes up */
};

struct rules {
	uint64_t retries;		/* times a failing item is tried again */
	uint64_t max_deliveries;	/* after so many that ended in a consumer's death it is dead */
	bool shares_hands;		/* a consumer may hold several items at once */
	bool has_backoff;
	struct backoff backoff;
};

/* `code`: the exit code of COMMAND; `signal`: what killed it instead, 0 for none. `failures`: before. */
enum verdict verdict_of_run(const struct rules *rules, int code, int signal, uint32_t failures);

/*
 * Has it killed so many consumers that nobody should touch it again? A first death may have been in
 * company, and another's doing: alone, one is not enough where hands are shared.
 */
bool verdict_is_poison(const struct rules *rules, uint32_t deliveries, uint32_t given_back);

/*
 * How long an item waits that goes back by VERDICT_RETRY or VERDICT_LATER; `before` is how often it
 * went back so. Without a backoff a retry is at once, and "later" is a second later.
 */
uint64_t verdict_delay_ns(const struct rules *rules, enum verdict verdict, uint32_t before,
			  double random01);

#endif
