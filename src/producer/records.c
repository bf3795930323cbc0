/* records.c - see records.h. How records are told apart is frame.c's, who reads what is share.c's. */
#include "src/producer/records.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/diag.h"
#include "src/base/exitcode.h"

#define READ_AHEAD (256u * 1024)	/* room for one read; larger ones were not faster */
#define READ_MIN (64u * 1024)		/* what a pipe holds */
#define LOOK_MS 250			/* as long as a source may wait */
#define MANY_BYTES (64u * 1024)		/* of records that are given at once: they are copied before one is told */

static const char *const standard_input[] = { "-" };

static bool is_stdin(const char *file)
{
	return strcmp(file, "-") == 0;
}

static int refuse(const char *file, int error)
{
	diag_error("cannot read %s: %s", source_show_file(file), strerror(error));
	return EXIT_NO_INPUT;
}

/* ------------------------------------------------------------------ before the ring is there */

/* Not by opening it: that would disturb who writes to a FIFO. */
static int check_file(const char *file)
{
	struct stat status;
	int flags;

	if (is_stdin(file)) {
		flags = fcntl(STDIN_FILENO, F_GETFL);
		if (flags < 0 || fstat(STDIN_FILENO, &status) < 0)
			return refuse(file, errno);
		if ((flags & O_ACCMODE) == O_WRONLY)
			return refuse(file, EBADF);
	} else if (stat(file, &status) < 0 || faccessat(AT_FDCWD, file, R_OK, AT_EACCESS) < 0) {
		return refuse(file, errno);
	}
	return S_ISDIR(status.st_mode) ? refuse(file, EISDIR) : 0;
}

static bool is_regular(const char *file)
{
	struct stat status;
	int result = is_stdin(file) ? fstat(STDIN_FILENO, &status) : stat(file, &status);

	return result == 0 && S_ISREG(status.st_mode);
}

int records_open(struct records *records, const struct framing *framing,
		 const struct source_request *request)
{
	bool none = request->n_files == 0;
	int code;

	*records = (struct records){
		.framing = *framing,
		.files = none ? standard_input : request->files,
		.n_files = none ? 1 : request->n_files,
		.record_max = request->item_max,
		.fd = -1,
	};
	for (size_t i = 0; i < records->n_files; i++) {
		code = check_file(records->files[i]);
		if (code != 0)
			return code;
	}
	records->share = share_of(request->number, request->lanes, records->n_files,
				  framing->kind == FRAME_DELIMITED && is_regular(records->files[0]));
	records->file = records->share.first;
	return 0;
}

void records_open_fd(struct records *records, const struct framing *framing, int fd,
		     const char *const *name)
{
	*records = (struct records){
		.framing = *framing,
		.share = share_of(0, 1, 1, false),
		.files = name,
		.n_files = 1,
		.fd = fd,
		.to = UINT64_MAX,
	};
}

int records_attach(struct records *records, size_t record_max, uint64_t mark)
{
	records->record_max = record_max;
	records->size = record_max + sizeof(uint32_t) + READ_AHEAD;
	records->bytes = malloc(records->size);
	if (!records->bytes) {
		diag_error("no memory for records of %zu bytes", record_max);
		return EXIT_SYSTEM;
	}
	if (mark != 0) {
		records->resume = mark;
		records->file = share_mark_file(mark);
	}
	return 0;
}

void records_close(struct records *records)
{
	if (records->fd >= 0)
		close(records->fd);
	free(records->bytes);
	records->fd = -1;
	records->bytes = NULL;
}

/* ------------------------------------------------------------------ from file to file */

/* O_NONBLOCK: a FIFO's open must not wait for its writer; nobody could end that wait politely. */
static int open_fd(const char *file)
{
	if (is_stdin(file))
		return fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	return open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
}

