/*
 * interleave.h - for tests: run one thing, and between two of its accesses to some memory another.
 *
 * The memory is out of bounds for `first`, so that each access to it is a fault; before access `at`
 * `second` runs to its end, then `first` goes on undisturbed. For `first` that is to be stopped there for
 * a while. With `at` from 0 on until `second` has not run, every order of the two is tried in which
 * `second` is in one piece.
 */
#ifndef SHMLINE_INTERLEAVE_H
#define SHMLINE_INTERLEAVE_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <ucontext.h>

#if defined(__has_feature)
#define INTERLEAVE_FEATURE(name) __has_feature(name)
#else
#define INTERLEAVE_FEATURE(name) 0
#endif

/* Sanitizers have these signals to themselves. */
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && \
	!INTERLEAVE_FEATURE(address_sanitizer) && !INTERLEAVE_FEATURE(thread_sanitizer)
#define CAN_INTERLEAVE 1

#define TRAP_FLAG 0x100		/* of the processor: a trap after the next instruction */

static struct interleave {
	unsigned char *memory;
	size_t size, left;	/* accesses before `second` */
	void (*second)(void *context);
	void *context;
	bool has_run;
} interleave;

static inline void interleave_allow(int protection)
{
	if (mprotect(interleave.memory, interleave.size, protection))
		(void)raise(SIGABRT);
}

static inline greg_t *interleave_flags(void *ucontext)
{
	return &((ucontext_t *)ucontext)->uc_mcontext.gregs[REG_EFL];
}

static inline void interleave_fault(int number, siginfo_t *info, void *ucontext)
{
	uintptr_t at = (uintptr_t)info->si_addr, memory = (uintptr_t)interleave.memory;

	if (at < memory || at >= memory + interleave.size) {
		(void)signal(number, SIG_DFL);	/* an access that is wrong: again, and die of it */
		return;
	}
	interleave_allow(PROT_READ | PROT_WRITE);
	if (interleave.left-- > 0) {
		*interleave_flags(ucontext) |= TRAP_FLAG;
		return;
	}
	interleave.has_run = true;
	interleave.second(interleave.context);
}

/* The access was made; the next one is a fault again. */
static inline void interleave_trap(int number, siginfo_t *info, void *ucontext)
{
	(void)number, (void)info;
	*interleave_flags(ucontext) &= ~(greg_t)TRAP_FLAG;
	interleave_allow(PROT_NONE);
}

/* false: `first` was over before access `at`, and `second` has not run. */
static inline bool interleave_at(size_t at, void *memory, size_t size, void (*first)(void *context),
				 void (*second)(void *context), void *context)
{
	struct sigaction fault = { .sa_sigaction = interleave_fault, .sa_flags = SA_SIGINFO };
	struct sigaction trap = { .sa_sigaction = interleave_trap, .sa_flags = SA_SIGINFO };
	struct sigaction fault_before, trap_before;

	interleave = (struct interleave){
		.memory = memory, .size = size, .left = at, .second = second, .context = context,
	};
	(void)sigaction(SIGSEGV, &fault, &fault_before);
	(void)sigaction(SIGTRAP, &trap, &trap_before);
	interleave_allow(PROT_NONE);
	first(context);
	interleave_allow(PROT_READ | PROT_WRITE);
	(void)sigaction(SIGSEGV, &fault_before, NULL);
	(void)sigaction(SIGTRAP, &trap_before, NULL);
	return interleave.has_run;
}

#else
#define CAN_INTERLEAVE 0

static inline bool interleave_at(size_t at, void *memory, size_t size, void (*first)(void *context),
				 void (*second)(void *context), void *context)
{
	(void)at, (void)memory, (void)size, (void)first, (void)second, (void)context;
	return false;
}
#endif

#endif
