/* program.c - see program.h. */
#include "src/consumer/program.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int check_path(const char *path)
{
	struct stat status;

	if (stat(path, &status) < 0)
		return errno;
	if (!S_ISREG(status.st_mode))
		return EACCES;
	return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) < 0 ? errno : 0;
}

int program_check(const char *name)
{
	const char *folder = getenv("PATH");
	int result = ENOENT;

	if (strchr(name, '/'))
		return check_path(name);
	if (!folder)
		folder = "/bin:/usr/bin";
	while (*name) {
		int len = (int)strcspn(folder, ":"), error;
		char path[PATH_MAX];

		snprintf(path, sizeof(path), "%.*s%s%s", len, folder, len ? "/" : "", name);
		error = check_path(path);
		if (error == 0)
			return 0;
		if (error == EACCES)
			result = EACCES;
		if (folder[len] == '\0')
			return result;
		folder += len + 1;
	}
	return result;
}
