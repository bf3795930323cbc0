/* kin.c - see kin.h. */
#include "src/launcher/kin.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <unistd.h>

/* Children from before, as a shell leaves them that started some and then executed us. More of them
   would be taken for orphans; who has so many is no shell. */
#define INHERITED_MAX 64

static pid_t inherited[INHERITED_MAX];
static size_t inherited_count;

/* ---------------------------------------------------------------- children */

/* Without /proc there are none: then process groups must do. */
static void each_listed(const char *path, void (*act)(pid_t child, void *context), void *context)
{
	FILE *list = fopen(path, "re");
	int pid;

	if (!list)
		return;
	while (fscanf(list, "%d", &pid) == 1)
		act(pid, context);
	fclose(list);
}

/*
 * Our children. A child keeps its pid until we wait for it, so a signal to one of them can't hit a
 * stranger.
 */
static void each_child(void (*act)(pid_t child, void *context), void *context)
{
	each_listed("/proc/thread-self/children", act, context);
}

static void inherit(pid_t child, void *context)
{
	(void)context;
	if (inherited_count < INHERITED_MAX)
		inherited[inherited_count++] = child;
}

bool kin_is_inherited(pid_t child)
{
	for (size_t i = 0; i < inherited_count; i++)
		if (inherited[i] == child)
			return true;
	return false;
}

int kin_adopt(void)
{
	each_child(inherit, NULL);
	return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

struct sweep {
	bool (*is_spared)(pid_t child, const void *context);
	const void *context;
	size_t found;
};

static void kill_child(pid_t child, void *context)
{
	struct sweep *sweep = context;
	pid_t group = getpgid(child);

	if (sweep->is_spared(child, sweep->context))
		return;
	sweep->found++;
	kill(child, SIGKILL);
	if (group > 1 && group != getpgrp())
		kill(-group, SIGKILL);
}

size_t kin_kill_children(bool (*is_spared)(pid_t child, const void *context), const void *context)
{
	struct sweep sweep = { .is_spared = is_spared, .context = context };

	each_child(kill_child, &sweep);
	return sweep.found;
}

/* ---------------------------------------------------------------- all below */

struct signalling {
	pid_t parent;
	int signal;
	size_t reached;
};

static pid_t parent_of(pid_t pid)
{
	char path[32], text[256];
	const char *end;
	int fd, parent = 0;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n < 0 ? 0 : n] = '\0';
	end = strrchr(text, ')');	/* the name before it may hold anything */
	return end && sscanf(end + 1, " %*c %d", &parent) == 1 ? parent : 0;
}

static void signal_below(pid_t parent, struct signalling *what);

/* These are not our children: their pid may pass to a stranger at any time. A pidfd does not. */
static void signal_one(pid_t pid, void *context)
{
	struct signalling *what = context;
	int pidfd = pidfd_open(pid, 0);

	if (pidfd < 0)
		return;
	if (parent_of(pid) == what->parent && pidfd_send_signal(pidfd, what->signal, NULL, 0) == 0)
		what->reached++;
	close(pidfd);
	signal_below(pid, what);
}

/* Each thread of a process has its own list of children. */
static void signal_below(pid_t parent, struct signalling *what)
{
	pid_t above = what->parent;
	char path[64];
	struct dirent *entry;
	DIR *threads;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)parent);
	threads = opendir(path);
	what->parent = parent;
	while (threads && (entry = readdir(threads))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/proc/%d/task/%.16s/children", (int)parent, entry->d_name);
		each_listed(path, signal_one, what);
	}
	if (threads)
		closedir(threads);
	what->parent = above;
}

void kin_signal(pid_t root, int signal)
{
	struct signalling what = { .signal = signal };
	size_t before;

	/* Again while they are growing in number: some may have forked behind our back. */
	do {
		before = what.reached;
		what.reached = 0;
		signal_below(root, &what);
	} while (what.reached > before);
}