/* Where to begin and to end in the file that was just opened. Standard input may stand anywhere. */
static void place(struct records *records, const struct stat *status)
{
	off_t here = records->is_regular ? lseek(records->fd, 0, SEEK_CUR) : 0;
	uint64_t base = here > 0 ? (uint64_t)here : 0, from;
	uint64_t size = records->is_regular ? (uint64_t)status->st_size : 0;

	share_range(&records->share, size > base ? size - base : 0, &from, &records->to);
	if (records->to != UINT64_MAX)
		records->to += base;
	/* Our first record is the first that begins at `from` or behind: the one behind the first
	   delimiter from the byte before it on. */
	records->is_skipping = from > 0;
	records->offset = base + from - (from > 0);
	if (records->resume != 0) {
		records->offset = share_mark_offset(records->resume);
		records->is_skipping = false;
	}
}

static int open_file(struct records *records)
{
	const char *file = records->files[records->file];
	struct stat status;

	records->fd = open_fd(file);
	if (records->fd < 0 || fstat(records->fd, &status) < 0)
		return refuse(file, errno);
	if (S_ISDIR(status.st_mode))
		return refuse(file, EISDIR);
	records->is_regular = S_ISREG(status.st_mode);
	records->at_end = false;
	records->start = records->end = records->seen = 0;
	place(records, &status);
	if (records->resume != 0 && !records->is_regular)
		diag_warn("%s can't be read again: what a producer before had read of it and not "
			  "published is lost", source_show_file(file));
	records->resume = 0;
	return 0;
}

static void close_file(struct records *records)
{
	close(records->fd);
	records->fd = -1;
	records->file += records->share.step;
}

/* ------------------------------------------------------------------ bytes */

static size_t have(const struct records *records)
{
	return records->end - records->start;
}

static void make_room(struct records *records)
{
	if (records->size - records->end >= READ_MIN && records->start != records->end)
		return;
	memmove(records->bytes, records->bytes + records->start, have(records));
	records->end = have(records);
	records->start = 0;
}

static ssize_t read_some(const struct records *records)
{
	char *behind = records->bytes + records->end;
	size_t room = records->size - records->end;

	if (records->is_regular)
		return pread(records->fd, behind, room, (off_t)(records->offset + have(records)));
	return read(records->fd, behind, room);
}

/* Is there something to read? Regular files always have; to wait for others is to look round now
   and then. */
static bool is_readable(const struct records *records)
{
	struct pollfd wanted = { .fd = records->fd, .events = POLLIN };

	return records->is_regular || poll(&wanted, 1, LOOK_MS) > 0;
}

/* SOURCE_RECORD: look again, there are more bytes now, or at_end. */
static enum source_result read_more(struct records *records, int *code)
{
	ssize_t n;

	make_room(records);
	if (!is_readable(records))
		return SOURCE_WAIT;
	n = read_some(records);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return SOURCE_WAIT;
	if (n < 0) {
		diag_error("cannot read %s: %m", source_show_file(records->files[records->file]));
		*code = EXIT_IO;
		return SOURCE_FAILED;
	}
	records->at_end = n == 0;
	records->end += (size_t)n;
	return SOURCE_RECORD;
}

static void step_over(struct records *records, size_t n)
{
	records->start += n;
	records->offset += n;
	records->seen = 0;
}

/* ------------------------------------------------------------------ records */

static enum source_result give(struct records *records, const struct frame *frame, bool is_cut,
			       struct record *record)
{
	*record = (struct record){
		.data = records->bytes + records->start + frame->at,
		.len = frame->len,
		.is_cut = is_cut,
		.mark = share_mark(records->file, records->offset + frame->used),
		.from = records->files[records->file],
		.offset = records->offset,
	};
	if (frame->len <= records->record_max)
		step_over(records, frame->used);
	return SOURCE_RECORD;
}

static enum source_result truncated(const struct records *records, const struct frame *frame,
				    int *code)
{
	diag_error("%s: the record at byte %llu is cut short: expected %zu bytes, found %zu",
		   source_show_file(records->files[records->file]), (unsigned long long)records->offset,
		   frame->used, have(records));
	*code = EXIT_BAD_DATA;
	return SOURCE_FAILED;
}

static enum frame_result cut(const struct records *records, struct frame *frame)
{
	return frame_cut(&records->framing, records->bytes + records->start, have(records),
			 records->seen, records->at_end, frame);
}

