/*
 * items.h - private to ringctl: the items that stand in a ring, oldest first, seen without taking
 * one: what peek and dead have in common.
 */
#ifndef SHMLINE_RINGCTL_ITEMS_H
#define SHMLINE_RINGCTL_ITEMS_H

#include "shm/ring.h"
#include "src/ringctl/table.h"
#include "src/ringctl/verb.h"

#include <jansson.h>
#include <stdint.h>

enum items_kind {
	ITEMS_LEFT,	/* ready, delayed or in flight; as old as their publishing */
	ITEMS_DEAD,	/* dead letters; as old as their death */
};

/* Where an item stands. */
struct item_place {
	uint64_t order_ns;
	uint64_t id;		/* of the first that is left, of a parcel */
	uint32_t slot;
	uint32_t records;	/* items there */
};

/* Fill `places`, which has room for every slot, oldest first. Returns how many, -1 with errno. A parcel
   is one place. */
int64_t items_find(struct ring *ring, enum items_kind kind, struct item_place *places);

struct item_seen {
	struct ring_view view;	/* a parcel's: one record after the other */
	const struct ring_member *holder;	/* NULL: nobody, or one who has left meanwhile */
	const unsigned char *bytes;	/* view.shown of them */
	uint64_t now_ns;
};

/* What a verb makes of the items it shows. */
struct items_form {
	enum items_kind kind;
	const struct column *columns;
	void (*show_row)(const struct item_seen *seen, struct table *table);
	void (*show_json)(const struct item_seen *seen, json_t *item);
};

/*
 * Show the items of the ring `name` as settings say. An item that goes while this works is left out.
 * Returns the exit code; has said what failed.
 */
int items_run(const struct items_form *form, const struct settings *settings, const char *name);

/* The cells "BYTES" and "ITEM", the item's length and its first bytes. */
void items_cell_bytes(const struct item_seen *seen, struct table *table);

/* Options of settings that such a verb has. */
#define OPTION_ITEMS                                                                              \
	{                                                                                         \
		.name = "items", .letter = 'n', .arg = "N",                                       \
		.help = "show N items at most (all)", .kind = OPTION_COUNT, .min = 1,             \
		.field = offsetof(struct settings, items)                                         \
	}
#define OPTION_BYTES                                                                              \
	{                                                                                         \
		.name = "bytes", .letter = 'b', .arg = "SIZE",                                    \
		.help = "show the first SIZE bytes of each (40; all with --json)",                \
		.kind = OPTION_SIZE, .field = offsetof(struct settings, bytes)                    \
	}

#endif
