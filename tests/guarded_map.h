/*
 * guarded_map.h - for a test program linked with -Wl,--wrap=mmap,--wrap=munmap: every mapping of the
 * library stands between pages that nobody may touch, so that an access outside it is a SIGSEGV.
 * Included by one file of a program.
 */
#ifndef SHMLINE_GUARDED_MAP_H
#define SHMLINE_GUARDED_MAP_H

#include <stddef.h>
#include <sys/mman.h>
#include <sys/types.h>

#define GUARD_BYTES ((size_t)1 << 30)	/* as far as a slot's number can lead astray */

void *__real_mmap(void *at, size_t len, int protection, int flags, int fd, off_t offset);
int __real_munmap(void *at, size_t len);
void *__wrap_mmap(void *at, size_t len, int protection, int flags, int fd, off_t offset);
int __wrap_munmap(void *at, size_t len);

static size_t whole_pages(size_t len)
{
	return (len + 4095) & ~(size_t)4095;
}

void *__wrap_mmap(void *at, size_t len, int protection, int flags, int fd, off_t offset)
{
	size_t whole = whole_pages(len) + 2 * GUARD_BYTES;
	char *fence = __real_mmap(NULL, whole, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	void *inside;

	(void)at;	/* the library leaves it to the kernel */
	if (fence == MAP_FAILED)
		return MAP_FAILED;
	inside = __real_mmap(fence + GUARD_BYTES, len, protection, flags | MAP_FIXED, fd, offset);
	if (inside == MAP_FAILED)
		(void)__real_munmap(fence, whole);
	return inside;
}

int __wrap_munmap(void *at, size_t len)
{
	return __real_munmap((char *)at - GUARD_BYTES, whole_pages(len) + 2 * GUARD_BYTES);
}

#endif
