/*
 * fuzz_records.c - cutting records out of bytes, delimited and with lengths before them. However the bytes
 * come in, a few or all at once, the records are the same, and each lies within the bytes.
 */
#include "input.h"

#include "src/producer/frame.h"

struct cut { size_t records, at, len; enum frame_result last; };

static void look_at(const struct frame *frame, size_t have)
{
	MUST(frame->at <= frame->used && frame->used <= have);
	MUST(frame->len <= frame->used - frame->at);
}

/* The records of `size` bytes that come `step` at a time, each portion in memory of its own size. */
static struct cut cut_all(const struct framing *framing, const uint8_t *data, size_t size, size_t step)
{
	struct cut cut = { 0 };
	size_t start = 0, end = 0, seen = 0;

	for (;;) {
		char *bytes = malloc(end - start + 1);
		struct frame frame;

		MUST(bytes);
		memcpy(bytes, data + start, end - start);
		cut.last = frame_cut(framing, bytes, end - start, seen, end == size, &frame);
		free(bytes);
		if (cut.last == FRAME_RECORD) {
			look_at(&frame, end - start);
			MUST(frame.used > 0);
			cut.records++;
			cut.at += start + frame.at;
			cut.len += frame.len;
			start += frame.used;
			seen = 0;
		} else if (cut.last == FRAME_MORE) {
			MUST(end < size);
			seen = end - start;
			end = size - end < step ? size : end + step;
		} else {
			return cut;
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { .at = data, .left = size };
	struct framing framing = {
		.kind = input_below(&input, 2) ? FRAME_LEN32 : FRAME_DELIMITED,
		.delimiter = (char)input_number(&input, 1),
	};
	size_t step = 1 + input_below(&input, 20);
	struct cut portions = cut_all(&framing, input.at, input.left, step);
	struct cut whole = cut_all(&framing, input.at, input.left, input.left + 1);

	MUST(portions.records == whole.records && portions.at == whole.at);
	MUST(portions.len == whole.len && portions.last == whole.last);
	MUST(framing.kind == FRAME_LEN32 || whole.last == FRAME_NOTHING);
	return 0;
}
