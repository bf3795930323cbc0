/*
 * stress.h - what the stress programs share: random numbers that a seed repeats, and results as TAP
 * lines for tests/tools/run-tests.
 */
#ifndef SHMLINE_STRESS_H
#define SHMLINE_STRESS_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* splitmix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014). */
static inline uint64_t random_next(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* 0 to n - 1. */
static inline uint32_t random_below(uint64_t *state, uint32_t n)
{
	return (uint32_t)((random_next(state) >> 32) * n >> 32);
}

static inline bool random_one_in(uint64_t *state, uint32_t n)
{
	return random_below(state, n) == 0;
}

/* The results of a program: each check is one line, the plan comes last. */
struct tap { unsigned checks, failed; };

__attribute__((format(printf, 3, 4)))
static inline bool tap_check(struct tap *tap, bool holds, const char *format, ...)
{
	va_list args;

	printf("%sok %u - ", holds ? "" : "not ", ++tap->checks);
	va_start(args, format);
	(void)vprintf(format, args);
	va_end(args);
	printf("\n");
	tap->failed += !holds;
	return holds;
}

/* The plan, and the exit code of main(). */
static inline int tap_end(const struct tap *tap)
{
	printf("1..%u\n", tap->checks);
	return tap->failed > 0;
}

#endif
