/*
 * test_producer_records.c - however many producers share a file, and wherever one of them is started
 * again, each record is read once.
 */
#include "src/producer/records.h"
#include "tests/unit/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RECORD_MAX 512
#define RECORDS_MAX 4096

static const struct framing lines = { .kind = FRAME_DELIMITED, .delimiter = '\n' };

/* A file in /tmp with `n` lines: the line's number, and dots up to a length from `random`. */
static void write_lines(char *path, unsigned n, unsigned seed, bool ends_with_newline)
{
	int fd = mkstemp(path);
	FILE *file = fdopen(fd, "w");

	assert_non_null(file);
	srandom(seed);
	for (unsigned i = 0; i < n; i++) {
		int dots = (int)(random() % 40);

		fprintf(file, "%u:%.*s%s", i, dots, "........................................",
			i + 1 < n || ends_with_newline ? "\n" : "");
	}
	fclose(file);
}

struct seen {
	unsigned times[RECORDS_MAX];
};

/* Each of a run is whole, with its delimiter. */
static void note_record(struct seen *seen, const struct record *record)
{
	char text[RECORD_MAX + 1], *at = text;

	assert_true(record->len > 0 && record->len <= RECORD_MAX);
	memcpy(text, record->data, record->len);
	text[record->len] = '\0';
	for (unsigned n = 0; n < (record->run ? record->run : 1); n++) {
		unsigned long number = strtoul(at, &at, 10);

		assert_true(number < RECORDS_MAX && *at == ':');
		seen->times[number]++;
		at += strcspn(at, "\n");
		at += record->run > 0;
	}
	assert_int_equal(at - text, record->len);
}

/* Read a share up to `limit` times from behind `mark`, up to `most` records at once; returns the last mark,
   0 at the end. */
static uint64_t read_share(const struct source_request *request, uint64_t mark, unsigned limit,
			   uint32_t most, struct seen *seen)
{
	struct records records;
	struct record record;
	enum source_result result = SOURCE_RECORD;
	int code = 0;

	assert_int_equal(records_open(&records, &lines, request), 0);
	assert_int_equal(records_attach(&records, RECORD_MAX, mark), 0);
	while (limit-- > 0 && (result = records_next_run(&records, '\n', most, &record, &code)) ==
	       SOURCE_RECORD) {
		assert_true(record.run <= most && record.run != 1);
		note_record(seen, &record);
		assert_true(record.mark > mark);
		mark = record.mark;
	}
	assert_int_equal(code, 0);
	records_close(&records);
	return result == SOURCE_END ? 0 : mark;
}

/* All shares of the files, each producer started again after every `life` records. */
static void check_shares(const char *const *files, size_t n_files, unsigned lanes, unsigned life,
			 uint32_t most, unsigned records)
{
	struct seen seen = { .times = { 0 } };

	for (unsigned number = 1; number <= lanes; number++) {
		const struct source_request request = {
			.files = files, .n_files = n_files, .delimiter = -1, .number = number,
			.lanes = lanes,
		};
		uint64_t mark = 0;

		do
			mark = read_share(&request, mark, life, most, &seen);
		while (mark != 0);
	}
	for (unsigned i = 0; i < RECORDS_MAX; i++)
		if (seen.times[i] != (i < records ? n_files : 0))
			fail_msg("%u lanes, life %u: record %u was read %u times", lanes, life, i,
				 seen.times[i]);
}

static void each_record_of_a_shared_file_is_read_once(void **state)
{
	static const unsigned sizes[] = { 0, 1, 2, 3, 10, 1000 }, lives[] = { 1, 7, UINT32_MAX };

	(void)state;
	for (size_t i = 0; i < COUNT(sizes); i++) {
		char path[] = "/tmp/shmline-records-XXXXXX";
		const char *const files[] = { path };

		write_lines(path, sizes[i], (unsigned)i, i % 2 == 0);
		for (unsigned lanes = 1; lanes <= 20; lanes++)
			for (size_t j = 0; j < COUNT(lives); j++) {
				check_shares(files, 1, lanes, lives[j], 1, sizes[i]);
				check_shares(files, 1, lanes, lives[j], lanes + 1, sizes[i]);
			}
		unlink(path);
	}
}

