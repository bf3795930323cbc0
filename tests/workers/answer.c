/*
 * answer.c - a COMMAND for tests and benchmarks: reads records, and answers each with the same record.
 *
 *	answer [-p lines|nul|len32] [-k TEXT] [-e N] [-c PERMILLE] [-s SEED]
 *
 * -k: an item of these bytes ends it by a segmentation fault, the answers before it unsaid.
 * -e: it ends after N answers.
 * -c: of a thousand items so many meet chaos: it exits, faults, hangs, answers late, or twice.
 * Answers are written when all that was read is dealt with, as a careful worker does.
 */
#include <endian.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ROOM (8u << 20)		/* bytes of the longest record, and of what is read at once */

static struct {
	char terminator;
	bool has_length;
	const char *killer;
	unsigned long answers_max;
	long chaos;
} options = { .terminator = '\n' };

static char in[ROOM], out[2 * ROOM];
static size_t in_used, out_used;
static unsigned long answers;

static void flush(void)
{
	for (size_t at = 0; at < out_used;) {
		ssize_t n = write(STDOUT_FILENO, out + at, out_used - at);

		if (n < 0 && errno != EINTR)
			exit(EXIT_FAILURE);
		at += n > 0 ? (size_t)n : 0;
	}
	out_used = 0;
}

static void answer(const char *record, size_t len)
{
	if (sizeof(out) - out_used < len)
		flush();
	memcpy(out + out_used, record, len);
	out_used += len;
	if (++answers == options.answers_max) {
		flush();
		exit(EXIT_SUCCESS);
	}
}

static void crash(void)
{
	signal(SIGSEGV, SIG_DFL);
	raise(SIGSEGV);
}

/* Half of the time what was answered before is said first. */
static void make_chaos(const char *record, size_t len)
{
	if (random() % 2)
		flush();
	switch (random() % 6) {
	case 0:
		exit(EXIT_SUCCESS);
	case 1:
		exit(3);
	case 2:
		crash();
		return;
	case 3:
		for (;;)
			pause();
	case 4:
		usleep(5000);
		return;
	default:
		answer(record, len);
		return;
	}
}

static void deal(const char *record, size_t len, const char *item, size_t item_len)
{
	if (options.killer && item_len == strlen(options.killer) &&
	    memcmp(item, options.killer, item_len) == 0)
		crash();
	if (options.chaos && random() % 1000 < options.chaos)
		make_chaos(record, len);
	answer(record, len);
}

/* Length of the record at `at`, 0 when it is not whole. */
static size_t cut(size_t at)
{
	uint32_t len;
	const char *end;

	if (!options.has_length) {
		end = memchr(in + at, options.terminator, in_used - at);
		return end ? (size_t)(end - (in + at)) + 1 : 0;
	}
	if (in_used - at < sizeof(len))
		return 0;
	memcpy(&len, in + at, sizeof(len));
	len = le32toh(len);
	return in_used - at - sizeof(len) < len ? 0 : sizeof(len) + len;
}

static void deal_with_all(void)
{
	size_t at = 0, len;

	while (at < in_used && (len = cut(at)) > 0) {
		size_t head = options.has_length ? sizeof(uint32_t) : 0;

		deal(in + at, len, in + at + head, len - (options.has_length ? head : 1));
		at += len;
	}
	memmove(in, in + at, in_used - at);
	in_used -= at;
	flush();
}

static void read_options(int argc, char **argv)
{
	int letter;

	srandom((unsigned)getpid());
	while ((letter = getopt(argc, argv, "p:k:e:c:s:")) != -1) {
		switch (letter) {
		case 'p':
			options.has_length = strcmp(optarg, "len32") == 0;
			options.terminator = strcmp(optarg, "nul") == 0 ? '\0' : '\n';
			break;
		case 'k':
			options.killer = optarg;
			break;
		case 'e':
			options.answers_max = strtoul(optarg, NULL, 10);
			break;
		case 'c':
			options.chaos = strtol(optarg, NULL, 10);
			break;
		case 's':
			srandom((unsigned)strtoul(optarg, NULL, 10) + (unsigned)getpid());
			break;
		default:
			exit(EXIT_FAILURE);
		}
	}
}

int main(int argc, char **argv)
{
	ssize_t n;

	read_options(argc, argv);
	while ((n = read(STDIN_FILENO, in + in_used, sizeof(in) - in_used)) > 0) {
		in_used += (size_t)n;
		deal_with_all();
	}
	return EXIT_SUCCESS;
}
