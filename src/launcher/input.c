/* input.c - see input.h. */
#include "src/launcher/input.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/diag.h"
#include "src/base/exitcode.h"

/* Sources whose argument is the name of a file, and themselves without one. */
static const struct {
	const char *prefix, *source;
} file_sources[] = {
	{ .prefix = "lines:", .source = "lines" },
	{ .prefix = "nul:", .source = "nul" },
	{ .prefix = "len32:", .source = "len32" },
};

/* The FILE that the source reads, and the source that reads standard input in its place. */
static const char *named_file(const struct settings *settings, const char **instead)
{
	*instead = settings->source;
	if (settings->arg_file)
		return settings->arg_file;
	for (size_t i = 0; i < sizeof(file_sources) / sizeof(file_sources[0]); i++) {
		size_t len = strlen(file_sources[i].prefix);

		if (strncmp(settings->source, file_sources[i].prefix, len) == 0) {
			*instead = file_sources[i].source;
			return settings->source + len;
		}
	}
	return NULL;
}

static bool is_regular(int fd)
{
	struct stat status;

	return fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

static int say_failure(const char *path)
{
	char shown[256];

	diag_error("cannot read \"%s\": %s", diag_quote(shown, sizeof(shown), path, strlen(path)),
		   strerror(errno));
	return EXIT_NO_INPUT;
}

/* Regular files and what can't be looked at are the producers' business. */
static bool is_read_once(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode);
}

static int hand_over(struct input *input, struct settings *settings, const char *path,
		     const char *instead)
{
	input->fd = open(path, O_RDONLY | O_NOCTTY | O_CLOEXEC);
	if (input->fd < 0)
		return say_failure(path);
	settings->arg_file = NULL;
	settings->source = instead;
	return 0;
}

int input_open(struct input *input, struct settings *settings)
{
	bool is_stdin = settings_source_is_stdin(settings);
	const char *instead, *path = is_stdin ? NULL : named_file(settings, &instead);

	if (path && is_read_once(path)) {
		*input = (struct input){ .fd = -1 };
		return hand_over(input, settings, path, instead);
	}
	input->fd = is_stdin ? STDIN_FILENO : open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (input->fd < 0)
		return say_failure("/dev/null");
	input->can_go_back = settings_source_is_generated(settings) || path ||
			     (is_stdin && is_regular(STDIN_FILENO));
	return 0;
}

void input_close(struct input *input)
{
	if (input->fd > STDERR_FILENO)
		close(input->fd);
}
