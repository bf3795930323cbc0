/*
 * screen.c - see screen.h. The drawing is a stack of blocks; which there are depends on the height, and a
 * block that is left out is one that a taller terminal has.
 */
#include "src/view/screen.h"

#include <curses.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "src/base/quantity.h"
#include "src/view/scale.h"
#include "src/view/words.h"

#define MESSAGE_NS UINT64_C(5000000000)
#define ROWS_MIN 10
#define COLUMNS_MIN 40

enum paint { PAINT_PLAIN, PAINT_READY, PAINT_IN_FLIGHT, PAINT_BAD, PAINT_TITLE };

struct pen {
	const struct screen *screen;
	int row;
};

/* ------------------------------------------------------------------ letters */

/* At most `columns` wide, however many bytes that takes; nothing ever wraps into the next row. */
static void put(int row, int column, int columns, const char *text)
{
	mbstate_t state = { 0 };
	size_t left = strlen(text);

	(void)move(row, column);
	while (left > 0) {
		wchar_t letter[2] = { L'\0', L'\0' };
		size_t used = mbrtowc(letter, text, left, &state);
		int width;

		if (used == (size_t)-1 || used == (size_t)-2 || used == 0)
			return;
		width = wcwidth(letter[0]);
		if (width < 0 || width > columns)
			return;
		(void)addnwstr(letter, 1);
		columns -= width;
		text += used;
		left -= used;
	}
}

__attribute__((format(printf, 3, 4)))
static void say(int row, int column, const char *format, ...)
{
	char text[512];
	va_list args;

	if (row >= LINES || column >= COLS)
		return;
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	put(row, column, COLS - column, text);
}

static void set_paint(const struct screen *screen, enum paint paint)
{
	static const attr_t plain[] = {
		[PAINT_PLAIN] = A_NORMAL, [PAINT_READY] = A_NORMAL, [PAINT_IN_FLIGHT] = A_NORMAL,
		[PAINT_BAD] = A_BOLD, [PAINT_TITLE] = A_BOLD,
	};

	(void)attr_set(plain[paint], 0, NULL);
	if (screen->terminal.has_color && paint != PAINT_PLAIN && paint != PAINT_TITLE)
		(void)color_set((short)paint, NULL);
}

static void set_colors(void)
{
	(void)init_pair(PAINT_READY, COLOR_GREEN, -1);
	(void)init_pair(PAINT_IN_FLIGHT, COLOR_YELLOW, -1);
	(void)init_pair(PAINT_BAD, COLOR_RED, -1);
}

static const char *show_rate(char text[12], double rate)
{
	if (rate >= 999500)
		(void)snprintf(text, 12, "%.1fM", rate / 1e6);
	else if (rate >= 9999.5)
		(void)snprintf(text, 12, "%.0fk", rate / 1e3);
	else
		(void)snprintf(text, 12, rate > 0 && rate < 9.95 ? "%.1f" : "%.0f", rate);
	return text;
}

/* ------------------------------------------------------------------ blocks */

typedef unsigned long long number;

static void draw_title(struct pen *pen, const char *ring, const struct snapshot *snapshot)
{
	const struct reading *reading = &snapshot->reading;
	const struct ring_stats *stats = &reading->stats;
	char age[16], launcher[32] = "";

	quantity_show_duration(age, sizeof(age),
			       reading_between_ns(stats->created_ns, reading->now_ns) / 1000000000 *
			       1000000000);
	if (reading->launcher)
		(void)snprintf(launcher, sizeof(launcher), ", launcher %d", (int)reading->launcher);
	set_paint(pen->screen, PAINT_TITLE);
	say(pen->row, 0, "%.60s", ring);
	set_paint(pen->screen, PAINT_PLAIN);
	say(pen->row++, (int)(strlen(ring) < 60 ? strlen(ring) : 60) + 1, " %s%s, %s, %u slots%s",
	    words_ring_state(reading), pen->screen->is_paused ? " (paused)" : "", age, stats->slots,
	    launcher);
}

