/*
 * letters.c - see letters.h. Several consumers append to one file: a letter is one write to a file
 * that is open for appending, which the kernel does not mix with others.
 *
 *	{"id":7,"item":"a.png","deliveries":3,"failures":2,"exit":1,"cause":"exit code 1",
 *	 "stderr":"a.png: no such file\n","published":"2024-05-01T12:00:00.123Z","taken":...,"died":...}
 *
 * Bytes that are no UTF-8 stand in item_base64 and stderr_base64 instead.
 */
#include "src/consumer/letters.h"

#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "shm/ring.h"
#include "src/base/diag.h"
#include "src/base/exitcode.h"
#include "src/base/lineio.h"
#include "src/consumer/settle.h"

#define NS_PER_S UINT64_C(1000000000)

int letters_open(struct letters *letters, const char *path)
{
	letters->path = path;
	letters->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	if (letters->fd >= 0)
		return EXIT_OK;
	diag_error("cannot open --dead \"%s\": %m", path);
	return EXIT_CANT_CREATE;
}

void letters_close(struct letters *letters)
{
	close(letters->fd);
}

/* RFC 4648, section 4. */
static json_t *base64(const unsigned char *bytes, size_t len)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char *text = malloc((len + 2) / 3 * 4 + 1), *to = text;
	json_t *string;

	if (!text)
		return NULL;
	for (size_t i = 0; i < len; i += 3) {
		size_t there = len - i < 3 ? len - i : 3;
		uint32_t bits = (uint32_t)bytes[i] << 16;

		bits |= there > 1 ? (uint32_t)bytes[i + 1] << 8 : 0;
		bits |= there > 2 ? bytes[i + 2] : 0;
		*to++ = digits[bits >> 18];
		*to++ = digits[bits >> 12 & 63];
		*to++ = there > 1 ? digits[bits >> 6 & 63] : '=';
		*to++ = there > 2 ? digits[bits & 63] : '=';
	}
	*to = '\0';
	string = json_string(text);
	free(text);
	return string;
}

static void set_bytes(json_t *object, const char *key, const void *bytes, size_t len)
{
	json_t *string = json_stringn(bytes, len);	/* NULL when it is no UTF-8 */
	char key64[32];

	if (string) {
		json_object_set_new(object, key, string);
		return;
	}
	strcpy(stpcpy(key64, key), "_base64");
	json_object_set_new(object, key64, base64(bytes, len));
}

/* The ring's times are of a clock that means nothing to people: as far back from now as they are. */
static void set_time(json_t *object, const char *key, uint64_t ring_ns)
{
	uint64_t age = ring_now_ns() - ring_ns, wall;
	struct timespec now;
	struct tm utc;
	char text[40];
	time_t seconds;
	size_t used;

	clock_gettime(CLOCK_REALTIME, &now);
	wall = (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec - age;
	seconds = (time_t)(wall / NS_PER_S);
	gmtime_r(&seconds, &utc);
	used = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &utc);
	snprintf(text + used, sizeof(text) - used, ".%03uZ", (unsigned)(wall % NS_PER_S / 1000000));
	json_object_set_new(object, key, json_string(text));
}

static void set_cause(json_t *object, const struct outcome *outcome)
{
	char text[64];

	if (outcome->signal) {
		json_object_set_new(object, "signal", json_integer(outcome->signal));
		snprintf(text, sizeof(text), "signal %d (%s)", outcome->signal,
			 strsignal(outcome->signal));
	} else {
		json_object_set_new(object, "exit", json_integer(outcome->code));
		snprintf(text, sizeof(text), "exit code %d", outcome->code);
	}
	json_object_set_new(object, "cause", json_string(outcome->cause ? outcome->cause : text));
}

static char *letter(const struct ring_item *item, const struct outcome *outcome)
{
	json_t *object = json_object();
	char *text;

	json_object_set_new(object, "id", json_integer((json_int_t)item->id));
	set_bytes(object, "item", item->data, item->len);
	json_object_set_new(object, "deliveries", json_integer(item->deliveries));
	json_object_set_new(object, "failures", json_integer(item->failures));
	set_cause(object, outcome);
	set_bytes(object, "stderr", outcome->errors ? outcome->errors : "", outcome->errors_len);
	set_time(object, "published", item->published_ns);
	set_time(object, "taken", item->taken_ns);
	set_time(object, "died", ring_now_ns());
	text = json_dumps(object, JSON_COMPACT | JSON_PRESERVE_ORDER);
	json_decref(object);
	return text;
}

static int write_one(const struct letters *letters, const struct ring_item *item,
		     const struct outcome *outcome)
{
	char *text = letter(item, outcome);
	size_t len;
	int result;

	if (!text) {
		diag_error("no memory for the dead letter of item %llu", (unsigned long long)item->id);
		return EXIT_SYSTEM;
	}
	len = strlen(text);
	text[len] = '\n';	/* where the end was: it is not needed as a string any more */
	result = write_all(letters->fd, text, len + 1);
	free(text);
	if (result == 0)
		return EXIT_OK;
	diag_error("cannot write to --dead \"%s\": %m", letters->path);
	return EXIT_IO;
}

/* A parcel's records end with its last byte, and none has it. */
static int write_each(const struct letters *letters, const struct ring_item *parcel,
		      const struct outcome *outcome)
{
	const char *at = parcel->data, *end = at + parcel->len;
	struct ring_item record = *parcel;
	int code = EXIT_OK;

	for (; at < end && code == EXIT_OK; at += record.len + 1, record.id++) {
		record.data = (char *)(uintptr_t)at;
		record.len = (size_t)((const char *)memchr(at, end[-1], (size_t)(end - at)) - at);
		code = write_one(letters, &record, outcome);
	}
	return code;
}

int letters_write(const struct letters *letters, const struct ring_item *item,
		  const struct outcome *outcome)
{
	if (!letters)
		return EXIT_OK;
	return item->is_parcel ? write_each(letters, item, outcome) : write_one(letters, item, outcome);
}
