/* test_wait.c - sleepers ask, wakers post: no wake-up is lost, and surplus stays small. */
#include "shm/wait.h"
#include "tests/unit/check.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>

#define CAP 3u
#define MS UINT64_C(1000000)

static struct waiting waiting;

static int fresh(void **state)
{
	(void)state;
	return wait_init(&waiting);
}

static int tokens(void)
{
	int n;

	assert_int_equal(sem_getvalue(&waiting.sem, &n), 0);
	return n;
}

static void assert_sum(uint32_t wanted, int posted)
{
	assert_int_equal(waiting.wanted, wanted);
	assert_int_equal(tokens(), posted);
}

static void nothing_is_posted_while_nobody_asks(void **state)
{
	(void)state;
	wait_wake(&waiting);
	assert_sum(0, 0);
}

static void one_wake_up_is_posted_for_each_asking(void **state)
{
	(void)state;
	wait_ask(&waiting, CAP);
	wait_ask(&waiting, CAP);
	assert_sum(2, 0);
	wait_wake(&waiting);
	assert_sum(1, 1);
	wait_wake(&waiting);
	wait_wake(&waiting);
	assert_sum(0, 2);
	assert_int_equal(wait_sleep(&waiting, 0), WAIT_WOKEN);
	assert_sum(0, 1);
}

/* Each would be taken for a wake-up, and the sleeper never sleep. */
static void a_count_that_can_not_be_is_seen(void **state)
{
	(void)state;
	for (unsigned bit = 21; bit < 32; bit++) {
		*(uint32_t *)&waiting.sem = UINT32_C(1) << bit;
		assert_false(wait_is_plausible(&waiting));
	}
	assert_int_equal(wait_init(&waiting), 0);
	assert_true(wait_is_plausible(&waiting));
}

static void asking_ends_at_the_cap(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < CAP + 2; i++)
		wait_ask(&waiting, CAP);
	assert_sum(CAP, 0);
	waiting.wanted = UINT32_MAX;	/* as a damaged segment has it */
	wait_ask(&waiting, CAP);
	assert_sum(UINT32_MAX, 0);
}

static void an_asking_is_taken_back(void **state)
{
	(void)state;
	wait_ask(&waiting, CAP);
	wait_unask(&waiting);
	assert_sum(0, 0);
}

/* A poller that finds something each time just when it is being woken must not pile up tokens. */
static void an_asking_that_was_answered_takes_the_answer_back(void **state)
{
	(void)state;
	for (int i = 0; i < 10; i++) {
		wait_ask(&waiting, CAP);
		wait_wake(&waiting);
		wait_unask(&waiting);
		assert_sum(0, 0);
	}
}

static void a_time_out_comes_at_its_time_and_takes_the_asking_back(void **state)
{
	uint64_t until = ring_now_ns() + 20 * MS;

	(void)state;
	wait_ask(&waiting, CAP);
	assert_int_equal(wait_sleep(&waiting, until), WAIT_TIMEOUT);
	assert_true(ring_now_ns() >= until);
	assert_sum(0, 0);
}

/* It was told as a damaged semaphore: the attempt to take the token that had not come yet set errno
   before the reason of the time-out was read. */
static void a_time_out_whose_token_is_late_is_a_time_out(void **state)
{
	(void)state;
	wait_ask(&waiting, CAP);
	waiting.wanted = 0;	/* a waker has taken the asking, and has not posted yet */
	assert_int_equal(wait_sleep(&waiting, 0), WAIT_TIMEOUT);
}

static void taking_an_asking_back_keeps_errno(void **state)
{
	(void)state;
	errno = EBADMSG;
	wait_unask(&waiting);
	assert_int_equal(errno, EBADMSG);
}

static void do_nothing(int number) { (void)number; }

static void a_signal_ends_the_sleep_and_takes_the_asking_back(void **state)
{
	struct sigaction action = { .sa_handler = do_nothing, .sa_flags = SA_RESTART };
	struct itimerval every_ms = { { 0, 1000 }, { 0, 1000 } }, never = { { 0, 0 }, { 0, 0 } };

	(void)state;
	wait_ask(&waiting, CAP);
	assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
	assert_int_equal(setitimer(ITIMER_REAL, &every_ms, NULL), 0);
	assert_int_equal(wait_sleep(&waiting, ring_now_ns() + 10000 * MS), WAIT_INTERRUPTED);
	assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
	assert_sum(0, 0);
}

static void *sleep_long(void *result)
{
	*(enum wait_result *)result = wait_sleep(&waiting, ring_now_ns() + 10000 * MS);
	return NULL;
}

static void a_sleeper_is_woken(void **state)
{
	enum wait_result result = WAIT_BROKEN;
	pthread_t sleeper;

	(void)state;
	wait_ask(&waiting, CAP);
	assert_int_equal(pthread_create(&sleeper, NULL, sleep_long, &result), 0);
	wait_wake(&waiting);
	assert_int_equal(pthread_join(sleeper, NULL), 0);
	assert_int_equal(result, WAIT_WOKEN);
	assert_sum(0, 0);
}

static void nudging_again_and_again_posts_once(void **state)
{
	(void)state;
	wait_nudge(&waiting);
	wait_nudge(&waiting);
	wait_nudge(&waiting);
	assert_sum(0, 1);
}

/* wanted + tokens is what sleepers live on: for each death it grows by the one that the dead member
   may have had, and what the dead member had asked for goes. */
static void a_dead_member_s_wake_up_is_replaced(void **state)
{
	(void)state;
	wait_ask(&waiting, CAP);
	wait_replace(&waiting, false);
	assert_sum(1, 1);
	wait_replace(&waiting, true);
	assert_sum(0, 2);
	wait_replace(&waiting, true);	/* its asking had been answered */
	assert_sum(0, 3);
}

static void a_full_semaphore_is_left_as_it_is(void **state)
{
	(void)state;
	assert_int_equal(sem_init(&waiting.sem, 1, SEM_VALUE_MAX), 0);
	wait_ask(&waiting, CAP);
	wait_wake(&waiting);
	wait_replace(&waiting, false);
	wait_nudge(&waiting);
	assert_sum(0, SEM_VALUE_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(nothing_is_posted_while_nobody_asks, fresh),
		cmocka_unit_test_setup(one_wake_up_is_posted_for_each_asking, fresh),
		cmocka_unit_test_setup(a_count_that_can_not_be_is_seen, fresh),
		cmocka_unit_test_setup(asking_ends_at_the_cap, fresh),
		cmocka_unit_test_setup(an_asking_is_taken_back, fresh),
		cmocka_unit_test_setup(an_asking_that_was_answered_takes_the_answer_back, fresh),
		cmocka_unit_test_setup(a_time_out_comes_at_its_time_and_takes_the_asking_back, fresh),
		cmocka_unit_test_setup(a_time_out_whose_token_is_late_is_a_time_out, fresh),
		cmocka_unit_test_setup(taking_an_asking_back_keeps_errno, fresh),
		cmocka_unit_test_setup(a_signal_ends_the_sleep_and_takes_the_asking_back, fresh),
		cmocka_unit_test_setup(a_sleeper_is_woken, fresh),
		cmocka_unit_test_setup(nudging_again_and_again_posts_once, fresh),
		cmocka_unit_test_setup(a_dead_member_s_wake_up_is_replaced, fresh),
		cmocka_unit_test_setup(a_full_semaphore_is_left_as_it_is, fresh),
	};

	return cmocka_run_group_tests_name("wait", tests, NULL, NULL);
}
