/* writable.c - see writable.h. */
#include "src/consumer/writable.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/diag.h"
#include "src/base/exitcode.h"

/* May a file be made where `path` says? */
static int check_folder(const char *path)
{
	char copy[PATH_MAX];

	if (!*path || strlen(path) >= sizeof(copy))
		return *path ? ENAMETOOLONG : ENOENT;
	strcpy(copy, path);
	return faccessat(AT_FDCWD, dirname(copy), W_OK | X_OK, AT_EACCESS) < 0 ? errno : 0;
}

static int check_path(const char *path)
{
	struct stat status;

	if (stat(path, &status) < 0)
		return errno == ENOENT ? check_folder(path) : errno;
	if (S_ISDIR(status.st_mode))
		return EISDIR;
	return faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) < 0 ? errno : 0;
}

int writable_check(const char *option, const char *path)
{
	int error = path ? check_path(path) : 0;
	char shown[256];

	if (error == 0)
		return EXIT_OK;
	diag_error("cannot write to %s \"%s\": %s", option,
		   diag_quote(shown, sizeof(shown), path, strlen(path)), strerror(error));
	return EXIT_CANT_CREATE;
}
