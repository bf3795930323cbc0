/* input.h - for fuzzers: the input as a supply of numbers and bytes, all zero when it is used up. */
#ifndef SHMLINE_FUZZ_INPUT_H
#define SHMLINE_FUZZ_INPUT_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct input { const uint8_t *at; size_t left; };

/* libFuzzer's own name. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void input_bytes(struct input *input, void *to, size_t n)
{
	size_t there = n < input->left ? n : input->left;

	memset(to, 0, n);
	if (there == 0)
		return;
	memcpy(to, input->at, there);
	input->at += there;
	input->left -= there;
}

static inline uint64_t input_number(struct input *input, size_t bytes)
{
	uint64_t number = 0;

	input_bytes(input, &number, bytes);
	return number;
}

/* 0 to n - 1. */
static inline uint32_t input_below(struct input *input, uint32_t n)
{
	return (uint32_t)input_number(input, n <= 256 ? 1 : 2) % n;
}

/* What must hold whatever the input. */
#define MUST(condition) do { if (!(condition)) abort(); } while (0)

#endif
