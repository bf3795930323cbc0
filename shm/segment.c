/*
 * segment.c - from a name to a checked mapping, and back: making, opening, checking, unlinking.
 *
 * A ring is made as a file without a name in the folder of POSIX shared memory and linked to its name
 * when it is complete, so that nobody ever sees it half made and a kill leaves nothing behind.
 */
#include "shm/segment.h"

#include "shm/wait.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PREFIX "shmline."
#define PATH_SIZE (sizeof("/" PREFIX) + RING_NAME_MAX)
#define OPEN_TRIES 100		/* of a name under which others come and go */

/* Bytes from slot to slot, and of a ring, up to which all of it is mapped at once. Guesses: the second takes
   a few milliseconds. */
#define STRIDE_MAPPED_MAX 512u
#define MAPPED_MAX (UINT64_C(64) << 20)

static _Thread_local char why_text[160];

int why(int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(why_text, sizeof(why_text), format, args);
	va_end(args);
	errno = error;
	return -1;
}

void why_clear(void)
{
	why_text[0] = '\0';
}

const char *ring_why(void)
{
	return why_text;
}

bool ring_name_is_valid(const char *name)
{
	size_t len = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");

	return len >= 1 && len <= RING_NAME_MAX && name[len] == '\0' && name[0] != '.' && name[0] != '-';
}

uint64_t ring_now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);	/* can't fail: the clock exists, the pointer is good */
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static int shm_path(const char *name, char path[PATH_SIZE])
{
	if (!ring_name_is_valid(name))
		return why(EINVAL, "a ring's name is 1 to %d of A-Z a-z 0-9 . _ -, not beginning with . or -",
			   RING_NAME_MAX);
	(void)snprintf(path, PATH_SIZE, "/" PREFIX "%s", name);
	return 0;
}

/* ---------------------------------------------------------------- geometry */

static size_t round_up(size_t n, size_t unit)
{
	return (n + unit - 1) / unit * unit;
}

void segment_measure(const struct ring_options *options, struct geometry *at)
{
	uint32_t slots = options->slots, item_max = options->item_max, members = options->members;
	uint32_t shift = 3;

	while ((1u << shift) < 2 * slots)
		shift++;
	*at = (struct geometry){ .slots = slots, .item_max = item_max, .members = members,
				 .cells = 1u << shift, .cell_shift = shift,
				 .lag = 1u << shift < 4 * LAG_MAX ? (1u << shift) / 4 : LAG_MAX };
	at->has_parcels = options->has_parcels;
	at->terminator = options->terminator;
	at->data_at = at->has_parcels ? sizeof(struct parcel) : 0;
	at->stride = round_up(sizeof(struct slot) + at->data_at + item_max, LINE);
	at->lines = at->stride < LINES_MAX * LINE ? at->stride : LINES_MAX * LINE;
	at->members_at = 4096;
	at->lanes_at = at->members_at + members * sizeof(struct member);
	at->words_at = at->lanes_at + members * sizeof(struct lane);
	at->cells_at = round_up(at->words_at + slots * sizeof(uint64_t), LINE);
	at->slots_at = round_up(at->cells_at + at->cells * sizeof(uint64_t), LINE);
	at->times_at = at->slots_at + slots * at->stride;
	at->size = round_up(at->times_at + sizeof(struct times), 4096);
}

void segment_place(struct segment *segment, void *base, const struct geometry *at)
{
	segment->base = base;
	segment->at = *at;
	segment->header = base;
	segment->members = (void *)(segment->base + at->members_at);
	segment->lanes = (void *)(segment->base + at->lanes_at);
	segment->words = (void *)(segment->base + at->words_at);
	segment->cells = (void *)(segment->base + at->cells_at);
	segment->slots = segment->base + at->slots_at;
	segment->times = (void *)(segment->base + at->times_at);
	segment->walk = (struct walk){ .head = at->first, .filled = at->first, .done = at->first };
}

/* ---------------------------------------------------------------- making */

