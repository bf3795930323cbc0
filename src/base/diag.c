/*
 * diag.c - one line at a time on standard error. A line is put together in a buffer first, so that
 * the lines of programs that share a terminal or a file never mix.
 */
#include "src/base/diag.h"
#include "src/base/exitcode.h"

#define LIBBSD_NETBSD_VIS	/* else the header warns of a function that is not used here */
#include <bsd/vis.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* PIPE_BUF: up to here a write to a pipe is not split. */
#define LINE_MAX_BYTES 4096

static const char *program_name = "shmline";
static enum diag_level current_level = DIAG_NORMAL;

void diag_init(const char *program)
{
	program_name = program;
}

void diag_set_level(enum diag_level level)
{
	current_level = level;
}

enum diag_level diag_level(void)
{
	return current_level;
}

const char *diag_program(void)
{
	return program_name;
}

/* A message is one line whatever names it quotes: control characters become question marks. */
static void mask_controls(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = '?';
}

/* Where the next piece goes, when snprintf has said that it wrote (or wanted) `length` bytes. */
static size_t advance(size_t used, int length, size_t limit)
{
	size_t wanted = length < 0 ? 0 : (size_t)length;

	return wanted < limit - used ? used + wanted : limit - 1;
}

static void (*before_line)(void);

void diag_before_line(void (*hook)(void))
{
	before_line = hook;
}

static bool (*writer)(const char *line, size_t len);

void diag_set_writer(bool (*write)(const char *line, size_t len))
{
	writer = write;
}

static DIAG_PRINTF(1, 0) void say(const char *format, va_list args)
{
	char line[LINE_MAX_BYTES];
	const size_t limit = sizeof(line) - 1;	/* the last byte is the newline's */
	int saved = errno;
	size_t used;

	used = advance(0, snprintf(line, limit, "%s: ", program_name), limit);
	errno = saved;		/* for %m */
	used = advance(used, vsnprintf(line + used, limit - used, format, args), limit);
	mask_controls(line);
	line[used] = '\n';
	if (before_line)
		before_line();
	/* Standard error is the last resort: when it fails there is nobody to tell. */
	while (!(writer && writer(line, used + 1)) && write(STDERR_FILENO, line, used + 1) < 0 &&
	       errno == EINTR)
		;
	errno = saved;
}

void diag_error(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(format, args);
	va_end(args);
}

void diag_warn(const char *format, ...)
{
	va_list args;

	if (current_level < DIAG_NORMAL)
		return;
	va_start(args, format);
	say(format, args);
	va_end(args);
}

void diag_info(const char *format, ...)
{
	va_list args;

	if (current_level < DIAG_NORMAL)
		return;
	va_start(args, format);
	say(format, args);
	va_end(args);
}

void diag_verbose(const char *format, ...)
{
	va_list args;

	if (current_level < DIAG_VERBOSE)
		return;
	va_start(args, format);
	say(format, args);
	va_end(args);
}

void diag_die(int code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(format, args);
	va_end(args);
	exit(code);
}

/* One byte as it may be shown, in at most 4 characters. vis() is slow, so plain bytes go round it. */
static size_t show_byte(char shown[5], unsigned char byte, unsigned char next)
{
	const int style = VIS_CSTYLE | VIS_OCTAL | VIS_TAB | VIS_NL | VIS_DQ | VIS_NOLOCALE;

	if (byte >= ' ' && byte < 0x7f && byte != '\\' && byte != '"') {
		shown[0] = (char)byte;
		return 1;
	}
	return (size_t)(vis(shown, byte, style, next) - shown);
}

const char *diag_quote(char *buffer, size_t size, const void *bytes, size_t len)
{
	static const char more[] = "...";
	const unsigned char *from = bytes;
	size_t used = 0, mark = 0;	/* mark: as far as "..." still fits behind */

	if (size == 0)
		return buffer;
	for (size_t i = 0; i < len; i++) {
		char shown[5];
		size_t n = show_byte(shown, from[i], i + 1 < len ? from[i + 1] : 0);

		if (used + n >= size) {
			strncpy(buffer + mark, more, size - 1 - mark);
			used = mark + strnlen(more, size - 1 - mark);
			break;
		}
		memcpy(buffer + used, shown, n);
		used += n;
		if (used + sizeof(more) <= size)
			mark = used;
	}
	buffer[used] = '\0';
	return buffer;
}

/* Errors of ring.h's calls. What isn't here is the system's fault. */
static int ring_exit_code(int error)
{
	switch (error) {
	case EINVAL:
		return EXIT_BAD_USAGE;
	case EMSGSIZE:
		return EXIT_BAD_DATA;
	case ENOENT:
	case EBUSY:
		return EXIT_NO_RING;
	case EPROTO:
	case EBADMSG:
		return EXIT_INTERNAL;
	case ENOSPC:
	case EEXIST:
		return EXIT_CANT_CREATE;
	case ENOTEMPTY:
		return EXIT_ITEMS_LEFT;
	case EACCES:
	case EPERM:
		return EXIT_NO_PERMISSION;
	default:
		return EXIT_SYSTEM;
	}
}

int diag_ring_error(const char *verb, const char *ring, const char *why)
{
	int error = errno;
	char shown[256];

	diag_quote(shown, sizeof(shown), ring, strlen(ring));
	diag_error("cannot %s ring \"%s\": %s", verb, shown, why && *why ? why : strerror(error));
	return ring_exit_code(error);
}

/* Put together beforehand: a signal handler may only write. */
static char damage_line[128];
static size_t damage_len;

static void die_of_damage(int signal)
{
	(void)signal;
	if (write(STDERR_FILENO, damage_line, damage_len) < 0)
		_exit(EXIT_INTERNAL);
	_exit(EXIT_INTERNAL);
}

void diag_catch_damage(void)
{
	static const int signals[] = { SIGBUS, SIGABRT };
	struct sigaction action = { .sa_handler = die_of_damage };
	int n = snprintf(damage_line, sizeof(damage_line),
			 "%s: the ring's shared memory is damaged or was taken away\n", program_name);

	damage_len = advance(0, n, sizeof(damage_line));
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (sigaction(signals[i], &action, NULL) < 0)
			diag_warn("cannot catch signal %d: %m", signals[i]);
}
