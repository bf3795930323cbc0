/*
 * json.h - private to ringctl: JSON as all verbs print it, one object a line. Names of fields are the
 * metrics' names without their prefix; times are seconds.
 */
#ifndef SHMLINE_RINGCTL_JSON_H
#define SHMLINE_RINGCTL_JSON_H

#include "src/ringctl/reading.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

/* Print `object` on a line of its own and drop it. Exits when memory is out (`object` is NULL then). */
void json_line(json_t *object);

/* Add a field; jansson would lose a failure that is met later. Exits when memory is out. */
void json_set(json_t *object, const char *name, json_t *value);

json_t *json_count(uint64_t value);
json_t *json_seconds(uint64_t ns);

/* A ring with its state and its metrics. */
json_t *json_ring(const char *name, const struct reading *reading);

/*
 * Set "item" to the bytes of an item, or "item_base64" when they are not UTF-8. `shown` bytes are
 * there of `len`: what is cut is cut between characters.
 */
void json_set_item(json_t *object, const unsigned char *bytes, size_t shown, size_t len);

#endif
