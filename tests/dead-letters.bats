#!/usr/bin/env bats
# dead letters: their story in --dead, and putting them back.

load helpers
bats_require_minimum_version 1.5.0

setup() { common_setup; }
teardown() { common_teardown; }

stat_is() { [[ $(ringctl stat --json "$ring" | jq -r ".$1") == "$2" ]]; }

@test "dead items that are kicked are delivered again, under their ids, and the books balance" {
	start source producer -r "$ring" --source 'exec:seq 6; sleep 1000'
	start sink consumer -r "$ring" --dead dead -- sh -c 'echo "$SHMLINE_ITEM $1" >>seen; [ -e good ] || [ "$1" -gt 3 ]' sh
	wait_until 10 stat_is dead_total 3
	wait_until 10 stat_is acked_total 3
	touch good
	run --separate-stderr ringctl dead "$ring" --kick -n 1
	assert_equal "$stderr" "ringctl: ring \"$ring\": put 1 dead items back"
	wait_until 10 stat_is acked_total 4
	assert_equal "$(ringctl dead --json "$ring" | jq -s 'length')" 2
	assert_equal "$(ringctl dead "$ring" -k --json)" "{\"ring\":\"$ring\",\"put_back\":2}"
	wait_until 10 stat_is acked_total 6
	assert_equal "$(ringctl stat --json "$ring" | jq -c '[.published_total, .acked_total, .dead_total, .left]')" '[9,6,3,0]'
	ringctl fsck "$ring"
	# Each of the three came twice, with one id.
	assert_equal "$(sort seen | uniq -c | awk '$1 == 2' | wc -l)" 3
	kill "${started[0]}"
	wait_for 10 "${started[1]}" 123
}

@test "the dead of a ring that was kept are kicked, and the next run takes them up" {
	seq 5 >in
	run -123 launcher -r "$ring" --keep --quiet -c 2 -a in -- sh -c '[ "$1" != 2 ] && [ "$1" != 4 ]' sh
	ringctl dead "$ring" --kick
	launcher -r "$ring" --resume -c 2 -p 0 -- sh -c 'echo "$1"' sh >out 2>err || true
	assert_equal "$(sort out | tr '\n' ' ')" '2 4 '
	books_balance "$(tail -n1 err)"
	assert_equal "$published $acked $dead $left" '7 5 2 0'
}

@test "nothing is put back when the stop flag is up, nor into a ring that is not there" {
	start source producer -r "$ring" --source 'exec:echo a; sleep 1000'
	start sink consumer -r "$ring" --quiet -- sh -c 'sleep 0.1; exit 65'
	wait_until 10 stat_is dead_total 1
	start holder consumer -r "$ring" --keep-open --quiet -- false
	ringctl stop "$ring"
	run -69 ringctl dead "$ring" --kick
	assert_output "ringctl: ring \"$ring\" is closed, its stop flag is up: 0 of 1 dead items put back"
	run -69 ringctl dead "$ring-none" --kick
	no_ring "$ring-none"
	ringctl rm --force "$ring" || no_ring "$ring"	# or the last one out was quicker
}

@test "a letter tells the item's whole story" {
	printf 'bad \377 bytes' >in
	run -123 launcher -r "$ring" -a in -c 1 --retries 2 --dead dead -- \
		bash -c 'head -c 9000 /dev/zero | tr "\0" x >&2; echo "end $SHMLINE_DELIVERY" >&2; exit 3' sh
	assert_equal "$(jq -c '[.id, .item_base64, .deliveries, .failures, .exit, .cause]' dead)" \
		"[1,\"$(base64 -w0 in)\",3,2,3,\"exit code 3\"]"
	assert_equal "$(jq -r .stderr dead | wc -c)" $((4096 + 1))
	assert_regex "$(jq -r .stderr dead)" 'end 3$'
	# Published before taken before died, as UTC to the millisecond.
	jq -e '[.published, .taken, .died] | . == sort and all(test("^20.*T.*[.][0-9]{3}Z$"))' dead
	printf 'x\n' >in
	run -123 launcher -r "$ring" -a in -c 1 --dead dead -- sh -c 'kill -SEGV $$'
	assert_equal "$(tail -n1 dead | jq -c '[.item, .signal, .cause]')" '["x",11,"signal 11 (Segmentation fault)"]'
}

@test "a kick that is killed leaves each item dead, or put back, once" {
	local i kick
	start source producer -r "$ring" --quiet --source 'exec:seq 100; sleep 1000'
	start sink consumer -r "$ring" --quiet --batch 100 -- sh -c 'exit 65'
	wait_until 20 stat_is dead_total 100
	kill "$pid"
	wait "$pid" || true
	for i in {1..10}; do
		ringctl dead "$ring" --kick -n 20 2>/dev/null &
		kick=$!
		sleep 0.00$((RANDOM % 10))
		kill -KILL "$kick" 2>/dev/null || true
		wait "$kick" || true
	done
	ringctl fsck "$ring"
	assert_equal "$(ringctl stat --json "$ring" | jq -c '[.published_total - .left, .dead_total]')" '[100,100]'
	# What is not dead is ready, each under its id.
	{ ringctl dead --json "$ring"; ringctl peek --json "$ring"; } | jq .id | sort -n | diff - <(seq 100)
	ringctl rm --force "$ring"
}
