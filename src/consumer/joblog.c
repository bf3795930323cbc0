/*
 * joblog.c - see joblog.h. Several consumers append to one file: a line is one write to a file that is
 * open for appending, which the kernel does not mix with others.
 */
#include "src/consumer/joblog.h"

#define LIBBSD_NETBSD_VIS	/* else the header warns of a function that is not used here */
#include <bsd/vis.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/diag.h"
#include "src/base/exitcode.h"
#include "src/base/lineio.h"
#include "src/consumer/run.h"

static const char header[] =
	"Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n";

static int lock(int fd, short type)
{
	struct flock all = { .l_type = type, .l_whence = SEEK_SET };
	int result;

	do
		result = fcntl(fd, F_OFD_SETLKW, &all);
	while (result < 0 && errno == EINTR);
	return result;
}

/* Of several consumers that open a new file, one writes the header. */
static int write_header(int fd)
{
	struct stat status;
	int result;

	if (fstat(fd, &status) < 0)
		return -1;
	if (!S_ISREG(status.st_mode))
		return write_all(fd, header, strlen(header));
	if (lock(fd, F_WRLCK) < 0 || fstat(fd, &status) < 0)
		return -1;
	result = status.st_size > 0 ? 0 : write_all(fd, header, strlen(header));
	return lock(fd, F_UNLCK) < 0 ? -1 : result;
}

int joblog_open(struct joblog *joblog, const char *path)
{
	joblog->path = path;
	joblog->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	if (joblog->fd >= 0 && write_header(joblog->fd) == 0)
		return EXIT_OK;
	diag_error("cannot open --joblog \"%s\": %m", path);
	return EXIT_CANT_CREATE;
}

void joblog_close(struct joblog *joblog)
{
	close(joblog->fd);
}

static void print_words(FILE *out, char *const *argv)
{
	for (char *const *word = argv; *word; word++) {
		if (word != argv)
			putc(' ', out);
		for (const char *at = *word; *at; at++) {
			char shown[8];

			vis(shown, *at, VIS_CSTYLE | VIS_TAB | VIS_NL | VIS_NOLOCALE, at[1]);
			fputs(shown, out);
		}
	}
}

static void print_line(FILE *out, uint64_t item, const struct run *run, off_t output)
{
	fprintf(out, "%" PRIu64 "\t:\t%" PRIu64 ".%03u\t%10.3f\t0\t%lld\t%d\t%d\t", item,
		run->started_ns / 1000000000, (unsigned)(run->started_ns % 1000000000 / 1000000),
		(double)run->took_ns / 1e9, (long long)output, run->code, run->signal);
	print_words(out, run->argv);
	putc('\n', out);
}

int joblog_write(const struct joblog *joblog, uint64_t item, const struct run *run, off_t output)
{
	char *line = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&line, &len);
	int result = -1;

	if (out) {
		print_line(out, item, run, output);
		if (fclose(out) == 0)
			result = write_all(joblog->fd, line, len);
	}
	if (result < 0)
		diag_error("cannot write to --joblog \"%s\": %m", joblog->path);
	free(line);
	return result < 0 ? EXIT_IO : EXIT_OK;
}
