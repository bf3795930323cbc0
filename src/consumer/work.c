/*
 * work.c - see work.h. Items that a sink did not settle, since it failed or was called off, go back to
 * the ring before the consumer ends.
 */
#include "src/consumer/work.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "shm/ring.h"
#include "src/base/diag.h"
#include "src/base/exitcode.h"
#include "src/base/interrupt.h"
#include "src/consumer/intake.h"

#define NS_PER_MS UINT64_C(1000000)

/* Of a ring's slots, those that one consumer takes for a sink that likes many at once: so few that
   other consumers find work too. */
#define SHARE_OF_SLOTS 64

/* The same for a sink whose batches are worth waiting for. A guess: producers of a full ring find room
   while some consumers fill theirs. */
#define SHARE_TO_FILL 8

/* How often a sink that keeps items in hand looks whether their time has come: a guess. */
#define KEPT_MS 10

/* How often one who keeps the line open looks whether the flag is up, which ends that. */
#define OPEN_MS 1000

/* A step's exit code, or: */
enum { GO_ON = -1 };

struct work {
	const struct settings *settings;
	void *sink;
	struct settler *settler;
	struct ring_item *items;
	size_t batch;
	size_t kept;		/* items that the sink keeps in hand */
	uint64_t idle_since_ns;
};

/* ------------------------------------------------------------------ how many, how long */

static size_t batch_of(const struct settings *settings, const struct ring *ring)
{
	size_t part = settings->sink->linger_ns ? SHARE_TO_FILL : SHARE_OF_SLOTS;
	size_t share = ring_slots(ring) / part, wanted = settings->sink->batch;

	if (wanted == 0)
		return settings->request.command.batch;
	if (settings->pace.every_ns + settings->pace.extra_ns > 0 || share < 1)
		return 1;
	return wanted < share ? wanted : share;
}

static uint64_t idle_ns(const struct work *work)
{
	return ring_now_ns() - work->idle_since_ns;
}

/* How long to wait for an item before looking round. */
static int wait_ms(const struct work *work)
{
	uint64_t limit = work->settings->idle_exit_ns, passed, ms;
	int longest = work->kept > 0 ? KEPT_MS : work->settler->holds_open ? OPEN_MS : -1;

	if (limit == SETTING_NONE)
		return longest;
	passed = idle_ns(work);
	ms = passed < limit ? (limit - passed + NS_PER_MS - 1) / NS_PER_MS : 0;
	if (longest >= 0 && ms > (uint64_t)longest)
		return longest;
	return ms < INT_MAX ? (int)ms : INT_MAX;
}

static void rest_once(const struct work *work)
{
	const struct pace *pace = &work->settings->pace;
	double random01 = pace->chance > 0 ? arc4random() / 4294967296.0 : 0;
	uint64_t pause = pace_next_ns(pace, random01), until, now;

	if (pause == 0)
		return;
	until = ring_now_ns() + pause;
	while ((now = ring_now_ns()) < until && !interrupt_wants_leave() &&
	       ring_stopped(work->settler->ring) != RING_STOP_NOW)
		interrupt_nap(until - now);
}

static void rest(const struct work *work, size_t n)
{
	while (n-- > 0)
		rest_once(work);
}

/* ------------------------------------------------------------------ what was taken */

/* Items that kill who touches them are dead before anybody does so again. Returns how many others are
   left, moved together; *code is 0 or why to end. */
static size_t remove_poison(struct work *work, size_t n, int *code)
{
	size_t left = 0;

	for (size_t i = 0; i < n; i++) {
		struct ring_item *item = &work->items[i];

		if (*code == EXIT_OK && verdict_is_poison(&work->settler->rules, item->deliveries,
							  item->given_back))
			*code = settle_poison(work->settler, item);
		if (settle_is_pending(item))
			work->items[left++] = *item;
	}
	return left;
}

/*
 * An item that was in a consumer's hands when it died may be what killed it, or was beside that. Of a batch
 * of COMMAND's with such an item it is tried alone, with nothing beside it that would be charged too; the
 * others go back. Returns how many are left.
 */
static size_t isolate_suspect(struct work *work, size_t n, int *code)
{
	size_t suspect = 0;

	if (work->settings->sink != &worker_exec)
		return n;
	while (suspect < n && work->items[suspect].deliveries <= work->items[suspect].given_back + 1)
		suspect++;
	if (suspect == n)
		return n;
	for (size_t i = 0; i < n && *code == EXIT_OK; i++)
		if (i != suspect)
			*code = settle_return(work->settler, &work->items[i]);
	work->items[0] = work->items[suspect];
	return 1;
}

