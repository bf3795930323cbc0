/* kin.c - see kin.h. */
#include "src/launcher/kin.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <unistd.h>

/* Children from before, as a shell leaves them that started some and then executed us. More of them
   would be taken for orphans; who has so many is no shell. */
#define INHERITED_MAX 64

static pid_t inherited[INHERITED_MAX];
static size_t inherited_count;

/* ---------------------------------------------------------------- orphans */

/*
 * Our children, workers and orphans. A child keeps its pid until we wait for it, so a signal to one of
 * them can't hit a stranger.
 */
static void each_child(void (*act)(pid_t child, void *context), void *context)
{
	FILE *list = fopen("/proc/thread-self/children", "re");
	int pid;

	if (!list)
		return;		/* no /proc: process groups must do */
	while (fscanf(list, "%d", &pid) == 1)
		act(pid, context);
	fclose(list);
}

static void inherit(pid_t child, void *context)
{
	(void)context;
	if (inherited_count < INHERITED_MAX)
		inherited[inherited_count++] = child;
}

static bool is_inherited(pid_t pid)
{
	for (size_t i = 0; i < inherited_count; i++)
		if (inherited[i] == pid)
			return true;
	return false;
}

int kin_adopt(void)
{
	each_child(inherit, NULL);
	return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

struct sweep {
	pid_t session;
	size_t found;
};

static void kill_orphan(pid_t child, void *context)
{
	struct sweep *sweep = context;
	pid_t group = getpgid(child);

	if (is_inherited(child) || (sweep->session != 0 && getsid(child) != sweep->session))
		return;
	sweep->found++;
	kill(child, SIGKILL);
	if (group > 1 && group != getpgrp())
		kill(-group, SIGKILL);
}

size_t kin_kill_orphans(pid_t session)
{
	struct sweep sweep = { .session = session };

	each_child(kill_orphan, &sweep);
	return sweep.found;
}

/* ---------------------------------------------------------------- sessions */

struct signalling {
	bool (*is_ours)(pid_t session, void *context);
	void *context;
	int signal;
	size_t reached;
};

/* These are not our children: their pid may pass to a stranger at any time. A pidfd does not. */
static void signal_process(pid_t pid, struct signalling *what)
{
	int pidfd;

	if (!what->is_ours(getsid(pid), what->context))
		return;
	pidfd = pidfd_open(pid, 0);
	if (pidfd < 0)
		return;
	if (what->is_ours(getsid(pid), what->context) &&
	    pidfd_send_signal(pidfd, what->signal, NULL, 0) == 0)
		what->reached++;
	close(pidfd);
}

static void signal_all(struct signalling *what)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;

	what->reached = 0;
	while (proc && (entry = readdir(proc))) {
		long pid = strtol(entry->d_name, NULL, 10);

		if (pid > 0)
			signal_process((pid_t)pid, what);
	}
	if (proc)
		closedir(proc);
}

void kin_signal(bool (*is_ours)(pid_t session, void *context), void *context, int signal)
{
	struct signalling what = { .is_ours = is_ours, .context = context, .signal = signal };
	size_t before;

	/* Again while they are growing in number: some may have forked behind our back. */
	do {
		before = what.reached;
		signal_all(&what);
	} while (what.reached > before);
}
