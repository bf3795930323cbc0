/* frame.h - cutting records out of bytes. Pure; where the bytes come from is records.c's business. */
#ifndef SHMLINE_FRAME_H
#define SHMLINE_FRAME_H

#include <stdbool.h>
#include <stddef.h>

enum frame_kind {
	FRAME_DELIMITED,	/* records end with a byte; the last may lack it */
	FRAME_LEN32,		/* 4 bytes of length, little-endian, and so many bytes */
};

struct framing {
	enum frame_kind kind;
	char delimiter;
};

enum frame_result {
	FRAME_RECORD,		/* one is there */
	FRAME_MORE,		/* it goes on behind the bytes that are there */
	FRAME_NOTHING,		/* the bytes have ended, and no record has begun */
	FRAME_TRUNCATED,	/* the bytes have ended within a record */
};

struct frame {
	size_t at, len;		/* the record. FRAME_MORE: len is the least length that it can have */
	size_t used;		/* bytes it takes up with what delimits it */
};

/*
 * The first record of `have` bytes, of which the first `seen` were looked at before in vain. `at_end`:
 * no more bytes will follow.
 */
enum frame_result frame_cut(const struct framing *framing, const char *bytes, size_t have,
			    size_t seen, bool at_end, struct frame *frame);

#endif
