#!/usr/bin/env bats
# producer and consumer by hand, on a ring of their own, with nobody to supervise them: in any order of
# starting, with some of them killed.

load helpers
bats_require_minimum_version 1.5.0

setup() { common_setup; }
teardown() { common_teardown; }

has_consumers() { [[ $(ringctl stat --json "$ring" 2>/dev/null | jq -r .consumers) == "$1" ]]; }
has_producers() { [[ $(ringctl stat --json "$ring" 2>/dev/null | jq -r .producers) == "$1" ]]; }

# A consumer that writes its items to NAME.out. Sets $pid.
start_consumer() { # NAME OPTION...
	start "$1" consumer -r "$ring" --quiet "${@:2}" --sink stdout
}

# A producer of 1 to N, which makes the second half when the test says `touch go`, so that nobody can be
# done with all of them before. Sets $pid.
start_producer() { # N
	start p producer -r "$ring" --quiet --slots 64 --source \
		"exec:seq $(($1 / 2)); until [ -e go ]; do sleep .02; done; seq $(($1 / 2 + 1)) $1"
}

# Whole lines: a killed consumer may have been in the middle of one.
whole_lines() { for file; do head -n "$(wc -l <"$file")" "$file"; done; }

@test "a consumer that comes first waits for a producer, and ends with it" {
	start_consumer c
	wait_until 20 has_consumers 1
	seq 1000 | producer -r "$ring" --quiet -
	wait_for 20 "$pid"
	cmp c.out <(seq 1000)
	no_ring
}

@test "what a producer leaves waits for a consumer that comes later" {
	seq 1000 | producer -r "$ring" --quiet -
	ring_exists
	start_consumer c
	wait_for 20 "$pid"
	cmp c.out <(seq 1000)
	no_ring
}

@test "a line of one's own needs no name" {
	[[ ! -e /dev/shm/shmline.default ]] || skip "the ring \"default\" is in use"
	producer -n 3 --quiet
	run -0 consumer --quiet
	assert_equal "${#lines[@]}" 3
	no_ring default || fail "the ring \"default\" is left"
}

@test "both programs started at the same moment find one another" {
	for i in {1..20}; do
		start p producer -r "$ring" -n 5 --quiet
		local producer=$pid
		start_consumer "c$i"
		wait_for 20 "$producer"
		wait_for 20 "$pid"
		assert_equal "$(wc -l <"c$i.out")" 5
		no_ring
	done
}

@test "several consumers share the work, and each item has one of them" {
	for i in 1 2 3; do start_consumer "c$i" --pace 100us; done
	wait_until 20 has_consumers 3
	seq 3000 | producer -r "$ring" --quiet -
	for i in "${started[@]}"; do wait_for 20 "$i"; done
	sort -n c?.out | cmp - <(seq 3000)
	for i in 1 2 3; do assert_not_equal "$(wc -l <"c$i.out")" 0; done
}

@test "kill -9 of a consumer in the middle loses nothing: consumer first" {
	start_consumer c1 --pace 1ms
	local victim=$pid
	start_consumer c2 --pace 1ms
	local other=$pid
	wait_until 20 has_consumers 2
	start_producer 1000
	wait_until 20 has_lines c1.out 50
	kill -KILL "$victim"
	touch go
	wait_for 20 "$pid"
	wait_for 20 "$other"
	whole_lines c1.out c2.out | sort -nu | cmp - <(seq 1000)
	no_ring
}

@test "kill -9 of a consumer in the middle loses nothing: producer first" {
	start_producer 1000
	local producer=$pid
	wait_until 20 has_producers 1
	start_consumer c1 --pace 1ms
	wait_until 20 has_lines c1.out 50
	kill -KILL "$pid"
	touch go
	wait "$pid" || true
	start_consumer c2
	wait_for 20 "$pid"
	wait_for 20 "$producer"
	whole_lines c1.out c2.out | sort -nu | cmp - <(seq 1000)
	no_ring
}

@test "kill -9 of a consumer with a COMMAND hands its item to another" {
	seq 20 | producer -r "$ring" --quiet -
	start c1 consumer -r "$ring" --quiet -- sh -c 'echo "$1" >held; exec sleep 100' sh
	wait_until 20 test -s held
	start c2 consumer -r "$ring" --quiet -- echo
	local other=$pid
	wait_until 20 has_lines c2.out 19
	kill -KILL "${started[0]}"
	wait_for 20 "$other"
	sort -n c2.out | cmp - <(seq 20)
	assert_equal "$(tail -n1 c2.out)" "$(<held)"
	no_ring
}

@test "kill -9 of a producer ends its part, and the line goes on without it" {
	start p producer -r "$ring" --quiet -n 0 --pace 1ms
	start_consumer c
	wait_until 20 has_lines c.out 10
	kill -KILL "${started[0]}"
	wait_for 20 "$pid"
	cut -d' ' -f2 c.out | cmp - <(seq "$(wc -l <c.out)")
	no_ring
}

@test "consumers killed all the time lose nothing" {
	start_producer 10000
	local producer=$pid
	wait_until 20 has_producers 1
	for i in {1..15}; do
		start_consumer "c$i" --pace 1ms
		wait_until 20 test -s "c$i.out"
		kill -KILL "$pid"
		wait "$pid" || true
	done
	touch go
	start_consumer last
	wait_for 20 "$pid"
	wait_for 20 "$producer"
	whole_lines *.out | sort -nu | cmp - <(seq 10000)
	no_ring
}

@test "a stopped consumer holds up only the item in its hands" {
	seq 100 | producer -r "$ring" --quiet -
	start c1 consumer -r "$ring" --quiet -- sh -c 'echo "$1" >held; until [ -e go ]; do sleep .02; done; echo "$1"' sh
	local stopped=$pid
	wait_until 20 test -s held
	kill -STOP "$stopped"
	start c2 consumer -r "$ring" --quiet -- echo
	wait_until 20 has_lines c2.out 99
	touch go
	kill -CONT "$stopped"
	wait_for 20 "$stopped"
	wait_for 20 "$pid"
	sort -n c1.out c2.out | cmp - <(seq 100)
}

@test "a ring that was stopped takes items again when somebody new comes to it" {
	start c consumer -r "$ring" --quiet --idle-exit 100s --sink stdout
	wait_until 20 has_consumers 1
	ringctl stop --mode now "$ring"
	wait_for 20 "$pid"
	seq 3 | producer -r "$ring" --quiet -
	start_consumer c2
	wait_for 20 "$pid"
	cmp c2.out <(seq 3)
}

@test "what a forced stop left goes to the next consumer" {
	seq 3 | producer -r "$ring" --quiet -
	run -75 consumer -r "$ring" --quiet --stop now -- sh -c 'exit 255'
	start_consumer c
	wait_for 20 "$pid"
	cmp c.out <(seq 2 3)
	no_ring
}

@test "waiting costs nothing" {
	start_consumer c --keep-open
	mkfifo fifo
	start p producer -r "$ring" --quiet fifo
	wait_until 20 has_producers 1
	sleep 2		# the measured time, not a hope
	for i in "${started[@]}"; do
		ticks=$(awk '{ print $14 + $15 }' "/proc/$i/stat")
		((ticks <= 1)) || fail "process $i used $ticks ticks while it waited"
	done
	kill "${started[@]}"
	wait_for 20 "${started[0]}" 143
	wait_for 20 "${started[1]}" 143
	no_ring
}
