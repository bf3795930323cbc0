/* test_lineio.c - a write is whole, however slow the reader. */
#include "src/base/lineio.h"
#include "tests/unit/check.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SIZE = 1 << 20 };	/* many times what a pipe holds */

/* Read `fd` to its end in odd pieces; 0 if it was SIZE bytes of 'x'. */
static int read_all(int fd)
{
	char piece[777];
	size_t total = 0;
	ssize_t n;

	while ((n = read(fd, piece, sizeof(piece))) > 0) {
		for (ssize_t i = 0; i < n; i++)
			if (piece[i] != 'x')
				return 1;
		total += (size_t)n;
	}
	return n < 0 || total != SIZE;
}

static void write_to_reader(int flags)
{
	char *bytes = malloc(SIZE);
	int ends[2], status;
	pid_t pid;

	assert_non_null(bytes);
	memset(bytes, 'x', SIZE);
	assert_int_equal(pipe2(ends, flags), 0);
	pid = fork();
	if (pid == 0) {
		close(ends[1]);
		fcntl(ends[0], F_SETFL, 0);
		_exit(read_all(ends[0]));
	}
	close(ends[0]);
	assert_int_equal(write_all(ends[1], bytes, SIZE), 0);
	close(ends[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	free(bytes);
}

static void all_is_written_to_a_blocking_pipe(void **state)
{
	(void)state;
	write_to_reader(0);
}

static void all_is_written_to_a_pipe_that_does_not_block(void **state)
{
	(void)state;
	write_to_reader(O_NONBLOCK);
}

static void an_error_is_told(void **state)
{
	int ends[2];

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe(ends), 0);
	close(ends[0]);
	assert_int_equal(write_all(ends[1], "x", 1), -1);
	assert_int_equal(errno, EPIPE);
	assert_int_equal(write_all(ends[1], "", 0), 0);
	close(ends[1]);
	signal(SIGPIPE, SIG_DFL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_is_written_to_a_blocking_pipe),
		cmocka_unit_test(all_is_written_to_a_pipe_that_does_not_block),
		cmocka_unit_test(an_error_is_told),
	};

	return cmocka_run_group_tests_name("lineio", tests, NULL, NULL);
}