static void draw_books(struct pen *pen, const struct ring_stats *stats)
{
	number published = stats->published, acked = stats->acked, dead = stats->dead,
	       dropped = stats->dropped, left = stats->left;

	if (COLS >= 80)
		say(pen->row++, 0, "published %llu = acked %llu + dead %llu + dropped %llu + left %llu",
		    published, acked, dead, dropped, left);
	else
		say(pen->row++, 0, "%llu = %llu ack+%llu dead+%llu drop+%llu left", published, acked,
		    dead, dropped, left);
}

/* A label beside its mark, on whichever side there is room. */
static void draw_mark(const struct screen *screen, int row, int column, const char *mark,
		      const char *ascii, const char *label)
{
	int len = (int)strlen(label);

	set_paint(screen, PAINT_TITLE);
	say(row, column, "%s", screen->terminal.is_utf8 ? mark : ascii);
	set_paint(screen, PAINT_PLAIN);
	if (column + 2 + len <= COLS)
		say(row, column + 2, "%s", label);
	else
		say(row, column - 1 - len > 0 ? column - 1 - len : 0, "%s", label);
}

static void draw_bar(const struct screen *screen, const struct scale *scale, int row, int column)
{
	static const char *const letters[][2] = {
		[SCALE_FREE] = { ".", "·" }, [SCALE_IN_FLIGHT] = { "+", "▒" }, [SCALE_READY] = { "#", "█" },
	};
	static const enum paint paints[] = {
		[SCALE_FREE] = PAINT_PLAIN, [SCALE_IN_FLIGHT] = PAINT_IN_FLIGHT, [SCALE_READY] = PAINT_READY,
	};

	for (int i = 0; i < scale->columns; i++) {
		enum scale_part part = scale_part(scale, i);

		set_paint(screen, paints[part]);
		say(row, column + i, "%s", letters[part][screen->terminal.is_utf8]);
	}
	set_paint(screen, PAINT_PLAIN);
}

static void draw_scale(struct pen *pen, const struct reading *reading)
{
	const struct ring_stats *stats = &reading->stats;
	char end[16], label[48];
	int left = 2;
	struct scale scale;

	(void)snprintf(end, sizeof(end), "%u", stats->slots);
	scale = scale_of(stats, COLS - left - (int)strlen(end) - 1);
	(void)snprintf(label, sizeof(label), "%u producer%s at %u", reading->producers,
		       reading->producers == 1 ? "" : "s", scale.producers_at);
	draw_mark(pen->screen, pen->row, left + scale_column(&scale, scale.producers_at), "▼", "v", label);
	say(pen->row + 1, 0, "0");
	draw_bar(pen->screen, &scale, pen->row + 1, left);
	say(pen->row + 1, left + scale.columns + 1, "%s", end);
	(void)snprintf(label, sizeof(label), "%u consumer%s at %u", reading->consumers,
		       reading->consumers == 1 ? "" : "s", scale.consumers_at);
	draw_mark(pen->screen, pen->row + 2, left + scale_column(&scale, scale.consumers_at), "▲", "^", label);
	pen->row += 3;
}

static void draw_depth(struct pen *pen, const struct ring_stats *stats)
{
	say(pen->row++, 0, "ready %u  in flight %u  free %u  delayed %u  most %u", stats->ready,
	    stats->in_flight, stats->free, stats->delayed, stats->high_water);
}

static void draw_full(struct pen *pen, const struct ring_stats *stats)
{
	char blocked[16], oldest[16];

	quantity_show_duration(blocked, sizeof(blocked), stats->blocked_ns / 1000000 * 1000000);
	quantity_show_duration(oldest, sizeof(oldest), stats->oldest_ns / 1000000 * 1000000);
	set_paint(pen->screen, stats->free == 0 ? PAINT_BAD : PAINT_PLAIN);
	say(pen->row, 0, "full %llu times", (number)stats->full);
	set_paint(pen->screen, PAINT_PLAIN);
	(void)printw("  blocked %.12s", blocked);
	if (COLS >= 60)
		(void)printw("  oldest %.12s  redelivered %llu", oldest, (number)stats->redelivered);
	pen->row++;
}

static void draw_rates_short(struct pen *pen, const struct history *history)
{
	char published[12], acked[12];

	say(pen->row++, 0, "published %s/s  acked %s/s", show_rate(published, history->rates.published),
	    show_rate(acked, history->rates.acked));
}

