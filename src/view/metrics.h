/*
 * metrics.h - private to the views: the numbers of a ring by their names, in JSON and in the text that
 * Prometheus reads. The names are the same but for the prefix.
 */
#ifndef SHMLINE_VIEW_METRICS_H
#define SHMLINE_VIEW_METRICS_H

#include "src/view/reading.h"

#include <jansson.h>
#include <stdio.h>

/* Add a field to `object` for each number of a reading. 0, or -1 when memory is out. */
int metrics_json(json_t *object, const struct reading *reading);

/* {"count": ..., "sum": ..., "p50": ..., ...} in seconds. NULL when memory is out. */
json_t *metrics_times_json(const struct ring_histogram *histogram);

/* The text format, version 0.0.4. */
void metrics_text(FILE *out, const struct reading *reading);
void metrics_times_text(FILE *out, const char *name, const char *help,
			const struct ring_histogram *histogram);

#endif
