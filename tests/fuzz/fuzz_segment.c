/*
 * fuzz_segment.c - a segment of arbitrary bytes, opened and used. The input is either the file itself, or
 * the sizes of a sound ring and then a sequence of public calls by several members, between which
 * another process writes into the segment what and where it likes. No call may touch memory
 * outside, go on for ever, or give an item that does not lie in the segment.
 *
 * Time passes only while the library naps, so that its patience costs nothing here.
 */
#include "input.h"

#include "shm/handle.h"
#include "shm/members.h"
#include "tests/guarded_map.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define CALLS_MAX 100	/* calls of one input */
#define HANDLES 3
#define ITEMS 3		/* in one member's hands */
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ------------------------------------------------------------------ time */

static uint64_t napped_ns;

int __real_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_nanosleep(const struct timespec *nap, struct timespec *left);

int __wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
	int failed = __real_clock_gettime(clock, now);

	now->tv_sec += (time_t)(napped_ns / 1000000000);
	return failed;
}

int __wrap_nanosleep(const struct timespec *nap, struct timespec *left)
{
	(void)nap;
	(void)left;
	napped_ns += 1000000000;
	return 0;
}

/* ------------------------------------------------------------------ the stage */

struct player {
	struct ring *ring;
	struct ring_item items[ITEMS];
};

/* Where it pays to write: `count` structs, of whose `stride` bytes the first `words` 32-bit words mean
   something. */
struct part { size_t at, count, stride, words; };

static struct stage {
	char name[32], file[64];
	struct player players[HANDLES];
	unsigned char *bytes;	/* the hostile process's own mapping */
	size_t size;
	struct part parts[7];
} stage;

/* Who came is not always let in: a damaged ring may be refused. */
static void enter(struct player *player, struct input *input)
{
	unsigned roles = (unsigned)input_number(input, 1) & 15;

	memset(player, 0, sizeof(*player));
	player->ring = ring_open(stage.name, roles, (unsigned)input_below(input, 6));
}

static void leave(struct player *player, bool last)
{
	if (last)
		(void)ring_close_last(player->ring);
	else
		ring_close(player->ring);
	memset(player, 0, sizeof(*player));
}

/* Gone as if killed: nothing is given back, only the lock goes. */
static void die(struct player *player)
{
	if (player->ring->me)
		members_abandon(player->ring->anchor);
	segment_release(player->ring->segment);
	free(player->ring);
	memset(player, 0, sizeof(*player));
}

/* An item that a call gave lies in the segment, all of it. */
static void look_at(const struct player *player, const struct ring_item *item)
{
	const struct segment *segment = player->ring->segment;
	const unsigned char *data = item->data;
	volatile unsigned char sum = 0;

	MUST(item->len <= ring_item_max(player->ring));
	MUST(data >= segment->base && data + item->len <= segment->base + segment->at.size);
	for (size_t i = 0; i < item->len; i++)
		sum = (unsigned char)(sum + data[i]);
}

static void ignore(const char *sentence, void *context)
{
	(void)context;
	MUST(*sentence);
}

/* ------------------------------------------------------------------ calls */

static void produce(struct player *player, struct ring_item *item, struct input *input)
{
	static const char bytes[64] = "bytes";
	static const uint64_t marks[4] = { 1, UINT64_MAX, 0, 2 };
	struct iovec batch[4] = { { (void *)(uintptr_t)bytes, 1 }, { (void *)(uintptr_t)bytes, 64 } };
	uint64_t ticket;
	size_t done;

	switch (input_below(input, 8)) {
	case 0:
		if (ring_reserve(player->ring, item, 0) == RING_OK) {
			look_at(player, item);
			memset(item->data, 1, item->len);
		}
		break;
	case 1:
		item->len = input_below(input, 80);
		item->mark = input_number(input, 8);
		item->is_parcel = item->mark % 2;
		item->records = item->is_parcel ? (uint32_t)(item->mark >> 1) % 80 : 1;
		(void)ring_publish(player->ring, item);
		break;
	case 2:
		(void)ring_put(player->ring, bytes, input_below(input, 64), 0);
		break;
	case 3:
		(void)ring_put_marked(player->ring, batch, marks, input_below(input, 4), &done, 0);
		break;
	case 4:
		(void)ring_ticket(player->ring, input_below(input, 10), &ticket);
		break;
	case 5:
		(void)ring_drop_oldest(player->ring);
		break;
	case 6:
		ring_count_dropped(player->ring, input_below(input, 4));
		break;
	default:
		(void)ring_mark(player->ring);
	}
}

