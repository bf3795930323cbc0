#!/usr/bin/env bats
# --keep-order: results in the order of the items, whatever happens to those before.

load helpers
bats_require_minimum_version 1.5.0

setup() { common_setup; }
teardown() { common_teardown; }

@test "results come in the order of the items, whichever is done first" {
	shuf -i 1-60 >in
	launcher -r "$ring" --quiet -c 6 --keep-order -a in -- \
		bash -c 'sleep 0.0$((RANDOM % 6)); echo "$1"; echo "$1 again"' sh >out
	awk '{ print; print $1 " again" }' in >expected
	diff expected out
}

@test "it is so with a ring much smaller than the list, and with outputs of every size" {
	seq 150 >in
	launcher -r "$ring" --quiet -c 4 --slots 8 --keep-order -a in -- \
		bash -c '[[ $1 != 7 ]] || sleep 0.3; head -c $(($1 * 700)) /dev/zero | tr "\0" x; echo " $1"' sh >out
	assert_equal "$(sed 's/^x* //' out | tr '\n' ' ')" "$(tr '\n' ' ' <in)"
	assert_equal "$(wc -c <out)" $((150 * 151 / 2 * 700 + $(wc -c <in) + 150))
}

@test "an item that is tried again holds its place, and shows its last run only" {
	seq 40 >in
	launcher -r "$ring" --quiet -c 3 --slots 16 --keep-order --retries 3 --backoff const:100ms -a in -- \
		sh -c 'if [ "$1" = 3 ] && [ "$SHMLINE_DELIVERY" -lt 3 ]; then echo no; exit 1; fi; echo "$1"' sh >out
	diff in out
}

@test "an item that dies has its output in its place, and its letter" {
	seq 20 >in
	run -123 launcher -r "$ring" --quiet -c 3 --keep-order --dead dead -a in -- \
		sh -c 'sleep 0.0$((9 - $1 % 9)); echo "$1"; echo why >&2; [ "$1" != 9 ]' sh
	assert_equal "$(grep -v why <<<"$output" | grep -v launcher | tr '\n' ' ')" "$(tr '\n' ' ' <in)"
	assert_equal "$(jq -c '[.item, .exit, .stderr]' dead)" '["9",1,"why\n"]'
}

@test "an item that raises the flag does so at once, and the results before it still come first" {
	seq 1000 >in
	run -124 launcher -r "$ring" --quiet -c 2 --slots 4 --keep-order -a in -- \
		sh -c '[ "$1" != 1 ] || sleep 0.5; echo "$1"; [ "$1" != 2 ] || exit 255' sh
	grep -E '^[0-9]+$' <<<"$output" >out
	diff out <(head -n "$(wc -l <out)" in)
	(($(wc -l <out) < 20))
}

@test "consumers that are killed while they keep results cost nothing but a second run" {
	seq 120 >in
	start line launcher -r "$ring" -c 3 --keep-order -a in --restart-backoff const:10ms --restart-limit 100/1s -- \
		bash -c 'sleep 0.02; echo "$1"' sh
	for i in 1 2 3 4; do
		wait_until 10 has_lines line.out $((i * 15))
		victim=$(pgrep -f "consumer.*--ring=$ring .*--number=$((i % 3 + 1)) " | head -n1)
		[[ -z $victim ]] || kill -KILL "$victim" || true
	done
	wait_for 30 "$pid"
	books_balance "$(tail -n1 line.err)"
	assert_equal "$acked" 120
	# What was written and not acked is written again, at its place.
	uniq line.out | diff in -
}

@test "what workers that stay answer comes in order too" {
	seq 3000 >in
	cat >slow <<'END'
import random, sys, time
for line in sys.stdin:
    if random.random() < 0.02:
        time.sleep(0.02)
    print(line, end="", flush=True)
END
	for window in 1 16; do
		timeout 30 launcher -r "$ring" --quiet -c 3 --slots 128 --keep-order --worker lines --window "$window" -a in -- \
			python3 slow >out
		diff in out
	done
	# One that dies: its item is tried again, in its place.
	cat >mortal <<'END'
import os, sys
for line in sys.stdin:
    if line == "50\n" and not os.path.exists("once"):
        open("once", "w").close()
        sys.exit(1)
    print(line, end="", flush=True)
END
	timeout 30 launcher -r "$ring" --quiet -c 3 --keep-order --worker lines --retries 1 -a in -- python3 mortal >out
	diff in out
	run -64 consumer -r "$ring" --keep-order --worker stream -- cat
	assert_output --partial '--keep-order: expected a worker that tells'
}

@test "a reader that goes away ends the line with 74, drained, as without the order" {
	seq 500 | launcher -r "$ring" -c 3 --keep-order -- echo 2>err | head -n 2 >out || true
	assert_equal "$(<out)" $'1\n2'
	assert_equal "$(head -n 1 err)" 'launcher: cannot write to standard output: Broken pipe'
	books_balance "$(tail -n1 err)"
	assert_equal "$left" 0
	refute grep -q consumer.*74 err
}

@test "consumers started by hand keep the order between them" {
	seq 50 >in
	producer -r "$ring" --quiet in 3>&- &
	for i in 1 2; do
		start "c$i" bash -c "exec consumer -r $ring --keep-order -- sh -c 'sleep 0.0\$((\$1 % 7)); echo \$1' sh >>all"
	done
	for i in "${started[@]}"; do wait_for 20 "$i"; done
	diff in all
	# Both had a part in it.
	refute grep -q 'acked 0' c1.err c2.err
}

@test "--keep-order is refused where there is no order to keep" {
	run -64 launcher -c 2 --keep-order
	assert_output 'launcher: --keep-order: expected a COMMAND behind the options'
	run -64 launcher --keep-order --tag -- true
	assert_output 'launcher: --keep-order: expected neither --tag nor --log-dir'
	run -64 launcher --keep-order -p 2 -- true
	assert_output 'launcher: --keep-order: expected one producer, the items of several have no order'
	run -64 launcher --keep-order --batch 2 -- true
	assert_output --partial '--keep-order: expected no --batch'
}