static void several_files_are_dealt_out_to_the_producers(void **state)
{
	char a[] = "/tmp/shmline-records-XXXXXX", b[] = "/tmp/shmline-records-XXXXXX";
	char c[] = "/tmp/shmline-records-XXXXXX";
	const char *const files[] = { a, b, c };

	(void)state;
	write_lines(a, 100, 1, true);
	write_lines(b, 100, 2, false);
	write_lines(c, 100, 3, true);
	for (unsigned lanes = 1; lanes <= 5; lanes++)
		for (unsigned life = 1; life <= 101; life += 25)
			check_shares(files, 3, lanes, life, 1 + lanes % 2 * 9, 100);
	unlink(a);
	unlink(b);
	unlink(c);
}

static void a_record_that_is_too_long_is_given_with_its_length(void **state)
{
	char path[] = "/tmp/shmline-records-XXXXXX";
	const char *const files[] = { path };
	const struct source_request request = { .files = files, .n_files = 1, .delimiter = -1 };
	struct records records;
	struct record record;
	int code = 0, fd = mkstemp(path);

	(void)state;
	assert_int_equal(write(fd, "ab\nabcdef\n", 10), 10);
	close(fd);
	assert_int_equal(records_open(&records, &lines, &request), 0);
	assert_int_equal(records_attach(&records, 5, 0), 0);
	assert_int_equal(records_next(&records, &record, &code), SOURCE_RECORD);
	assert_int_equal(record.len, 2);
	assert_int_equal(records_next(&records, &record, &code), SOURCE_RECORD);
	assert_int_equal(record.len, 6);
	assert_false(record.is_cut);
	assert_int_equal(record.offset, 3);
	records_close(&records);
	unlink(path);
}

static void a_pipe_gives_what_is_there_without_waiting_for_more(void **state)
{
	static const char *const name = "pipe";
	struct records records;
	struct record record;
	int code = 0, ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	records_open_fd(&records, &lines, ends[0], &name);
	assert_int_equal(records_attach(&records, RECORD_MAX, 0), 0);
	assert_int_equal(write(ends[1], "one\ntw", 6), 6);
	assert_int_equal(records_next(&records, &record, &code), SOURCE_RECORD);
	assert_int_equal(record.len, 3);
	assert_int_equal(records_next(&records, &record, &code), SOURCE_WAIT);
	assert_int_equal(write(ends[1], "o\n", 2), 2);
	assert_int_equal(records_next(&records, &record, &code), SOURCE_RECORD);
	assert_memory_equal(record.data, "two", 3);
	close(ends[1]);
	assert_int_equal(records_next(&records, &record, &code), SOURCE_END);
	records_close(&records);
}

static void expect_run(struct records *records, char delimiter, uint32_t most, const char *text,
		       uint32_t run)
{
	struct record record;
	int code = 0;

	assert_int_equal(records_next_run(records, delimiter, most, &record, &code), SOURCE_RECORD);
	assert_int_equal(record.run, run);
	assert_int_equal(record.len, strlen(text));
	assert_memory_equal(record.data, text, record.len);
}

static void a_run_has_what_is_there_and_fits(void **state)
{
	static const char *const name = "pipe";
	struct records records;
	struct record record;
	int code = 0, ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	records_open_fd(&records, &lines, ends[0], &name);
	assert_int_equal(records_attach(&records, 6, 0), 0);
	assert_int_equal(write(ends[1], "a\nb\nc\nd\ne\nf\ng\nsixsix\nh\nfive5\nlast", 33), 33);
	expect_run(&records, '\n', 10, "a\nb\nc\n", 3);
	expect_run(&records, '\n', 2, "d\ne\n", 2);
	expect_run(&records, '\0', 10, "f", 0);		/* another's delimiter */
	expect_run(&records, '\n', 10, "g", 0);
	expect_run(&records, '\n', 10, "sixsix", 0);	/* no room for its delimiter */
	expect_run(&records, '\n', 10, "h", 0);
	expect_run(&records, '\n', 10, "five5", 0);
	assert_int_equal(records_next_run(&records, '\n', 10, &record, &code), SOURCE_WAIT);
	close(ends[1]);
	expect_run(&records, '\n', 10, "last", 0);
	assert_int_equal(records_next_run(&records, '\n', 10, &record, &code), SOURCE_END);
	records_close(&records);
}