static void draw_spark(const struct screen *screen, int row, int column, const float *values, int n,
		       float most)
{
	static const char *const blocks[] = { " ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
	static const char *const ascii[] = { " ", ".", ".", ":", ":", "|", "|", "#", "#" };

	for (int i = 0; i < n; i++) {
		int level = most > 0 ? (int)(values[i] / most * 8 + 0.5f) : 0;

		level = values[i] > 0 && level == 0 ? 1 : level;
		level = level > 8 ? 8 : level;
		say(row, column + i, "%s", screen->terminal.is_utf8 ? blocks[level] : ascii[level]);
	}
}

enum series { SERIES_PUBLISHED, SERIES_ACKED, SERIES_READY };

static float sample_of(const struct sample *sample, enum series series)
{
	switch (series) {
	case SERIES_PUBLISHED:
		return sample->published;
	case SERIES_ACKED:
		return sample->acked;
	case SERIES_READY:
		break;
	}
	return (float)sample->ready;
}

/* A line with a series' last seconds; the most is that of what is seen, unless there is a limit. */
static void draw_series(struct pen *pen, const struct history *history, const char *label,
			enum series series, float limit)
{
	enum { COLUMN = 20 };
	int n = COLS - COLUMN < (int)history->n ? COLS - COLUMN : (int)history->n;
	float values[HISTORY_SAMPLES], most = limit;

	for (int i = 0; i < n; i++) {
		values[i] = sample_of(&history->samples[history->n - (size_t)(n - i)], series);
		if (limit <= 0 && values[i] > most)
			most = values[i];
	}
	say(pen->row, 0, "%s", label);
	set_paint(pen->screen, series == SERIES_PUBLISHED ? PAINT_PLAIN : PAINT_READY);
	draw_spark(pen->screen, pen->row++, COLUMN, values, n, most);
	set_paint(pen->screen, PAINT_PLAIN);
}

static void draw_rates_long(struct pen *pen, const struct history *history,
			    const struct ring_stats *stats)
{
	char label[32], rate[12];

	(void)snprintf(label, sizeof(label), "published %7s/s",
		       show_rate(rate, history->rates.published));
	draw_series(pen, history, label, SERIES_PUBLISHED, 0);
	(void)snprintf(label, sizeof(label), "acked     %7s/s", show_rate(rate, history->rates.acked));
	draw_series(pen, history, label, SERIES_ACKED, 0);
	(void)snprintf(label, sizeof(label), "ready     %7u", stats->ready);
	draw_series(pen, history, label, SERIES_READY, (float)stats->slots);
}

static void show_times(char *text, size_t size, const char *name, const struct ring_histogram *times)
{
	char p50[16], p99[16];

	quantity_show_duration(p50, sizeof(p50), ring_quantile_ns(times, 0.5) / 1000 * 1000);
	quantity_show_duration(p99, sizeof(p99), ring_quantile_ns(times, 0.99) / 1000 * 1000);
	(void)snprintf(text, size, "%s half under %s, 99%% %s", name, p50, p99);
}

static void draw_times(struct pen *pen, const struct snapshot *snapshot)
{
	char wait[80], work[80];

	show_times(wait, sizeof(wait), "wait", &snapshot->wait);
	show_times(work, sizeof(work), "work", &snapshot->work);
	say(pen->row++, 0, "%s;  %s", wait, work);
}

/* ------------------------------------------------------------------ workers */

static enum screen_sort sorting;	/* qsort(3) has no context */

static int by_number(uint64_t a, uint64_t b)
{
	return (a < b) - (a > b);
}

static int compare_names(const struct view_worker *a, const struct view_worker *b)
{
	if ((a->roles & RING_PRODUCER) != (b->roles & RING_PRODUCER))
		return a->roles & RING_PRODUCER ? -1 : 1;
	if (a->number != b->number)
		return a->number < b->number ? -1 : 1;
	return by_number(b->index, a->index);
}

static int compare_workers(const void *left, const void *right)
{
	const struct view_worker *a = left, *b = right;
	int result = 0;

	switch (sorting) {
	case SORT_RATE:
		result = (a->rate < b->rate) - (a->rate > b->rate);
		break;
	case SORT_AGE:
		result = by_number(a->held_ns, b->held_ns);
		break;
	case SORT_DONE:
		result = by_number(a->done, b->done);
		break;
	case SORT_NAME:
	case SORTS:
		break;
	}
	return result ? result : compare_names(a, b);
}

enum worker_cell { CELL_NAME, CELL_STATE, CELL_ITEM, CELL_FOR, CELL_RATE, CELL_DONE, CELL_RESTARTS,
		   CELL_PID, CELL_WAITED, CELL_NOTE };

static const struct {
	const char *title;
	int width;		/* negative: to the left */
	int columns_min;	/* of the terminal */
} cells[] = {
	[CELL_NAME] = { .title = "WORKER", .width = -11 },
	[CELL_STATE] = { .title = "STATE", .width = -7 },
	[CELL_ITEM] = { .title = "ITEM", .width = 7 },
	[CELL_FOR] = { .title = "FOR", .width = 6 },
	[CELL_RATE] = { .title = "RATE", .width = 5 },
	[CELL_DONE] = { .title = "DONE", .width = 9, .columns_min = 50 },
	[CELL_RESTARTS] = { .title = "RESTARTS", .width = 8, .columns_min = 60 },
	[CELL_PID] = { .title = "PID", .width = 7, .columns_min = 68 },
	[CELL_WAITED] = { .title = "WAITED", .width = 7, .columns_min = 76 },
	[CELL_NOTE] = { .title = "NOTE", .width = -24, .columns_min = 90 },
};
#define CELLS (sizeof(cells) / sizeof(cells[0]))

static void cell_duration(char text[32], uint64_t ns)
{
	quantity_show_duration(text, 16, ns < 10000000 ? ns / 1000 * 1000 : ns / 1000000 * 1000000);
}

static void cell_text(char text[static 100], const struct snapshot *snapshot,
		      const struct view_worker *worker, enum worker_cell cell)
{
	(void)snprintf(text, 100, "-");
	switch (cell) {
	case CELL_NAME:
		(void)snprintf(text, 100, "%s", worker->name);
		break;
	case CELL_STATE:
		(void)snprintf(text, 100, "%s", worker->state);
		break;
	case CELL_ITEM:
		if (worker->item)
			(void)snprintf(text, 100, "%llu", (number)worker->item);
		break;
	case CELL_FOR:
		if (worker->item)
			cell_duration(text, worker->held_ns);
		break;
	case CELL_RATE:
		(void)show_rate(text, worker->rate);
		break;
	case CELL_DONE:
		(void)snprintf(text, 100, "%llu", (number)worker->done);
		break;
	case CELL_RESTARTS:
		if (snapshot->knows_restarts)
			(void)snprintf(text, 100, "%u", worker->restarts);
		break;
	case CELL_PID:
		if (worker->pid)
			(void)snprintf(text, 100, "%d", (int)worker->pid);
		break;
	case CELL_WAITED:
		cell_duration(text, worker->blocked_ns);
		break;
	case CELL_NOTE:
		(void)snprintf(text, 100, "%s", worker->note);
		break;
	}
}

/* `worker` NULL: the header. */
static void draw_worker(int row, const struct snapshot *snapshot, const struct view_worker *worker)
{
	int column = 0;

	for (enum worker_cell cell = 0; cell < CELLS; cell++) {
		int width = cells[cell].width < 0 ? -cells[cell].width : cells[cell].width;
		char text[100];
		int len;

		if (COLS < cells[cell].columns_min)
			continue;
		if (worker)
			cell_text(text, snapshot, worker, cell);
		else
			(void)snprintf(text, sizeof(text), "%s", cells[cell].title);
		len = (int)strlen(text);
		put(row, cells[cell].width > 0 && len < width ? column + width - len : column, width, text);
		column += width + 1;
	}
}

static void draw_workers(struct pen *pen, struct screen *screen, struct snapshot *snapshot, int end)
{
	unsigned room = end > pen->row + 1 ? (unsigned)(end - pen->row - 1) : 0;
	unsigned n = (unsigned)snapshot->n_workers;

	sorting = screen->sort;
	if (n > 0)
		qsort(snapshot->workers, n, sizeof(*snapshot->workers), compare_workers);
	if (screen->scrolled + room > n)
		screen->scrolled = n > room ? n - room : 0;
	set_paint(screen, PAINT_TITLE);
	draw_worker(pen->row++, snapshot, NULL);
	for (unsigned i = screen->scrolled; i < n && pen->row < end; i++) {
		const struct view_worker *worker = &snapshot->workers[i];

		set_paint(screen, strcmp(worker->state, "dead") == 0 ? PAINT_BAD : PAINT_PLAIN);
		draw_worker(pen->row++, snapshot, worker);
	}
	set_paint(screen, PAINT_PLAIN);
}

/* ------------------------------------------------------------------ the whole */

/* What workers leave, but a few lines in any case. */
static int text_lines(const struct screen *screen, size_t n_workers)
{
	enum { ROWS_ABOVE = 16 };
	int least = LINES >= 20 ? 3 : LINES >= 14 ? 1 : 0;
	int most = LINES - ROWS_ABOVE - (n_workers < 100 ? (int)n_workers : 100);
	int n = 0;

	most = most < least ? least : most > SCREEN_TEXT_LINES ? SCREEN_TEXT_LINES : most;
	while (n < most && screen->text[SCREEN_TEXT_LINES - 1 - n][0] != '\0')
		n++;
	return n;
}

static void draw_bottom(const struct screen *screen, int n_lines, uint64_t now_ns)
{
	for (int i = 0; i < n_lines; i++)
		say(LINES - 1 - n_lines + i, 0, "%s", screen->text[SCREEN_TEXT_LINES - n_lines + i]);
	set_paint(screen, PAINT_TITLE);
	if (screen->message[0] != '\0' && now_ns < screen->message_until_ns)
		say(LINES - 1, 0, "%s", screen->message);
	else
		say(LINES - 1, 0, "%s", COLS < 50 ? screen->keys_short : screen->keys);
	set_paint(screen, PAINT_PLAIN);
}

void screen_draw(struct screen *screen, const char *ring, struct snapshot *snapshot,
		 const struct history *history)
{
	const struct ring_stats *stats = &snapshot->reading.stats;
	int n_lines = text_lines(screen, snapshot->n_workers);
	struct pen pen = { .screen = screen };

	if (screen->terminal.has_color)
		set_colors();
	(void)erase();
	if (LINES < ROWS_MIN || COLS < COLUMNS_MIN) {
		say(0, 0, "%dx%d is too small, %dx%d is needed", COLS, LINES, COLUMNS_MIN, ROWS_MIN);
		(void)refresh();
		return;
	}
	draw_title(&pen, ring, snapshot);
	if (LINES >= 12)
		draw_books(&pen, stats);
	if (LINES >= 20)
		pen.row++;
	draw_scale(&pen, &snapshot->reading);
	draw_depth(&pen, stats);
	draw_full(&pen, stats);
	if (LINES >= 18)
		draw_rates_long(&pen, history, stats);
	else
		draw_rates_short(&pen, history);
	if (LINES >= 20)
		draw_times(&pen, snapshot);
	if (LINES >= 24)
		pen.row++;
	draw_workers(&pen, screen, snapshot, LINES - 1 - n_lines);
	draw_bottom(screen, n_lines, snapshot->reading.now_ns);
	(void)refresh();
}

void screen_say(struct screen *screen, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(screen->message, sizeof(screen->message), format, args);
	va_end(args);
	screen->message_until_ns = ring_now_ns() + MESSAGE_NS;
}

bool screen_key(struct screen *screen, int key)
{
	static const char *const names[] = {
		[SORT_NAME] = "name", [SORT_RATE] = "rate", [SORT_AGE] = "age of its item",
		[SORT_DONE] = "items done",
	};

	switch (key) {
	case 's':
		screen->sort = (screen->sort + 1) % SORTS;
		screen_say(screen, "workers by %s", names[screen->sort]);
		return true;
	case KEY_UP:
	case 'k':
		screen->scrolled -= screen->scrolled > 0;
		return true;
	case KEY_DOWN:
	case 'j':
		screen->scrolled++;
		return true;
	case 'L' - '@':
		(void)clearok(curscr, TRUE);
		return true;
	case KEY_RESIZE:
		return true;
	default:
		return false;
	}
}