static void format_order(struct segment *segment, uint64_t first)
{
	uint32_t cells = segment->at.cells;

	atomic_init(&segment->header->head, first);
	atomic_init(&segment->header->tail, first);
	/* Every cell holds the lap before the one in which it is filled first. */
	for (uint32_t i = 0; i < cells; i++) {
		uint64_t position = first + ((i - first) & (cells - 1));
		uint64_t lap = (position >> segment->at.cell_shift) - 1;

		atomic_init(&segment->cells[i], lap << 42);
	}
	for (uint32_t i = 0; i < segment->at.slots; i++)
		atomic_init(&segment->words[i], first << 28);
}

int segment_format(void *base, const struct geometry *at, uint64_t first)
{
	struct segment segment;
	struct header *header = base;

	segment_place(&segment, base, at);
	if (wait_init(&header->ready) || wait_init(&header->free))
		return -1;
	format_order(&segment, first);
	atomic_init(&header->next_due, UINT64_MAX);
	for (uint32_t i = 0; i < at->members; i++)
		atomic_init(&segment.members[i].told, first);
	atomic_init(&header->next_id, first + 1);
	header->version = LAYOUT_VERSION;
	header->abi = LAYOUT_ABI;
	header->slots = at->slots;
	header->item_max = at->item_max;
	header->members = at->members;
	header->parcels = at->has_parcels ? PARCELS | at->terminator : 0;
	header->size = at->size;
	header->created_ns = ring_now_ns();
	header->first = first;
	header->magic = LAYOUT_MAGIC;
	return 0;
}

static int options_measure(const struct ring_options *options, struct geometry *at)
{
	struct ring_options full = options ? *options : (struct ring_options){ 0 };

	full.slots = full.slots ? full.slots : 1024;
	full.item_max = full.item_max ? full.item_max : 4096;
	full.members = full.members ? full.members : 64;
	if (full.slots < 2 || full.slots > RING_SLOTS_MAX)
		return why(EINVAL, "%u slots, 2 to %u expected", full.slots, RING_SLOTS_MAX);
	if (full.item_max > RING_ITEM_MAX_MAX)
		return why(EINVAL, "items of %u bytes, 1 to %u expected", full.item_max,
			   RING_ITEM_MAX_MAX);
	if (full.members > RING_MEMBERS_MAX)
		return why(EINVAL, "%u members, 1 to %u expected", full.members, RING_MEMBERS_MAX);
	segment_measure(&full, at);
	return 0;
}

