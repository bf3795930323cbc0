/* storage.c - see storage.h. */
#include "src/consumer/storage.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "src/base/backoff.h"
#include "src/base/diag.h"
#include "src/base/exitcode.h"
#include "src/base/interrupt.h"
#include "src/consumer/settle.h"

#define BOOT_ID "/proc/sys/kernel/random/boot_id"
#define TOLD_NS UINT64_C(1000000000)	/* a guess: who waits longer than this is missed */

/* ------------------------------------------------------------------ where to */

bool storage_table_is_valid(const char *name)
{
	static const char *const kept[] = { "sqlite_", "pg_", "shmline_" };
	size_t len = strlen(name);

	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		if (strncasecmp(name, kept[i], strlen(kept[i])) == 0)
			return false;
	for (size_t i = 0; i < len; i++)
		if (name[i] != '_' && !isalnum((unsigned char)name[i]))
			return false;
	return len >= 1 && len <= STORAGE_TABLE_MAX && !isdigit((unsigned char)name[0]);
}

static char *find_table(char *place)
{
	static const char mark[] = "?table=";
	char *last = NULL;

	for (char *at = strstr(place, mark); at; at = strstr(at + 1, mark))
		last = at;
	if (!last)
		return NULL;
	*last = '\0';
	return last + sizeof(mark) - 1;
}

int storage_target_read(struct storage_target *target, const char *sink, const char *arg)
{
	char shown[256];
	const char *table;

	*target = (struct storage_target){ .place = strdup(arg) };
	if (!target->place) {
		diag_error("no memory for a sink");
		return EXIT_SYSTEM;
	}
	table = find_table(target->place);
	if (table && !storage_table_is_valid(table)) {
		diag_error("--sink %s: table \"%s\": expected at most %d letters, digits and "
			   "underscores, no digit in front, no name that begins with sqlite_, pg_ or shmline_",
			   sink, diag_quote(shown, sizeof(shown), table, strlen(table)), STORAGE_TABLE_MAX);
		return EXIT_BAD_USAGE;
	}
	if (table)
		strcpy(target->table, table);
	return EXIT_OK;
}

void storage_target_free(struct storage_target *target)
{
	free(target->place);
}

/* ------------------------------------------------------------------ which ring */

static void read_boot(char boot[40])
{
	FILE *file = fopen(BOOT_ID, "re");

	if (!file || !fgets(boot, 40, file))
		strcpy(boot, "-");
	boot[strcspn(boot, "\n")] = '\0';
	if (file)
		fclose(file);
}

int storage_identity(struct ring *ring, char identity[STORAGE_IDENTITY_MAX])
{
	struct ring_stats stats;
	char boot[40];

	if (ring_stats(ring, &stats) < 0)
		return diag_ring_error("read", ring_name(ring), ring_why());
	read_boot(boot);
	snprintf(identity, STORAGE_IDENTITY_MAX, "%s/%llu", boot, (unsigned long long)stats.created_ns);
	return EXIT_OK;
}

/* ------------------------------------------------------------------ rows */

void storage_rows(struct storage_row *rows, struct ring_item *items, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		rows[i] = (struct storage_row){ .item = &items[i], .form = FORM_ITEMS };
		if (invoice_parse(items[i].data, items[i].len, &rows[i].invoice))
			rows[i].form = FORM_INVOICES;
	}
}

int storage_settle(struct settler *settler, const struct storage_row *rows, size_t n, const char *table)
{
	char cause[STORAGE_TABLE_MAX + 64];
	const struct outcome misfit = { .code = ITEM_DEAD, .cause = cause };
	int code = EXIT_OK;

	snprintf(cause, sizeof(cause), "not an invoice, and table %s holds nothing else", table);
	for (size_t i = 0; i < n && code == EXIT_OK; i++)
		code = rows[i].is_misfit ? settle_dead(settler, rows[i].item, &misfit)
					 : settle_done(settler, rows[i].item);
	return code;
}

const char *storage_now(char text[INVOICE_TIME_MAX])
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return invoice_time(text, (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec);
}

/* ------------------------------------------------------------------ when it does not work */

int storage_exit_code(enum storage_fault fault)
{
	static const int codes[] = {
		[FAULT_NONE] = EXIT_OK,
		[FAULT_BUSY] = EXIT_NO_RING,
		[FAULT_FULL] = EXIT_CANT_CREATE,
		[FAULT_DATA] = EXIT_BAD_DATA,
		[FAULT_REFUSED] = EXIT_NO_RING,
		[FAULT_OTHER] = EXIT_IO,
	};

	return codes[fault];
}

int storage_stop_line(struct ring *ring, enum storage_fault fault)
{
	ring_stop(ring, RING_STOP_NOW, RING_CAUSE_FAILURE);
	return storage_exit_code(fault);
}

bool storage_is_called_off(struct ring *ring)
{
	return interrupt_signal() != 0 || ring_stopped(ring) == RING_STOP_NOW;
}

static void tell(struct storage_patience *patience, const char *place, const char *why)
{
	char shown[256];

	if (patience->has_told || ring_now_ns() - patience->since_ns < TOLD_NS)
		return;
	diag_warn("waiting for %s: %s", diag_quote(shown, sizeof(shown), place, strlen(place)), why);
	patience->has_told = true;
}

bool storage_wait(struct storage_patience *patience, struct ring *ring, const char *place, const char *why)
{
	static const struct backoff backoff = {
		.kind = BACKOFF_EXP, .min_ns = UINT64_C(2000000), .max_ns = UINT64_C(1000000000),
	};
	double random01 = arc4random() / 4294967296.0;
	uint64_t now = ring_now_ns(), until = now + backoff_delay_ns(&backoff, patience->attempts, random01);

	if (patience->attempts++ == 0)
		patience->since_ns = now;
	tell(patience, place, why);
	while ((now = ring_now_ns()) < until && !storage_is_called_off(ring))
		interrupt_nap(until - now);
	return !storage_is_called_off(ring);
}
