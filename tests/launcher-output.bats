#!/usr/bin/env bats
# launcher: workers' lines: whole, unmixed, tagged, in files, and never in the way of the work.

load helpers
bats_require_minimum_version 1.5.0

setup() { common_setup; }
teardown() { common_teardown; }

@test "workers' lines come whole, however many write at once" {
	seq 300 | timeout 30 launcher -c 4 --shell -- \
		'i=0; while [ $i -lt 20 ]; do echo "{} abcdefghijklmnopqrstuvwxyz $i"; i=$((i + 1)); done' |
		cat >out
	assert_equal "$(grep -cE '^[0-9]+ abcdefghijklmnopqrstuvwxyz [0-9]+$' out)" 6000
	assert_equal "$(wc -l <out)" 6000
}

@test "lines longer than a pipe's page come whole too" {
	for i in 1 2 3 4 5 6; do head -c 30000 /dev/zero | tr '\0' "$i"; echo; done >in
	for _ in {1..10}; do cat in; done >many
	timeout 20 launcher -p 2 -c 3 --source lines --item-max 64K --sink stdout <many | cat >out
	assert_equal "$(sort -u out)" "$(cat in)"
	assert_equal "$(wc -l <out)" 60
}

@test "a reader that is slow holds the line back, and loses nothing" {
	seq 100000 >in
	timeout 60 launcher -r "$ring" -c 3 --source lines --sink stdout <in 2>err |
		{ wait_until 20 is_full && sort -n; } >out
	cmp in out
}

@test "a reader that goes away ends the line with 74, drained" {
	set +o pipefail
	{ timeout 20 launcher -n 0 -c 2 2>err || echo $? >code; } | head -n 1 >out
	wait_until 10 test -e code
	assert_equal "$(<code)" 74
	assert_regex "$(cat err)" 'cannot write to standard output: Broken pipe'
	books_balance "$(tail -n 1 err)"
	assert_equal "$left" 0
}

@test "a full disk under standard output ends the line with 74" {
	run -74 --separate-stderr bash -c 'timeout 20 launcher -n 5 >/dev/full'
	assert_regex "$stderr" 'cannot write to standard output: No space left on device'
}

@test "a third INT ends even a line whose reader never reads" {
	mkfifo pipe
	exec 9<>pipe
	launcher -r "$ring" -n 0 --sink stdout >pipe 2>line.err 9<&- &
	pid=$!
	started+=("$pid")
	wait_until 5 is_full
	for _ in 1 2 3; do
		kill -INT "$pid"
		wait_until 10 took_signal
	done
	wait_for 10 "$pid" 75
	ringctl rm --force "$ring"
}

# The ring has filled up behind the blocked output.
is_full() { [[ $(ringctl stat --json "$ring" 2>/dev/null | jq .left) -ge 1000 ]]; }
took_signal() { has_ended "$pid" || grep -q '^ShdPnd:.0*$' "/proc/$pid/status"; }

@test "--tag puts the worker's name before each line" {
	timeout 10 launcher -n 5 -c 2 --tag >out
	assert_equal "$(grep -cE '^consumer [12] \| ' out)" 5
}

@test "--color colours tags, auto only on a terminal, NO_COLOR never" {
	timeout 10 launcher -n 1 --tag --color always >out
	assert_regex "$(cat -v out)" '^\^\[\[3[1-6]mconsumer 1 \|\^\[\[0m '
	timeout 10 launcher -n 1 --tag >out
	assert_regex "$(cat -v out)" '^consumer 1 \| '
	TERM=xterm script -qec 'timeout --foreground 10 launcher -n 1 --tag' /dev/null >out
	assert_regex "$(cat -v out)" '\^\[\[3[1-6]mconsumer 1 \|'
	NO_COLOR=1 TERM=xterm script -qec 'timeout --foreground 10 launcher -n 1 --tag' /dev/null >out
	refute_regex "$(cat -v out)" '\^\[\[3'
}

@test "--log-dir gives each worker a file of its own" {
	timeout 10 launcher -n 5 -c 2 --log-dir logs >out
	assert_equal "$(cat out)" ""
	assert_equal "$(ls logs)" "$(printf '%s\n' consumer-1.log consumer-2.log producer-1.log)"
	assert_equal "$(cat logs/consumer-*.log | grep -c widget)" 5
	timeout 10 launcher -n 5 -c 2 --log-dir logs
	assert_equal "$(cat logs/consumer-*.log | grep -c widget)" 10
}

@test "log files are rotated as they grow, and three old ones are kept" {
	yes "$(head -c 4000 /dev/zero | tr '\0' x)" | head -n 14000 >in
	timeout 60 launcher -c 1 --source lines --sink stdout --log-dir logs <in
	assert_equal "$(echo logs/consumer*)" "$(echo logs/consumer-1.log{,.1,.2,.3})"
	(($(stat -c %s logs/consumer-1.log.1) < 11 << 20)) || fail "rotated late"
	assert_equal "$(cat logs/consumer-1.log* | sort -u | wc -l)" 1
}

@test "--log-dir that can't be used: one line, exit 73" {
	touch file
	run -73 --separate-stderr timeout 10 launcher --log-dir file/logs
	assert_regex "$stderr" '--log-dir: cannot use "file/logs": Not a directory'
	assert_equal "${#stderr_lines[@]}" 1
}