/* Step over the end of the record that is the producer's before us. */
static enum source_result skip(struct records *records, int *code)
{
	struct frame frame;

	if (cut(records, &frame) == FRAME_RECORD) {
		step_over(records, frame.used);
		records->is_skipping = false;
		return SOURCE_RECORD;
	}
	step_over(records, have(records));
	if (!records->at_end)
		return read_more(records, code);
	records->is_skipping = false;
	return SOURCE_RECORD;
}

static enum source_result open_next(struct records *records, int *code)
{
	if (records->file >= records->n_files)
		return SOURCE_END;
	*code = open_file(records);
	return *code == 0 ? SOURCE_RECORD : SOURCE_FAILED;
}

static bool is_at_record(const struct records *records)
{
	return records->fd >= 0 && records->offset < records->to && !records->is_skipping;
}

/* One step towards the next record that is ours. SOURCE_RECORD: look again. */
static enum source_result go_on(struct records *records, int *code)
{
	if (records->fd < 0)
		return open_next(records, code);
	if (records->is_skipping && records->offset < records->to)
		return skip(records, code);
	close_file(records);
	return SOURCE_RECORD;
}

enum source_result records_next(struct records *records, struct record *record, int *code)
{
	enum source_result result = SOURCE_RECORD;
	struct frame frame;

	while (result == SOURCE_RECORD) {
		if (!is_at_record(records)) {
			result = go_on(records, code);
			continue;
		}
		switch (cut(records, &frame)) {
		case FRAME_RECORD:
			return give(records, &frame, false, record);
		case FRAME_MORE:
			if (frame.len > records->record_max)
				return give(records, &frame,
					    records->framing.kind == FRAME_DELIMITED, record);
			records->seen = have(records);
			result = read_more(records, code);
			break;
		case FRAME_NOTHING:
			close_file(records);
			break;
		case FRAME_TRUNCATED:
			return truncated(records, &frame, code);
		}
	}
	return result;
}

/* Did it come whole, with the delimiter behind it, and is there room for that? */
static bool can_begin_run(const struct records *records, char delimiter, const struct record *record)
{
	return records->framing.kind == FRAME_DELIMITED && records->framing.delimiter == delimiter &&
	       record->len < records->record_max &&
	       (const char *)record->data + record->len + 1 == records->bytes + records->start;
}

/* Add the records behind it that are there and ours. */
static void extend(struct records *records, uint32_t most, struct record *record)
{
	const char *begin = record->data, *at = records->bytes + records->start, *found;
	size_t there = records->end - (size_t)(begin - records->bytes);
	const char *end = begin + (there < records->record_max ? there : records->record_max);
	uint32_t n = 1;

	while (n < most && records->offset < records->to && at < end &&
	       (found = memchr(at, records->framing.delimiter, (size_t)(end - at)))) {
		step_over(records, (size_t)(found + 1 - at));
		at = found + 1;
		n++;
	}
	if (n == 1)
		return;
	record->run = n;
	record->len = (size_t)(at - begin);
	record->mark = share_mark(records->file, records->offset);
}

enum source_result records_next_run(struct records *records, char delimiter, uint32_t most,
				    struct record *record, int *code)
{
	enum source_result result = records_next(records, record, code);

	if (result == SOURCE_RECORD && can_begin_run(records, delimiter, record))
		extend(records, most, record);
	return result;
}

enum source_result records_next_many(struct records *records, struct record *list, uint32_t max,
				     uint32_t *n, int *code)
{
	enum source_result result = records_next(records, &list[0], code);
	struct frame frame;

	*n = result == SOURCE_RECORD;
	if (*n == 0 || list[0].len > records->record_max)
		return result;
	for (size_t bytes = list[0].len; *n < max && is_at_record(records); bytes += frame.len) {
		if (cut(records, &frame) != FRAME_RECORD || bytes + frame.len > MANY_BYTES ||
		    frame.len > records->record_max)
			break;
		(void)give(records, &frame, false, &list[(*n)++]);
	}
	return result;
}
