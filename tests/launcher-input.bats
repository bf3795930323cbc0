#!/usr/bin/env bats
# launcher-input.bats - where the items of a line come from, and the same list through its peers.

bats_require_minimum_version 1.5.0
load helpers
setup() {
	common_setup
	kills_at_any_moment
}
teardown() { common_teardown; }

@test "several files are read, each once, in their order by one producer" {
	printf '%s\n' a b >one
	printf '%s\n' c d >two
	printf '%s\n' e f >three
	launcher -r "$ring" --quiet -c 1 -a one -a two -a three --sink stdout >out
	assert_equal "$(tr '\n' ' ' <out)" 'a b c d e f '
	launcher -r "$ring" --quiet -p 3 -c 2 -a one -a - -a three --sink stdout <two >out
	assert_equal "$(sort out | tr '\n' ' ')" 'a b c d e f '
}

@test "the FIFO among several files is read, once" {
	printf '%s\n' a b >one
	launcher -r "$ring" --quiet -p 2 -c 2 -a one -a <(printf '%s\n' c d) --sink stdout >out
	assert_equal "$(sort out | tr '\n' ' ')" 'a b c d '
}

@test "a forced stop is told once, by the launcher" {
	seq 100 >in
	run -75 launcher -r "$ring" -c 4 -a in --stop now -- sh -c '[ "$1" = 9 ] && exit 255; sleep 0.05' sh
	ringctl rm --force "$ring"
	refute_output --partial 'consumer: '
}

stat_of() { ringctl stat --json "$ring" 2>/dev/null | jq -r ".$1"; }
stat_above() { (($(stat_of "$1") + 0 > $2)) 2>/dev/null; }
above_or_over() { stat_above published_total "$1" || has_ended "$pid"; }

@test "a bursty producer fills the ring of a steady consumer, and its full counter rises" {
	start line launcher -r "$ring" -n 0 --producer-pace 1ms+50ms@0.1 --consumer-pace 15ms --slots 20 \
		--sink null --drain-timeout 10ms
	wait_until 30 stat_above full_total 0
	local seen
	seen=$(stat_of full_total)
	wait_until 30 stat_above full_total "$seen"
	wait_until 10 stat_above published_total 20
	(($(stat_of high_water) == 20))
	ringctl stat --json "$ring" | jq -e '.blocked_seconds_total > 0'
	kill -TERM "$pid"
	wait_for 20 "$pid" 75
	ringctl rm --force "$ring"
	books_balance "$(tail -n1 line.err)"
}

@test "under every policy all that was made is accounted for, though producers are killed" {
	local policy victim
	for policy in block drop-newest drop-oldest; do
		start "$policy" launcher -r "$ring" -p 3 -n 1500 --slots 8 --when-full "$policy" --sink null \
			--producer-pace 2ms --consumer-pace 2ms --restart-backoff const:10ms --restart-limit 100/1s
		for i in 1 2 3 4 5 6; do
			wait_until 20 above_or_over $((i * 200))
			victim=$(pgrep -f "producer.*--ring=$ring .*--number=$((i % 3 + 1)) " | head -n1)
			[[ -z $victim ]] || kill -KILL "$victim" || true
		done
		wait_for 60 "$pid"
		books_balance "$(tail -n1 "$policy.err")"
		assert_equal "$published" 1500
		if [[ $policy == block ]]; then assert_equal "$dropped" 0; else ((dropped > 0)); fi
	done
}

@test "a million empty items" {
	local n=1000000
	[[ -z ${SAN:-} ]] || n=20000
	head -c "$n" /dev/zero | tr '\0' '\n' >empty
	launcher -r "$ring" -a empty --sink null 2>err
	books_balance "$(tail -n1 err)"
	assert_equal "$acked" "$n"
	head -c $((4 * (n / 10))) /dev/zero |
		launcher -r "$ring" --source len32 -c 2 --sink stdout 2>err | wc -lc >sizes
	books_balance "$(tail -n1 err)"
	assert_equal "$acked" $((n / 10))
	assert_equal "$(awk '{ print $1, $2 }' sizes)" "$((n / 10)) $((n / 10))"
}
