/*
 * quantity.h - numbers, sizes and durations as people type them. Each is checked whole: no sign, no
 * blanks, nothing behind it. All return 0, or -1 without touching *out.
 */
#ifndef SHMLINE_QUANTITY_H
#define SHMLINE_QUANTITY_H

#include <stddef.h>
#include <stdint.h>

/* Decimal digits, from min to max. */
int quantity_count(const char *text, uint64_t min, uint64_t max, uint64_t *out);

/* Bytes: digits and an optional K, M, G, T (powers of 1024; also k, m, g, t), as expand_number(3). */
int quantity_size(const char *text, uint64_t min, uint64_t max, uint64_t *out);

/* Nanoseconds: digits, an optional fraction, and ns, us, ms, s, m, h or d; "0" alone needs no unit;
   a number without a unit is seconds, as in sleep(1). */
int quantity_duration(const char *text, uint64_t min_ns, uint64_t max_ns, uint64_t *out_ns);

/* A probability: 0, 1, 0.25, or 25%. */
int quantity_probability(const char *text, double *out);

/* For people: "1.5s", "20ms"; "4.0K". At most 16 bytes with the end. Return `buffer`. */
const char *quantity_show_duration(char *buffer, size_t size, uint64_t ns);
const char *quantity_show_size(char *buffer, size_t size, uint64_t bytes);

#endif
