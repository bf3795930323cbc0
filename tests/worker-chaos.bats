#!/usr/bin/env bats
# --worker under a COMMAND that exits, faults, hangs, answers late and answers twice at random: each item is
# acked once, or dead and in the file.

load helpers
bats_require_minimum_version 1.5.0

setup() {
	common_setup
	kills_at_any_moment
	answer=$(worker answer)
	items=${CHAOS_ITEMS:-10000}
	[[ -z ${SAN:-} ]] || items=4000
}
teardown() { common_teardown; }

# Of a thousand items, 5 meet chaos. What is answered twice may be the answer to another item, which then has
# none of its own; so it is the books that tell what became of items, and at a window of 1 so does the output.
chaos() { # WINDOW OPTION...
	local window=$1
	shift
	seq "$items" >input
	launcher -r "$ring" -a input -c 3 --worker=lines --window "$window" --time-limit 200ms --kill-after 100ms \
		--dead dead --joblog log "$@" -- "$answer" -c 5 >out 2>err
}

@test "every item is acked once or dead with a letter, one at a time" {
	code=0
	chaos 1 || code=$?
	assert_equal "$code" 123
	books_balance "$(tail -n 1 err)"
	assert_equal "$((acked + dead))" "$items"
	assert_equal "$(wc -l <dead)" "$dead"
	# Each id once in the job log: acked, or dead.
	assert_equal "$(awk 'NR > 1 { print $1 }' log | sort -n | uniq -c | awk '$1 != 1' | wc -l)" 0
	assert_equal "$(awk 'NR > 1' log | wc -l)" "$items"
	cmp <(jq -r .id dead | sort -n) <(awk 'NR > 1 && ($7 || $8) { print $1 }' log | sort -n)
}

@test "every item is acked once or dead with a letter, 32 at a time, with retries" {
	chaos 32 --retries 20
	books_balance "$(tail -n 1 err)"
	assert_equal "$acked $dead" "$items 0"
	assert_equal "$(awk 'NR > 1 && !$7 && !$8 { print $1 }' log | sort -n | uniq -c | awk '$1 != 1' | wc -l)" 0
	assert_equal "$(wc -l <out)" "$items"
}

@test "consumers are killed as well: nothing is lost, the books balance" {
	items=$((items / 5))
	seq "$items" >input
	start line launcher -r "$ring" -a input -c 3 --consumer-pace 1ms --worker=lines --window 8 --time-limit 200ms \
		--kill-after 100ms --retries 20 --max-deliveries 50 --restart-limit 1000/60s --restart-backoff const:1ms -- "$answer" -c 5
	for _ in {1..15}; do
		sleep 0.05
		victim=$(ringctl stat --json "$ring" 2>/dev/null | jq -r '[.members[] | select(.roles | test("consumer"))][0].pid // empty')
		[[ -z $victim ]] || kill -KILL "$victim" 2>/dev/null || true
	done
	wait_for 60 "$pid"
	books_balance "$(tail -n 1 line.err)"
	assert_equal "$acked $dead" "$items 0"
}
