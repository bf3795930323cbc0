#!/usr/bin/env bats
# Storage in PostgreSQL: a real server, which is stopped and started while items come.

load helpers
load postgres
bats_require_minimum_version 1.5.0

setup_file() {
	cd "$BATS_FILE_TMPDIR" || return
	pg_create
	pg_start
	export pg conninfo PATH
}

teardown_file() { pg_remove; }

setup() {
	common_setup
	kills_at_any_moment
	PATH=$PATH:$(pg_bin)
	[[ -z $(ask "SELECT 1 FROM pg_tables WHERE schemaname = 'public'") ]] ||
		ask "DROP SCHEMA public CASCADE; CREATE SCHEMA public" 2>/dev/null
	invoices=(launcher -r "$ring" --source invoices --sink "postgres:$conninfo")
}

teardown() { common_teardown; }

rows() { ask "SELECT count(*) FROM ${1:-invoices}" 2>/dev/null || echo 0; } # [TABLE]
has_rows() { (($(rows) >= $1)); } # N
has_each_once() { # N
	assert_equal "$(ask "SELECT count(*), count(DISTINCT id), min(id), max(id) FROM invoices")" "$1|$1|1|$1"
}

@test "invoices become typed rows, each once" {
	run -0 --separate-stderr "${invoices[@]}" -p 2 -c 3 -n 500
	books_balance "${stderr_lines[-1]}"
	assert_equal "$published $acked" "500 500"
	has_each_once 500
	run -0 ask "SELECT DISTINCT pg_typeof(id), pg_typeof(amount_cents), pg_typeof(issued_at), deliveries,
		issued_at <= stored_at FROM invoices"
	assert_output "bigint|bigint|timestamp with time zone|1|t"
}

@test "other items are stored with their bytes, id and deliveries" {
	printf 'plain\n\n\001\377\n' | producer -r "$ring" --quiet -
	consumer -r "$ring" --quiet --sink "postgres:$conninfo"
	run -0 ask "SELECT id, payload, deliveries FROM items ORDER BY id"
	assert_output '1|\x706c61696e|1
2|\x|1
3|\x01ff|1'
}

@test "?table= names the table, which holds one kind of item" {
	producer -r "$ring" --quiet --source invoices -n 3
	consumer -r "$ring" --quiet --sink "postgres:$conninfo?table=Bills"
	assert_equal "$(rows '"Bills"')" 3
	echo other | producer -r "$ring" --quiet -
	run -123 consumer -r "$ring" --quiet --sink "postgres:$conninfo?table=Bills" --dead letters
	run -0 jq -r .cause letters
	assert_output "not an invoice, and table Bills holds nothing else"
}

@test "a second run adds its rows; ids of another ring are no duplicates" {
	"${invoices[@]}" -n 20 --quiet
	"${invoices[@]}" -n 20 --quiet
	assert_equal "$(ask 'SELECT count(*), count(DISTINCT id), count(DISTINCT ring) FROM invoices')" "40|20|2"
}

# Start the line, or take it up again.
start_line() { # OPTION...
	start "line-$((++lives))" "${invoices[@]}" -p 3 -c 4 -n "$ITEMS" --max-deliveries 4000 \
		--restart-limit 10000/60s --restart-backoff exp:1ms..10ms "$@"
	line=$pid
}

@test "the server is stopped and started in mid-run, gently and not: nothing is lost, nothing is twice" {
	local ITEMS=0 lives=0 line mode n=500
	start_line --producer-pace 200us
	for mode in fast immediate; do
		wait_until 20 has_rows $n
		pg_stop $mode
		wait_until 20 file_matches line-1.err 'waiting for PostgreSQL: '
		: >line-1.err
		pg_start
		n=$(($(rows) + 500))
	done
	wait_until 20 has_rows $n
	kill -TERM "$line"
	wait_for 30 "$line"
	books_balance "$(tail -n 1 line-1.err)"
	assert_equal "$acked $dead $left" "$published 0 0"
	has_each_once "$published"
}

@test "kill -9 of workers, then of the launcher, then --resume: each invoice once" {
	local ITEMS=40000 lives=0 kills=0 line victims
	start_line --producer-pace 200us
	until has_rows $((ITEMS / 2)); do
		read -ra victims < <(workers_of "$line") || true
		((${#victims[@]} == 0)) || ! kill -KILL "${victims[RANDOM % ${#victims[@]}]}" 2>/dev/null ||
			((++kills))
		sleep 0.02	# the time between two kills
	done
	read -ra victims < <(workers_of "$line") || true
	kill -KILL "$line" "${victims[@]}" 2>/dev/null || true
	wait_until 10 has_ended "$line"
	start_line --resume
	wait_for 60 "$line" || fail "$(<"line-$lives.err")"
	books_balance "$(tail -n 1 "line-$lives.err")"
	assert_equal "$published $acked $dead $left" "$ITEMS $ITEMS 0 0"
	has_each_once "$ITEMS"
	assert_equal "$(ask 'SELECT count(*) FROM shmline_rings')" 1
	((kills >= 3)) || fail "only $kills workers were killed"
}

@test "a server that is not there, or does not let us in, is one line" {
	run -69 --separate-stderr launcher -r "$ring" --sink "postgres:host=$PWD/none dbname=x"
	assert_equal "${#stderr_lines[@]}" 1
	assert_regex "$stderr" '^consumer: cannot connect to PostgreSQL: .*No such file or directory'
	run -69 --separate-stderr launcher -r "$ring" --sink "postgres:$conninfo dbname=nobody_made_it"
	assert_equal "${#stderr_lines[@]}" 1
	assert_regex "$stderr" '^consumer: cannot connect to PostgreSQL: .*"nobody_made_it" does not exist$'
	run -64 --separate-stderr launcher -r "$ring" --sink 'postgres:hots=x'
	assert_equal "${#stderr_lines[@]}" 1
	assert_regex "$stderr" '^consumer: --sink postgres: expected how to connect.*"hots"$'
	no_ring
}

@test "a table with other columns is refused, and the items stay" {
	ask "CREATE TABLE invoices (a int)"
	run -65 --separate-stderr timeout -k 2 20 "${invoices[@]}" -n 5
	assert_regex "$stderr" 'cannot store in PostgreSQL: column "deliveries" of relation "invoices" does not exist'
	books_balance "${stderr_lines[-1]}"
	assert_equal "$published" "$left"
	ringctl rm --force "$ring"
}

@test "a database that may not be written stops the line, and the rest is stored later" {
	ask "ALTER DATABASE postgres SET default_transaction_read_only = on"
	run -73 --separate-stderr timeout -k 2 20 "${invoices[@]}" -n 50 -c 2
	assert_regex "$stderr" 'cannot store in PostgreSQL: cannot execute .* in a read-only transaction; items stay'
	psql -Xq -d "$conninfo" -c "SET default_transaction_read_only = off" \
		-c "ALTER DATABASE postgres SET default_transaction_read_only = off"
	run -0 "${invoices[@]}" -n 50 --resume
	has_each_once 50
}
