#!/usr/bin/env bats
# Storage in SQLite: each item is a row, once, whoever is killed, and what can't be stored stays in the ring.

load helpers
bats_require_minimum_version 1.5.0

setup() {
	common_setup
	kills_at_any_moment
	mounted=()
	invoices=(launcher -r "$ring" --source invoices --sink sqlite:s.db)
}

teardown() {
	local folder
	for folder in "${mounted[@]}"; do umount "$folder"; done
	common_teardown
}

ask() { sqlite3 -batch -noheader s.db "$1"; } # SQL
rows() { ask "SELECT count(*) FROM ${1:-invoices}" 2>/dev/null || echo 0; } # [TABLE]
has_rows() { (($(rows) >= $1)); } # N

# Are ids 1 to N in the table, each once?
has_each_once() { # N [TABLE]
	assert_equal "$(ask "SELECT count(*), count(DISTINCT id), min(id), max(id) FROM ${2:-invoices}")" "$1|$1|1|$1"
}

# ------------------------------------------------------------------ what is stored

@test "invoices have typed columns, and as many rows as were made" {
	run -0 --separate-stderr "${invoices[@]}" -p 2 -c 3 -n 500
	books_balance "${stderr_lines[-1]}"
	assert_equal "$published $acked" "500 500"
	has_each_once 500
	run -0 ask "SELECT DISTINCT typeof(id), typeof(customer), typeof(amount_cents), typeof(currency),
		typeof(issued_at), deliveries, issued_at <= stored_at FROM invoices"
	assert_output "integer|text|integer|text|text|1|1"
	run -0 ask "PRAGMA journal_mode"
	assert_output wal
}

@test "other items are stored with their bytes, id and deliveries" {
	printf 'plain\n\n\001\377\n{"id":1}\n' >in
	producer -r "$ring" --quiet in
	consumer -r "$ring" --quiet --sink sqlite:s.db
	run -0 ask "SELECT id, hex(payload), deliveries, length(stored_at) FROM items ORDER BY id"
	assert_output "1|706C61696E|1|27
2||1|27
3|01FF|1|27
4|7B226964223A317D|1|27"
}

@test "?table= names the table, which holds one kind of item" {
	consumer -r "$ring" --quiet --sink 'sqlite:s.db?table=bills' &
	started+=($!)
	producer -r "$ring" --quiet --source invoices -n 3
	wait_for 10 "${started[0]}"
	assert_equal "$(rows bills)" 3
	# What is no invoice has no place in it.
	echo other | producer -r "$ring" --quiet -
	run -123 consumer -r "$ring" --quiet --sink 'sqlite:s.db?table=bills' --dead letters
	run -0 jq -r .cause letters
	assert_output "not an invoice, and table bills holds nothing else"
	assert_equal "$(rows bills)" 3
}

@test "a file of any name is a file" {
	seq 3 | producer -r "$ring" --quiet -
	consumer -r "$ring" --quiet --sink sqlite::memory:
	run -0 sqlite3 ./:memory: "SELECT count(*) FROM items"
	assert_output 3
}

@test "a second run into the same file adds its rows; ids of another ring are no duplicates" {
	"${invoices[@]}" -n 20 --quiet
	"${invoices[@]}" -n 20 --quiet
	assert_equal "$(ask 'SELECT count(*), count(DISTINCT id), count(DISTINCT ring) FROM invoices')" "40|20|2"
	assert_equal "$(ask "SELECT count(DISTINCT identity), count(DISTINCT name), min(name) FROM shmline_rings")" \
		"2|1|$ring"
}

@test "SIGTERM in the middle: what was published is stored when the launcher ends" {
	start line "${invoices[@]}" -p 2 -c 2 -n 0 --producer-pace 100us
	wait_until 20 has_rows 300
	kill -TERM "$pid"
	wait_for 20 "$pid"
	books_balance "$(tail -n 1 line.err)"
	assert_equal "$acked $left" "$published 0"
	has_each_once "$published"
}