static void end(struct player *player, struct ring_item *item, struct input *input)
{
	switch (input_below(input, 5)) {
	case 0:
		(void)ring_ack(player->ring, item);
		break;
	case 1:
		(void)ring_give_back(player->ring, item, input_below(input, 3), true);
		break;
	case 2:
		(void)ring_dead(player->ring, item, 1);
		break;
	case 3:
		(void)ring_ack_records(player->ring, item, 1 + input_below(input, 4),
				       input_below(input, 16));
		break;
	default:
		ring_cancel(player->ring, item);
	}
}

/* An item of the caller's own making. */
static void make_up(struct ring_item *item, struct input *input)
{
	item->slot = (uint32_t)input_number(input, 4);
	if (input_below(input, 2))
		item->word = input_number(input, 8);
}

static void consume(struct player *player, struct ring_item *item, struct input *input)
{
	size_t taken = 0;

	switch (input_below(input, 5)) {
	case 0:
		if (ring_take(player->ring, item, 0) == RING_OK)
			look_at(player, item);
		break;
	case 1:
		if (ring_take_batch(player->ring, player->items, ITEMS, &taken, 0) == RING_OK)
			for (size_t i = 0; i < taken; i++)
				look_at(player, &player->items[i]);
		break;
	case 2:
		make_up(item, input);
		end(player, item, input);
		break;
	case 3:
		if (ring_next(player->ring, item, 0) == RING_OK)
			look_at(player, item);
		break;
	default:
		end(player, item, input);
	}
}

static void supervise(struct player *player, struct input *input)
{
	switch (input_below(input, 7)) {
	case 0:
		ring_stop(player->ring, (enum ring_stop_mode)input_below(input, 4),
			  (enum ring_stop_cause)input_below(input, 5));
		break;
	case 1:
		(void)ring_restart(player->ring);
		break;
	case 2:
		ring_hold(player->ring, input_below(input, 2));
		break;
	case 3:
		(void)ring_recover(player->ring, 0);
		break;
	case 4:
		ring_sweep(player->ring);
		break;
	case 5:
		ring_note(player->ring, "a note of some length that is cut");
		break;
	default:
		(void)ring_is_drained(player->ring);
	}
}

static void look(struct player *player, struct input *input)
{
	unsigned char bytes[16];
	struct ring_histogram wait, work;
	struct ring_stats stats;
	struct ring_books books;
	struct ring_member member;
	struct ring_view view;

	switch (input_below(input, 7)) {
	case 0:
		(void)ring_stats(player->ring, &stats);
		break;
	case 1:
		ring_books(player->ring, &books);
		break;
	case 2:
		if (ring_member(player->ring, input_below(input, 8), &member) == 1)
			MUST(strnlen(member.note, sizeof(member.note)) < sizeof(member.note));
		break;
	case 3:
		if (ring_look(player->ring, input_below(input, 10), &view, bytes, sizeof(bytes)) == 1)
			MUST(view.shown <= sizeof(bytes));
		break;
	case 4:
		(void)ring_fsck(player->ring, input_below(input, 2), ignore, NULL);
		break;
	case 5:
		ring_times(player->ring, &wait, &work);
		MUST(ring_quantile_ns(&wait, 0.5) <= ring_bucket_end_ns(RING_BUCKETS - 1));
		break;
	default:
		(void)ring_stopped(player->ring);
		(void)ring_stop_cause(player->ring);
	}
}

static void come_or_go(struct player *player, struct input *input)
{
	switch (input_below(input, 4)) {
	case 0:
		leave(player, false);
		break;
	case 1:
		leave(player, true);
		break;
	default:
		die(player);
	}
	enter(player, input);
}

/* The hostile process: a field becomes something else. */
static void scribble(struct input *input)
{
	const struct part *part = &stage.parts[input_below(input, COUNT(stage.parts))];
	size_t at = part->at + input_below(input, (uint32_t)part->count) * part->stride +
		    4 * (size_t)input_below(input, (uint32_t)part->words);
	uint32_t value;

	memcpy(&value, stage.bytes + at, sizeof(value));
	switch (input_below(input, 5)) {
	case 0:
		value = (uint32_t)input_number(input, 4);
		break;
	case 1:
		value = (uint32_t)input_number(input, 1);
		break;
	case 2:
		value ^= UINT32_C(1) << input_below(input, 32);
		break;
	case 3:
		value += input_below(input, 2) ? 1 : UINT32_MAX;
		break;
	default:
		value = UINT32_MAX;
	}
	memcpy(stage.bytes + at, &value, sizeof(value));
}

