/*
 * killpoints_victim.c - the process that is killed: a child that carries out one order after the other
 * under ptrace, and the stepping of it. It is at rest, at the beginning or at the end of its call when
 * it executes int3. Its members' locks are the harness's to hold, so it drops its own.
 */
#include "killpoints.h"

#include "shm/parcel.h"

#include <elf.h>
#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define STEPS_MAX 2000000u	/* a call that takes more never ends: the longest take some 50,000 */

/* The victim in the middle of a call. */
struct checkpoint {
	struct user_regs_struct registers;
	unsigned char vectors[16384];	/* what the kernel gives of them */
	size_t vectors_size;
	unsigned char stack[16384];
	size_t stack_size;
	uintptr_t stack_at;
	struct order order;
	struct walk walk;
};

/* ------------------------------------------------------------------ in the child */

static void stop_here(void)
{
	__asm__ volatile ("int3" ::: "memory");
}

/* Something for ring_close() to unmap in place of the anchor. */
static void *dummy_anchor(void *at)
{
	void *page = mmap(at, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | (at ? MAP_FIXED : 0), -1, 0);

	if (page == MAP_FAILED)
		err(2, "mmap");
	return page;
}

void handle_unanchor(struct ring *ring)
{
	(void)dummy_anchor(ring->anchor);	/* in its place */
}

static struct ring *attach(const char *ring_name, const struct base *base, unsigned actor)
{
	struct ring *ring = stage_attach(ring_name, base->actors[actor].roles,
					 base->actors[actor].has_number ? actor + 1 : 0);

	handle_unanchor(ring);
	return ring;
}

void handle_adapt(struct ring *handle, const struct ring *mine, void *anchor)
{
	uint64_t first = mine->segment->at.first;

	handle->segment = mine->segment;
	handle->me = handle->index ? &mine->segment->members[handle->index - 1] : NULL;
	handle->anchor = anchor;
	handle->looked_round_ns = ring_now_ns();	/* just now; see CALL_PUT_LOOKING */
	/* Private to the process: it may lag behind, and must not be ahead of an earlier image's. */
	mine->segment->walk = (struct walk){ .head = first, .filled = first, .done = first };
}

void hand_adapt(struct actor *me)
{
	const struct segment *segment = me->handle.segment;

	for (unsigned i = 0; i < me->held; i++) {
		struct ring_item *item = &me->items[i];
		unsigned char *data = segment_data(segment, item->slot);

		item->data = item->is_parcel ? data + RECORD_SIZE * parcel_done(segment, item->slot) : data;
	}
}

/* ring_close() frees its handle, and unmaps the segment with the last. */
static struct ring *to_be_closed(const struct ring *handle)
{
	struct ring *ring = malloc(sizeof(*ring));

	if (!ring)
		err(2, "malloc");
	*ring = *handle;
	ring->anchor = dummy_anchor(NULL);
	atomic_fetch_add(&ring->segment->users, 1);
	return ring;
}

static void carry_out(struct ring *mine[ACTORS], struct order *order)
{
	const struct call *call = &calls[order->call];
	struct ring *ring = &order->me.handle;

	handle_adapt(ring, mine[order->actor], mine[order->actor]->anchor);
	hand_adapt(&order->me);
	if (call->leaves_ring)
		ring = to_be_closed(ring);
	order->opened = NULL;
	order->stack_top = __builtin_frame_address(0);
	order->walk = &ring->segment->walk;
	stop_here();
	order->is_in_call = 1;
	call->run(ring, order);
	order->is_in_call = 0;
	stop_here();
	if (order->opened)
		ring_close(order->opened);
}

static _Noreturn void serve(struct order *order, const char *ring_name, const struct base *base,
			    struct actor actors[ACTORS])
{
	struct ring *mine[ACTORS];

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
		err(2, "ptrace");
	for (unsigned i = 0; i < ACTORS; i++) {
		mine[i] = attach(ring_name, base, i);
		actors[i] = (struct actor){ .handle = *mine[i] };
	}
	for (;;) {
		stop_here();
		carry_out(mine, order);
	}
}

/* ------------------------------------------------------------------ in the harness */

static void *share(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		err(2, "mmap");
	return memory;
}

pid_t fork_evenly(void)
{
	for (;;) {
		pid_t pid = fork();

		if (pid < 0)
			err(2, "fork");
		if (pid > 0 && pid % MEMBERS == 0)
			return pid;
		if (pid > 0)
			(void)waitpid(pid, NULL, 0);
		else if (getpid() % MEMBERS == 0)
			return 0;
		else
			_exit(0);
	}
}

/* Wait until it has stopped at an int3 or after a step. false: it is gone. */
static bool await_stop(struct victim *victim, const char **why)
{
	int status;

	while (waitpid(victim->pid, &status, __WALL) < 0)
		if (errno != EINTR)
			err(2, "waitpid");
	if (WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP)
		return true;
	*why = WIFSTOPPED(status) ? strsignal(WSTOPSIG(status)) : "it ended";
	if (WIFSTOPPED(status))
		victim_end(victim);
	victim->pid = 0;
	return false;
}

static bool go_on(struct victim *victim, enum __ptrace_request how, const char **why)
{
	if (ptrace(how, victim->pid, NULL, NULL))
		err(2, "ptrace");
	return await_stop(victim, why);
}

void victim_start(struct victim *victim, const struct stage *stage, const struct base *base,
		  struct actor actors[ACTORS])
{
	struct actor *shared = share(sizeof(struct actor) * ACTORS);
	const char *why;

