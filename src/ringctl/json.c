/*
 * json.c - JSON as all verbs print it.
 */
#include "src/ringctl/json.h"
#include "src/base/diag.h"
#include "src/base/exitcode.h"
#include "src/view/metrics.h"
#include "src/view/words.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static _Noreturn void die_of_memory(void)
{
	diag_die(EXIT_SYSTEM, "out of memory");
}

void json_line(json_t *object)
{
	if (object == NULL)
		die_of_memory();
	/* What can't be written is met again, and said, when standard output is closed. */
	if (json_dumpf(object, stdout, JSON_COMPACT | JSON_REAL_PRECISION(12)) == 0)
		putchar('\n');
	json_decref(object);
}

void json_set(json_t *object, const char *name, json_t *value)
{
	if (json_object_set_new(object, name, value) == -1)
		die_of_memory();
}

json_t *json_count(uint64_t value)
{
	return json_integer((json_int_t)value);
}

json_t *json_seconds(uint64_t ns)
{
	return json_real((double)ns / 1e9);
}

json_t *json_ring(const char *name, const struct reading *reading)
{
	const struct ring_stats *stats = &reading->stats;
	json_t *ring = json_object();

	json_set(ring, "ring", json_string(name));
	json_set(ring, "state", json_string(words_ring_state(reading)));
	json_set(ring, "age_seconds",
		 json_seconds(reading_between_ns(stats->created_ns, reading->now_ns)));
	json_set(ring, "stop", json_string(words_stop_mode(stats->stop)));
	json_set(ring, "stop_cause", json_string(words_stop_cause(stats->stop_cause)));
	json_set(ring, "launcher", reading->launcher ? json_integer(reading->launcher) : json_null());
	json_set(ring, "holders", json_count(reading->holders));
	json_set(ring, "dead_members", json_count(reading->dead));
	if (metrics_json(ring, reading) == -1)
		die_of_memory();
	return ring;
}

/* RFC 4648, section 4. `out` has room for 4 characters for each 3 bytes begun, and the end. */
static void base64_encode(char *out, const unsigned char *bytes, size_t len)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < len; i += 3) {
		size_t n = len - i < 3 ? len - i : 3;
		uint32_t group = (uint32_t)bytes[i] << 16;

		if (n > 1)
			group |= (uint32_t)bytes[i + 1] << 8;
		if (n > 2)
			group |= bytes[i + 2];
		*out++ = digits[group >> 18];
		*out++ = digits[group >> 12 & 63];
		*out++ = n > 1 ? digits[group >> 6 & 63] : '=';
		*out++ = n > 2 ? digits[group & 63] : '=';
	}
	*out = '\0';
}

static json_t *base64_string(const unsigned char *bytes, size_t len)
{
	char *text = malloc((len + 2) / 3 * 4 + 1);
	json_t *string;

	if (text == NULL)
		die_of_memory();
	base64_encode(text, bytes, len);
	string = json_string(text);
	free(text);
	return string;
}

/* The longest character of UTF-8 has 4 bytes, so a cut leaves at most 3 of one. */
static json_t *text_string(const unsigned char *bytes, size_t shown, size_t len)
{
	size_t cut_max = shown < len ? 3 : 0;

	for (size_t cut = 0; cut <= cut_max && cut <= shown; cut++) {
		json_t *string = json_stringn((const char *)bytes, shown - cut);

		if (string != NULL)
			return string;
	}
	return NULL;
}

void json_set_item(json_t *object, const unsigned char *bytes, size_t shown, size_t len)
{
	json_t *text = text_string(bytes, shown, len);

	if (text != NULL)
		json_set(object, "item", text);
	else
		json_set(object, "item_base64", base64_string(bytes, shown));
}
