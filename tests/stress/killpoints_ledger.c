/*
 * killpoints_ledger.c - the record that is kept outside the ring: which items must be in it, how often
 * each was handed out, and what the books must say. Pure.
 */
#include "killpoints.h"

#include <inttypes.h>
#include <stdarg.h>

struct entry *ledger_find(struct ledger *ledger, uint64_t payload)
{
	for (unsigned i = 0; i < ledger->accepted; i++)
		if (ledger->items[i].payload == payload)
			return &ledger->items[i];
	return NULL;
}

struct verdict {
	enum fault *fault;
	char *why;
};

__attribute__((format(printf, 3, 4)))
static bool refuse(struct verdict *verdict, enum fault fault, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(verdict->why, 160, format, args);
	va_end(args);
	*verdict->fault = fault;
	return false;
}

static int found_at(const struct found *found, uint64_t payload)
{
	for (unsigned i = 0; i < found->count; i++)
		if (found->items[i].payload == payload)
			return (int)i;
	return -1;
}

static bool is_pending(const struct pending *pending, enum effect effect, uint64_t payload)
{
	for (; pending; pending = pending->also)
		for (unsigned i = 0; i < pending->count; i++)
			if (pending->effect == effect && pending->items[i].payload == payload)
				return true;
	return false;
}

static bool has_effect(const struct pending *pending, enum effect effect)
{
	for (; pending; pending = pending->also)
		if (pending->effect == effect || (effect == EFFECT_TAKE && pending->takes > 0))
			return true;
	return false;
}

/* Items of the call under way that are in the ring were accepted: the first of them, or more. */
static bool accept_published(struct ledger *after, const struct pending *pending,
			     const struct found *found, struct verdict *verdict)
{
	unsigned accepted = 0;

	if (!pending)
		return true;
	for (unsigned i = 0; pending->effect == EFFECT_PUBLISH && i < pending->count; i++) {
		if (i >= pending->certain && found_at(found, pending->items[i].payload) < 0)
			continue;
		if (accepted++ != i)
			return refuse(verdict, FAULT_LOST, "item %" PRIu64 " of a batch is there, one before it not",
				      pending->items[i].payload);
		after->items[after->accepted++] = pending->items[i];
	}
	if (pending->is_whole && accepted != 0 && accepted != pending->count)
		return refuse(verdict, FAULT_OTHER, "of %u records of a parcel %u are there", pending->count,
			      accepted);
	return accept_published(after, pending->also, found, verdict);
}

/* The item is in no slot any more: by which part of the call? */
static bool end_item(struct ledger *after, struct entry *entry, const struct pending *pending,
		     struct verdict *verdict)
{
	entry->is_in = false;
	if (is_pending(pending, EFFECT_ACK, entry->payload))
		after->acked++;
	else if (is_pending(pending, EFFECT_DEAD, entry->payload))
		after->dead++;
	else if (has_effect(pending, EFFECT_DROP))
		after->dropped++;
	else
		return refuse(verdict, FAULT_LOST, "item %" PRIu64 " is lost", entry->payload);
	return true;
}

/* Each delivery says how often the item was handed out, this one included. */
static bool check_delivery(struct entry *entry, const struct pending *pending, unsigned deliveries,
			   struct verdict *verdict)
{
	if (!entry->is_in)
		return refuse(verdict, FAULT_TWICE, "item %" PRIu64 " is there, but it had ended",
			      entry->payload);
	if (deliveries == entry->handed + 1)
		return true;
	/* Who drops the oldest has it in his hands for a moment, as who takes it. */
	if (deliveries == entry->handed + 2 &&
	    (has_effect(pending, EFFECT_TAKE) || has_effect(pending, EFFECT_DROP))) {
		entry->handed++;
		return true;
	}
	return refuse(verdict, FAULT_OTHER, "item %" PRIu64 " says delivery %u, it was handed out %u times before",
		      entry->payload, deliveries, entry->handed);
}

static bool explain_items(struct ledger *after, const struct pending *pending,
			  const struct found *found, struct verdict *verdict)
{
	for (unsigned i = 0; i < found->count; i++) {
		struct entry *entry = ledger_find(after, found->items[i].payload);

		if (!entry)
			return refuse(verdict, FAULT_TWICE, "item %" PRIu64 " is there, nobody published it",
				      found->items[i].payload);
		if (found_at(found, entry->payload) != (int)i)
			return refuse(verdict, FAULT_TWICE, "item %" PRIu64 " is delivered twice",
				      entry->payload);
		if (!check_delivery(entry, pending, found->items[i].deliveries, verdict))
			return false;
	}
	for (unsigned i = 0; i < after->accepted; i++)
		if (after->items[i].is_in && found_at(found, after->items[i].payload) < 0 &&
		    !end_item(after, &after->items[i], pending, verdict))
			return false;
	return true;
}

static bool check_ids(const struct found *found, struct verdict *verdict)
{
	for (unsigned i = 0; i < found->count; i++)
		for (unsigned j = 0; j < i; j++)
			if (found->items[i].id == found->items[j].id)
				return refuse(verdict, FAULT_OTHER, "two items have the id %" PRIu64,
					      found->items[i].id);
	return true;
}

