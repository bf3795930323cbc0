/* whenfull.h - what a producer does when the ring is full. */
#ifndef SHMLINE_WHENFULL_H
#define SHMLINE_WHENFULL_H

enum when_full_kind {
	WHEN_FULL_BLOCK,	/* wait, timeout_ms at most, then fail */
	WHEN_FULL_FAIL,		/* end at once, the item unpublished */
	WHEN_FULL_DROP_NEWEST,	/* throw away the item that doesn't fit */
	WHEN_FULL_DROP_OLDEST,	/* throw away the oldest that is ready */
};

struct when_full {
	enum when_full_kind kind;
	int timeout_ms;		/* block: -1 as long as it takes; else 0 */
};

#define WHEN_FULL_EXPECTED "block, block:DURATION, fail, drop-newest or drop-oldest"

/* 0, or -1 when `text` is not a policy (then *policy is untouched). */
int when_full_parse(const char *text, struct when_full *policy);

#endif
