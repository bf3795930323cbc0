/*
 * interleave.h - for tests: run one thing, and between two of its instructions another.
 *
 * The processor's trap flag stops `first` after each instruction; before instruction `at` `second` runs
 * to its end, then `first` goes on undisturbed. For `first` that is what a process sees that was stopped
 * there for a while. With `at` from 0 on until `second` has not run, every point is tried.
 */
#ifndef SHMLINE_INTERLEAVE_H
#define SHMLINE_INTERLEAVE_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <ucontext.h>

/* Sanitizers multiply the instructions and catch the signal. */
#if defined(__has_feature)
#define INTERLEAVE_FEATURE(name) __has_feature(name)
#else
#define INTERLEAVE_FEATURE(name) 0
#endif
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && \
	!INTERLEAVE_FEATURE(address_sanitizer) && !INTERLEAVE_FEATURE(thread_sanitizer)
#define CAN_INTERLEAVE 1

#define TRAP_FLAG 0x100

static struct interleave {
	void (*second)(void *context);
	void *context;
	size_t steps_left;
	bool has_run;
} interleave;

static inline void interleave_step(int number, siginfo_t *info, void *ucontext)
{
	greg_t *flags = &((ucontext_t *)ucontext)->uc_mcontext.gregs[REG_EFL];

	(void)number;
	/* The first one is raise()'s, to begin: what it takes to return from it counts too. */
	if (info->si_code != TRAP_TRACE) {
		*flags |= TRAP_FLAG;
		return;
	}
	if (interleave.steps_left-- > 0)
		return;
	*flags &= ~(greg_t)TRAP_FLAG;
	interleave.has_run = true;
	interleave.second(interleave.context);
}

static inline void interleave_stop(void)
{
	unsigned long flags = __builtin_ia32_readeflags_u64();

	__builtin_ia32_writeeflags_u64(flags & ~(unsigned long)TRAP_FLAG);
}

/* false: `first` was over before instruction `at`, and `second` has not run. */
static inline bool interleave_at(size_t at, void (*first)(void *context),
				 void (*second)(void *context), void *context)
{
	struct sigaction action = { .sa_sigaction = interleave_step, .sa_flags = SA_SIGINFO };
	struct sigaction before;

	interleave = (struct interleave){ .second = second, .context = context, .steps_left = at };
	sigemptyset(&action.sa_mask);
	sigaction(SIGTRAP, &action, &before);
	raise(SIGTRAP);
	first(context);
	interleave_stop();
	sigaction(SIGTRAP, &before, NULL);
	return interleave.has_run;
}

#else
#define CAN_INTERLEAVE 0

static inline bool interleave_at(size_t at, void (*first)(void *context),
				 void (*second)(void *context), void *context)
{
	(void)at, (void)first, (void)second, (void)context;
	return false;
}
#endif

#endif