static void several_are_those_that_are_there(void **state)
{
	static const char *const name = "pipe", *const expected[] = { "a", "", "cc", "d" };
	struct record list[4];
	struct records records;
	int code = 0, ends[2];
	uint32_t n;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	records_open_fd(&records, &lines, ends[0], &name);
	assert_int_equal(records_attach(&records, 6, 0), 0);
	assert_int_equal(write(ends[1], "a\n\ncc\nd\ne\ntoolong\nf\nlast", 24), 24);
	assert_int_equal(records_next_many(&records, list, COUNT(list), &n, &code), SOURCE_RECORD);
	assert_int_equal(n, 4);
	for (uint32_t i = 0; i < n; i++) {
		assert_int_equal(list[i].len, strlen(expected[i]));
		assert_memory_equal(list[i].data, expected[i], list[i].len);
		assert_true(i == 0 || list[i].mark > list[i - 1].mark);
	}
	/* One that is too long comes first, and alone. */
	assert_int_equal(records_next_many(&records, list, COUNT(list), &n, &code), SOURCE_RECORD);
	assert_int_equal(n, 1);
	assert_memory_equal(list[0].data, "e", 1);
	assert_int_equal(records_next_many(&records, list, COUNT(list), &n, &code), SOURCE_RECORD);
	assert_int_equal(n, 1);
	assert_int_equal(list[0].len, 7);
	records_close(&records);
	close(ends[1]);
}

static void several_end_with_the_share(void **state)
{
	char path[] = "/tmp/shmline-records-XXXXXX";
	const char *const files[] = { path };
	struct seen seen = { .times = { 0 } };

	(void)state;
	write_lines(path, 1000, 5, true);
	for (unsigned number = 1; number <= 7; number++) {
		const struct source_request request = {
			.files = files, .n_files = 1, .delimiter = -1, .number = number, .lanes = 7,
		};
		struct record list[32];
		struct records records;
		int code = 0;
		uint32_t n;

		assert_int_equal(records_open(&records, &lines, &request), 0);
		assert_int_equal(records_attach(&records, RECORD_MAX, 0), 0);
		while (records_next_many(&records, list, COUNT(list), &n, &code) == SOURCE_RECORD)
			for (uint32_t i = 0; i < n; i++)
				note_record(&seen, &list[i]);
		records_close(&records);
	}
	for (unsigned i = 0; i < 1000; i++)
		assert_int_equal(seen.times[i], 1);
	unlink(path);
}

static void shares_cover_everything_once(void **state)
{
	static const uint64_t sizes[] = { 0, 1, 2, 99, 1000, UINT64_C(1) << 43 };

	(void)state;
	for (size_t i = 0; i < COUNT(sizes); i++) {
		for (unsigned lanes = 1; lanes <= 4095; lanes = lanes * 3 + 1) {
			uint64_t expected = 0, from, to = 0;

			for (unsigned number = 1; number <= lanes; number++) {
				struct share share = share_of(number, lanes, 1, true);

				share_range(&share, sizes[i], &from, &to);
				assert_int_equal(from, expected);
				assert_true(to >= from);
				expected = to;
			}
			assert_true(to == UINT64_MAX);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shares_cover_everything_once),
		cmocka_unit_test(each_record_of_a_shared_file_is_read_once),
		cmocka_unit_test(several_files_are_dealt_out_to_the_producers),
		cmocka_unit_test(a_record_that_is_too_long_is_given_with_its_length),
		cmocka_unit_test(a_pipe_gives_what_is_there_without_waiting_for_more),
		cmocka_unit_test(a_run_has_what_is_there_and_fits),
		cmocka_unit_test(several_are_those_that_are_there),
		cmocka_unit_test(several_end_with_the_share),
	};

	return cmocka_run_group_tests_name("records", tests, NULL, NULL);
}