# ------------------------------------------------------------------ kills

start_line() { # OPTION...
	start "line-$((++lives))" "${invoices[@]}" -p 3 -c 5 -n "$ITEMS" --producer-pace 60us --max-deliveries 4000 \
		--restart-limit 10000/60s --restart-backoff exp:1ms..10ms "$@"
	line=$pid
}

# Kill one worker every 50 ms until N rows are stored.
kill_workers() { # N
	local victims
	until has_rows "$1" || has_ended "$line"; do
		read -ra victims < <(workers_of "$line") || true
		((${#victims[@]} == 0)) || ! kill -KILL "${victims[RANDOM % ${#victims[@]}]}" 2>/dev/null ||
			((++kills))
		sleep 0.05	# the time between two kills
	done
}

@test "kill -9 of workers every 50 ms, then of the launcher, then --resume: each invoice once" {
	local ITEMS=${STORAGE_ITEMS:-100000} lives=0 kills=0 line victims
	[[ -z ${SAN:-} ]] || ITEMS=20000
	start_line
	kill_workers $((ITEMS / 2))
	# The launcher and all it started, at once.
	read -ra victims < <(workers_of "$line") || true
	kill -KILL "$line" "${victims[@]}" 2>/dev/null || true
	wait_until 10 has_ended "$line"
	assert [ "$(rows)" -lt "$ITEMS" ]
	start_line --resume
	kill_workers $((ITEMS * 9 / 10))
	wait_for 60 "$line" || fail "$(<"line-$lives.err")"
	books_balance "$(tail -n 1 "line-$lives.err")"
	assert_equal "$published $acked $dead $left" "$ITEMS $ITEMS 0 0"
	has_each_once "$ITEMS"
	run -0 ask "SELECT count(*) FROM shmline_rings; PRAGMA integrity_check"
	assert_output "1
ok"
	((kills >= 3)) || fail "only $kills workers were killed"
	echo "# $kills workers killed, then the line; deliveries after the first: $(ask 'SELECT count(*) FROM invoices WHERE deliveries > 1') rows" >&3
}

# A consumer takes the turn once to open the file, and once for each batch: its third flock(2) is before the
# first batch, and its fourth behind the commit.
@test "a consumer killed before the commit leaves its items in the ring" {
	[[ -z ${SAN:-} ]] || skip "strace and sanitizers don't go together"
	seq 50 | producer -r "$ring" --quiet -
	run -137 strace -qq -o /dev/null -e inject=flock:signal=KILL:when=3 \
		consumer -r "$ring" --sink sqlite:s.db
	assert_equal "$(rows items)" 0
	run -0 --separate-stderr timeout 10 consumer -r "$ring" --sink sqlite:s.db
	assert_regex "$stderr" 'acked 50, dead 0'
	assert_equal "$(ask "SELECT count(*), count(DISTINCT id), max(deliveries) FROM items")" "50|50|2"
}

@test "a consumer killed between commit and ack leaves rows that are not stored again" {
	[[ -z ${SAN:-} ]] || skip "strace and sanitizers don't go together"
	seq 50 | producer -r "$ring" --quiet -
	run -137 strace -qq -o /dev/null -e inject=flock:signal=KILL:when=4 \
		consumer -r "$ring" --sink sqlite:s.db
	assert_equal "$(rows items)" 50
	run -0 --separate-stderr timeout 10 consumer -r "$ring" -v --sink sqlite:s.db
	assert_regex "$stderr" 'acked 50, dead 0'
	assert_regex "$stderr" 'stored 0 rows; 50 items were there already'
	assert_equal "$(ask "SELECT count(*), count(DISTINCT id), max(deliveries) FROM items")" "50|50|1"
}

# ------------------------------------------------------------------ who watches

@test "watch-storage tells rows, rows a second, and the lag from issued to stored" {
	"${invoices[@]}" -n 300 --producer-pace 1ms --quiet
	run -0 ringctl watch-storage s.db
	assert_equal "${#lines[@]}" 2
	assert_regex "${lines[0]}" '^ +ROWS +ROWS/S +LAG-P50 +LAG-P99$'
	assert_regex "${lines[1]}" '^ +300 +[1-9][0-9]* +[0-9.]+[mun]?s +[0-9.]+[mun]?s$'
	# A lag that is known: of 100 rows the last two are late.
	ask "UPDATE invoices SET issued_at = '2024-01-01T00:00:00.000000Z',
		stored_at = '2024-01-01T00:00:0' || (id > 98) || '.002000Z';
		DELETE FROM invoices WHERE id > 100"
	run -0 ringctl watch-storage --json s.db
	run -0 jq -r '"\(.table) \(.rows) \(.lag_seconds_p50 * 1000 | round) \(.lag_seconds_p99 * 10 | round)"' <<<"$output"
	assert_output "invoices 100 2 10"
}

@test "watch-storage prints a line an interval, of what is new since the last one" {
	start line "${invoices[@]}" -n 0 --producer-pace 1ms
	wait_until 20 has_rows 10
	run -0 ringctl watch-storage --json s.db 100ms 5
	kill "$pid"
	wait_for 20 "$pid"
	assert_equal "${#lines[@]}" 5
	assert [ "$(jq .rows <<<"${lines[4]}")" -gt "$(jq .rows <<<"${lines[0]}")" ]
	# Items say nothing of when they were issued.
	echo other | producer -r "$ring" --quiet -
	consumer -r "$ring" --quiet --sink sqlite:s.db
	run -0 ringctl watch-storage -t items s.db
	assert_regex "${lines[1]}" '^ +1 +0 +- +-$'
}

@test "the summary names the slower side, and by how much" {
	run -0 --separate-stderr "${invoices[@]}" -p 2 -n 30 --consumer-pace 40ms
	assert_regex "$stderr" 'launcher: consumers are the slower side, [1-9][0-9]*\.[0-9] times: a producer worked '
	run -0 --separate-stderr "${invoices[@]}" -c 2 -n 30 --invoice-work 40ms --json
	run -0 jq -r '.slower_side, .slower_times > 1' <<<"$output"
	assert_output "producer
true"
	# A short run says nothing of it.
	run -0 --separate-stderr "${invoices[@]}" -n 3
	refute_regex "$stderr" slower
}

@test "watch-storage says what it can't read" {
	run -66 ringctl watch-storage none.db
	assert_output 'ringctl: cannot read "none.db": No such file or directory'
	echo "this is text, which is no database, and quite long enough to be sure of it" >text
	run -65 ringctl watch-storage text
	assert_line 'ringctl: cannot read "text": file is not a database'
	run -64 ringctl watch-storage text 1x
	assert_output 'ringctl: watch-storage: INTERVAL "1x": expected a duration from 10ms to 1d, as 1s or 250ms'
}

# ------------------------------------------------------------------ a file that can't be written

@test "a busy file is waited for" {
	"${invoices[@]}" -n 1 --quiet
	mkfifo hold
	sqlite3 s.db <hold &
	started+=($!)
	exec 9>hold
	echo 'BEGIN IMMEDIATE;' >&9
	echo "SELECT 1;
.output locked
SELECT 2;
.output" >&9
	wait_until 5 file_matches locked 2
	start line "${invoices[@]}" -c 2 -n 30
	wait_until 10 file_matches line.err 'waiting for s.db: database is locked'
	assert_equal "$(rows)" 1
	echo 'COMMIT;' >&9
	exec 9>&-
	wait_for 10 "$pid"
	assert_equal "$(rows)" 31
}

# A file system of 1 MB of its own.
small_disk() {
	mkdir small
	mount -t tmpfs -o size=1m tmpfs small 2>/dev/null || skip "no leave to mount a tmpfs here"
	mounted+=("$PWD/small")
}

@test "a full disk stops the line; when there is room again, --resume stores the rest" {
	small_disk
	run -73 --separate-stderr timeout -k 2 20 launcher -r "$ring" -p 2 -c 3 -n 20000 --source invoices \
		--sink sqlite:small/s.db
	assert_equal "$(grep -c '^consumer: cannot store in "small/s.db": database or disk is full' <<<"$stderr")" 1
	assert_regex "$stderr" "items stay in ring \"$ring\""
	books_balance "${stderr_lines[-1]}"
	assert [ "$left" -gt 0 ]
	ring_exists

	mount -o remount,size=20m small
	run -0 --separate-stderr timeout -k 2 20 launcher -r "$ring" --resume -p 2 -c 3 -n 20000 --source invoices \
		--sink sqlite:small/s.db
	books_balance "${stderr_lines[-1]}"
	assert_equal "$published $acked" "20000 20000"
	cd small
	has_each_once 20000
	cd ..
}

@test "a file that can't be written is refused, and the items stay" {
	small_disk
	seq 5 | producer -r "$ring" --quiet -
	mount -o remount,ro small
	run -73 --separate-stderr consumer -r "$ring" --sink sqlite:small/s.db
	assert_equal "$stderr" \
		'consumer: cannot write to --sink sqlite "small/s.db": Read-only file system'
	mount -o remount,rw small
	run -0 consumer -r "$ring" --quiet --sink sqlite:small/s.db
	run -0 sqlite3 small/s.db "SELECT count(*) FROM items"
	assert_output 5
}

@test "what can't be a database is refused before anything is made" {
	echo "this is text, not a database" >text
	run -65 --separate-stderr launcher -r "$ring" --sink sqlite:text
	assert_equal "$stderr" 'consumer: cannot store in "text": it is no SQLite database'
	run -73 --separate-stderr launcher -r "$ring" --sink sqlite:no/such/folder.db
	assert_equal "$stderr" 'consumer: cannot write to --sink sqlite "no/such/folder.db": No such file or directory'
	run -64 --separate-stderr launcher -r "$ring" --sink 'sqlite:s.db?table=drop table'
	assert_regex "$stderr" '^consumer: --sink sqlite: table "drop table": expected '
	run -64 --separate-stderr launcher -r "$ring" --sink 'sqlite:s.db?tabel=x'
	assert_regex "$stderr" '^consumer: --sink sqlite:"s.db\?tabel=x": expected FILE or FILE\?table=TABLE$'
	run -64 --separate-stderr launcher -r "$ring" --sink sqlite
	assert_regex "$stderr" 'sqlite:FILE'
	no_ring
	assert_not_exist s.db
}

@test "a table with other columns is refused, and the items stay" {
	ask "CREATE TABLE invoices (a, b)"
	run -65 --separate-stderr timeout -k 2 20 launcher -r "$ring" -n 5 --source invoices --sink sqlite:s.db
	assert_regex "$stderr" 'cannot store in "s.db": table invoices has no column named'
	books_balance "${stderr_lines[-1]}"
	assert_equal "$published" "$left"
	ringctl rm --force "$ring"
}

# ------------------------------------------------------------------ the example

@test "the example stores its invoices, shows them growing, and leaves nobody behind" {
	run -0 --separate-stderr timeout 30 "$BATS_TEST_DIRNAME/../examples/invoices.sh" 3000 "$ring.db"
	assert_regex "$output" 'ROWS +ROWS/S'
	assert_regex "$stderr" 'published 3000 = acked 3000 '
	assert_equal "$(sqlite3 "$ring.db" 'SELECT count(*), count(DISTINCT id) FROM invoices')" "3000|3000"
	run -1 pgrep -f "watch-storage $ring.db 500ms"
}
