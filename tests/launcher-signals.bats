#!/usr/bin/env bats
# launcher: what signals do to the line. Most lines here have no end, only signals stop them.

load helpers
bats_require_minimum_version 1.5.0

setup() { common_setup; }
teardown() { common_teardown; }

# Starts the endless line and waits until it flows. Sets $pid.
start_line() { # OPTION...
	start line launcher -p 2 -c 3 --source widgets -n 0 -r "$ring" --slots 32 \
		--producer-pace 1ms "$@"
	wait_until 10 has_lines line.out 3
}

# The line is over: no process of it is left, and the books balance.
line_is_over() { # CODE
	wait_for 10 "$pid" "$1"
	books_balance "$(tail -n 1 line.err)"
	run pgrep -f -- "--ring=$ring "
	assert_failure
}

workers() { workers_of "$pid"; }
consumers() { pgrep -f -- "/consumer --ring=$ring " | sort -n; }
producers() { pgrep -f -- "/producer --ring=$ring " | sort -n; }
has_consumers() { [[ $(consumers | wc -l) == "$1" ]]; }
state_of() { sed 's/.*) \(.\).*/\1/' "/proc/$1/stat"; }

all_are() { # STATES
	local process
	for process in "$pid" $(workers); do
		[[ $(state_of "$process") == [$1] ]] || return
	done
}

@test "INT and TERM drain the line: exit 0, nothing left" {
	local signal
	for signal in INT TERM; do
		start_line
		kill -s "$signal" "$pid"
		line_is_over 0
		assert_equal "$left" 0
		assert_equal "$(grep -cE 'widget [0-9]+' line.out)" "$published"
		no_ring
	done
}

@test "INT drains a line whose producer waits for its input" {
	mkfifo pipe
	exec 9<>pipe
	echo one >&9
	start line launcher -c 2 -r "$ring" -a pipe
	wait_until 10 has_lines line.out 1
	kill -INT "$pid"
	line_is_over 0
	assert_equal "$acked" 1
}

@test "a second TERM stops a drain: items go back, left is reported, exit 75" {
	start_line --consumer-pace 10ms
	kill "$pid"
	wait_until 5 file_matches line.err 'drain'
	kill "$pid"
	line_is_over 75
	((left > 0)) || fail "nothing left"
	assert_regex "$(cat line.err)" "ring \"$ring\" keeps the $left items that are left"
	ringctl rm --force "$ring"
}

@test "a second TERM with nothing left ends with the signal's own code" {
	start line launcher -p 0 -c 1 -r "$ring"
	wait_until 5 has_consumers 1
	consumers >stopped
	kill -STOP "$(<stopped)"
	kill "$pid"
	wait_until 5 file_matches line.err 'drain'
	kill "$pid"
	wait_until 5 stopped_now
	kill -CONT "$(<stopped)"
	line_is_over 143
}

@test "a third TERM kills workers that do not go" {
	echo one >in
	start line launcher -c 1 -r "$ring" -a in -- sh -c 'trap "" TERM; while :; do sleep 1; done'
	wait_until 5 has_in_flight 1
	kill "$pid"
	wait_until 5 file_matches line.err 'drain'
	kill "$pid"
	wait_until 5 stopped_now
	kill "$pid"
	line_is_over 75
	assert_equal "$left" 1
	ringctl rm --force "$ring"
}

has_in_flight() { [[ $(ringctl stat --json "$ring" 2>/dev/null | jq .in_flight) == "$1" ]]; }
stopped_now() { [[ $(ringctl stat --json "$ring" | jq -r .stop) == now ]]; }

@test "--kill-after kills a worker that does not go" {
	echo one >in
	start line launcher -c 1 -r "$ring" -a in --kill-after 200ms -- sh -c 'sleep 1000'
	wait_until 5 has_in_flight 1
	kill -STOP "$(consumers)"
	kill "$pid"
	wait_until 5 file_matches line.err 'drain'
	kill "$pid"
	line_is_over 75
	assert_regex "$(cat line.err)" 'consumer 1 has not ended within --kill-after of TERM: killed'
	ringctl rm --force "$ring"
}