static int fill_file(int fd, const struct geometry *at)
{
	void *base;
	int failed;

	/* Not ftruncate: it would succeed beyond the room there is, and a later touch be a SIGBUS. */
	do
		failed = posix_fallocate(fd, 0, (off_t)at->size);
	while (failed == EINTR);
	if (failed == ENOSPC || failed == EFBIG)
		return why(failed, "%zu bytes of shared memory are needed", at->size);
	if (failed) {
		errno = failed;
		return -1;
	}
	base = mmap(NULL, at->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (base == MAP_FAILED)
		return -1;
	failed = segment_format(base, at, 0);
	(void)munmap(base, at->size);
	return failed;
}

int segment_create(const char *name, const struct ring_options *options)
{
	char path[PATH_SIZE], target[sizeof(SEGMENT_FOLDER) + PATH_SIZE], self[32];
	struct geometry at;
	int fd, failed, error;

	if (shm_path(name, path) || options_measure(options, &at))
		return -1;
	(void)snprintf(target, sizeof(target), SEGMENT_FOLDER "%s", path);
	if (faccessat(AT_FDCWD, target, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
		errno = EEXIST;		/* before its memory is asked for */
		return -1;
	}
	fd = open(SEGMENT_FOLDER, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0)
		return -1;
	failed = fill_file(fd, &at);
	if (!failed) {
		(void)snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
		failed = linkat(AT_FDCWD, self, AT_FDCWD, target, AT_SYMLINK_FOLLOW);
	}
	error = errno;
	(void)close(fd);
	errno = error;
	return failed;
}

/* ---------------------------------------------------------------- opening */

static int check_file(int fd, size_t *size)
{
	struct stat st;

	if (fstat(fd, &st))
		return -1;
	if (!S_ISREG(st.st_mode))
		return why(EPERM, "not a plain file");
	if (st.st_uid != geteuid())
		return why(EPERM, "it belongs to user %u", (unsigned)st.st_uid);
	if (st.st_nlink == 0) {
		errno = ESTALE;		/* removed while we were opening it */
		return -1;
	}
	*size = (size_t)st.st_size;
	return 0;
}

static int check_header(const struct header *copy, size_t size, struct geometry *at)
{
	const struct ring_options options = {
		.slots = copy->slots, .item_max = copy->item_max, .members = copy->members,
		.has_parcels = copy->parcels != 0, .terminator = (unsigned char)copy->parcels,
	};

	if (copy->magic == 0)
		return why(EPROTO, "half made, or not a ring");
	if (copy->magic != LAYOUT_MAGIC)
		return why(EPROTO, "not a ring");
	if (copy->version != LAYOUT_VERSION)
		return why(EPROTO, "layout version %u, this build reads %u", copy->version,
			   LAYOUT_VERSION);
	if (copy->abi != LAYOUT_ABI)
		return why(EPROTO, "made by a program of another architecture");
	if (copy->slots < 2 || copy->slots > RING_SLOTS_MAX || copy->item_max < 1 ||
	    copy->item_max > RING_ITEM_MAX_MAX || copy->members < 1 ||
	    copy->members > RING_MEMBERS_MAX)
		return why(EBADMSG, "its header is damaged: %u slots of %u bytes, %u members", copy->slots,
			   copy->item_max, copy->members);
	if (copy->parcels != 0 && (copy->parcels & ~255u) != PARCELS)
		return why(EBADMSG, "its header is damaged: parcels %#x", copy->parcels);
	segment_measure(&options, at);
	if (copy->size != at->size || size != at->size)
		return why(EBADMSG, "its header is damaged: %zu bytes, %zu expected", size, at->size);
	at->created_ns = copy->created_ns;
	at->first = copy->first;
	return 0;
}

static int read_header(int fd, struct header *copy)
{
	ssize_t got = pread(fd, copy, sizeof(*copy), 0);

	if (got < 0)
		return -1;
	if ((size_t)got < sizeof(*copy))
		return why(EPROTO, "%zd bytes long: half made, or not a ring", got);
	return 0;
}

/* Where a page holds several slots a member soon comes to all pages, and to have them mapped at once takes a
   fraction of what a fault for each takes. Of larger items few may ever be used. */
static bool is_for_all_pages(const struct geometry *at)
{
	return at->stride <= STRIDE_MAPPED_MAX && at->size <= MAPPED_MAX;
}

static void *map(int fd, const struct geometry *at, bool writable)
{
	void *base = mmap(NULL, at->size, writable ? PROT_READ | PROT_WRITE : PROT_READ,
			  MAP_SHARED | (writable && is_for_all_pages(at) ? MAP_POPULATE : 0), fd, 0);

	if (base == MAP_FAILED)
		return NULL;
	/* A forked child must neither keep a dead member's segment alive nor work on it by mistake. */
	if (madvise(base, at->size, MADV_DONTFORK) == 0)
		return base;
	(void)munmap(base, at->size);
	return NULL;
}

static int open_checked(struct segment *segment, int fd, bool writable)
{
	struct header copy;
	struct geometry at;
	char self[32];
	size_t size = 0;
	void *base;

	if (check_file(fd, &size) || read_header(fd, &copy) || check_header(&copy, size, &at))
		return -1;
	(void)snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	segment->path_fd = open(self, O_PATH | O_CLOEXEC);
	if (segment->path_fd < 0)
		return -1;
	base = map(fd, &at, writable);
	if (!base) {
		int error = errno;

		(void)close(segment->path_fd);
		errno = error;
		return -1;
	}
	segment_place(segment, base, &at);
	segment->is_writable = writable;
	return 0;
}

/* ESTALE: what was opened has lost its name by now. */
static int open_path(struct segment *segment, const char *path, bool writable)
{
	/* O_NONBLOCK: a FIFO that stands in its place keeps nobody waiting. */
	int fd = shm_open(path, (writable ? O_RDWR : O_RDONLY) | O_NONBLOCK, 0), failed, error;

	if (fd < 0 && errno == ELOOP)
		(void)why(EPERM, "a symbolic link, not a plain file");
	if (fd < 0 && (errno == EINVAL || errno == ENXIO))	/* shm_open's word for EISDIR; a socket */
		(void)why(EPERM, "a folder or a socket, not a plain file");
	failed = fd < 0 ? -1 : open_checked(segment, fd, writable);
	error = errno;
	if (fd >= 0)
		(void)close(fd);
	errno = error;
	return failed;
}

struct segment *segment_open(const char *name, bool writable)
{
	char path[PATH_SIZE];
	struct segment *segment;
	int failed, error, tries = 0;

	if (shm_path(name, path))
		return NULL;
	segment = calloc(1, sizeof(*segment));
	if (!segment)
		return NULL;
	(void)snprintf(segment->name, sizeof(segment->name), "%s", name);
	atomic_init(&segment->users, 1);

	/* A file that lost its name may have lost it to another, moved over it. */
	do
		failed = open_path(segment, path, writable);
	while (failed && errno == ESTALE && ++tries < OPEN_TRIES);
	error = failed && errno == ESTALE ? ENOENT : errno;
	if (failed) {
		free(segment);
		segment = NULL;
	}
	errno = error;
	return segment;
}

void segment_release(struct segment *segment)
{
	if (atomic_fetch_sub(&segment->users, 1) > 1)
		return;
	(void)munmap(segment->base, segment->at.size);
	(void)close(segment->path_fd);
	free(segment);
}

int segment_reopen(const struct segment *segment)
{
	char self[32];

	(void)snprintf(self, sizeof(self), "/proc/self/fd/%d", segment->path_fd);
	return open(self, (segment->is_writable ? O_RDWR : O_RDONLY) | O_CLOEXEC);
}

/* ---------------------------------------------------------------- names */

bool segment_has_name(const struct segment *segment)
{
	char path[PATH_SIZE];
	struct stat mine, named;
	int fd;
	bool same;

	if (shm_path(segment->name, path) || fstat(segment->path_fd, &mine))
		return false;
	fd = shm_open(path, O_RDONLY | O_NONBLOCK, 0);
	if (fd < 0)
		return false;
	same = fstat(fd, &named) == 0 && mine.st_ino == named.st_ino && mine.st_dev == named.st_dev;
	(void)close(fd);
	return same;
}

int segment_unlink(const char *name)
{
	char path[PATH_SIZE];

	return shm_path(name, path) ? -1 : shm_unlink(path);
}

const char *segment_ring_name(const char *file)
{
	size_t len = strlen(PREFIX);

	return strncmp(file, PREFIX, len) == 0 && ring_name_is_valid(file + len) ? file + len : NULL;
}

int segment_is_ours(const char *name)
{
	char path[PATH_SIZE], target[sizeof(SEGMENT_FOLDER) + PATH_SIZE];
	struct stat st;

	if (shm_path(name, path))
		return -1;
	(void)snprintf(target, sizeof(target), SEGMENT_FOLDER "%s", path);
	if (lstat(target, &st))
		return -1;
	if (st.st_uid != geteuid())
		return why(EPERM, "it belongs to user %u", (unsigned)st.st_uid);
	return 0;
}

/* ---------------------------------------------------------------- locks */

static struct flock byte_lock(off_t byte, short type)
{
	return (struct flock){ .l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1 };
}

int segment_lock(int fd, off_t byte)
{
	struct flock lock = byte_lock(byte, F_WRLCK);

	return fcntl(fd, F_OFD_SETLK, &lock);
}

void segment_unlock(int fd, off_t byte)
{
	struct flock lock = byte_lock(byte, F_UNLCK);

	(void)fcntl(fd, F_OFD_SETLK, &lock);	/* if it fails, closing the descriptor unlocks */
}

bool segment_is_locked(int fd, off_t byte)
{
	struct flock lock = byte_lock(byte, F_WRLCK);

	return fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

off_t segment_member_byte(const struct segment *segment, uint32_t index)
{
	return (off_t)(segment->at.members_at + (index - 1) * sizeof(struct member));
}
