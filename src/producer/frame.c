/* frame.c - see frame.h. */
#include "src/producer/frame.h"

#include <endian.h>
#include <stdint.h>
#include <string.h>

static enum frame_result cut_delimited(char delimiter, const char *bytes, size_t have, size_t seen,
				       bool at_end, struct frame *frame)
{
	const char *end = have > seen ? memchr(bytes + seen, delimiter, have - seen) : NULL;

	frame->at = 0;
	frame->len = end ? (size_t)(end - bytes) : have;
	frame->used = end ? frame->len + 1 : have;
	if (end)
		return FRAME_RECORD;
	if (!at_end)
		return FRAME_MORE;
	return have > 0 ? FRAME_RECORD : FRAME_NOTHING;
}

static enum frame_result cut_len32(const char *bytes, size_t have, bool at_end, struct frame *frame)
{
	uint32_t len = 0;

	if (have >= sizeof(len))
		memcpy(&len, bytes, sizeof(len));
	*frame = (struct frame){ .at = sizeof(len), .len = le32toh(len) };
	frame->used = frame->at + frame->len;
	if (have >= frame->used)
		return FRAME_RECORD;
	if (!at_end)
		return FRAME_MORE;
	return have > 0 ? FRAME_TRUNCATED : FRAME_NOTHING;
}

enum frame_result frame_cut(const struct framing *framing, const char *bytes, size_t have,
			    size_t seen, bool at_end, struct frame *frame)
{
	switch (framing->kind) {
	case FRAME_DELIMITED:
		return cut_delimited(framing->delimiter, bytes, have, seen, at_end, frame);
	case FRAME_LEN32:
		return cut_len32(bytes, have, at_end, frame);
	}
	return FRAME_NOTHING;
}