/* First deliveries of one producer's items keep their order, in what one consumer sees of them. */
static bool check_order(struct ledger *after, const struct found *found, struct verdict *verdict)
{
	for (unsigned i = 0; i < found->count; i++) {
		for (unsigned j = i + 1; j < found->count; j++) {
			struct entry *first = ledger_find(after, found->items[i].payload);
			struct entry *then = ledger_find(after, found->items[j].payload);

			if (found->items[i].deliveries == 1 && found->items[j].deliveries == 1 &&
			    found->items[i].consumer == found->items[j].consumer &&
			    first->actor == then->actor && first > then)
				return refuse(verdict, FAULT_OTHER,
					      "item %" PRIu64 " came before %" PRIu64 " of the same producer",
					      first->payload, then->payload);
		}
	}
	return true;
}

/* An item that never had a slot is known by its count alone; its mark must say the same. */
static void accept_refused(struct ledger *after, const struct pending *pending, const struct found *found)
{
	for (; pending; pending = pending->also) {
		const struct entry *entry = &pending->items[0];

		if (pending->effect != EFFECT_REFUSE || found->books.dropped <= after->dropped + after->refused)
			continue;
		after->refused++;
		if (after->refused_mark[entry->actor] < entry->mark)
			after->refused_mark[entry->actor] = entry->mark;
	}
}

static bool check_books(const struct ledger *after, const struct ring_books *books,
			struct verdict *verdict)
{
	if (books->published == after->accepted + after->refused && books->acked == after->acked &&
	    books->dead == after->dead && books->dropped == after->dropped + after->refused)
		return true;
	return refuse(verdict, FAULT_OTHER, "the books say published %" PRIu64 " acked %" PRIu64
		      " dead %" PRIu64 " dropped %" PRIu64 ", the record says %u %u %u %u",
		      books->published, books->acked, books->dead, books->dropped,
		      after->accepted + after->refused, after->acked, after->dead,
		      after->dropped + after->refused);
}

static bool check_marks(const struct ledger *after, const struct found *found,
			struct verdict *verdict)
{
	for (unsigned actor = 0; actor < ACTORS; actor++) {
		uint64_t mark = after->refused_mark[actor];

		for (unsigned i = 0; i < after->accepted; i++)
			if (after->items[i].actor == actor && !after->items[i].is_ticket &&
			    after->items[i].mark > mark)
				mark = after->items[i].mark;
		if (found->marks[actor] != UINT64_MAX && found->marks[actor] != mark)
			return refuse(verdict, FAULT_OTHER, "a successor is told mark %" PRIu64 ", the last was %" PRIu64,
				      found->marks[actor], mark);
	}
	return true;
}

/* Every ticket was used by one accepted item, or was still to be had: never both. */
static bool check_tickets(const struct ledger *after, const struct found *found, unsigned tickets,
			  struct verdict *verdict)
{
	uint64_t used = 0, all = (UINT64_C(2) << tickets) - 2;

	for (unsigned i = 0; i < after->accepted; i++) {
		uint64_t bit = UINT64_C(1) << after->items[i].mark % 64;

		if (!after->items[i].is_ticket)
			continue;
		if (used & bit)
			return refuse(verdict, FAULT_TWICE, "ticket %" PRIu64 " was used twice",
				      after->items[i].mark);
		used |= bit;
	}
	if ((used & found->tickets) == 0 && (used | found->tickets) == all)
		return true;
	return refuse(verdict, used & found->tickets ? FAULT_TWICE : FAULT_LOST,
		      "tickets used %#" PRIx64 ", still to be had %#" PRIx64, used, found->tickets);
}

static unsigned most_effects(const struct pending *pending)
{
	unsigned n = 0;

	for (; pending; pending = pending->also)
		n += pending->count + pending->takes;
	return n;
}

static unsigned count_effects(const struct ledger *before, const struct ledger *after)
{
	unsigned effects = after->accepted - before->accepted + after->acked - before->acked +
			   after->dead - before->dead + after->dropped - before->dropped +
			   after->refused - before->refused;

	for (unsigned i = 0; i < after->accepted; i++)
		effects += after->items[i].handed -
			   (i < before->accepted ? before->items[i].handed : 0);
	return effects;
}

bool ledger_explain(const struct ledger *before, const struct pending *pending,
		    const struct found *found, unsigned tickets, struct ledger *after,
		    unsigned *effects, enum fault *fault, char why[160])
{
	struct verdict verdict = { .fault = fault, .why = why };

	*after = *before;
	accept_refused(after, pending, found);
	if (!accept_published(after, pending, found, &verdict) ||
	    !explain_items(after, pending, found, &verdict) ||
	    !check_ids(found, &verdict) ||
	    !check_order(after, found, &verdict) ||
	    !check_books(after, &found->books, &verdict) ||
	    !check_marks(after, found, &verdict) ||
	    (tickets && !check_tickets(after, found, tickets, &verdict)))
		return false;
	*effects = count_effects(before, after);
	if (*effects > most_effects(pending))
		return refuse(&verdict, FAULT_OTHER, "the call had %u effects, %u at most were expected",
			      *effects, most_effects(pending));
	if (before->is_shut && after->accepted > before->accepted)
		return refuse(&verdict, FAULT_OTHER, "item %" PRIu64 " was accepted after a strict stop",
			      after->items[before->accepted].payload);
	return true;
}
