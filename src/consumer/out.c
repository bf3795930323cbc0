/* out.c - see out.h. */
#include "src/consumer/out.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "src/base/lineio.h"

static bool is_alone;

void out_is_ours_alone(void)
{
	is_alone = true;
}

/* Of the process, not of the open file, which is the one that is shared. An output that can't be
   locked is written to as it is. */
static void lock(int fd, short type)
{
	struct flock all = { .l_type = type, .l_whence = SEEK_SET };

	if (is_alone)
		return;
	while (fcntl(fd, F_SETLKW, &all) < 0 && errno == EINTR)
		;
}

void out_begin(int fd)
{
	lock(fd, F_WRLCK);
}

void out_end(int fd)
{
	int error = errno;

	lock(fd, F_UNLCK);
	errno = error;
}

int out_write(int fd, const void *bytes, size_t len)
{
	int result;

	out_begin(fd);
	result = write_all(fd, bytes, len);
	out_end(fd);
	return result;
}
