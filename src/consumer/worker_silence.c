/*
 * worker_silence.c - does COMMAND answer more than it is asked? Answers carry no name: an extra one passes
 * for that of the next item, whose own passes for that of the one behind, and so on. So once there is one
 * too many there always is, and a moment in which no answer is owed shows it. When items come without end
 * there is none; then one is made, now and then: nothing is sent until all is answered, and then for as long
 * as it would take an item that is thought to be answered.
 */
#include "src/consumer/worker_records.h"

#include <poll.h>
#include <time.h>

#include "shm/ring.h"

#define NS_PER_US UINT64_C(1000)
#define NS_PER_MS UINT64_C(1000000)
#define EVERY_NS (100 * NS_PER_MS)	/* so soon one too many is seen */
#define SHARE 100			/* and no more of the time than this part of it */
#define LEAST_NS (50 * NS_PER_US)
#define MOST_NS (100 * NS_PER_MS)

void silence_begin(struct records *records)
{
	records->silence = (struct silence){ .due_ns = ring_now_ns() + EVERY_NS };
}

void silence_note_busy(struct records *records, uint64_t busy_ns)
{
	records->silence.busy_ns += busy_ns;
}

bool silence_is_due(struct records *records)
{
	struct silence *silence = &records->silence;
	uint64_t now = records->answered.came_ns;

	if (records->answers == silence->answers || now < silence->due_ns)
		return false;
	if (silence->began_ns == 0)
		silence->began_ns = now;
	return true;
}

/* Twice as long as an item took, all in all; less what has passed since the last answer. */
static uint64_t left_ns(const struct records *records, uint64_t now)
{
	const struct silence *silence = &records->silence;
	uint64_t ns = 2 * silence->busy_ns / (records->answers - silence->answers);
	uint64_t passed = now - records->answered.came_ns;

	ns = ns < LEAST_NS ? LEAST_NS : ns < MOST_NS ? ns : MOST_NS;
	return passed < ns ? ns - passed : 0;
}

static void note(struct records *records)
{
	uint64_t now = ring_now_ns(), took_ns = now - records->silence.began_ns;

	if (took_ns > EVERY_NS)
		took_ns = EVERY_NS;	/* longer only when there was nothing to do */
	records->silence = (struct silence){
		.due_ns = now + (took_ns * SHARE > EVERY_NS ? took_ns * SHARE : EVERY_NS),
		.answers = records->answers,
	};
}

int silence_keep(struct records *records)
{
	struct pollfd out = { .fd = records->process.out, .events = POLLIN };
	uint64_t ns = left_ns(records, ring_now_ns());
	const struct timespec time = { .tv_nsec = (long)ns };
	int code = ns > 0 ? answers_flush(records) : GO_ON;

	/* What comes is heard by who asked for the silence. A signal cuts it short. */
	if (code == GO_ON && ns > 0)
		(void)ppoll(&out, 1, &time, NULL);
	note(records);
	return code;
}
