#!/usr/bin/env bats
# launcher: workers that write without end stop nobody, and cost no memory.

load helpers
bats_require_minimum_version 1.5.0

setup() { common_setup; }
teardown() { common_teardown; }

has_acked() { (($(ringctl stat --json "$ring" 2>/dev/null | jq .acked_total) >= $1)); }

# Consumer 1 writes without end, the others are as ever. Nobody reads standard error, where it writes.
@test "a worker that floods is held back alone: the others go on, memory stays" {
	[[ -z ${SAN:-} ]] || skip "a sanitizer's memory is its own"
	cp "$SHMLINE_BIN/launcher" "$SHMLINE_BIN/producer" .
	cat >consumer <<-EOF
		#!/bin/sh
		[ "\$2" != --number=1 ] || exec yes flood >&2
		exec "$SHMLINE_BIN/consumer" "\$@"
	EOF
	chmod +x consumer
	mkfifo errors
	exec 9<>errors
	./launcher -r "$ring" -c 3 -n 0 --sink null --producer-pace 100us >line.out 2>errors 3>&- 9>&- &
	pid=$!
	started+=("$pid")
	wait_until 20 has_acked 2000
	(($(awk '/VmHWM/ { print $2 }' "/proc/$pid/status") < 20000))
	kill -QUIT "$pid"
	wait_until 10 has_ended "$pid"
	no_ring || ringctl rm --force "$ring"
}

@test "a log file that is written without end is rotated, and holds nobody up" {
	cp "$SHMLINE_BIN/launcher" "$SHMLINE_BIN/producer" .
	cat >consumer <<-EOF
		#!/bin/sh
		[ "\$1" != --check ] || exit 0
		[ "\$2" != --number=1 ] || exec yes flood
		exec "$SHMLINE_BIN/consumer" "\$@"
	EOF
	chmod +x consumer
	start line ./launcher -r "$ring" -c 2 -n 0 --sink null --producer-pace 100us --log-dir logs --log-size 64K \
		--log-keep 2
	wait_until 20 has_acked 1000
	wait_until 20 test -e logs/consumer-1.log.2
	kill -QUIT "$pid"
	wait_until 10 has_ended "$pid"
	(($(du -sk logs | cut -f1) < 1024))
	no_ring || ringctl rm --force "$ring"
}
