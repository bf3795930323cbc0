/*
 * test_liveness.c - who counts as alive: the kernel's lock says so, whatever becomes of children, process
 * ids and signals; and members without a launcher recover each other's dead.
 */
#include "shm/handle.h"
#include "shm/members.h"
#include "tests/unit/shm_ring.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>

/* What a test and its children tell each other. */
static struct stage {
	atomic_bool is_holding;		/* the victim has the item */
	atomic_int grandchild;
	atomic_uint deliveries;		/* of the item that the other one got */
	atomic_uint victims_entry;
} *stage;

static int set_stage(void **state)
{
	stage = mmap(NULL, sizeof(*stage), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return stage == MAP_FAILED ? -1 : shm_name(state);
}

static int clear_stage(void **state)
{
	pid_t grandchild = atomic_load(&stage->grandchild);

	if (grandchild > 0)
		(void)kill(grandchild, SIGKILL);
	(void)munmap(stage, sizeof(*stage));
	return shm_forget(state);
}

static bool is_set(void *flag)
{
	return atomic_load((atomic_bool *)flag);
}

static bool has_grandchild(void *context)
{
	(void)context;
	return atomic_load(&stage->grandchild) != 0;
}

static void end_with_parent(void)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static int wait_to_be_killed(void)
{
	atomic_store(&stage->is_holding, true);
	while (pause() == -1)
		;
	return 1;
}

static struct ring *take_one(struct ring_item *item)
{
	struct ring *ring = ring_open(ring_called, RING_CONSUMER, 0);

	if (!ring || ring_take(ring, item, 0) != RING_OK)
		_exit(1);
	atomic_store(&stage->victims_entry, ring_member_index(ring));
	return ring;
}

static int take_and_wait(void *context)
{
	struct ring_item item;

	(void)context;
	end_with_parent();
	(void)take_one(&item);
	return wait_to_be_killed();
}

/* A ring with one item, which `body` takes in a child. The test itself is a producer. */
static struct ring *give_to_victim(int (*body)(void *), pid_t *victim)
{
	struct ring *ring = shm_make(4, 16, 4, RING_PRODUCER);

	assert_int_equal(ring_put(ring, "item", 4, 0), RING_OK);
	*victim = child_start(body, NULL);
	assert_true(wait_until(is_set, &stage->is_holding));
	return ring;
}

static uint32_t in_flight(struct ring *ring)
{
	struct ring_stats stats;

	assert_int_equal(ring_stats(ring, &stats), 0);
	return stats.in_flight;
}

/* ------------------------------------------------------------------ alive */

static void assert_alive(struct ring *ring, bool alive)
{
	struct ring_member member;

	assert_int_equal(ring_member(ring, atomic_load(&stage->victims_entry), &member), 1);
	assert_int_equal(member.is_alive, alive);
}

static int take_stop_and_ack(void *context)
{
	struct ring_item item;
	struct ring *ring = take_one(&item);

	(void)context;
	end_with_parent();
	atomic_store(&stage->is_holding, true);
	(void)raise(SIGSTOP);
	if (ring_ack(ring, &item))
		return 1;
	ring_close(ring);
	return 0;
}

static void a_stopped_member_is_alive(void **state)
{
	pid_t victim;
	struct ring *ring = give_to_victim(take_stop_and_ack, &victim);
	int status;

	(void)state;
	assert_int_equal(waitpid(victim, &status, WUNTRACED), victim);
	assert_true(WIFSTOPPED(status));
	assert_alive(ring, true);
	assert_int_equal(ring_recover(ring, 0), 0);
	assert_int_equal(ring_recover(ring, victim), 0);
	ring_sweep(ring);
	assert_int_equal(in_flight(ring), 1);
	assert_int_equal(kill(victim, SIGCONT), 0);
	assert_int_equal(child_end(victim), 0);
	assert_int_equal(in_flight(ring), 0);
	ring_close(ring);
}

/* ------------------------------------------------------------------ dead */

static void assert_dead(struct ring *ring)
{
	assert_alive(ring, false);
	assert_int_equal(in_flight(ring), 1);
	assert_int_equal(ring_recover(ring, 0), 1);
	assert_int_equal(in_flight(ring), 0);
	assert_int_equal(ring_recover(ring, 0), 0);
}

static void a_killed_member_is_dead(void **state)
{
	pid_t victim;
	struct ring *ring = give_to_victim(take_and_wait, &victim);

	(void)state;
	assert_alive(ring, true);
	child_kill(victim);
	assert_dead(ring);
	ring_close(ring);
}

/* Its process id may have been given to another by the time anybody looks. */
static void a_process_id_in_use_again_keeps_nobody_alive(void **state)
{
	pid_t victim;
	struct ring *ring = give_to_victim(take_and_wait, &victim);

	(void)state;
	child_kill(victim);
	atomic_store(&member_at(ring->segment, atomic_load(&stage->victims_entry))->pid, getpid());
	assert_dead(ring);
	ring_close(ring);
}

static void fork_sleeper(bool exec)
{
	pid_t pid = fork();

	if (pid > 0) {
		atomic_store(&stage->grandchild, pid);
		return;
	}
	if (pid == 0 && exec)
		execlp("sleep", "sleep", "1000", (char *)NULL);
	while (pause() == -1)
		;
}

static int take_and_fork(void *context)
{
	struct ring_item item;

	(void)context;
	end_with_parent();
	(void)take_one(&item);
	fork_sleeper(false);
	return wait_to_be_killed();
}

static int take_and_exec(void *context)
{
	struct ring_item item;

	(void)context;
	end_with_parent();
	(void)take_one(&item);
	fork_sleeper(true);
	return wait_to_be_killed();
}

static void assert_dead_despite_child(int (*body)(void *))
{
	pid_t victim, grandchild;
	struct ring *ring = give_to_victim(body, &victim);

	assert_true(wait_until(has_grandchild, NULL));
	grandchild = atomic_load(&stage->grandchild);
	child_kill(victim);
	assert_int_equal(kill(grandchild, 0), 0);
	assert_dead(ring);
	ring_close(ring);
}

static void a_forked_child_keeps_no_dead_member_alive(void **state)
{
	(void)state;
	assert_dead_despite_child(take_and_fork);
}

static void a_command_that_was_started_keeps_no_dead_member_alive(void **state)
{
	(void)state;
	assert_dead_despite_child(take_and_exec);
}

/* ------------------------------------------------------------------ without a launcher */

static int take_what_comes(void *context)
{
	struct ring *ring = ring_open(ring_called, RING_CONSUMER, 0);
	struct ring_item item;

	(void)context;
	end_with_parent();
	if (!ring || ring_take(ring, &item, 10000) != RING_OK)
		return 1;
	atomic_store(&stage->deliveries, item.deliveries);
	if (ring_ack(ring, &item))
		return 1;
	ring_close(ring);
	return 0;
}

static void a_waiting_consumer_gets_what_a_killed_one_had(void **state)
{
	pid_t victim, other;
	struct ring *ring = give_to_victim(take_and_wait, &victim);
	uint64_t killed_ns;

	(void)state;
	other = child_start(take_what_comes, NULL);
	killed_ns = ring_now_ns();
	child_kill(victim);
	assert_int_equal(child_end(other), 0);
	assert_int_equal(atomic_load(&stage->deliveries), 2);
	assert_true(ring_now_ns() - killed_ns < UINT64_C(1500000000));
	ring_close(ring);
}

static int reserve_all_and_wait(void *context)
{
	struct ring *ring = ring_open(ring_called, RING_PRODUCER, 0);
	struct ring_item item;

	(void)context;
	end_with_parent();
	while (ring && ring_reserve(ring, &item, 0) == RING_OK)
		;
	return wait_to_be_killed();
}

static void a_waiting_producer_gets_the_slots_of_a_killed_one(void **state)
{
	struct ring *ring = shm_make(4, 16, 4, RING_PRODUCER);
	pid_t victim = child_start(reserve_all_and_wait, NULL);
	struct ring_item item;

	(void)state;
	assert_true(wait_until(is_set, &stage->is_holding));
	assert_int_equal(ring_reserve(ring, &item, 0), RING_TIMEOUT);
	child_kill(victim);
	assert_int_equal(ring_reserve(ring, &item, 1500), RING_OK);
	ring_close(ring);
}

/* A consumer that waits for the end must notice that the last producer was killed. */
static void a_line_whose_last_producer_was_killed_is_drained(void **state)
{
	struct ring *ring = shm_make(4, 16, 4, RING_CONSUMER);
	pid_t victim = child_start(reserve_all_and_wait, NULL);
	struct ring_item item;

	(void)state;
	assert_true(wait_until(is_set, &stage->is_holding));
	child_kill(victim);
	assert_int_equal(ring_take(ring, &item, 5000), RING_DRAINED);
	ring_close(ring);
}

/* ------------------------------------------------------------------ across pid namespaces */

/* Become process 1 of a new pid namespace and do it there. 77: not allowed here. */
static int in_namespace(int (*body)(void *))
{
	pid_t pid;
	int status;

	end_with_parent();
	if (unshare(CLONE_NEWPID)) {
		atomic_store(&stage->grandchild, -1);
		return 77;
	}
	pid = fork();
	if (pid == 0)
		_exit(getpid() == 1 ? body(NULL) : 1);
	atomic_store(&stage->grandchild, pid);
	return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static int victim_in_namespace(void *context)
{
	(void)context;
	return in_namespace(take_and_wait);
}

static int other_in_namespace(void *context)
{
	(void)context;
	return in_namespace(take_what_comes);
}

static pid_t start_in_namespace(struct ring *ring)
{
	pid_t victim = child_start(victim_in_namespace, NULL);

	assert_true(wait_until(has_grandchild, NULL));
	if (atomic_load(&stage->grandchild) < 0) {
		assert_int_equal(child_end(victim), 77);
		ring_close(ring);
		skip();
	}
	assert_true(wait_until(is_set, &stage->is_holding));
	return victim;
}

/* Both are process 1 to themselves, one of them dead and one alive. */
static void members_in_different_pid_namespaces_recover_each_other(void **state)
{
	struct ring *ring = shm_make(4, 16, 4, RING_PRODUCER);
	pid_t victim, other;

	(void)state;
	assert_int_equal(ring_put(ring, "item", 4, 0), RING_OK);
	victim = start_in_namespace(ring);
	assert_int_equal(kill(atomic_load(&stage->grandchild), SIGKILL), 0);
	assert_int_equal(child_end(victim), 1);
	other = child_start(other_in_namespace, NULL);
	assert_int_equal(child_end(other), 0);
	assert_int_equal(atomic_load(&stage->deliveries), 2);
	ring_close(ring);
}

static void a_living_member_of_another_pid_namespace_is_left_alone(void **state)
{
	struct ring *ring = shm_make(4, 16, 4, RING_PRODUCER);
	pid_t victim;

	(void)state;
	assert_int_equal(ring_put(ring, "item", 4, 0), RING_OK);
	victim = start_in_namespace(ring);
	assert_alive(ring, true);
	assert_int_equal(ring_recover(ring, 0), 0);
	assert_int_equal(in_flight(ring), 1);
	assert_int_equal(kill(atomic_load(&stage->grandchild), SIGKILL), 0);
	assert_int_equal(child_end(victim), 1);
	assert_dead(ring);
	ring_close(ring);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_stage, clear_stage)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_stopped_member_is_alive),
		TEST(a_killed_member_is_dead),
		TEST(a_process_id_in_use_again_keeps_nobody_alive),
		TEST(a_forked_child_keeps_no_dead_member_alive),
		TEST(a_command_that_was_started_keeps_no_dead_member_alive),
		TEST(a_waiting_consumer_gets_what_a_killed_one_had),
		TEST(a_waiting_producer_gets_the_slots_of_a_killed_one),
		TEST(a_line_whose_last_producer_was_killed_is_drained),
		TEST(members_in_different_pid_namespaces_recover_each_other),
		TEST(a_living_member_of_another_pid_namespace_is_left_alone),
	};

	return cmocka_run_group_tests_name("liveness", tests, NULL, NULL);
}
