/*
 * reading.c - one look at a ring from outside. Who is alive is the kernel's word, not the segment's:
 * a line whose processes were all killed is not running.
 */
#include "src/view/reading.h"

#include <string.h>

void reading_count_member(struct reading *reading, const struct ring_member *member)
{
	if (!member->is_alive) {
		reading->dead++;
		return;
	}
	reading->living++;
	reading->producers += (member->roles & RING_PRODUCER) != 0;
	reading->consumers += (member->roles & RING_CONSUMER) != 0;
	reading->holders += (member->roles & RING_HOLDER) != 0;
	if (member->roles & RING_LAUNCHER)
		reading->launcher = member->pid;
}

int reading_begin(struct ring *ring, struct reading *reading)
{
	memset(reading, 0, sizeof(*reading));
	if (ring_stats(ring, &reading->stats) == -1)
		return -1;
	reading->now_ns = ring_now_ns();
	return 0;
}

int reading_take(struct ring *ring, struct reading *reading)
{
	if (reading_begin(ring, reading) == -1)
		return -1;
	for (uint32_t i = 1; i <= ring_member_limit(ring); i++) {
		struct ring_member member;

		switch (ring_member(ring, i, &member)) {
		case 1:
			reading_count_member(reading, &member);
			break;
		case -1:
			return -1;
		}
	}
	return 0;
}

uint64_t reading_between_ns(uint64_t from_ns, uint64_t to_ns)
{
	return to_ns > from_ns ? to_ns - from_ns : 0;
}
