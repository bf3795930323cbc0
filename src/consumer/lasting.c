/* lasting.c - see lasting.h. */
#include "src/consumer/lasting.h"

#include <errno.h>
#include <string.h>

#include "shm/ring.h"
#include "src/base/child.h"
#include "src/base/diag.h"
#include "src/base/exitcode.h"
#include "src/consumer/program.h"
#include "src/consumer/sink.h"

int lasting_cannot_run(const char *name, int error)
{
	char shown[256];

	diag_error("cannot run \"%s\": %s", diag_quote(shown, sizeof(shown), name, strlen(name)),
		   error == ENOENT ? "command not found" : strerror(error));
	return child_exit_code(error);
}

int lasting_check(const struct sink_request *request)
{
	const char *program = request->command.is_shell ? "sh" : request->command.words[0];
	int error = strchr(program, '{') ? 0 : program_check(program);

	return error == 0 ? EXIT_OK : lasting_cannot_run(program, error);
}

int lasting_prepare(struct lasting *lasting, const struct sink_request *request, struct ring *ring)
{
	unsigned number = request->number ? request->number : ring_member_index(ring);

	if (environment_init(&lasting->environment, ring_name(ring), number) == 0 &&
	    command_build_lasting(&request->command, number, &lasting->line) == 0)
		return EXIT_OK;
	diag_error("no memory for COMMAND's words");
	return EXIT_SYSTEM;
}

void lasting_free(struct lasting *lasting)
{
	environment_free(&lasting->environment);
	command_line_free(&lasting->line);
}
