/* errors.c - see errors.h. Where standard error is gone, nobody can be told; the work goes on. */
#include "src/consumer/errors.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "src/consumer/out.h"

#define READ_BYTES 4096
#define LINE_MAX_BYTES (64u * 1024)	/* a longer line goes out in pieces */

void errors_begin(struct errors *errors)
{
	errors->kept_len = 0;
}

static void keep(struct errors *errors, const char *bytes, size_t len)
{
	size_t old;

	if (len > ERRORS_KEPT) {
		bytes += len - ERRORS_KEPT;
		len = ERRORS_KEPT;
	}
	old = errors->kept_len < ERRORS_KEPT - len ? errors->kept_len : ERRORS_KEPT - len;
	memmove(errors->kept, errors->kept + errors->kept_len - old, old);
	memcpy(errors->kept + old, bytes, len);
	errors->kept_len = old + len;
}

static void pass(struct errors *errors, size_t len)
{
	struct buffer *line = &errors->line;

	if (len > 0)
		(void)out_write(STDERR_FILENO, line->bytes + line->start, len);
	buffer_use(line, len);
}

static void pass_lines(struct errors *errors)
{
	struct buffer *line = &errors->line;
	size_t used = buffer_used(line);
	const char *begin = line->bytes + line->start, *end = memrchr(begin, '\n', used);

	if (end)
		pass(errors, (size_t)(end - begin) + 1);
	else if (used >= LINE_MAX_BYTES)
		pass(errors, used);
}

bool errors_listen(struct errors *errors, int fd)
{
	ssize_t n;

	while ((n = buffer_read(&errors->line, fd, READ_BYTES)) > 0) {
		keep(errors, errors->line.bytes + errors->line.end - n, (size_t)n);
		pass_lines(errors);
	}
	return n < 0 && (errno == EAGAIN || errno == EINTR);
}

void errors_end(struct errors *errors)
{
	pass(errors, buffer_used(&errors->line));
}

void errors_free(struct errors *errors)
{
	buffer_free(&errors->line);
}
