/* standard.c - see standard.h. */
#include "src/base/standard.h"
#include "src/base/exitcode.h"

#include <fcntl.h>
#include <unistd.h>

void standard_reserve(void)
{
	static const int modes[] = {
		[STDIN_FILENO] = O_WRONLY, [STDOUT_FILENO] = O_RDONLY, [STDERR_FILENO] = O_WRONLY,
	};

	/* open() takes the lowest free number, and those below are taken. */
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", modes[fd]) < 0)
			_exit(EXIT_SYSTEM);
}
