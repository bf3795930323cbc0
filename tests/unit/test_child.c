/* test_child.c - what a started process inherits and what not, and how a failed start is told. */
#include "src/base/child.h"
#include "src/base/exitcode.h"
#include "tests/unit/check.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* exec's argv is not const by history alone. */
#define WORD(text) ((char *)(uintptr_t)(text))

static const struct child_spec inherit = { .in = -1, .out = -1, .err = -1, .keep = -1 };

/* Run a line of shell and return its standard output. */
static const char *output_of(struct child_spec spec, const char *script)
{
	static char text[4096];
	char *const argv[] = { WORD("sh"), WORD("-c"), WORD(script), NULL };
	int status, out = memfd_create("out", MFD_CLOEXEC);
	ssize_t n;
	pid_t pid;

	spec.argv = argv;
	spec.out = out;
	pid = child_start(&spec, NULL);
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	n = pread(out, text, sizeof(text) - 1, 0);
	assert_true(n >= 0);
	text[n] = '\0';
	close(out);
	return text;
}

static void descriptors_above_2_are_closed_but_the_one_to_keep(void **state)
{
	struct child_spec spec = inherit;
	char expected[64];
	int a = dup(STDIN_FILENO), b = fcntl(a, F_DUPFD_CLOEXEC, 20), c = dup(a);

	(void)state;
	assert_true(a > 2 && b >= 20 && c > 2);
	assert_string_equal(output_of(spec, "for f in 0 1 2 3 4 5 6 7 8 9 20 21 22; do "
					    "[ -e /proc/$$/fd/$f ] && echo $f; done; true"),
			    "0\n1\n2\n");
	spec.keep = b;
	snprintf(expected, sizeof(expected), "0\n1\n2\n%d\n", b);
	assert_string_equal(output_of(spec, "for f in 0 1 2 3 4 5 6 7 8 9 20 21 22; do "
					    "[ -e /proc/$$/fd/$f ] && echo $f; done; true"),
			    expected);
	close(a);
	close(b);
	close(c);
}

static void standard_descriptors_may_be_swapped(void **state)
{
	char *const argv[] = { WORD("sh"), WORD("-c"),
			       WORD("echo out; echo err >&2"), NULL };
	struct child_spec spec = inherit;
	int a = memfd_create("a", 0), b = memfd_create("b", 0), status;
	int saved_out = dup(STDOUT_FILENO), saved_err = dup(STDERR_FILENO);
	char text[8] = "";
	pid_t pid;

	(void)state;
	dup2(a, STDOUT_FILENO);
	dup2(b, STDERR_FILENO);
	spec.argv = argv;
	spec.out = STDERR_FILENO;
	spec.err = STDOUT_FILENO;
	pid = child_start(&spec, NULL);
	dup2(saved_out, STDOUT_FILENO);
	dup2(saved_err, STDERR_FILENO);
	close(saved_out);
	close(saved_err);
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(pread(a, text, sizeof(text), 0), 4);
	assert_memory_equal(text, "err\n", 4);
	assert_int_equal(pread(b, text, sizeof(text), 0), 4);
	assert_memory_equal(text, "out\n", 4);
	close(a);
	close(b);
}

static void signals_are_at_their_defaults_and_unblocked(void **state)
{
	static const char script[] =
		"while read -r name set; do case $name in SigBlk:|SigIgn:) "
		"echo $name $((0x$set)); esac; done </proc/$$/status";
	sigset_t set, before;

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, &before);
	assert_string_equal(output_of(inherit, script), "SigBlk: 0\nSigIgn: 0\n");
	sigprocmask(SIG_SETMASK, &before, NULL);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
}

static volatile sig_atomic_t caught;

static void count_signal(int signal)
{
	caught += signal == SIGUSR1;
}

static void the_callers_handlers_are_as_before(void **state)
{
	(void)state;
	signal(SIGUSR1, count_signal);
	output_of(inherit, "true");
	raise(SIGUSR1);
	assert_int_equal(caught, 1);
	signal(SIGUSR1, SIG_DFL);
}

static void the_callers_mask_is_as_before(void **state)
{
	sigset_t set, after;

	(void)state;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_SETMASK, &set, NULL);
	output_of(inherit, "true");
	sigprocmask(SIG_SETMASK, NULL, &after);
	assert_true(sigismember(&after, SIGUSR1));
	assert_false(sigismember(&after, SIGTERM));
	sigemptyset(&set);
	sigprocmask(SIG_SETMASK, &set, NULL);
}

/* Fields 1, 5 and 6 of /proc/PID/stat: id, process group, session. */
static void groups_and_sessions_are_made(void **state)
{
	static const char script[] = "read -r pid x x x group session rest </proc/$$/stat; "
				     "[ $pid = $group ] && echo leads group; "
				     "[ $pid = $session ] && echo leads session; true";
	struct child_spec spec = inherit;

	(void)state;
	assert_string_equal(output_of(spec, script), "");
	spec.new_group = true;
	assert_string_equal(output_of(spec, script), "leads group\n");
	spec.new_session = true;
	assert_string_equal(output_of(spec, script), "leads group\nleads session\n");
}

