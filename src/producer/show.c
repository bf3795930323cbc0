/* show.c - see show.h. */
#include "src/producer/show.h"

#include <endian.h>
#include <errno.h>
#include <stdio.h>

#include "src/base/diag.h"
#include "src/base/exitcode.h"
#include "src/base/interrupt.h"

/* Who reads has seen enough: that is no error. */
static int cannot_write(void)
{
	if (errno == EPIPE)
		return EXIT_OK;
	diag_error("cannot write to standard output: %m");
	return EXIT_IO;
}

static int show_record(const struct settings *settings, const struct record *record, uint64_t number)
{
	uint32_t len = htole32((uint32_t)record->len);

	if (record->len > settings->request.item_max)
		return source_refuse_length(settings->source, record, number, settings->request.item_max);
	if (fwrite(&len, sizeof(len), 1, stdout) == 1 &&
	    fwrite(record->data, 1, record->len, stdout) == record->len)
		return EXIT_OK;
	return cannot_write();
}

/* Nothing comes just now: what came before can be seen meanwhile. */
static int show_waiting(void)
{
	if (fflush(stdout) != 0)
		return cannot_write();
	return interrupt_signal() ? EXIT_BY_SIGNAL + interrupt_signal() : EXIT_OK;
}

int show_all(const struct settings *settings, void *source)
{
	uint64_t number = 0;
	struct record record;
	int code = settings->source->attach(source, NULL, 0);

	while (code == EXIT_OK && !ferror(stdout) && !interrupt_wants_leave()) {
		switch (settings->source->next(source, &record, &code)) {
		case SOURCE_RECORD:
			code = show_record(settings, &record, ++number);
			break;
		case SOURCE_WAIT:
			code = show_waiting();
			break;
		case SOURCE_END:
			return fflush(stdout) == 0 ? EXIT_OK : cannot_write();
		case SOURCE_FAILED:
			fflush(stdout);
			return code;
		}
	}
	fflush(stdout);
	return code;
}
