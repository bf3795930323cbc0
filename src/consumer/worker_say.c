/* worker_say.c - what people are told about a COMMAND that does not behave: each once. */
#include "src/consumer/worker_records.h"

#include <stdio.h>

#include "shm/ring.h"
#include "src/base/diag.h"

#define NS_PER_S UINT64_C(1000000000)
#define HINT_NS (3 * NS_PER_S)		/* a guess: long for a small item, short for a person */

/* Said the first time; one that does so again and again would say it without end. */
void say_excess(struct records *records)
{
	void (*say)(const char *, ...) DIAG_PRINTF(1, 2) =
		records->has_said_excess ? diag_verbose : diag_warn;

	if (!records->is_excessive)
		say("COMMAND answered more than it was asked; it is ended, and started again");
	records->is_excessive = records->has_said_excess = true;
	talk_ask_to_end(records);
}

void say_bad_end(const struct records *records)
{
	const struct process *process = &records->process;

	if (records->is_called_off || records->is_excessive || records->is_late)
		return;
	if (process->signal)
		diag_warn("COMMAND was killed by signal %d behind its last item", process->signal);
	else if (process->code)
		diag_warn("COMMAND ended with exit code %d behind its last item", process->code);
}

void say_waiting(struct records *records)
{
	uint64_t id = hand_at(&records->hand, 0)->item.id;
	char text[RING_NOTE_MAX];

	if (records->noted == id)
		return;
	snprintf(text, sizeof(text), "item %llu", (unsigned long long)id);
	ring_note(records->ring, text);
	records->noted = id;
}

void say_hint(struct records *records, uint64_t now)
{
	if (records->has_hinted || records->ever_answered || records->hand.count == 0 ||
	    records->request->number > 1 ||
	    now - records->oldest_since_ns < HINT_NS || process_unread(&records->process) > 0)
		return;
	records->has_hinted = true;
	diag_warn("COMMAND has read an item and not answered for a while; if it keeps its answers in a "
		  "buffer, make it write each at once: stdbuf -oL, python3 -u, awk -W interactive, "
		  "fflush()");
}
