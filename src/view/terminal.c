/*
 * terminal.c - see terminal.h.
 */
#include "src/view/terminal.h"

#include <curses.h>
#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <term.h>
#include <termios.h>
#include <unistd.h>

#include "src/base/diag.h"

#define MESSAGES_MAX 4096	/* bytes of the last messages: a screenful */

static FILE *tty;
static SCREEN *screen;
static pid_t watcher;
static int watcher_end = -1;

/* ------------------------------------------------------------------ the watcher */

/* What a terminal is told at the end of a full-screen program. */
static size_t farewell(char *text, size_t size)
{
	static const char *const names[] = { "sgr0", "op", "rmkx", "cnorm", "rmcup" };
	size_t used = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		/* tigetstr() takes no const in all of its versions; it does not write. */
		const char *sequence = tigetstr((char *)(uintptr_t)names[i]);
		size_t len = sequence && sequence != (char *)-1 ? strlen(sequence) : 0;

		if (len > 0 && used + len < size) {
			memcpy(text + used, sequence, len);
			used += len;
		}
	}
	return used;
}

/* Its last words. */
static void pass_on(int messages, int to)
{
	char text[MESSAGES_MAX];
	off_t end = lseek(messages, 0, SEEK_END);
	off_t from = end > MESSAGES_MAX ? end - MESSAGES_MAX : 0;
	ssize_t n = end < 0 ? -1 : pread(messages, text, sizeof(text), from);

	if (n > 0 && write(to, text, (size_t)n) < 0)
		return;		/* the terminal is gone too */
}

/* The end of the pipe without a byte before it: the program is dead. */
static _Noreturn void watch(int pipe_fd, int messages, const struct termios *before, const char *text,
			    size_t len)
{
	sigset_t all;
	char byte;
	ssize_t n;

	sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, NULL);
	(void)setsid();		/* a signal to the program's group is not for us */
	if (messages >= 0)
		(void)dup2(messages, STDERR_FILENO);
	if (dup2(pipe_fd, STDIN_FILENO) < 0 || dup2(fileno(tty), STDOUT_FILENO) < 0)
		_exit(1);
	(void)close_range(messages >= 0 ? STDERR_FILENO + 1 : STDERR_FILENO, ~0U, 0);
	do
		n = read(STDIN_FILENO, &byte, 1);
	while (n < 0 && errno == EINTR);
	if (n == 0) {
		n = write(STDOUT_FILENO, text, len);
		(void)tcsetattr(STDOUT_FILENO, TCSANOW, before);
		if (messages >= 0)
			pass_on(STDERR_FILENO, STDOUT_FILENO);
	}
	_exit(0);
}

static int start_watcher(const struct termios *before, int messages)
{
	char text[128];
	size_t len = farewell(text, sizeof(text));
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	watcher = fork();
	if (watcher == 0) {
		(void)close(ends[1]);
		watch(ends[0], messages, before, text, len);
	}
	(void)close(ends[0]);
	watcher_end = ends[1];
	return watcher < 0 ? -1 : 0;
}

static void end_watcher(void)
{
	if (watcher_end >= 0 && write(watcher_end, "", 1) == 1 && watcher > 0)
		(void)waitpid(watcher, NULL, 0);
	if (watcher_end >= 0)
		(void)close(watcher_end);
	watcher_end = -1;
	watcher = 0;
}

/* ------------------------------------------------------------------ the terminal */

/* curses would end the program on these by itself. */
static SCREEN *new_screen(void)
{
	struct sigaction on_int, on_term;
	SCREEN *made;

	(void)sigaction(SIGINT, NULL, &on_int);
	(void)sigaction(SIGTERM, NULL, &on_term);
	made = newterm(NULL, tty, tty);
	(void)sigaction(SIGINT, &on_int, NULL);
	(void)sigaction(SIGTERM, &on_term, NULL);
	return made;
}

static void set_modes(struct terminal *terminal, bool wants_color)
{
	(void)cbreak();
	(void)noecho();
	(void)nonl();
	(void)keypad(stdscr, TRUE);
	(void)nodelay(stdscr, TRUE);
	(void)curs_set(0);
	(void)set_escdelay(25);
	terminal->has_color = wants_color && has_colors() && start_color() == OK;
	if (terminal->has_color)
		(void)use_default_colors();
}

static bool can_draw(void)
{
	const char *type = getenv("TERM");
	int error = 0;
	bool result;

	/* newterm() would end the program, with a line of its own. */
	if (type == NULL || setupterm(type, fileno(tty), &error) == ERR)
		return false;
	result = cursor_address != NULL;
	(void)del_curterm(cur_term);
	return result;
}

int terminal_open(struct terminal *terminal, bool wants_color, int messages)
{
	struct termios before;

	(void)setlocale(LC_CTYPE, "");
	terminal->is_utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	tty = fopen("/dev/tty", "r+e");
	if (tty == NULL)
		return -1;
	if (tcgetattr(fileno(tty), &before) < 0 || !can_draw()) {
		(void)fclose(tty);
		tty = NULL;
		errno = ENOTSUP;
		return -1;
	}
	screen = new_screen();
	if (screen == NULL || start_watcher(&before, messages) < 0) {
		terminal_close();
		errno = ENOTSUP;
		return -1;
	}
	set_modes(terminal, wants_color);
	return 0;
}

void terminal_close(void)
{
	if (screen != NULL) {
		(void)endwin();
		delscreen(screen);
		screen = NULL;
	}
	end_watcher();
	if (tty != NULL)
		(void)fclose(tty);
	tty = NULL;
}

void terminal_suspend(void)
{
	if (screen != NULL)
		(void)endwin();
}

void terminal_resume(void)
{
	if (screen != NULL)
		(void)refresh();
}

int terminal_fd(void)
{
	return fileno(tty);
}

int terminal_key(void)
{
	int key = getch();

	return key == ERR ? -1 : key;
}
