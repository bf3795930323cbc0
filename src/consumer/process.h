/*
 * process.h - one long-lived process of COMMAND and the pipes to it. What is said over them is the
 * caller's business. It is a process group of its own, so that a terminal's signals reach it through
 * us only; the group ends with it.
 *
 *	NONE --start--> RUNNING --ask_to_end (TERM)--> ASKED --press, in time (KILL)--> KILLED
 *	  ^                |                             |                                |
 *	  '----- reap -----'------ (it has ended) -------'--------------------------------'
 */
#ifndef SHMLINE_PROCESS_H
#define SHMLINE_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum process_state { PROCESS_NONE, PROCESS_RUNNING, PROCESS_ASKED, PROCESS_KILLED };

struct process {
	enum process_state state;
	pid_t pid;
	int pidfd;		/* readable when it has ended */
	int in, out, err;	/* our ends, which never wait; -1: closed, or our own are its own */
	int unread;		/* a reading end of its input, once that has ended; -1: not yet */
	uint64_t asked_ns;
	int code, signal;	/* after reap: how it ended */
};

/* Nothing runs. */
#define PROCESS_INIT { .pidfd = -1, .in = -1, .out = -1, .err = -1, .unread = -1 }

/* Start it; with `talks` its standard output and error are pipes too. 0, or -1 with errno, which may be that
   of exec. */
int process_start(struct process *process, char *const *argv, char *const *envp, bool talks);

/* Its standard input ends; what it does not read of it stays known. */
void process_end_input(struct process *process);

/* Nothing more is heard from it there. */
void process_close_output(struct process *process);
void process_close_errors(struct process *process);

/* Bytes that stand in its standard input, unread. */
size_t process_unread(const struct process *process);

/* TERM; again: nothing. */
void process_ask_to_end(struct process *process, uint64_t now_ns);

/* KILL, when it was asked to end kill_after_ns ago or `at_once`. */
void process_press(struct process *process, uint64_t now_ns, uint64_t kill_after_ns, bool at_once);

/* It has ended, or is waited for: take note of how, end its group, close the pipes. */
void process_reap(struct process *process);

#endif
