/*
 * share.h - which part of the input each of several producers reads, and how a position in it is
 * put into one number. Pure.
 *
 *	one file that can be cut anywhere    each a range of its bytes, moved to where records begin
 *	several files                        file j is read by producer j modulo their number
 *	anything else (a pipe, len32)        the first reads it, the others have nothing to do
 */
#ifndef SHMLINE_SHARE_H
#define SHMLINE_SHARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct share {
	size_t first, step;	/* files: first, first + step, ... */
	unsigned part, parts;	/* of each file: part 0.. of parts */
};

/*
 * `number` counts from 1; 0 or lanes 1: all of it. can_split: records can be found from any byte of
 * the (only) file, and it can be read from any.
 */
struct share share_of(unsigned number, unsigned lanes, size_t n_files, bool can_split);

/* The bytes [*from, *to) of part `part` of `size` bytes. The last part has no end: a file may grow. */
void share_range(const struct share *share, uint64_t size, uint64_t *from, uint64_t *to);

/*
 * A mark: the number of the file in the list, and the offset in it. Marks grow as reading goes on; in
 * the first file the mark is the offset.
 */
#define SHARE_OFFSET_BITS 44	/* 16 TiB a file, a million files: more than either can be */

uint64_t share_mark(size_t file, uint64_t offset);
size_t share_mark_file(uint64_t mark);
uint64_t share_mark_offset(uint64_t mark);

#endif