@test "--drain-timeout ends a drain that takes too long, exit 75" {
	start_line --consumer-pace 100ms --drain-timeout 300ms
	kill "$pid"
	line_is_over 75
	assert_regex "$(cat line.err)" 'the drain has taken --drain-timeout'
	((left > 0)) || fail "nothing left"
	ringctl rm --force "$ring"
}

@test "QUIT ends the line at once" {
	start_line --consumer-pace 10ms
	kill -QUIT "$pid"
	line_is_over 75
	ringctl rm --force "$ring"
}

@test "TSTP pauses the whole line, CONT lets it go on" {
	local before
	start_line --shell -- 'echo {}; sleep 0.01'
	kill -TSTP "$pid"
	wait_until 5 all_are TD	# D: it waits for the exec of a child that is stopped too
	before=$(wc -l <line.out)
	sleep 0.3	# the time itself is under test
	assert_equal "$(wc -l <line.out)" "$before"
	kill -CONT "$pid"
	wait_until 5 has_lines line.out $((before + 5))
	kill -INT "$pid"
	line_is_over 0
}

@test "USR1 adds a consumer, USR2 takes one away, the last one stays" {
	start_line
	kill -USR1 "$pid"
	wait_until 5 has_consumers 4
	kill -USR2 "$pid"
	wait_until 5 has_consumers 3
	kill -USR2 "$pid"
	wait_until 5 has_consumers 2
	kill -USR2 "$pid"
	wait_until 5 has_consumers 1
	kill -USR2 "$pid"
	wait_until 5 file_matches line.err 'the last consumer stays'
	kill -USR1 "$pid"
	wait_until 5 has_consumers 2
	kill -INT "$pid"
	line_is_over 0
	assert_regex "$(cat line.err)" ' 0 redeliveries'
}

@test "HUP replaces every worker, one by one, and loses nothing" {
	start_line
	{ consumers; producers; } | sort >before
	kill -HUP "$pid"
	wait_until 10 all_are_new
	kill -INT "$pid"
	line_is_over 0
	assert_equal "$(grep -oE 'widget [0-9]+' line.out | sort -u | wc -l)" "$published"
}

all_are_new() {
	{ consumers; producers; } | sort >now
	[[ $(wc -l <now) == 5 && -z $(comm -12 before now) ]]
}

@test "Ctrl-C reaches only the launcher: workers have sessions of their own" {
	start_line
	for process in $(workers); do
		assert_equal "$(ps -o sid= -p "$process" | tr -d ' ')" "$process"
	done
	kill -INT "$pid"
	line_is_over 0
}

@test "when the launcher is killed its workers die with it" {
	start_line --shell -- 'echo up; exec sleep 1000'
	kill -KILL "$pid"
	wait_until 1 no_workers
	wait "$pid" 2>/dev/null || true
	ringctl rm --force "$ring"
}

no_workers() { ! pgrep -f -- "--ring=$ring " >/dev/null; }

@test "what workers leave running ends with the line, whatever its session" {
	seq 3 | timeout 10 launcher -c 2 --shell -- \
		'setsid sleep 12345.{} & sleep 12346.{} & echo {}' >out 2>err
	run pgrep -f 'sleep 1234[56]\.[123]'
	assert_failure
}

@test "signals at random moments: always drained or accounted for" {
	local i code
	for i in {1..40}; do
		start line env --default-signal=INT launcher -p 3 -c 4 -n 0 -r "$ring" --producer-pace 100us
		sleep "0.$((RANDOM % 20 + 100))"	# luck, on top of the rest
		kill -s "$(shuf -n 1 -e INT TERM)" "$pid"
		if ((i % 3 == 0)); then kill -s TERM "$pid" || true; fi
		wait_until 10 has_ended "$pid"
		code=0
		wait "$pid" || code=$?
		[[ -s line.err ]] || continue	# it came before there was a line
		books_balance "$(tail -n 1 line.err)"
		case $code in
		0 | 143) no_ring || fail "a drained ring is left" ;;
		75) ringctl rm --force "$ring" ;;
		*) fail "exit code $code: $(cat line.err)" ;;
		esac
		no_workers || fail "workers are left"
	done
}
