/*
 * pipes.c - what a COMMAND that stays gives at most: items go to it and come back over two pipes, and
 * nothing else is done.
 *
 *	pipes asleep|awake WINDOW ITEMS BYTES COMMAND [WORD...]
 *
 * WINDOW lines of BYTES bytes are written at once, the next when all of them were answered with the same
 * lines. Until then the caller sleeps, or looks again and again. Exits 0 when it all came back.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static unsigned long number(const char *text, const char *what)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*end || n == 0)
		errx(64, "%s \"%s\": expected a number above 0", what, text);
	return n;
}

static pid_t start(char **words, int *to, int *from)
{
	posix_spawn_file_actions_t actions;
	int in[2], out[2], error;
	pid_t pid;

	if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0)
		err(71, "cannot make a pipe");
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
	error = posix_spawnp(&pid, words[0], &actions, NULL, words, environ);
	if (error)
		errx(error == ENOENT ? 127 : 126, "cannot run \"%s\": %s", words[0], strerror(error));
	posix_spawn_file_actions_destroy(&actions);
	close(in[0]);
	close(out[1]);
	*to = in[1];
	*from = out[0];
	return pid;
}

static void send_all(int to, const char *bytes, size_t len)
{
	for (ssize_t n; len > 0; bytes += n, len -= (size_t)n) {
		n = write(to, bytes, len);
		if (n < 0)
			err(74, "cannot write to COMMAND");
	}
}

static void read_all(int from, char *bytes, size_t len)
{
	for (ssize_t n; len > 0; bytes += n, len -= (size_t)n) {
		n = read(from, bytes, len);
		if (n == 0)
			errx(74, "COMMAND has ended");
		if (n < 0 && errno != EAGAIN)
			err(74, "cannot read what COMMAND answers");
		if (n < 0)
			n = 0;
	}
}

int main(int argc, char **argv)
{
	bool is_awake = argc > 1 && strcmp(argv[1], "awake") == 0;
	unsigned long window, items, bytes;
	char *sent, *came;
	int to, from, status;
	pid_t pid;

	if (argc < 6 || (!is_awake && strcmp(argv[1], "asleep") != 0))
		errx(64, "expected asleep or awake, WINDOW, ITEMS, BYTES and COMMAND");
	window = number(argv[2], "WINDOW");
	items = number(argv[3], "ITEMS");
	bytes = number(argv[4], "BYTES");
	sent = malloc(window * bytes);
	came = malloc(window * bytes);
	if (!sent || !came)
		err(71, "no memory for %lu items", window);
	for (unsigned long i = 0; i < window * bytes; i++)
		sent[i] = (i + 1) % bytes ? '0' : '\n';
	pid = start(argv + 5, &to, &from);
	if (is_awake && fcntl(from, F_SETFL, O_NONBLOCK) < 0)
		err(71, "cannot set a pipe to not wait");
	for (unsigned long done = 0, n; done < items; done += n) {
		n = items - done < window ? items - done : window;
		send_all(to, sent, n * bytes);
		read_all(from, came, n * bytes);
		if (memcmp(sent, came, n * bytes) != 0)
			errx(65, "COMMAND answered something else than it was told");
	}
	close(to);
	if (waitpid(pid, &status, 0) < 0)
		err(71, "cannot wait for COMMAND");
	free(sent);
	free(came);
	return status == 0 ? 0 : 70;
}
