/*
 * child.h - start one process, at the speed of vfork. Who waits for it, and what its end means, is
 * the caller's business.
 */
#ifndef SHMLINE_CHILD_H
#define SHMLINE_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/types.h>

struct child_limit {
	int resource;		/* RLIMIT_... */
	struct rlimit limit;
};

/* What a child may have beside the rest; all zero: as the caller. */
struct child_manners {
	const char *dir;		/* where it works; NULL: here */
	int nice;			/* added to the caller's */
	const struct child_limit *limits;
	size_t limit_count;
	bool no_new_privs;		/* no set-user-ID program gives it more than it has */
};

struct child_spec {
	char *const *argv;	/* argv[0] is looked up in PATH */
	char *const *envp;	/* NULL: the caller's */
	int in, out, err;	/* descriptors that become 0, 1 and 2; -1: the caller's own */
	int keep;		/* one more descriptor that stays open, under its own number; -1: none */
	bool new_session;	/* setsid: out of reach of the terminal's signals */
	bool new_group;		/* setpgid: a process group of its own */
	bool die_with_parent;	/* KILL when the thread that started it ends, however it ends */
	struct child_manners manners;
	bool adopts_orphans;	/* what it starts stays below it until it ends, whatever forks away */
};

/*
 * Start it. Signals are unblocked and back at their defaults in the child, descriptors above 2 are
 * closed (but `keep`). The caller must be single-threaded for die_with_parent. Returns its pid, and
 * in *pidfd (unless NULL) a close-on-exec descriptor that becomes readable at its end; -1 with
 * errno when it can't be started, the errno of exec included (ENOENT: not found, EACCES: not allowed).
 */
pid_t child_start(const struct child_spec *spec, int *pidfd);

/*
 * From now on wait for what has ended and was started by others: the orphans of a worker that
 * adopts_orphans. Children of child_start() are left to who started them; those that have ended and are
 * not yet waited for hide the ones behind them, so look once more after waiting for one.
 */
void child_bury_strangers(void);
void child_bury_now(void);

/* EXIT_NOT_FOUND, EXIT_CANT_RUN or EXIT_SYSTEM for child_start()'s errno. */
int child_exit_code(int error);

#endif
