/*
 * segment.h - private: from a name to a checked mapping, and back. What the bytes mean is layout.h's.
 */
#ifndef SHMLINE_SEGMENT_H
#define SHMLINE_SEGMENT_H

#include "shm/layout.h"

/* Where a process has been in the order, for itself alone (hints.c). */
struct walk {
	shared_u64 head;	/* the header's is there or further */
	shared_u64 filled;	/* all cells before it have been filled */
	shared_u64 done;	/* all hints before it are done with */
};

struct segment {
	unsigned char *base;
	struct geometry at;	/* private, checked: the header is not read again */
	struct header *header;
	struct member *members;	/* member of index i is members[i - 1] */
	struct lane *lanes;
	shared_u64 *words;
	shared_u64 *cells;
	unsigned char *slots;
	struct times *times;
	int path_fd;		/* O_PATH: only to open the same file again, whatever its name */
	bool is_writable;
	struct walk walk;
	atomic_uint users;	/* handles on this mapping */
	char name[RING_NAME_MAX + 1];
};

/* Byte whose lock is held by who removes the name or starts a left ring anew. A member's is in its entry. */
#define LOCK_REMOVE 0
#define LOCK_LAUNCHER 1

static inline struct slot *segment_slot(const struct segment *segment, uint32_t index)
{
	return (struct slot *)(void *)(segment->slots + index * segment->at.stride);
}

/* The bytes of its item. */
static inline unsigned char *segment_data(const struct segment *segment, uint32_t index)
{
	return segment_slot(segment, index)->data + segment->at.data_at;
}

/* The line will be written soon: have it come, for that, from the core that has it. */
static inline void fetch_to_write(const void *line)
{
#if defined(__x86_64__)
	__asm__ volatile ("prefetchw %0" : : "m" (*(const char *)line));
#else
	__builtin_prefetch(line, 1);
#endif
}

/* What calls for one item and calls for many have in common: the compiler makes both of it. */
#define FOR_EITHER static inline __attribute__((always_inline))

/* Where everything is, for options that are complete and in bounds. */
void segment_measure(const struct ring_options *options, struct geometry *at);

/* Write a fresh segment into zeroed memory; positions, ids and generations begin at `first` (0 but in
   tests of wrap-around). 0, or -1 with errno. */
int segment_format(void *base, const struct geometry *at, uint64_t first);

/* Point `segment` at a mapping of that geometry. */
void segment_place(struct segment *segment, void *base, const struct geometry *at);

int segment_create(const char *name, const struct ring_options *options);
struct segment *segment_open(const char *name, bool writable);
void segment_release(struct segment *segment);

/* A new description of the segment's file: locks taken on it go when it is closed. -1 with errno. */
int segment_reopen(const struct segment *segment);
/* Does the name still lead to this segment? */
bool segment_has_name(const struct segment *segment);
int segment_unlink(const char *name);
/* The ring's name if a file of that name in SEGMENT_FOLDER would be a ring, else NULL. */
const char *segment_ring_name(const char *file);
#define SEGMENT_FOLDER "/dev/shm"	/* where glibc's shm_open has its files */
/* Is there a file under this name that belongs to this user? 0, or -1 with errno. */
int segment_is_ours(const char *name);

/* Lock one byte of an open description without waiting: 0, or -1 with EAGAIN (held by another). */
int segment_lock(int fd, off_t byte);
void segment_unlock(int fd, off_t byte);
/* Is the byte locked by somebody else? */
bool segment_is_locked(int fd, off_t byte);
off_t segment_member_byte(const struct segment *segment, uint32_t index);

/* The text behind ring_why(). why() sets it, and errno; returns -1. */
int why(int error, const char *format, ...) __attribute__((format(printf, 2, 3)));
void why_clear(void);

#endif
