/* test_diag.c - what the programs say is one line each, whatever it quotes. */
#include "src/base/diag.h"
#include "src/base/exitcode.h"
#include "tests/unit/check.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static int real_stderr = -1;

/* From here on standard error is an empty file. */
static int capture(void **state)
{
	int fd = memfd_create("stderr", 0);

	(void)state;
	real_stderr = dup(STDERR_FILENO);
	if (fd < 0 || real_stderr < 0 || dup2(fd, STDERR_FILENO) < 0)
		return -1;
	close(fd);
	diag_init("tester");
	diag_set_level(DIAG_NORMAL);
	return 0;
}

static int release(void **state)
{
	(void)state;
	if (dup2(real_stderr, STDERR_FILENO) < 0)
		return -1;
	return close(real_stderr);
}

/* What was said since the last call. */
static const char *said(void)
{
	static char text[8192];
	ssize_t n = pread(STDERR_FILENO, text, sizeof(text) - 1, 0);

	text[n < 0 ? 0 : n] = '\0';
	if (ftruncate(STDERR_FILENO, 0) < 0 || lseek(STDERR_FILENO, 0, SEEK_SET) < 0)
		text[0] = '\0';
	return text;
}

static void a_line_begins_with_the_program(void **state)
{
	(void)state;
	errno = ENOENT;
	diag_error("cannot open \"%s\": %m", "x");
	assert_string_equal(said(), "tester: cannot open \"x\": No such file or directory\n");
	assert_int_equal(errno, ENOENT);
}

static void the_level_decides_what_is_said(void **state)
{
	(void)state;
	diag_set_level(DIAG_QUIET);
	diag_warn("w");
	diag_info("i");
	diag_verbose("v");
	diag_error("e");
	assert_string_equal(said(), "tester: e\n");
	diag_set_level(DIAG_NORMAL);
	diag_warn("w");
	diag_info("i");
	diag_verbose("v");
	assert_string_equal(said(), "tester: w\ntester: i\n");
	diag_set_level(DIAG_VERBOSE);
	diag_verbose("v");
	assert_string_equal(said(), "tester: v\n");
}

static void a_message_stays_one_line(void **state)
{
	(void)state;
	diag_error("%s", "a\nb\033[31mc\177d\xc3\xa9");
	assert_string_equal(said(), "tester: a?b?[31mc?d\xc3\xa9\n");
}

static void a_long_message_is_cut(void **state)
{
	char *text = malloc(10000);
	const char *line;

	(void)state;
	assert_non_null(text);
	memset(text, 'x', 9999);
	text[9999] = '\0';
	diag_error("%s", text);
	free(text);
	line = said();
	assert_in_range(strlen(line), 4000, 4096);
	assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
}

static void quoted_bytes_are_printable_and_cut_to_fit(void **state)
{
	static const struct {
		const char *bytes;
		size_t len, size;
		const char *shown;
	} cases[] = {
		{ .bytes = "plain text", .len = 10, .size = 64, .shown = "plain text" },
		{ .bytes = "", .len = 0, .size = 64, .shown = "" },
		{ .bytes = "a\0b", .len = 3, .size = 64, .shown = "a\\0b" },
		{ .bytes = "a\0001", .len = 3, .size = 64, .shown = "a\\0001" },
		{ .bytes = "\n\t\r\033", .len = 4, .size = 64, .shown = "\\n\\t\\r\\033" },
		{ .bytes = "\"\\", .len = 2, .size = 64, .shown = "\\\"\\\\" },
		{ .bytes = "\xc3\xa9\xff", .len = 3, .size = 64, .shown = "\\303\\251\\377" },
		{ .bytes = "12345678", .len = 8, .size = 9, .shown = "12345678" },
		{ .bytes = "123456789", .len = 9, .size = 9, .shown = "12345..." },
		{ .bytes = "123456\xff", .len = 7, .size = 9, .shown = "12345..." },
		{ .bytes = "1234\xff" "5", .len = 6, .size = 9, .shown = "1234..." },
		{ .bytes = "12345", .len = 5, .size = 3, .shown = ".." },
		{ .bytes = "12345", .len = 5, .size = 1, .shown = "" },
	};
	char buffer[64];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		memset(buffer, '#', sizeof(buffer));
		diag_quote(buffer, cases[i].size, cases[i].bytes, cases[i].len);
		assert_string_equal(buffer, cases[i].shown);
	}
}

static void a_ring_error_has_its_reason_and_exit_code(void **state)
{
	static const struct {
		int error, code;
	} cases[] = {
		{ .error = EINVAL, .code = 64 },  { .error = EMSGSIZE, .code = 65 },
		{ .error = ENOENT, .code = 69 },  { .error = EBUSY, .code = 69 },
		{ .error = EPROTO, .code = 70 },  { .error = EBADMSG, .code = 70 },
		{ .error = EMFILE, .code = 71 },  { .error = ENFILE, .code = 71 },
		{ .error = ENOMEM, .code = 71 },  { .error = ENOSPC, .code = 73 },
		{ .error = EEXIST, .code = 73 },  { .error = ENOTEMPTY, .code = 75 },
		{ .error = EACCES, .code = 77 },  { .error = EPERM, .code = 77 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		errno = cases[i].error;
		assert_int_equal(diag_ring_error("open", "jobs", ""), cases[i].code);
	}
	said();
	errno = EPROTO;
	diag_ring_error("open", "jobs", "layout version 2, this build reads 3");
	assert_string_equal(said(), "tester: cannot open ring \"jobs\": "
				    "layout version 2, this build reads 3\n");
	errno = ENOENT;
	diag_ring_error("remove", "a\nb", "");
	assert_string_equal(said(),
			    "tester: cannot remove ring \"a\\nb\": No such file or directory\n");
}

static int status_of(void (*action)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		action();
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void be_aborted(void)
{
	diag_catch_damage();
	raise(SIGABRT);
}

static void get_a_bus_error(void)
{
	diag_catch_damage();
	raise(SIGBUS);
}

static void damage_ends_in_one_line_and_a_code(void **state)
{
	static const char line[] =
		"tester: the ring's shared memory is damaged or was taken away\n";

	(void)state;
	assert_int_equal(status_of(be_aborted), EXIT_INTERNAL);
	assert_string_equal(said(), line);
	assert_int_equal(status_of(get_a_bus_error), EXIT_INTERNAL);
	assert_string_equal(said(), line);
}

#define captured(test) cmocka_unit_test_setup_teardown(test, capture, release)

int main(void)
{
	const struct CMUnitTest tests[] = {
		captured(a_line_begins_with_the_program),
		captured(the_level_decides_what_is_said),
		captured(a_message_stays_one_line),
		captured(a_long_message_is_cut),
		captured(quoted_bytes_are_printable_and_cut_to_fit),
		captured(a_ring_error_has_its_reason_and_exit_code),
		captured(damage_ends_in_one_line_and_a_code),
	};

	return cmocka_run_group_tests_name("diag", tests, NULL, NULL);
}
