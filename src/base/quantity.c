/* quantity.c - see quantity.h. Nothing here depends on the locale. */
#include "src/base/quantity.h"

#include <bsd/string.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct unit {
	const char *name;
	uint64_t factor;
};

/* From small to large; the first is also what a number without a unit is, where that is allowed. */
static const struct unit size_units[] = {
	{ .name = "", .factor = 1 },
	{ .name = "K", .factor = UINT64_C(1) << 10 },
	{ .name = "M", .factor = UINT64_C(1) << 20 },
	{ .name = "G", .factor = UINT64_C(1) << 30 },
	{ .name = "T", .factor = UINT64_C(1) << 40 },
};

static const struct unit duration_units[] = {
	{ .name = "ns", .factor = 1 },
	{ .name = "us", .factor = 1000 },
	{ .name = "ms", .factor = 1000000 },
	{ .name = "s", .factor = UINT64_C(1000000000) },
	{ .name = "m", .factor = UINT64_C(60) * 1000000000 },
	{ .name = "h", .factor = UINT64_C(3600) * 1000000000 },
	{ .name = "d", .factor = UINT64_C(86400) * 1000000000 },
};
#define SECOND UINT64_C(1000000000)

/* A decimal number taken apart: whole + fraction / scale. */
struct decimal {
	uint64_t whole, fraction, scale;
};

/* Digits from *text on; *text is moved behind them. At least one, no more than fit. */
static bool read_digits(const char **text, uint64_t *out)
{
	uint64_t value = 0;
	const char *at = *text;

	for (; *at >= '0' && *at <= '9'; at++)
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*at - '0'), &value))
			return false;
	if (at == *text)
		return false;
	*text = at;
	*out = value;
	return true;
}

static bool read_decimal(const char **text, struct decimal *out)
{
	const char *start;

	out->fraction = 0;
	out->scale = 1;
	if (!read_digits(text, &out->whole))
		return false;
	if (**text != '.')
		return true;
	start = ++*text;
	if (!read_digits(text, &out->fraction) || *text - start > 18)
		return false;
	for (; start < *text; start++)
		out->scale *= 10;	/* 10^18 fits */
	return true;
}

static int in_bounds(uint64_t value, uint64_t min, uint64_t max, uint64_t *out)
{
	if (value < min || value > max)
		return -1;
	*out = value;
	return 0;
}

int quantity_count(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
	uint64_t value;

	if (!read_digits(&text, &value) || *text)
		return -1;
	return in_bounds(value, min, max, out);
}

int quantity_size(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
	uint64_t value;

	if (!read_digits(&text, &value))
		return -1;
	for (size_t i = 0; i < COUNT(size_units); i++) {
		if (strcasecmp(text, size_units[i].name) != 0)
			continue;
		if (__builtin_mul_overflow(value, size_units[i].factor, &value))
			return -1;
		return in_bounds(value, min, max, out);
	}
	return -1;
}

/* The factor of a duration's unit, 0 if it is none. */
static uint64_t duration_factor(const char *unit, bool is_zero)
{
	if (*unit == '\0')
		return is_zero ? 1 : SECOND;
	for (size_t i = 0; i < COUNT(duration_units); i++)
		if (strcmp(unit, duration_units[i].name) == 0)
			return duration_units[i].factor;
	return 0;
}

int quantity_duration(const char *text, uint64_t min_ns, uint64_t max_ns, uint64_t *out_ns)
{
	struct decimal number;
	uint64_t factor, value;

	if (!read_decimal(&text, &number))
		return -1;
	factor = duration_factor(text, number.whole == 0 && number.fraction == 0);
	if (factor == 0 || __builtin_mul_overflow(number.whole, factor, &value))
		return -1;
	/* The product needs 107 bits at most, the quotient less than factor. */
	if (__builtin_add_overflow(value, (uint64_t)((unsigned __int128)number.fraction * factor /
						     number.scale), &value))
		return -1;
	return in_bounds(value, min_ns, max_ns, out_ns);
}

int quantity_probability(const char *text, double *out)
{
	struct decimal number;
	double value;

	if (!read_decimal(&text, &number))
		return -1;
	value = (double)number.whole + (double)number.fraction / (double)number.scale;
	if (*text == '%') {
		value /= 100;
		text++;
	}
	if (*text || value > 1)
		return -1;
	*out = value;
	return 0;
}

/* The largest unit that the value reaches. */
static const struct unit *fitting_unit(const struct unit *units, size_t n, uint64_t value)
{
	const struct unit *unit = units;

	for (size_t i = 1; i < n && value >= units[i].factor; i++)
		unit = &units[i];
	return unit;
}

/* Tenths of a unit, cut and not rounded, so that 999.99ms never reads "1000ms". */
static unsigned tenths(uint64_t value, const struct unit *unit)
{
	return (unsigned)((unsigned __int128)(value % unit->factor) * 10 / unit->factor);
}

const char *quantity_show_duration(char *buffer, size_t size, uint64_t ns)
{
	const struct unit *unit = fitting_unit(duration_units, COUNT(duration_units), ns);
	unsigned long long whole = ns / unit->factor;
	unsigned tenth = tenths(ns, unit);

	if (ns == 0)
		strlcpy(buffer, "0s", size);
	else if (whole < 10 && tenth > 0)
		snprintf(buffer, size, "%llu.%u%s", whole, tenth, unit->name);
	else
		snprintf(buffer, size, "%llu%s", whole, unit->name);
	return buffer;
}

const char *quantity_show_size(char *buffer, size_t size, uint64_t bytes)
{
	const struct unit *unit = fitting_unit(size_units, COUNT(size_units), bytes);
	unsigned long long whole = bytes / unit->factor;

	if (whole < 10 && unit != size_units)
		snprintf(buffer, size, "%llu.%u%s", whole, tenths(bytes, unit), unit->name);
	else
		snprintf(buffer, size, "%llu%s", whole, unit->name);
	return buffer;
}