static void play(struct input *input)
{
	struct player *player = &stage.players[input_below(input, HANDLES)];
	uint32_t kind = input_below(input, 8);

	if (kind < 2)
		scribble(input);
	else if (!player->ring)
		enter(player, input);
	else if (kind < 4)
		produce(player, &player->items[input_below(input, ITEMS)], input);
	else if (kind < 6)
		consume(player, &player->items[input_below(input, ITEMS)], input);
	else if (kind == 6)
		supervise(player, input);
	else if (input_below(input, 2))
		look(player, input);
	else
		come_or_go(player, input);
}

/* ------------------------------------------------------------------ the segment */

static void write_file(const struct input *input)
{
	int fd = open(stage.file, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	MUST(fd >= 0 && write(fd, input->at, input->left) == (ssize_t)input->left);
	(void)close(fd);
	for (size_t i = 0; i < COUNT(stage.parts); i++)
		stage.parts[i] = (struct part){ 0, 1, 0, input->left / 4 };
}

static void make_ring(struct input *input)
{
	struct ring_options options = {
		.slots = 2 + input_below(input, 7),
		.item_max = 1 + input_below(input, 64),
		.terminator = 1,	/* of which items are made */
	};
	uint32_t rest = input_below(input, 6);
	struct geometry at;

	options.members = 3 + rest % 3;
	options.has_parcels = rest >= 3;

	MUST(ring_create(stage.name, &options) == 0);
	segment_measure(&options, &at);
	stage.parts[0] = (struct part){ 0, 1, 0, sizeof(struct header) / 4 };
	stage.parts[6] = (struct part){ 0, 1, 0, offsetof(struct header, stop) / 4 };
	stage.parts[1] = (struct part){ at.members_at, at.members, sizeof(struct member),
					sizeof(struct member) / 4 };
	stage.parts[2] = (struct part){ at.lanes_at, at.members, sizeof(struct lane), 8 };
	stage.parts[3] = (struct part){ at.words_at, at.slots, 8, 2 };
	stage.parts[4] = (struct part){ at.cells_at, at.cells, 8, 2 };
	stage.parts[5] = (struct part){ at.slots_at, at.slots, at.stride,
					(sizeof(struct slot) + at.data_at) / 4 };
}

/* A line at work: a producer, a consumer, one that does everything, and some items. */
static void begin(struct input *input)
{
	static const unsigned roles[HANDLES] = {
		RING_PRODUCER, RING_CONSUMER | RING_PARCELS,
		RING_PRODUCER | RING_CONSUMER | RING_PARCELS | RING_HOLDER | RING_LAUNCHER,
	};
	struct ring_item item;

	for (unsigned i = 0; i < HANDLES; i++)
		stage.players[i].ring = ring_open(stage.name, roles[i], i + 1);
	for (uint32_t n = stage.players[0].ring ? input_below(input, 6) : 0; n > 0; n--)
		if (ring_reserve(stage.players[0].ring, &item, 0) == RING_OK) {
			item.mark = 7 - n;
			(void)ring_publish(stage.players[0].ring, &item);
		}
}

/* Whatever was done to it, it can be looked at, all of it. */
static void look_over(void)
{
	struct ring *ring = ring_open(stage.name, RING_OBSERVER, 0);
	unsigned char bytes[128];
	struct ring_view view;

	if (!ring)
		return;
	(void)ring_fsck(ring, true, ignore, NULL);
	for (uint32_t i = 0; i < ring_slots(ring); i++)
		if (ring_look(ring, i, &view, bytes, sizeof(bytes)) == 1)
			MUST(view.len <= ring_item_max(ring) && view.shown <= view.len);
	ring_close(ring);
}

/* A mapping of one's own, as another process would have it. */
static void map_bytes(void)
{
	int fd = open(stage.file, O_RDWR | O_CLOEXEC);
	off_t size = lseek(fd, 0, SEEK_END);

	MUST(fd >= 0 && size > 0);
	stage.size = (size_t)size;
	stage.bytes = mmap(NULL, stage.size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	MUST(stage.bytes != MAP_FAILED);
	(void)close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { .at = data, .left = size };
	bool is_file = input_number(&input, 1) & 1;

	if (input.left < 4)
		return 0;
	(void)snprintf(stage.name, sizeof(stage.name), "fuzz-%d", (int)getpid());
	(void)snprintf(stage.file, sizeof(stage.file), "/dev/shm/shmline.%s", stage.name);
	(void)unlink(stage.file);
	if (is_file)
		write_file(&input);
	else
		make_ring(&input);
	map_bytes();
	begin(&input);
	for (int i = 0; i < CALLS_MAX && input.left > 0; i++)
		play(&input);
	look_over();
	for (int i = 0; i < HANDLES; i++)
		if (stage.players[i].ring)
			leave(&stage.players[i], false);
	(void)ring_unlink(stage.name, true);
	(void)unlink(stage.file);
	(void)munmap(stage.bytes, stage.size);
	return 0;
}
