#!/usr/bin/env bats
# launcher: nothing of a line outlives it, whoever is killed and whatever workers have started.

load helpers
bats_require_minimum_version 1.5.0

setup() {
	common_setup
	kills_at_any_moment
}
teardown() { common_teardown; }

# Processes that carry this test's mark in their environment, whatever they are by now.
marked() { grep -lsaz "^LINE_OF_TEST=$ring$" /proc/[0-9]*/environ 2>/dev/null | cut -d/ -f3; }
others() { marked | grep -vxF -e "$pid" -e "$BASHPID"; }
none_left() { [[ -z $(others) ]]; }
in_flight() { [[ $(ringctl stat --json "$ring" 2>/dev/null | jq .in_flight) == "$1" ]]; }

# A line of 30 numbers, whose COMMAND does what a test says to number 7 and 8. Sets $pid.
start_line() { # SHELL
	seq 30 >in
	start line env LINE_OF_TEST="$ring" launcher -r "$ring" -c 3 -a in --restart-backoff const:10ms --shell -- \
		"case {}-\$SHMLINE_DELIVERY in 7-1|8-1) $1;; *) echo {} >>finished;; esac"
}

kill_and_resume() {
	kill -KILL "$pid"
	wait_until 1 none_left || { ps -o pid,ppid,sid,args -p "$(others | paste -sd,)" >&2; return 1; }
	wait "$pid" || true
	timeout 20 launcher -r "$ring" --resume -c 2 -a in --shell -- 'echo {} >>finished' 2>err
	books_balance "$(tail -n 1 err)"
	assert_equal "$published $acked $left" "30 30 0"
	assert_equal "$(sort -nu finished)" "$(seq 30)"
}

@test "kill -9 of launcher: workers that sleep are gone within a second, --resume ends the work" {
	start_line 'sleep 1000'
	wait_until 10 in_flight 2
	kill_and_resume
}

@test "kill -9 of launcher: workers that ignore every signal are gone within a second" {
	start_line "trap '' TERM INT HUP QUIT PIPE; while :; do sleep 1; done"
	wait_until 10 in_flight 2
	kill_and_resume
}

@test "kill -9 of launcher: what has forked twice, with session and group of its own, is gone too" {
	start_line "setsid sh -c 'setsid sleep 1000 & setsid sleep 1001 &'; (sleep 1002 &); touch up-{}; sleep 1000"
	wait_until 10 test -e up-7
	wait_until 10 test -e up-8
	kill_and_resume
}

@test "kill -9 of launcher whose workers are stopped: they are gone within a second" {
	start_line 'sleep 1000'
	wait_until 10 in_flight 2
	for worker in $(workers_of "$pid"); do kill -STOP "$worker"; done
	kill_and_resume
}

@test "kill -9 of a consumer ends all that its COMMAND has started, and nothing else" {
	start_line 'setsid sleep 123.{} & (setsid sleep 124.{} &); touch up-{}; sleep 1000'
	wait_until 10 test -e up-7
	wait_until 10 test -e up-8
	# The one that works on number 7.
	kill -KILL "$(parent_of "$(parent_of "$(pgrep -f '^sleep 123\.7')")")"
	wait_until 2 no_process '^sleep 12[34]\.7'
	pgrep -f '^sleep 123\.8'
	pgrep -f '^sleep 124\.8'
	wait_until 10 has_lines finished 29
	kill -KILL "$(parent_of "$(pgrep -f '^sleep 123\.8')")"
	wait_for 10 "$pid" 123
	none_left
}

parent_of() { ps -o ppid= -p "$1" | tr -d ' '; }
no_process() { ! pgrep -f "$1" >/dev/null; }

@test "kill -9 of the guard: every worker dies, others take their place, nothing is lost" {
	start_line 'sleep 1000 & setsid sleep 1000 & sleep 1000'
	wait_until 10 in_flight 2
	read -r guard <"/proc/$pid/task/$pid/children" || true	# no newline
	kill -KILL "$guard"
	wait_for 20 "$pid" 0
	assert_regex "$(<line.err)" 'the guard was killed'
	books_balance "$(tail -n 1 line.err)"
	assert_equal "$published $acked $left" "30 30 0"
	none_left
}

@test "orphans that end are not left as zombies" {
	[[ -z ${SAN:-} ]] || skip "a sanitizer is slow to start a thousand processes"
	seq 60 >in
	start line launcher -r "$ring" -c 2 -a in --shell -- 'sh -c ": &"; (sleep 0.01 &); [ {} != 60 ] || sleep 0.5'
	wait_until 20 last_is_taken
	wait_until 5 no_zombies
	wait_for 10 "$pid"
}

last_is_taken() { [[ $(ringctl stat --json "$ring" 2>/dev/null | jq '.in_flight + .ready') == 1 ]]; }
no_zombies() {
	local process
	for process in $(workers_of "$pid"); do
		[[ -z $(ps -o stat= --ppid "$process" | grep Z) ]] || return
	done
}
