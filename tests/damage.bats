#!/usr/bin/env bats
# All programs: what they do when their ring's memory is damaged or taken away under them.

load helpers
bats_require_minimum_version 1.5.0

setup() { common_setup; }
teardown() { common_teardown; }

file() { echo "/dev/shm/shmline.$ring"; }

consumers() { ringctl stat --json "$ring" 2>/dev/null | jq .consumers; }
has_consumers() { [[ $(consumers) == "$1" ]]; }

# A producer and two consumers by hand, at work on $ring.
start_line() {
	start producer producer -r "$ring" -n 0 --slots 64 --pace 1ms --quiet
	producer=$pid
	start reader consumer -r "$ring" --sink null --quiet
	reader=$pid
	start runner consumer -r "$ring" --quiet -- true
	runner=$pid
	wait_until 10 has_consumers 2
}

# Ended with 70 and one line about it, in its own name.
ended_of_damage() { # NAME PID
	wait_for 10 "$2" 70
	assert_equal "$(wc -l <"$1.err")" 1
	assert_regex "$(<"$1.err")" "^(producer|consumer): .*ring.*(damaged|taken away)"
}

@test "a ring whose file is cut off under them ends producer and consumers with one line and 70" {
	start_line
	truncate -s 0 "$(file)"
	ended_of_damage producer "$producer"
	ended_of_damage reader "$reader"
	ended_of_damage runner "$runner"
	rm "$(file)"
}

@test "a ring whose file is cut off behind its header ends them likewise" {
	start_line
	truncate -s 4096 "$(file)"
	ended_of_damage producer "$producer"
	ended_of_damage reader "$reader"
	ended_of_damage runner "$runner"
	rm "$(file)"
}

@test "a launcher whose ring is cut off ends with 70, and its workers with it" {
	local worker workers
	start line launcher -r "$ring" -n 0 -p 2 -c 2 --sink null --producer-pace 1ms
	wait_until 10 has_consumers 2
	read -ra workers <<<"$(workers_of "$pid")"
	truncate -s 0 "$(file)"
	wait_for 20 "$pid" 70
	assert_regex "$(<line.err)" "launcher: .*ring.*(damaged|taken away)"
	for worker in "${workers[@]}"; do wait_until 5 has_ended "$worker"; done
	rm -f "$(file)"
}

# Random bytes over everything behind the header, again and again, until there is a file "enough". When
# much has been written there is a file "much".
scribble() {
	local path pieces n
	path=$(file)
	pieces=$(($(stat -c %s "$path") / 512))
	for ((n = 1; ; n++)); do
		[[ ! -e enough ]] || return 0
		dd if=/dev/urandom of="$path" bs=512 count=1 conv=notrunc,nocreat status=none \
			seek=$((8 + (RANDOM << 15 | RANDOM) % (pieces - 8))) || true
		((n != 100)) || touch much
	done
}

start_scribbler() {
	start scribbler scribble
	scribbler=$pid
	wait_until 60 test -e much
}

stop_scribbler() {
	touch enough
	wait_for 30 "$scribbler"
	rm -f "$(file)"
}

# Has it ended, by itself or asked to, with no code but those that it has words for?
ended_in_order() { # NAME PID
	local code=0
	kill "$2" 2>/dev/null || true
	wait_until 20 has_ended "$2"
	wait "$2" || code=$?
	[[ $code == @(0|70|71|75|123|124|125|143) ]] || fail "$1 ended with $code: $(<"$1.err")"
	! grep -vE '^(launcher|producer|consumer): ' "$1.err" || fail "not a line of its own"
}

@test "programs over whose ring another writes end in order" {
	start_line
	start_scribbler
	ended_in_order producer "$producer"
	ended_in_order reader "$reader"
	ended_in_order runner "$runner"
	stop_scribbler
}

@test "a launcher over whose ring another writes ends in order" {
	local line
	start line launcher -r "$ring" -n 0 -p 2 -c 2 --sink null --slots 64 --producer-pace 1ms
	line=$pid
	wait_until 10 has_consumers 2
	start_scribbler
	kill "$line" 2>/dev/null || true
	kill "$line" 2>/dev/null || true
	ended_in_order line "$line"
	stop_scribbler
}

# ------------------------------------------------------------------ a system with too little

as_nobody() { timeout 20 setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }
# COMMAND as a user who may not start one process more; a sanitizer's search for leaks would be one.
without_forks() { ASAN_OPTIONS=detect_leaks=0 as_nobody prlimit --nproc=1:1 "$@"; }

@test "a process that can't be started is one clear line and 71, and nothing is lost" {
	((EUID == 0)) || skip "only root can become another user"
	as_nobody test -x "$SHMLINE_BIN/launcher" || skip "another user can't run it"
	! without_forks sh -c 'true & wait' 2>/dev/null || skip "the limit of processes is not kept"

	run -71 --separate-stderr without_forks launcher -r "$ring" -p 2 -c 2
	assert_equal "${stderr_lines[0]}" \
		"launcher: cannot start the guard: Resource temporarily unavailable"
	no_ring

	as_nobody producer -r "$ring" -n 3 --quiet
	run -71 --separate-stderr without_forks consumer -r "$ring" --quiet -- echo
	assert_equal "$stderr" 'consumer: cannot run "echo": Resource temporarily unavailable'
	run -0 as_nobody consumer -r "$ring" --quiet --idle-exit 100ms -- echo
	assert_equal "${#lines[@]}" 3
	no_ring
}
