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

/* The FILE that the source itself names, and the source that reads standard input in its place. */
static const char *named_file(const struct settings *settings, const char **instead)
{
	*instead = settings->source;
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

/* Of `path`, for all producers and all their lives. */
static int hand_over(struct input *input, const char *path)
{
	input->fd = open(path, O_RDONLY | O_NOCTTY | O_CLOEXEC);
	return input->fd < 0 ? say_failure(path) : 0;
}

/* The first of the files that can be read only once, as long as nobody reads standard input. */
static const char **find_read_once(struct settings *settings)
{
	for (size_t i = 0; i < settings->arg_files_count; i++)
		if (is_read_once(settings->arg_files[i]))
			return &settings->arg_files[i];
	return NULL;
}

static bool can_go_back(const struct settings *settings, const char *named, bool is_stdin)
{
	for (size_t i = 0; i < settings->arg_files_count; i++)
		if (is_read_once(settings->arg_files[i]))
			return false;
	if (is_stdin)
		return is_regular(STDIN_FILENO);
	return settings_source_is_generated(settings) || named || settings->arg_files_count > 0;
}

int input_open(struct input *input, struct settings *settings)
{
	bool is_stdin = settings_source_is_stdin(settings);
	const char *instead, *named = named_file(settings, &instead);
	const char **file = is_stdin ? NULL : find_read_once(settings);

	*input = (struct input){ .can_go_back = can_go_back(settings, named, is_stdin) };
	if (named && !is_stdin && is_read_once(named)) {
		input->can_go_back = false;
		settings->source = instead;
		return hand_over(input, named);
	}
	if (file) {
		int code = hand_over(input, *file);

		*file = "-";
		return code;
	}
	input->fd = is_stdin ? STDIN_FILENO : open("/dev/null", O_RDONLY | O_CLOEXEC);
	return input->fd < 0 ? say_failure("/dev/null") : 0;
}

void input_close(struct input *input)
{
	if (input->fd > STDERR_FILENO)
		close(input->fd);
}
