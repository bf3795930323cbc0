/* logs.c - see logs.h. Where the lines go from here is output.c's business. */
#include "src/launcher/logs.h"

#include <endian.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/diag.h"
#include "src/launcher/output.h"

/* What one read takes at most; a pipe holds as much. */
#define READ_BYTES (64u << 10)
#define TAG_BYTES 64
#define LAST_BYTES 400		/* of standard error, for the message about a crash */
#define LAST_LINES 3

struct stream {
	struct logs *logs;
	struct log *log;
	struct output *output;
	int fd;				/* -1: it has ended */
	char terminator;
	bool ends_lines;		/* add what a last line lacks */
	bool has_lengths;		/* instead of terminators; then: */
	uint64_t ahead;			/* bytes from the end of `part` to that of its record; 0: not known */
	char tag[TAG_BYTES];
	char *part;			/* of a line, until the rest comes */
	size_t part_len, part_size;
	struct event *readable;
	bool is_held;			/* waits for its output */
	TAILQ_ENTRY(stream) held;
};

struct log {
	struct logs *logs;
	struct stream out, err;
	struct output *file;		/* with a directory: both streams' output */
	char last[LAST_BYTES];		/* bytes of standard error */
	size_t last_len;
	bool is_released;
	TAILQ_ENTRY(log) entry;
};

struct logs {
	struct event_base *base;
	struct logs_options options;
	struct output *out, *err;	/* the same one if both lead to the same place */
	struct log *common;		/* of those who take turns; NULL: not opened */
	int common_out;			/* its write end */
	TAILQ_HEAD(log_list, log) all;
	TAILQ_HEAD(stream_list, stream) held;
	char scratch[READ_BYTES];
};

/* ---------------------------------------------------------------- the launcher's own streams */

static void on_drained(struct output *output, void *context)
{
	struct logs *logs = context;
	struct stream *stream, *next;

	for (stream = TAILQ_FIRST(&logs->held); stream; stream = next) {
		next = TAILQ_NEXT(stream, held);
		if (stream->output != output)
			continue;
		TAILQ_REMOVE(&logs->held, stream, held);
		stream->is_held = false;
		event_add(stream->readable, NULL);
	}
}

static void on_broken(struct output *output, int error, void *context)
{
	struct logs *logs = context;

	if (output == logs->out)
		logs->options.out_broken(error, logs->options.context);
	else
		diag_error("cannot write to %s, lines are lost: %s",
			   output == logs->err ? "standard error" : "a log file", strerror(error));
}

