/*
 * describe.c - prints sizes and offsets: of what ring.h declares, which programs were compiled with, and of
 * the segment, which processes of different builds share.
 */
#include "shm/layout.h"
#include "shm/ring.h"

#include <stdio.h>

#define SIZE(type) printf("%s: %zu bytes\n", #type, sizeof(type))
#define AT(type, field) \
	printf("    %s: at %zu, %zu bytes\n", #field, offsetof(type, field), sizeof(((type *)0)->field))

static void describe_public(void)
{
	SIZE(enum ring_result);
	SIZE(struct ring_options);
	AT(struct ring_options, slots);
	AT(struct ring_options, item_max);
	AT(struct ring_options, members);
	AT(struct ring_options, has_parcels);
	AT(struct ring_options, terminator);
	SIZE(struct ring_item);
	AT(struct ring_item, data);
	AT(struct ring_item, len);
	AT(struct ring_item, id);
	AT(struct ring_item, mark);
	AT(struct ring_item, published_ns);
	AT(struct ring_item, taken_ns);
	AT(struct ring_item, deliveries);
	AT(struct ring_item, failures);
	AT(struct ring_item, given_back);
	AT(struct ring_item, lane);
	AT(struct ring_item, records);
	AT(struct ring_item, is_parcel);
	AT(struct ring_item, slot);
	AT(struct ring_item, word);
	SIZE(struct ring_stats);
	AT(struct ring_stats, left);
	AT(struct ring_stats, blocked_ns);
	AT(struct ring_stats, slots);
	AT(struct ring_stats, high_water);
	AT(struct ring_stats, oldest_ns);
	AT(struct ring_stats, stop);
	AT(struct ring_stats, launcher);
	SIZE(struct ring_histogram);
	AT(struct ring_histogram, bucket);
	SIZE(struct ring_books);
	AT(struct ring_books, dropped);
	SIZE(struct ring_member);
	AT(struct ring_member, pid);
	AT(struct ring_member, is_alive);
	AT(struct ring_member, published);
	AT(struct ring_member, blocked_ns);
	AT(struct ring_member, holding);
	AT(struct ring_member, note);
	SIZE(struct ring_view);
	AT(struct ring_view, id);
	AT(struct ring_view, len);
	AT(struct ring_view, records);
	AT(struct ring_view, is_parcel);
	AT(struct ring_view, deliveries);
	AT(struct ring_view, published_ns);
}

static void describe_segment(void)
{
	printf("layout version: %u\n", LAYOUT_VERSION);
	SIZE(struct header);
	AT(struct header, magic);
	AT(struct header, version);
	AT(struct header, abi);
	AT(struct header, slots);
	AT(struct header, parcels);
	AT(struct header, size);
	AT(struct header, first);
	AT(struct header, stop);
	AT(struct header, stop_published);
	AT(struct header, removed);
	AT(struct header, head);
	AT(struct header, tail);
	AT(struct header, next_id);
	AT(struct header, ticket);
	AT(struct header, ready);
	AT(struct header, free);
	SIZE(struct member);
	AT(struct member, word);
	AT(struct member, pid);
	AT(struct member, note);
	AT(struct member, intent);
	AT(struct member, target);
	AT(struct member, count);
	AT(struct member, base);
	SIZE(struct lane);
	AT(struct lane, mark);
	AT(struct lane, granted);
	AT(struct lane, used);
	SIZE(struct slot);
	AT(struct slot, published_ns);
	AT(struct slot, mark);
	AT(struct slot, when_ns);
	AT(struct slot, len);
	AT(struct slot, lane);
	AT(struct slot, failures);
	AT(struct slot, reason);
	AT(struct slot, given_back);
	SIZE(struct parcel);
	AT(struct parcel, progress);
	AT(struct parcel, records);
	SIZE(struct times);
	AT(struct times, work);
}

int main(void)
{
	describe_public();
	describe_segment();
	return 0;
}
