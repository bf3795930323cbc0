/* test_interrupt.c - signals are noted, and come again until somebody has seen them. */
#include "src/base/interrupt.h"
#include "tests/unit/check.h"

#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

static bool comes_again_soon(void)
{
	struct itimerval next;

	assert_int_equal(getitimer(ITIMER_REAL, &next), 0);
	return next.it_value.tv_sec == 0 && next.it_value.tv_usec > 0 && next.it_value.tv_usec < 500000;
}

/* Whoever waits may have been awake, on its way to sleep, when the first came. */
static void a_signal_comes_again_and_again(void **state)
{
	(void)state;
	assert_false(interrupt_wants_leave());
	assert_int_equal(raise(SIGTERM), 0);
	assert_int_equal(interrupt_signal(), SIGTERM);
	for (int i = 0; i < 3; i++) {
		assert_true(comes_again_soon());
		pause();
	}
	assert_true(interrupt_wants_leave());
	assert_int_equal(interrupt_count(), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_signal_comes_again_and_again),
	};

	interrupt_catch();
	return cmocka_run_group_tests_name("interrupt", tests, NULL, NULL);
}