/* Do both lead to the same terminal, pipe or file? Then they share one output, and their order. */
static bool are_same(int a, int b)
{
	struct stat x, y;

	return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static int open_outputs(struct logs *logs)
{
	const struct output_events events = {
		.drained = on_drained, .broken = on_broken, .writes = logs->options.writes,
		.context = logs,
	};

	logs->out = output_to_fd(logs->base, STDOUT_FILENO, &events);
	if (!logs->out)
		return -1;
	logs->err = are_same(STDOUT_FILENO, STDERR_FILENO)
			    ? logs->out
			    : output_to_fd(logs->base, STDERR_FILENO, &events);
	return logs->err ? 0 : -1;
}

struct logs *logs_open(struct event_base *base, const struct logs_options *options)
{
	struct logs *logs = calloc(1, sizeof(*logs));

	if (!logs)
		return NULL;
	logs->base = base;
	logs->options = *options;
	TAILQ_INIT(&logs->all);
	TAILQ_INIT(&logs->held);
	if (open_outputs(logs) < 0) {
		logs_close(logs);
		return NULL;
	}
	return logs;
}

/* ---------------------------------------------------------------- our own messages */

/* Beyond that they are lost, when nobody reads standard error. */
#define MESSAGES_BYTES (64u << 10)

static struct output *messages;

static bool say(const char *line, size_t len)
{
	if (output_kept(messages) > MESSAGES_BYTES)
		return true;
	if (output_add(messages, line, len) < 0)
		return false;
	output_flush(messages);
	return true;
}

void logs_take_messages(struct logs *logs, bool take)
{
	messages = logs->err;
	diag_set_writer(take ? say : NULL);
}

/* ---------------------------------------------------------------- passing lines on */

/* Returns -1 only without memory: then the line is lost, and said to be. */
static int put_line(struct stream *stream, const char *bytes, size_t len)
{
	if (output_add(stream->output, stream->tag, strlen(stream->tag)) < 0)
		return -1;
	return output_add(stream->output, bytes, len);
}

/* `len` bytes that end with a terminator. With tags each line gets its own. */
static int put_lines(struct stream *stream, const char *bytes, size_t len)
{
	if (!stream->tag[0])
		return output_add(stream->output, bytes, len);
	while (len > 0) {
		const char *end = memchr(bytes, stream->terminator, len);
		size_t n = end ? (size_t)(end + 1 - bytes) : len;

		if (put_line(stream, bytes, n) < 0)
			return -1;
		bytes += n;
		len -= n;
	}
	return 0;
}

static int keep_part(struct stream *stream, const char *bytes, size_t len)
{
	if (stream->part_size - stream->part_len < len) {
		size_t size = stream->part_len + len;
		char *part = realloc(stream->part, size);

		if (!part)
			return -1;
		stream->part = part;
		stream->part_size = size;
	}
	memcpy(stream->part + stream->part_len, bytes, len);
	stream->part_len += len;
	return 0;
}

static void drop_part(struct stream *stream)
{
	free(stream->part);
	stream->part = NULL;
	stream->part_len = stream->part_size = 0;
}

/* The part that was kept, and what completes it. */
static int put_part(struct stream *stream, const char *bytes, size_t len)
{
	int result;

	if (stream->part_len == 0)
		return put_lines(stream, bytes, len);
	result = keep_part(stream, bytes, len);
	if (result == 0)
		result = put_lines(stream, stream->part, stream->part_len);
	drop_part(stream);
	return result;
}

/* Bytes of a record that begins at `bytes`, its length included; 0: that is not whole. */
static uint64_t record_length(const char *bytes, size_t len)
{
	uint32_t length;

	if (len < sizeof(length))
		return 0;
	memcpy(&length, bytes, sizeof(length));
	return sizeof(length) + (uint64_t)le32toh(length);
}

/* The same for records that say their length: however long one is, it is passed on whole. */
static int pass_records(struct stream *stream, const char *bytes, size_t len)
{
	size_t whole = 0;

	if (stream->ahead == 0 && stream->part_len > 0) {
		size_t lacking = sizeof(uint32_t) - stream->part_len, n = len < lacking ? len : lacking;

		if (keep_part(stream, bytes, n) < 0)
			return -1;
		bytes += n;
		len -= n;
		if (n < lacking)
			return 0;
		stream->ahead = record_length(stream->part, stream->part_len) - sizeof(uint32_t);
	}
	if (stream->ahead > len) {
		stream->ahead -= len;
		return keep_part(stream, bytes, len);
	}
	if (stream->part_len > 0 && put_part(stream, bytes, (size_t)stream->ahead) < 0)
		return -1;
	bytes += stream->ahead;
	len -= (size_t)stream->ahead;
	stream->ahead = 0;
	for (uint64_t n; (n = record_length(bytes + whole, len - whole)) > 0; whole += (size_t)n) {
		if (n > len - whole) {
			stream->ahead = n - (len - whole);
			break;
		}
	}
	if (put_lines(stream, bytes, whole) < 0)
		return -1;
	return len > whole ? keep_part(stream, bytes + whole, len - whole) : 0;
}

/* The first line may have begun in an earlier read, the last may end in a later one. */
static int pass_on(struct stream *stream, const char *bytes, size_t len)
{
	const char *first = memchr(bytes, stream->terminator, len);
	const char *last = memrchr(bytes, stream->terminator, len);
	size_t rest;

	if (!first) {
		if (stream->part_len + len > stream->logs->options.line_max)
			return put_part(stream, bytes, len);
		return keep_part(stream, bytes, len);
	}
	if (put_part(stream, bytes, (size_t)(first + 1 - bytes)) < 0 ||
	    put_lines(stream, first + 1, (size_t)(last - first)) < 0)
		return -1;
	rest = (size_t)(bytes + len - (last + 1));
	return rest > 0 ? keep_part(stream, last + 1, rest) : 0;
}

static void note_last(struct log *log, const char *bytes, size_t len)
{
	size_t keep;

	if (len > LAST_BYTES) {
		bytes += len - LAST_BYTES;
		len = LAST_BYTES;
	}
	keep = LAST_BYTES - len < log->last_len ? LAST_BYTES - len : log->last_len;
	memmove(log->last, log->last + log->last_len - keep, keep);
	memcpy(log->last + keep, bytes, len);
	log->last_len = keep + len;
}

/* ---------------------------------------------------------------- reading */

static void free_if_done(struct log *log)
{
	if (!log->is_released || log->out.fd >= 0 || log->err.fd >= 0)
		return;
	TAILQ_REMOVE(&log->logs->all, log, entry);
	output_close(log->file);
	free(log);
}

static void close_stream(struct stream *stream)
{
	if (stream->fd < 0)
		return;
	if (stream->is_held)
		TAILQ_REMOVE(&stream->logs->held, stream, held);
	event_free(stream->readable);
	close(stream->fd);
	drop_part(stream);
	stream->fd = -1;
}

static void end_stream(struct stream *stream)
{
	if (stream->part_len > 0) {
		if (stream->ends_lines)
			keep_part(stream, &stream->terminator, 1);
		put_lines(stream, stream->part, stream->part_len);
		output_flush(stream->output);
	}
	close_stream(stream);
	free_if_done(stream->log);
}

static void hold(struct stream *stream)
{
	event_del(stream->readable);
	stream->is_held = true;
	TAILQ_INSERT_TAIL(&stream->logs->held, stream, held);
}

/* One read. true: there may be more to read at once. */
static bool read_some(struct stream *stream)
{
	struct logs *logs = stream->logs;
	ssize_t n = read(stream->fd, logs->scratch, sizeof(logs->scratch));

	if (n < 0)
		return errno == EINTR;
	if (n == 0) {
		end_stream(stream);
		return false;
	}
	if (stream == &stream->log->err)
		note_last(stream->log, logs->scratch, (size_t)n);
	if ((stream->has_lengths ? pass_records : pass_on)(stream, logs->scratch, (size_t)n) < 0)
		diag_error("no memory for workers' lines: some are lost");
	output_flush(stream->output);
	return true;
}

static void on_readable(evutil_socket_t fd, short what, void *context)
{
	struct stream *stream = context;

	(void)fd;
	(void)what;
	if (output_is_full(stream->output))
		hold(stream);
	else
		read_some(stream);
}

/* ---------------------------------------------------------------- a worker's two pipes */

static void make_tag(struct stream *stream, const char *name, bool color)
{
	/* Six colours of eight: black and white are most terminals' grounds. */
	unsigned hue = 0;

	if (!color) {
		snprintf(stream->tag, sizeof(stream->tag), "%s | ", name);
		return;
	}
	for (const char *c = name; *c; c++)
		hue = hue * 31 + (unsigned char)*c;
	snprintf(stream->tag, sizeof(stream->tag), "\033[3%um%s |\033[0m ", 1 + hue % 6, name);
}

static int open_stream(struct stream *stream, struct log *log, int *write_end)
{
	int ends[2];

	stream->logs = log->logs;
	stream->log = log;
	stream->fd = -1;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	stream->readable = event_new(log->logs->base, ends[0], EV_READ | EV_PERSIST, on_readable, stream);
	if (!stream->readable || fcntl(ends[0], F_SETFL, O_NONBLOCK) < 0 ||
	    event_add(stream->readable, NULL) < 0) {
		if (stream->readable)
			event_free(stream->readable);
		close(ends[0]);
		close(ends[1]);
		return -1;
	}
	stream->fd = ends[0];
	*write_end = ends[1];
	return 0;
}

static struct output *open_file(struct logs *logs, const char *name)
{
	const struct output_events events = {
		.drained = on_drained, .broken = on_broken, .context = logs,
	};
	char path[PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s/%s.log", logs->options.dir, name);

	if (n >= (int)sizeof(path)) {
		errno = ENAMETOOLONG;
		return NULL;
	}
	for (char *c = path + strlen(logs->options.dir); *c; c++)
		if (*c == ' ')
			*c = '-';
	return output_to_file(logs->base, path, &logs->options.rotation, &events);
}

/* Where the lines go and how they look. */
static int direct(struct log *log, const char *name)
{
	struct logs *logs = log->logs;

	if (logs->options.dir) {
		log->file = open_file(logs, name);
		log->out.output = log->err.output = log->file;
	} else {
		log->out.output = logs->out;
		log->err.output = logs->err;
	}
	if (!log->out.output)
		return -1;
	log->out.terminator = logs->options.terminator;
	log->out.has_lengths = logs->options.has_lengths;
	log->err.terminator = '\n';
	log->err.ends_lines = true;
	log->out.ends_lines = logs->options.tag;
	if (logs->options.tag) {
		make_tag(&log->out, name, logs->options.color_out);
		make_tag(&log->err, name, logs->options.color_err);
	}
	return 0;
}

struct log *logs_add(struct logs *logs, const char *name, int *out, int *err)
{
	struct log *log = calloc(1, sizeof(*log));
	int error;

	if (!log)
		return NULL;
	log->logs = logs;
	if (open_stream(&log->out, log, out) < 0)
		goto no_out;
	if (open_stream(&log->err, log, err) < 0)
		goto no_err;
	if (direct(log, name) < 0)
		goto no_output;
	TAILQ_INSERT_TAIL(&logs->all, log, entry);
	return log;
no_output:
	error = errno;
	close_stream(&log->err);
	close(*err);
	errno = error;
no_err:
	error = errno;
	close_stream(&log->out);
	close(*out);
	errno = error;
no_out:
	free(log);
	return NULL;
}

/* Where the last LAST_LINES of `len` bytes begin. */
static size_t last_lines(const char *bytes, size_t len)
{
	for (unsigned lines = 0; len > 0; len--)
		if (bytes[len - 1] == '\n' && ++lines == LAST_LINES)
			return len;
	return 0;
}

const char *log_last_lines(struct log *log, char *buffer, size_t size)
{
	size_t len, start;

	if (log->err.fd >= 0 && !output_is_full(log->err.output))
		read_some(&log->err);
	len = log->last_len;
	while (len > 0 && log->last[len - 1] == '\n')
		len--;
	start = last_lines(log->last, len);
	return diag_quote(buffer, size, log->last + start, len - start);
}

int logs_common_out(struct logs *logs)
{
	int err;

	if (logs->common)
		return logs->common_out;
	logs->common = logs_add(logs, "consumers", &logs->common_out, &err);
	if (!logs->common)
		return -1;
	close(err);
	return logs->common_out;
}

void logs_end_common(struct logs *logs)
{
	if (!logs->common)
		return;
	close(logs->common_out);
	log_release(logs->common);
	logs->common = NULL;
}

void log_release(struct log *log)
{
	log->is_released = true;
	free_if_done(log);
}

/* ---------------------------------------------------------------- the end */

bool logs_are_done(const struct logs *logs)
{
	return TAILQ_EMPTY(&logs->all) && !output_is_full(logs->out) && !output_is_full(logs->err);
}

void logs_close(struct logs *logs)
{
	struct log *log;

	if (!logs)
		return;
	logs_end_common(logs);
	while ((log = TAILQ_FIRST(&logs->all))) {
		close_stream(&log->out);
		close_stream(&log->err);
		TAILQ_REMOVE(&logs->all, log, entry);
		output_close(log->file);
		free(log);
	}
	if (logs->err != logs->out)
		output_close(logs->err);
	output_close(logs->out);
	free(logs);
}
