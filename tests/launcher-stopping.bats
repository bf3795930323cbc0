#!/usr/bin/env bats
# launcher: what a broken item does to the line, in each mode.

load helpers
bats_require_minimum_version 1.5.0

setup() { common_setup; }
teardown() { common_teardown; }

# The widget line with its 500th widget broken. Sets $code and the books.
break_line() { # OPTION...
	code=0
	timeout 20 launcher -p 3 -c 5 -r "$ring" -n 1000 -k 500 "$@" >out 2>err || code=$?
	books_balance "$(tail -n 1 err)"
}

count() { grep -cE 'widget [0-9]+' out; }

@test "soft: the line stops, everything published is consumed, exit 124" {
	for _ in {1..10}; do
		# Without the stop this line would have no end.
		break_line -n 0 --pace 100us
		assert_equal "$code $left $dead" "124 0 0"
		assert_equal "$(count)" "$published"
		((published >= 500)) || fail "published $published"
	done
}

# ringctl and the summary know how many were published when the flag had gone up.
published_at_flag() { ringctl stat --json "$ring" | jq .stop_published; }

@test "soft: each producer publishes at most the one item that it is making" {
	for _ in {1..20}; do
		break_line --producer-pace 50us --keep
		((published - $(published_at_flag) <= 3)) ||
			fail "$published published, $(published_at_flag) at the flag"
		ringctl rm "$ring"
	done
}

@test "strict: not one item is published after the flag" {
	for _ in {1..20}; do
		break_line --stop strict --producer-pace 50us --keep
		assert_equal "$published" "$(published_at_flag)"
		assert_equal "$code $left" "124 0"
		assert_equal "$(count)" "$published"
		ringctl rm "$ring"
	done
}

@test "now: what is left stays in the ring and is counted, and can be taken up" {
	break_line --stop now --consumer-pace 1ms
	assert_equal "$code" 75
	((left > 0)) || fail "nothing left: $(cat err)"
	assert_equal "$(count)" "$acked"
	run -0 --separate-stderr timeout 20 launcher -r "$ring" --resume -p 0 -c 5
	books_balance "${stderr_lines[-1]}"
	assert_equal "$left" 0
}

@test "ignore: the broken item is dead, the line goes on, exit 123" {
	break_line --stop ignore
	assert_equal "$code $published $acked $dead $left" "123 1000 999 1 0"
}

@test "a broken item at the very end stops the line as well" {
	# The flag that said that all was made once hid the one that an item raised.
	for k in 1 9 10; do
		run -124 --separate-stderr timeout 10 launcher -p 3 -c 5 -n 10 -k "$k"
	done
}

@test "a COMMAND that exits 255 raises the flag, and its item is dead" {
	run -124 --separate-stderr bash -c "seq 1000 | timeout 20 launcher -c 2 --pace 1ms -r $ring \
		--shell -- '[ {} != 20 ] || exit 255'"
	books_balance "${stderr_lines[-1]}"
	assert_equal "$dead $left" "1 0"
	((published < 1000)) || fail "the line went on"
}

@test "a failing item is dead after its retries, exit 123" {
	run -123 --separate-stderr bash -c "seq 10 | timeout 20 launcher -c 2 --retries 2 \
		--backoff const:1ms --shell -- 'echo run {}; [ {} != 7 ]'"
	assert_equal "$(grep -c 'run 7' <<<"$output")" 3
	books_balance "${stderr_lines[-1]}"
	assert_equal "$acked $dead" "9 1"
}

@test "a ring that stays full under fail ends the line with 75" {
	run -75 --separate-stderr timeout 20 launcher -r "$ring" --slots 8 -n 100 --when-full fail \
		--consumer-pace 50ms
	books_balance "${stderr_lines[-1]}"
	assert_equal "$left" 0
	((published < 100)) || fail "published $published"
}

@test "drop-newest and drop-oldest count what they drop" {
	for policy in drop-newest drop-oldest; do
		timeout 20 launcher -r "$ring" --slots 8 -n 100 --when-full $policy \
			--consumer-pace 1ms >out 2>err
		books_balance "$(tail -n 1 err)"
		assert_equal "$published" 100
		((dropped > 0)) || fail "$policy dropped nothing"
		assert_equal "$(count)" "$acked"
	done
}