static int return_pending(struct work *work, size_t n)
{
	int code = EXIT_OK;

	for (size_t i = 0; i < n && code == EXIT_OK; i++)
		if (settle_is_pending(&work->items[i]))
			code = settle_return(work->settler, &work->items[i]);
	return code;
}

static int deal(struct work *work, size_t taken)
{
	int code = EXIT_OK, returned;
	size_t n = remove_poison(work, taken, &code);

	if (code == EXIT_OK && n > 1)
		n = isolate_suspect(work, n, &code);
	if (code == EXIT_OK && n > 0)
		code = work->settings->sink->handle(work->sink, work->settler, work->items, n);
	returned = return_pending(work, n);
	if (code == EXIT_OK)
		code = returned;
	if (code != EXIT_OK)
		return code;
	rest(work, taken);
	return GO_ON;
}

/* ------------------------------------------------------------------ the loop */

static int leave(void)
{
	return interrupt_signal() ? EXIT_BY_SIGNAL + interrupt_signal() : EXIT_OK;
}

/* More of them until the batch is full or it has waited long enough. What ends it early is met again by
   the next take. */
static size_t fill(struct work *work, size_t taken)
{
	const uint64_t linger_ns = work->settings->sink->linger_ns, began_ns = ring_now_ns();
	uint64_t passed_ns = 0;
	size_t more;

	while (taken < work->batch && passed_ns < linger_ns && !interrupt_wants_leave()) {
		int left_ms = (int)((linger_ns - passed_ns + NS_PER_MS - 1) / NS_PER_MS);

		if (ring_take_batch(work->settler->ring, work->items + taken, work->batch - taken, &more,
				    left_ms) != RING_OK)
			break;
		taken += more;
		passed_ns = ring_now_ns() - began_ns;
	}
	return taken;
}

/* The sink has items in hand: is the time come for some? */
static int look(struct work *work, bool is_end)
{
	const struct sink *sink = work->settings->sink;
	int code;

	if (!sink->look)
		return GO_ON;
	code = sink->look(work->sink, work->settler, is_end, &work->kept);
	return code == EXIT_OK ? GO_ON : code;
}

/* Nothing came. */
static int look_round(struct work *work)
{
	if (work->kept > 0)
		return look(work, false);
	settle_let_go(work->settler);
	if (work->settings->idle_exit_ns == SETTING_NONE)
		return GO_ON;
	return idle_ns(work) < work->settings->idle_exit_ns ? GO_ON : EXIT_OK;
}

static int step(struct work *work)
{
	int code;
	struct ring *ring = work->settler->ring;
	size_t taken;

	switch (ring_take_batch(ring, work->items, work->batch, &taken, wait_ms(work))) {
	case RING_OK:
		code = deal(work, fill(work, taken));
		work->idle_since_ns = ring_now_ns();
		return code == GO_ON ? look(work, false) : code;
	case RING_TIMEOUT:
		return look_round(work);
	case RING_DRAINED:
		return EXIT_OK;
	case RING_CLOSED:
		return settle_forced_out(work->settler);
	case RING_ERROR:
		break;
	}
	if (errno == EINTR)
		return work->kept > 0 ? look(work, false) : GO_ON;
	return diag_ring_error("take from", ring_name(ring), ring_why());
}

/* The sink has a loop of its own. */
static int let_work(const struct settings *settings, void *sink, struct settler *settler)
{
	struct intake intake = {
		.settler = settler, .pace = &settings->pace,
		.idle_exit_ns = settings->idle_exit_ns,
	};
	int code = settings->sink->work(sink, &intake), returned = intake_return(&intake);

	return code != EXIT_OK ? code : returned;
}

static int work_in_turns(const struct settings *settings, void *sink, struct settler *settler)
{
	struct work work = {
		.settings = settings, .sink = sink, .settler = settler,
		.batch = batch_of(settings, settler->ring),
		.idle_since_ns = ring_now_ns(),
	};
	int code = GO_ON, last;

	work.items = calloc(work.batch, sizeof(*work.items));
	if (!work.items) {
		diag_error("no memory for %zu items", work.batch);
		return EXIT_SYSTEM;
	}
	while (code == GO_ON)
		code = interrupt_wants_leave() ? leave() : step(&work);
	last = look(&work, true);
	if (code == EXIT_OK && last != GO_ON)
		code = last;
	free(work.items);
	return code;
}

int work_all(const struct settings *settings, void *sink, struct settler *settler)
{
	if (settings->sink->work)
		return let_work(settings, sink, settler);
	return work_in_turns(settings, sink, settler);
}
