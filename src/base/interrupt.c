/* interrupt.c - see interrupt.h. */
#include "src/base/interrupt.h"

#include <signal.h>
#include <stddef.h>
#include <sys/time.h>
#include <time.h>

#define NS_PER_S UINT64_C(1000000000)
#define NAP_MAX_NS (NS_PER_S / 4)	/* a guess: nobody minds, and it costs nothing that ps shows */
#define AGAIN_US 70000		/* no part of the second that calls sleep: the two would stay in step */
#define PATIENCE 2		/* signals that are noted; one more ends the program as it stands */

static volatile sig_atomic_t first_signal, signal_count, wants_leave;

static void default_signals(void)
{
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
}

/* A call that waits may be awake when the signal comes, between two sleeps: the next one ends a sleep. */
static void again_soon(void)
{
	const struct itimerval again = { .it_value.tv_usec = AGAIN_US };

	(void)setitimer(ITIMER_REAL, &again, NULL);
}

static void note_signal(int signal)
{
	if (signal != SIGALRM)
		wants_leave = 1;
	if (signal == SIGINT || signal == SIGTERM || signal == SIGHUP) {
		if (first_signal == 0)
			first_signal = signal;
		signal_count = signal_count + 1;
		if (signal_count == PATIENCE)
			default_signals();
	}
	again_soon();
}

/* Without SA_RESTART: the point is that waits end. What the caller had us ignore stays ignored. */
static void catch(int signal)
{
	struct sigaction action = { .sa_handler = note_signal }, before;

	sigemptyset(&action.sa_mask);
	if (signal != SIGALRM && sigaction(signal, NULL, &before) == 0 &&
	    before.sa_handler == SIG_IGN)
		return;
	sigaction(signal, &action, NULL);
}

void interrupt_catch(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGALRM };

	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		catch(signals[i]);
}

int interrupt_signal(void)
{
	return first_signal;
}

int interrupt_count(void)
{
	return signal_count;
}

bool interrupt_wants_leave(void)
{
	return wants_leave;
}

void interrupt_nap(uint64_t ns)
{
	uint64_t slice = ns < NAP_MAX_NS ? ns : NAP_MAX_NS;
	struct timespec time = {
		.tv_sec = (time_t)(slice / NS_PER_S),
		.tv_nsec = (long)(slice % NS_PER_S),
	};

	nanosleep(&time, NULL);
}