static void the_environment_may_be_given(void **state)
{
	char *const envp[] = { WORD("A=1"), WORD("B=2"), NULL };
	struct child_spec spec = inherit;

	(void)state;
	spec.envp = envp;
	assert_string_equal(output_of(spec, "echo $A$B$HOME"), "12\n");
}

static void the_pidfd_tells_the_end(void **state)
{
	char *const argv[] = { WORD("cat"), NULL };
	struct child_spec spec = inherit;
	struct pollfd end = { .events = POLLIN };
	int in[2], status;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	spec.argv = argv;
	spec.in = in[0];
	pid = child_start(&spec, &end.fd);
	assert_true(pid > 0);
	assert_int_equal(fcntl(end.fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	assert_int_equal(poll(&end, 1, 0), 0);
	close(in[0]);
	close(in[1]);
	assert_int_equal(poll(&end, 1, 10000), 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	close(end.fd);
}

static void a_failed_start_has_its_errno_and_leaves_nothing(void **state)
{
	static const struct {
		const char *command;
		int error, code;
	} cases[] = {
		{ .command = "no-such-command", .error = ENOENT, .code = EXIT_NOT_FOUND },
		{ .command = "/no/such/command", .error = ENOENT, .code = EXIT_NOT_FOUND },
		{ .command = "/etc/passwd", .error = EACCES, .code = EXIT_CANT_RUN },
		{ .command = "/", .error = EACCES, .code = EXIT_CANT_RUN },
	};
	int lowest = dup(STDIN_FILENO), again;

	(void)state;
	close(lowest);
	for (size_t i = 0; i < COUNT(cases); i++) {
		char *const argv[] = { WORD(cases[i].command), NULL };
		struct child_spec spec = inherit;
		int pidfd = -2;

		spec.argv = argv;
		errno = 0;
		assert_int_equal(child_start(&spec, &pidfd), -1);
		assert_int_equal(errno, cases[i].error);
		assert_int_equal(child_exit_code(errno), cases[i].code);
		assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	}
	again = dup(STDIN_FILENO);
	assert_int_equal(again, lowest);
	close(again);
}

/* A long argument list on a script without #!: execvpe() builds a second one on its stack. */
static void a_script_without_an_interpreter_is_run_by_sh(void **state)
{
	enum { WORDS = 50000 };
	char path[] = "/tmp/shmline-test-XXXXXX";
	char **argv = calloc(WORDS + 1, sizeof(*argv));
	struct child_spec spec = inherit;
	int fd = mkstemp(path), status;
	pid_t pid;

	(void)state;
	assert_true(fd >= 0 && argv);
	assert_int_equal(write(fd, "[ $# = 49999 ] && exit 7\n", 25), 25);
	assert_int_equal(fchmod(fd, 0700), 0);
	close(fd);
	argv[0] = path;
	for (int i = 1; i < WORDS; i++)
		argv[i] = WORD("x");
	spec.argv = argv;
	pid = child_start(&spec, NULL);
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), 7);
	unlink(path);
	free(argv);
}

/* The grandchild becomes ours (subreaper), so that its end can be seen. */
static void a_child_that_should_dies_with_its_parent(void **state)
{
	char *const argv[] = { WORD("sleep"), WORD("1000"), NULL };
	struct child_spec spec = inherit;
	int told[2], status;
	pid_t parent, grandchild = 0;

	(void)state;
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	assert_int_equal(pipe2(told, O_CLOEXEC), 0);
	parent = fork();
	if (parent == 0) {
		spec.argv = argv;
		spec.die_with_parent = true;
		grandchild = child_start(&spec, NULL);
		_exit(write(told[1], &grandchild, sizeof(grandchild)) < 0);
	}
	assert_int_equal(read(told[0], &grandchild, sizeof(grandchild)), sizeof(grandchild));
	assert_int_equal(waitpid(parent, &status, 0), parent);
	assert_true(grandchild > 0);
	assert_int_equal(waitpid(grandchild, &status, 0), grandchild);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
	close(told[0]);
	close(told[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(descriptors_above_2_are_closed_but_the_one_to_keep),
		cmocka_unit_test(standard_descriptors_may_be_swapped),
		cmocka_unit_test(signals_are_at_their_defaults_and_unblocked),
		cmocka_unit_test(the_callers_handlers_are_as_before),
		cmocka_unit_test(the_callers_mask_is_as_before),
		cmocka_unit_test(groups_and_sessions_are_made),
		cmocka_unit_test(the_environment_may_be_given),
		cmocka_unit_test(the_pidfd_tells_the_end),
		cmocka_unit_test(a_failed_start_has_its_errno_and_leaves_nothing),
		cmocka_unit_test(a_script_without_an_interpreter_is_run_by_sh),
		cmocka_unit_test(a_child_that_should_dies_with_its_parent),
	};

	return cmocka_run_group_tests_name("child", tests, NULL, NULL);
}
