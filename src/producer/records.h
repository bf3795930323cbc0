/*
 * records.h - the records of a producer's share of some files, read through one large buffer. What
 * is there is handed on at once: a slow pipe's record does not wait for the buffer to fill.
 */
#ifndef SHMLINE_RECORDS_H
#define SHMLINE_RECORDS_H

#include "src/producer/frame.h"
#include "src/producer/share.h"
#include "src/producer/source.h"

struct records {
	struct framing framing;
	struct share share;
	const char *const *files;
	size_t n_files;
	size_t record_max;	/* bytes of the longest record */
	uint64_t resume;	/* mark to go on behind, until the first file is open; 0: none */

	/* the file that is open */
	size_t file;		/* its place in files */
	int fd;			/* -1: none is open */
	bool is_regular;	/* read by position, so that processes can share the descriptor */
	bool is_skipping;	/* what stands here is the end of a record of the part before ours */
	bool at_end;
	uint64_t offset;	/* of the first byte not handed on */
	uint64_t to;		/* records that begin here or behind are the next producer's */

	/* its bytes that are not handed on: bytes[start] to bytes[end] */
	char *bytes;
	size_t size, start, end;
	size_t seen;		/* looked at before, without finding the end of a record */
};

/* Check that the request's files can be read ("-" is standard input, and so is no file at all). 0, or
   an exit code after saying why. */
int records_open(struct records *records, const struct framing *framing,
		 const struct source_request *request);

/* Read from `fd`, which it takes over and messages call `name`, instead of files. */
void records_open_fd(struct records *records, const struct framing *framing, int fd,
		     const char *const *name);

/* As source.attach, with the longest record. */
int records_attach(struct records *records, size_t record_max, uint64_t mark);

/* As source.next. */
enum source_result records_next(struct records *records, struct record *record, int *code);

/* As source.next_run. */
enum source_result records_next_run(struct records *records, char delimiter, uint32_t most,
				    struct record *record, int *code);

/* As source.next_many. */
enum source_result records_next_many(struct records *records, struct record *list, uint32_t max,
				     uint32_t *n, int *code);

void records_close(struct records *records);

#endif