	victim->order = share(sizeof(*victim->order));
	victim->checkpoint = malloc(sizeof(*victim->checkpoint));
	if (!victim->checkpoint)
		err(2, "malloc");
	victim->pid = fork_evenly();
	if (victim->pid == 0)
		serve(victim->order, stage->name, base, shared);
	if (!await_stop(victim, &why))
		errx(2, "the victim could not begin: %s", why);
	if (ptrace(PTRACE_SETOPTIONS, victim->pid, NULL, PTRACE_O_EXITKILL))
		err(2, "ptrace");
	memcpy(actors, shared, sizeof(struct actor) * ACTORS);
	(void)munmap(shared, sizeof(struct actor) * ACTORS);
}

void victim_end(struct victim *victim)
{
	if (victim->pid) {
		(void)kill(victim->pid, SIGKILL);
		(void)waitpid(victim->pid, NULL, __WALL);
	}
	victim->pid = 0;
	if (victim->order)
		(void)munmap(victim->order, sizeof(*victim->order));
	free(victim->checkpoint);
	*victim = (struct victim){ 0 };
}

bool victim_begin(struct victim *victim, const char **why)
{
	return go_on(victim, PTRACE_CONT, why);
}

bool victim_finish(struct victim *victim, const char **why)
{
	return go_on(victim, PTRACE_CONT, why);
}

bool victim_call(struct victim *victim, const char **why)
{
	return victim_begin(victim, why) && victim_finish(victim, why);
}

bool victim_step_once(struct victim *victim, const char **why)
{
	return go_on(victim, PTRACE_SINGLESTEP, why);
}

/* Two pages, mapped alike in parent and child. */
#define VDSO_SIZE 8192u

bool victim_reads_clock(const struct victim *victim)
{
	unsigned long vdso = getauxval(AT_SYSINFO_EHDR);
	unsigned long at = (unsigned long)ptrace(PTRACE_PEEKUSER, victim->pid,
						 offsetof(struct user_regs_struct, rip), NULL);

	return at - vdso < VDSO_SIZE;
}

bool victim_step(struct victim *victim, const struct stage *stage, victim_changed *changed,
		 void *context, uint64_t *instructions, const char **why)
{
	static unsigned char before[IMAGE_MAX];
	size_t size = stage->view.at.times_at;
	bool has_begun = false;

	if (!victim_begin(victim, why))
		return false;
	stage_save(stage, before);
	for (unsigned steps = 0; steps < STEPS_MAX; steps++) {
		if (!victim_step_once(victim, why))
			return false;
		if (has_begun && !victim->order->is_in_call)
			return victim_finish(victim, why);
		has_begun |= victim->order->is_in_call != 0;
		*instructions += has_begun;
		if (memcmp(stage->base, before, size) == 0)
			continue;
		if (!changed(context)) {
			*why = "given up";
			victim_end(victim);
			return false;
		}
		stage_save(stage, before);
	}
	*why = "it never ends";
	victim_end(victim);
	return false;
}

void victim_rest(struct victim *victim)
{
	const char *why;

	if (!go_on(victim, PTRACE_CONT, &why))
		errx(2, "the victim does not rest: %s", why);
}

/* ------------------------------------------------------------------ going back */

static void move_memory(struct victim *victim, bool back)
{
	struct checkpoint *at = victim->checkpoint;
	struct iovec here[] = { { at->stack, at->stack_size }, { &at->walk, sizeof(at->walk) } };
	struct iovec there[] = { { (void *)at->stack_at, at->stack_size },
				 { victim->order->walk, sizeof(at->walk) } };
	ssize_t moved = back ? process_vm_writev(victim->pid, here, 2, there, 2, 0)
			     : process_vm_readv(victim->pid, here, 2, there, 2, 0);

	if (moved != (ssize_t)(at->stack_size + sizeof(at->walk)))
		err(2, "cannot reach the victim's memory");
}

static void move_registers(struct victim *victim, bool back)
{
	struct checkpoint *at = victim->checkpoint;
	struct iovec vectors = { at->vectors, back ? at->vectors_size : sizeof(at->vectors) };
	uintptr_t kind = NT_X86_XSTATE;

	if (ptrace(back ? PTRACE_SETREGS : PTRACE_GETREGS, victim->pid, NULL, &at->registers) ||
	    ptrace(back ? PTRACE_SETREGSET : PTRACE_GETREGSET, victim->pid, (void *)kind, &vectors))
		err(2, "ptrace");
	at->vectors_size = vectors.iov_len;
}

/* What the call may change: registers, the stack from its own frame down, its order and handle, where it
   has been in the order of items. errno and ring_why() don't matter to it. */
void victim_remember(struct victim *victim)
{
	struct checkpoint *at = victim->checkpoint;
	uintptr_t top = (uintptr_t)victim->order->stack_top;

	move_registers(victim, false);
	at->stack_at = at->registers.rsp - 128;		/* with the red zone below */
	at->stack_size = top - at->stack_at;
	if (at->stack_size > sizeof(at->stack))
		errx(2, "the victim's stack is %zu bytes deep", at->stack_size);
	move_memory(victim, false);
	at->order = *victim->order;
}

void victim_go_back(struct victim *victim)
{
	*victim->order = victim->checkpoint->order;
	move_memory(victim, true);
	move_registers(victim, true);
}
