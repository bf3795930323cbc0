/* test_consumer_storage.c - where storage goes, and what a database's errors mean for the line. */
#include "src/consumer/sink_postgres_fault.h"
#include "src/consumer/sink_sqlite_fault.h"
#include "src/consumer/storage.h"

#include "src/base/exitcode.h"
#include "tests/unit/check.h"

#include <errno.h>
#include <sqlite3.h>
#include <string.h>

static void a_table_may_follow_the_place(void **state)
{
	static const struct {
		const char *arg, *place, *table;
	} cases[] = {
		{ .arg = "a.db", .place = "a.db", .table = "" },
		{ .arg = "a.db?table=t", .place = "a.db", .table = "t" },
		{ .arg = "u:///d?host=/run?table=T_1", .place = "u:///d?host=/run", .table = "T_1" },
		{ .arg = "a?table=b?table=c", .place = "a?table=b", .table = "c" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct storage_target target;

		assert_int_equal(storage_target_read(&target, "x", cases[i].arg), EXIT_OK);
		assert_string_equal(target.place, cases[i].place);
		assert_string_equal(target.table, cases[i].table);
		storage_target_free(&target);
	}
}

static void names_of_tables_are_plain(void **state)
{
	static const char *const good[] = { "t", "_t1", "Invoices" };
	static const char *const bad[] = { "", "1t", "a b", "a\"b", "a-b", "sqlite_x", "PG_x", "shmline_rings" };
	char longest[STORAGE_TABLE_MAX + 2];

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++)
		assert_true(storage_table_is_valid(good[i]));
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_false(storage_table_is_valid(bad[i]));
	memset(longest, 'x', sizeof(longest));
	longest[STORAGE_TABLE_MAX] = '\0';
	assert_true(storage_table_is_valid(longest));
	longest[STORAGE_TABLE_MAX] = 'x';
	longest[STORAGE_TABLE_MAX + 1] = '\0';
	assert_false(storage_table_is_valid(longest));
}

static void what_is_busy_is_waited_for_and_what_is_full_is_not(void **state)
{
	static const struct {
		int code, error;
		enum storage_fault fault;
	} cases[] = {
		{ .code = SQLITE_OK, .fault = FAULT_NONE },
		{ .code = SQLITE_ROW, .fault = FAULT_NONE },
		{ .code = SQLITE_DONE, .fault = FAULT_NONE },
		{ .code = SQLITE_BUSY, .fault = FAULT_BUSY },
		{ .code = SQLITE_BUSY_RECOVERY, .fault = FAULT_BUSY },
		{ .code = SQLITE_BUSY_SNAPSHOT, .fault = FAULT_BUSY },
		{ .code = SQLITE_FULL, .error = ENOSPC, .fault = FAULT_FULL },
		{ .code = SQLITE_FULL, .fault = FAULT_FULL },
		{ .code = SQLITE_READONLY_DBMOVED, .fault = FAULT_FULL },
		{ .code = SQLITE_CANTOPEN, .error = EACCES, .fault = FAULT_FULL },
		{ .code = SQLITE_IOERR_SHMSIZE, .error = ENOSPC, .fault = FAULT_FULL },
		{ .code = SQLITE_IOERR_WRITE, .error = EDQUOT, .fault = FAULT_FULL },
		{ .code = SQLITE_IOERR_WRITE, .error = EIO, .fault = FAULT_OTHER },
		{ .code = SQLITE_NOMEM, .fault = FAULT_OTHER },
		{ .code = SQLITE_NOTADB, .fault = FAULT_DATA },
		{ .code = SQLITE_CORRUPT_INDEX, .fault = FAULT_DATA },
		{ .code = SQLITE_ERROR, .fault = FAULT_DATA },
		{ .code = SQLITE_CONSTRAINT_NOTNULL, .fault = FAULT_DATA },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_int_equal(sqlite_fault(cases[i].code, cases[i].error), cases[i].fault);
}

static void a_server_that_goes_away_comes_back(void **state)
{
	static const struct {
		const char *state;
		enum storage_fault fault;
	} cases[] = {
		{ .state = NULL, .fault = FAULT_BUSY },
		{ .state = "08006", .fault = FAULT_BUSY },
		{ .state = "57P01", .fault = FAULT_BUSY },
		{ .state = "57P03", .fault = FAULT_BUSY },
		{ .state = "40P01", .fault = FAULT_BUSY },
		{ .state = "53300", .fault = FAULT_BUSY },
		{ .state = "53100", .fault = FAULT_FULL },
		{ .state = "25006", .fault = FAULT_FULL },
		{ .state = "42501", .fault = FAULT_FULL },
		{ .state = "42703", .fault = FAULT_DATA },
		{ .state = "23502", .fault = FAULT_DATA },
		{ .state = "XX000", .fault = FAULT_OTHER },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_int_equal(postgres_fault(cases[i].state), cases[i].fault);
}

static void a_launcher_does_not_start_again_what_people_must_mend(void **state)
{
	(void)state;
	assert_int_equal(storage_exit_code(FAULT_FULL), EXIT_CANT_CREATE);
	assert_int_equal(storage_exit_code(FAULT_DATA), EXIT_BAD_DATA);
	assert_int_equal(storage_exit_code(FAULT_OTHER), EXIT_IO);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_table_may_follow_the_place),
		cmocka_unit_test(names_of_tables_are_plain),
		cmocka_unit_test(what_is_busy_is_waited_for_and_what_is_full_is_not),
		cmocka_unit_test(a_server_that_goes_away_comes_back),
		cmocka_unit_test(a_launcher_does_not_start_again_what_people_must_mend),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
