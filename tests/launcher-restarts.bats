#!/usr/bin/env bats
# launcher: workers that die: their items come back, they are started again, or given up.

load helpers
bats_require_minimum_version 1.5.0

setup() {
	common_setup
	kills_at_any_moment
}
teardown() { common_teardown; }

last_line() { tail -n 1 "$1"; }
workers() { workers_of "$pid"; }
producers() { for worker in $(workers); do grep -l producer "/proc/$worker/comm"; done 2>/dev/null | cut -d/ -f3; }

@test "workers killed at random moments lose nothing: each widget is made once" {
	local victims kills=0
	start line launcher -p 3 -c 3 -n 3000 --producer-pace 1ms --restart-limit 1000/60s \
		--restart-backoff exp:1ms..20ms
	until has_ended "$pid"; do
		sleep "0.0$((RANDOM % 5))"	# luck, on top of the rest
		read -ra victims <<<"$(workers)"
		((${#victims[@]} > 0)) || continue
		if kill -KILL "${victims[RANDOM % ${#victims[@]}]}" 2>/dev/null; then ((kills += 1)); fi
	done
	wait_for 1 "$pid" 0
	books_balance "$(last_line line.err)"
	assert_equal "$published $acked" "3000 3000"
	assert_equal "$(grep -oE 'widget [0-9]+' line.out | cut -d' ' -f2 | sort -nu)" "$(seq 3000)"
	((kills > 3)) || fail "only $kills kills"
}

@test "producers killed while they read a file go on where they were" {
	local victims
	seq 2000 >in
	start line launcher -p 3 -c 2 -a in --sink stdout --producer-pace 1ms \
		--restart-limit 1000/60s --restart-backoff exp:1ms..20ms
	wait_until 10 has_lines line.out 1
	for _ in {1..15}; do
		sleep 0.03	# luck, on top of the rest
		mapfile -t victims < <(producers)
		((${#victims[@]} == 0)) || kill -KILL "${victims[RANDOM % ${#victims[@]}]}" || true
	done
	wait_for 20 "$pid" 0
	books_balance "$(last_line line.err)"
	assert_equal "$published" 2000
	assert_equal "$(sort -n line.out)" "$(seq 2000)"
}

@test "a producer killed while it read a pipe: the launcher says what that means" {
	mkfifo pipe
	exec 9<>pipe
	start line launcher -c 1 -a pipe --restart-backoff const:1ms
	echo one >&9
	wait_until 5 has_lines line.out 1
	kill -KILL "$(producers)"
	wait_until 5 file_matches line.err 'producer 1 starts again; what it had read .* is lost'
	echo two >&9
	wait_until 5 has_lines line.out 2
	kill "$pid"
	wait_for 5 "$pid"
}

@test "a COMMAND's consumer that is killed: the item is delivered again, and says so" {
	seq 3 | timeout 20 launcher -c 1 --restart-backoff const:1ms --shell -- \
		'[ $SHMLINE_DELIVERY -gt 1 ] || kill -KILL $PPID; echo {} $SHMLINE_DELIVERY' >out 2>err
	books_balance "$(last_line err)"
	assert_equal "$acked" 3
	assert_equal "$(sort out)" "$(printf '%s 2\n' 1 2 3)"
	assert_regex "$(cat err)" 'consumer 1 was killed by signal 9 \(KILL\)'
}

@test "an item that keeps killing its consumer is dead after --max-deliveries" {
	run -123 --separate-stderr bash -c "seq 5 | timeout 20 launcher -c 1 --max-deliveries 3 \
		--restart-backoff const:1ms --shell -- '[ {} != 3 ] || kill -KILL \$PPID; echo {}'"
	assert_equal "$output" "$(printf '%s\n' 1 2 4 5)"
	books_balance "${stderr_lines[-1]}"
	assert_equal "$acked $dead" "4 1"
}

@test "a worker that crashes in a loop is given up: exit 125, the items stay" {
	run -125 --separate-stderr bash -c "seq 5 | timeout 20 launcher -r $ring -c 2 \
		--restart-limit 2/60s --restart-backoff const:1ms --max-deliveries 100 \
		--shell -- 'kill -SEGV \$PPID'"
	assert_regex "$stderr" 'consumer [12] is given up after 2 restarts within --restart-limit'
	books_balance "${stderr_lines[-1]}"
	assert_equal "$left" 5
	ringctl rm --force "$ring"
}

@test "when one worker is given up the others finish the work, exit 125" {
	run -125 --separate-stderr bash -c "seq 50 | timeout 20 launcher -c 2 --restart-limit 1/60s \
		--restart-backoff const:1ms --max-deliveries 100 --consumer-pace 5ms --shell -- \
		'[ {%} = 1 ] && kill -KILL \$PPID; echo {}'"
	assert_regex "$stderr" 'consumer 1 is given up'
	books_balance "${stderr_lines[-1]}"
	assert_equal "$acked $left" "50 0"
}

@test "--restart never gives up at the first failure" {
	run -125 --separate-stderr bash -c "seq 5 | timeout 20 launcher -r $ring -c 1 --restart never \
		--shell -- 'kill -KILL \$PPID'"
	assert_regex "$stderr" 'consumer 1 is given up, since --restart is never'
	books_balance "${stderr_lines[-1]}"
	assert_equal "$left" 5
	ringctl rm --force "$ring"
}

@test "a source that fails for good ends the line with its code, what it gave is consumed" {
	run -65 --separate-stderr bash -c "printf 'short\n%0100d\nmore\n' 1 |
		timeout 20 launcher -c 1 --item-max 50 --source lines --sink stdout"
	assert_output short
	assert_regex "$stderr" 'producer: .*100.*50'
	books_balance "${stderr_lines[-1]}"
	assert_equal "$left" 0
}

@test "COMMAND that is not found or can't be run: one line, 127 or 126, nothing made" {
	run -127 --separate-stderr bash -c "echo x | timeout 10 launcher -c 4 -r $ring -- no-such-command"
	assert_equal "${#stderr_lines[@]}" 1
	no_ring
	touch plain
	run -126 --separate-stderr bash -c "echo x | timeout 10 launcher -c 4 -r $ring -- ./plain"
	assert_equal "${#stderr_lines[@]}" 1
	no_ring
}

@test "a worker that crashes is named with its signal" {
	start line launcher -c 1 -r "$ring" -n 0 --producer-pace 10ms -v --restart-backoff const:1ms
	wait_until 5 has_lines line.out 1
	kill -TRAP "$(producers)"
	wait_until 5 file_matches line.err 'producer 1 was killed by signal 5 \(TRAP\)'
	kill -TERM "$pid"
	wait_for 5 "$pid"
}
