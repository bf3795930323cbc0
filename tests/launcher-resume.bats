#!/usr/bin/env bats
# launcher: rings that outlive their launcher, and launchers that find a ring.

load helpers
bats_require_minimum_version 1.5.0

setup() {
	common_setup
	kills_at_any_moment
}
teardown() { common_teardown; }

last_line() { tail -n 1 "$1"; }

# A line of 300 numbers whose launcher is killed in the middle of it. They end in the file finished,
# since what stands in the pipes to a launcher ends with it.
kill_line() {
	seq 300 >in
	start first launcher -r "$ring" -p 2 -c 2 -a in --consumer-pace 20ms --shell -- 'echo {} >>finished'
	wait_until 10 has_lines finished 20
	kill -KILL "$pid"
	wait "$pid" 2>/dev/null || true
}

@test "--resume finishes what a killed launcher left, each item once in the books" {
	kill_line
	timeout 20 launcher -r "$ring" --resume -p 2 -c 2 -a in --shell -- 'echo {} >>finished' 2>err
	books_balance "$(last_line err)"
	assert_equal "$published $left" "300 0"
	assert_equal "$(sort -nu finished)" "$(seq 300)"
	no_ring
}

@test "without --resume a ring that was left is refused, with what to do" {
	kill_line
	run -73 --separate-stderr timeout 10 launcher -r "$ring" --sink null
	assert_equal "${#stderr_lines[@]}" 1
	assert_regex "$stderr" "ring \"$ring\" is left from an earlier run, with [1-9][0-9]* items in it"
	assert_regex "$stderr" "--resume.*ringctl rm --force $ring"
	ringctl rm --force "$ring"
}

@test "a ring with a living launcher is refused, with --resume or without" {
	start line launcher -r "$ring" -n 0 --sink null
	wait_until 5 ring_exists
	wait_until 5 has_launcher
	run -69 --separate-stderr timeout 10 launcher -r "$ring"
	assert_regex "$stderr" "in use by launcher $pid"
	run -69 --separate-stderr timeout 10 launcher -r "$ring" --resume
	assert_regex "$stderr" "a launcher is attached already"
	kill "$pid"
	wait_for 5 "$pid"
}

has_launcher() { [[ $(ringctl stat --json "$ring" 2>/dev/null | jq .launcher) == "$pid" ]]; }

@test "a run without a name keeps its ring when items are left, and says how to go on" {
	local name
	run -75 --separate-stderr timeout 10 launcher -n 20 -k 5 --stop now --consumer-pace 1ms
	name=$(grep -oE -- '--ring [^ ]+' <<<"$stderr" | cut -d' ' -f2)
	books_balance "${stderr_lines[-1]}"
	ring_exists "$name"
	run -0 --separate-stderr timeout 10 launcher --ring "$name" --resume -n 20
	books_balance "${stderr_lines[-1]}"
	assert_equal "$published $left" "20 0"
	no_ring "$name"
}

@test "--resume takes up a ring whose flag was raised, and makes the rest" {
	run -75 --separate-stderr timeout 10 launcher -r "$ring" -n 100 -k 5 --stop now --slots 8 \
		--consumer-pace 1ms
	timeout 10 launcher -r "$ring" --resume -n 100 -c 2 >out 2>err
	books_balance "$(last_line err)"
	assert_equal "$published $acked" "100 100"
}

@test "--resume of a ring that is not there is refused" {
	run -69 --separate-stderr timeout 10 launcher -r "$ring" --resume
	assert_regex "$stderr" "cannot open ring \"$ring\""
	run -64 --separate-stderr timeout 10 launcher --resume
	assert_regex "$stderr" '--resume: expected --ring NAME'
}

@test "a ring with too little room for the workers is refused" {
	producer -r "$ring" -n 1 --quiet
	run -69 --separate-stderr timeout 10 launcher -r "$ring" --resume -p 50 -c 50
	assert_regex "$stderr" 'it has room for 64 processes, expected 101'
	ringctl rm --force "$ring"
}
