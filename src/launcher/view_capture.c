/* view_capture.c - see view_capture.h. */
#include "src/launcher/view_capture.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/diag.h"
#include "src/base/lineio.h"

/* Memory that is read is given up beyond this. */
#define KEPT_MAX (1 << 20)
#define KEPT_TAIL (64 << 10)

int capture_begin(struct capture *capture, int stream)
{
	*capture = (struct capture){ .stream = stream, .before = -1, .memory = -1 };
	if (!isatty(stream))
		return 0;
	capture->memory = memfd_create("shmline view", MFD_CLOEXEC);
	capture->before = fcntl(stream, F_DUPFD_CLOEXEC, 3);
	/* Appending, so that what is cut off does not leave a hole. */
	if (capture->memory < 0 || capture->before < 0 || fcntl(capture->memory, F_SETFL, O_APPEND) < 0)
		return -1;
	return dup2(capture->memory, stream) < 0 ? -1 : 0;
}

static void add_line(struct screen *screen, const char *line, size_t len)
{
	char *last = screen->text[SCREEN_TEXT_LINES - 1];

	memmove(screen->text[0], screen->text[1], sizeof(screen->text) - sizeof(screen->text[0]));
	(void)diag_quote(last, sizeof(screen->text[0]), line, len);
}

static void add_bytes(struct capture *capture, struct screen *screen, const char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (bytes[i] == '\n') {
			if (capture->line_len > 0)
				add_line(screen, capture->line, capture->line_len);
			capture->line_len = 0;
		} else if (capture->line_len < sizeof(capture->line)) {
			capture->line[capture->line_len++] = bytes[i];
		}
	}
}

/* Where the last `keep` bytes begin, at the beginning of a line. */
static off_t tail_from(const struct capture *capture, off_t end, off_t keep)
{
	char byte = '\0';
	off_t from = end > keep ? end - keep : 0;

	while (from > 0 && from < end && pread(capture->memory, &byte, 1, from - 1) == 1 && byte != '\n')
		from++;
	return from;
}

static void write_tail(const struct capture *capture, int fd, off_t end, off_t keep)
{
	char bytes[4096];
	off_t at = tail_from(capture, end, keep);
	ssize_t n;

	while ((n = pread(capture->memory, bytes, sizeof(bytes), at)) > 0 && at < end) {
		(void)write_all(fd, bytes, (size_t)n);
		at += n;
	}
}

static void cut(struct capture *capture, off_t size)
{
	static char tail[KEPT_TAIL];
	ssize_t n = pread(capture->memory, tail, sizeof(tail), tail_from(capture, size, KEPT_TAIL));

	if (ftruncate(capture->memory, 0) < 0)
		return;
	capture->read_to = 0;
	if (n > 0 && write_all(capture->memory, tail, (size_t)n) == 0)
		capture->read_to = n;
}

void capture_show(struct capture *capture, struct screen *screen)
{
	struct stat status;
	char bytes[4096];
	ssize_t n;

	if (capture->before < 0 || fstat(capture->memory, &status) < 0)
		return;
	if (status.st_size - capture->read_to > KEPT_TAIL)	/* nobody could read that much */
		capture->read_to = tail_from(capture, status.st_size, KEPT_TAIL);
	while ((n = pread(capture->memory, bytes, sizeof(bytes), capture->read_to)) > 0) {
		add_bytes(capture, screen, bytes, (size_t)n);
		capture->read_to += n;
	}
	if (capture->read_to > KEPT_MAX)
		cut(capture, capture->read_to);
}

void capture_end(struct capture *capture, off_t keep)
{
	struct stat status;

	if (capture->before >= 0) {
		(void)dup2(capture->before, capture->stream);
		if (fstat(capture->memory, &status) == 0)
			write_tail(capture, capture->stream, status.st_size, keep);
		(void)close(capture->before);
	}
	if (capture->memory >= 0)
		(void)close(capture->memory);
	capture->before = capture->memory = -1;
}
