/* worker_pair.c - the consumer and its COMMAND on one processor, while that is quicker: pair.h says when.
   What COMMAND was allowed before, it is allowed again afterwards. */
#include "src/consumer/worker_records.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

/* May the task run on this processor only? Then as before. Else somebody has said meanwhile where it may. */
static void let_go(const struct pairing *pairing, pid_t task, const cpu_set_t *before)
{
	cpu_set_t now;

	if (sched_getaffinity(task, sizeof(now), &now) == 0 && CPU_EQUAL(&now, &pairing->one))
		(void)sched_setaffinity(task, sizeof(*before), before);
}

/* All threads of COMMAND: those that it has started meanwhile too. */
static void let_all_go(const struct pairing *pairing, pid_t pid)
{
	char path[32];
	struct dirent *entry;
	DIR *tasks;

	(void)snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	tasks = opendir(path);
	if (!tasks) {
		let_go(pairing, pid, &pairing->theirs);
		return;
	}
	while ((entry = readdir(tasks)))
		if (entry->d_name[0] != '.')
			let_go(pairing, (pid_t)atoi(entry->d_name), &pairing->theirs);
	(void)closedir(tasks);
}

static void part(struct records *records)
{
	struct pairing *pairing = &records->pairing;

	let_go(pairing, 0, &pairing->ours);
	if (records->process.state != PROCESS_NONE)
		let_all_go(pairing, records->process.pid);
}

/* Several may have places of their own, and nobody could tell later whose were. */
static bool has_one_thread(pid_t pid)
{
	char path[32];
	struct stat tasks;

	(void)snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	return stat(path, &tasks) == 0 && tasks.st_nlink == 3;	/* ".", "..", and itself */
}

/* false: it can't be, or there is nothing to choose. */
static bool join(struct records *records)
{
	struct pairing *pairing = &records->pairing;
	pid_t pid = records->process.pid;
	int cpu = sched_getcpu();

	if (cpu < 0 || cpu >= CPU_SETSIZE || records->process.state != PROCESS_RUNNING ||
	    sched_getaffinity(0, sizeof(pairing->ours), &pairing->ours) ||
	    sched_getaffinity(pid, sizeof(pairing->theirs), &pairing->theirs) ||
	    CPU_COUNT(&pairing->ours) < 2 || CPU_COUNT(&pairing->theirs) < 2 ||
	    !CPU_ISSET((size_t)cpu, &pairing->theirs) || !has_one_thread(pid))
		return false;
	CPU_ZERO(&pairing->one);
	CPU_SET((size_t)cpu, &pairing->one);
	if (sched_setaffinity(0, sizeof(pairing->one), &pairing->one))
		return false;
	if (sched_setaffinity(pid, sizeof(pairing->one), &pairing->one) == 0)
		return true;
	part(records);
	return false;
}

static void move(struct records *records, enum pair_move move)
{
	if (move == PAIR_PART)
		part(records);
	if (move == PAIR_JOIN && !join(records))
		records->pairing.pair = (struct pair){ .due_ns = UINT64_MAX };
}

bool pairing_is_together(const struct records *records)
{
	return records->pairing.pair.is_together;
}

void pairing_answered(struct records *records, uint64_t answers, uint64_t took_ns)
{
	move(records, pair_answered(&records->pairing.pair, answers, took_ns, records->answered.came_ns));
}

void pairing_pause(struct records *records)
{
	int error = errno;

	move(records, pair_pause(&records->pairing.pair));
	errno = error;
}
