#!/usr/bin/env bats
# --worker=lines: a COMMAND that stays and answers each item with a line, and what its end means for the
# items that it had.

load helpers
bats_require_minimum_version 1.5.0

setup() {
	common_setup
	answer=$(worker answer)
}
teardown() { common_teardown; }

line() { launcher -r "$ring" "$@"; }
fill() { printf '%s\n' "$@" | producer -r "$ring" --quiet -; } # ITEM...
json_of() { ringctl stat --json "$ring" | jq -r "$1"; }
has_redelivered() { [[ $(json_of .redelivered_total 2>/dev/null) == "$1" ]]; }
has_ready() { [[ $(json_of .ready 2>/dev/null) == "$1" ]]; }
dead_items() { jq -r .item "$1"; }

# ------------------------------------------------------------------ answers

@test "one process answers all items of a consumer, in their order" {
	seq 1000 >input
	line -c 1 --worker=lines -- sh -c 'while read -r item; do echo "$$ $item"; done' <input >out
	cut -d' ' -f2 out | cmp - input
	assert_equal "$(cut -d' ' -f1 out | sort -u | wc -l)" 1
}

@test "a window of items comes back whole and unmixed from several consumers" {
	seq -f '%099.0f' 20000 >input
	line -c 4 --worker=lines --window 32 -- "$answer" <input >out
	cmp <(sort out) input
}

@test "items and answers may be empty, and longer than a pipe holds" {
	awk 'BEGIN { for (i = 0; i < 40; i++) { print ""; for (j = 0; j < i * 4000; j++) printf "x"; print "" } }' >input
	line -c 2 --worker=lines --window 8 --item-max 200K -- "$answer" <input >out
	cmp <(sort out) <(sort input)
}

@test "a million empty items" {
	[[ -z ${SAN:-} ]] || skip "takes minutes under a sanitizer"
	head -c 1000000 /dev/zero | tr '\0' '\n' >input
	run -0 --separate-stderr line -c 2 --worker=lines --window 64 --sink exec --json --quiet -- "$answer" <input
	assert_equal "$(wc -l <<<"$output")" 1000001
	assert_equal "$(tail -n 1 <<<"$output" | jq .acked_total)" 1000000
}

@test "COMMAND's words and environment tell of the consumer, not of items" {
	run -0 --separate-stderr line -c 1 --worker=lines -- sh -c 'read -r i; echo "$0 $SHMLINE_RING ${SHMLINE_ITEM-none} $SHMLINE_CONSUMER"' 'x{%}{}' <<<one
	assert_output "x1{} $ring none 1"
	run -0 --separate-stderr line -c 1 --worker=lines --shell -- 'read -r i; echo "$i" |' tr a-z A-Z <<<one
	assert_output ONE
}

@test "what COMMAND writes to standard error comes through, whole lines" {
	run -0 --separate-stderr line -c 1 --worker=lines -- sh -c 'echo loading >&2; while read -r i; do printf "about " >&2; echo "$i" >&2; echo "$i"; done; printf end >&2' <<<$'a\nb'
	assert_output $'a\nb'
	assert_regex "$stderr" $'loading\nabout a\nabout b\nend'
}

@test "the job log has a line an item" {
	line -c 1 --worker=lines --window 4 --joblog log -- "$answer" -k three <<<$'one\ntwo\nthree\nfour' >out || true
	assert_equal "$(awk -F'\t' 'NR > 1 { print $1, $6, $7, $8 }' log | sort)" $'1 4 0 0\n2 4 0 0\n3 0 0 11\n4 5 0 0'
}

@test "while answers are quick COMMAND may share its consumer's processor, and may run where it could before when they are not" {
	(($(nproc) > 1)) || skip "one processor"
	{ yes quick | head -n 20000; echo slow; yes quick | head -n 100; } >input
	line -c 1 --worker=lines -- python3 -u -c '
import os, sys, threading, time
later = []
for item in sys.stdin:
    if item == "slow\n":
        time.sleep(0.5)
    if len(os.sched_getaffinity(0)) == 1 and not later:
        later.append(threading.Thread(target=time.sleep, args=(1000,), daemon=True))
        later[0].start()
    print(item.strip(), *(len(os.sched_getaffinity(t)) for t in [0] + [t.native_id for t in later]))
' <input >out
	assert_equal "$(wc -l <out)" 20101
	grep -q '^quick 1 1$' out || skip "it is not quicker on this machine"
	assert_equal "$(grep slow out)" "slow $(nproc) $(nproc)"
}

@test "a COMMAND with several threads is left where it is" {
	(($(nproc) > 1)) || skip "one processor"
	yes quick | head -n 20000 >input
	line -c 1 --worker=lines -- python3 -u -c '
import os, sys, threading, time
threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
for item in sys.stdin:
    print(len(os.sched_getaffinity(0)))
' <input >out
	assert_equal "$(sort out | uniq -c | tr -s " ")" " 20000 $(nproc)"
}

# ------------------------------------------------------------------ ends

@test "of ten thousand items one kills its worker every time: it alone is dead, none beside it is charged" {
	seq 10000 >input
	run -123 --separate-stderr line -c 2 --worker=lines --window 32 --retries 2 --dead dead -- "$answer" -k 5000 <input
	cmp <(sort -n <<<"$output") <(grep -vx 5000 input)
	# Those beside it came once more, each alone; it came for its two retries.
	[[ "${stderr_lines[*]}" =~ ([0-9]+)" redeliveries" ]]
	((BASH_REMATCH[1] < 100)) || fail "${BASH_REMATCH[1]} redeliveries"
	assert_equal "$(jq -c '[.item, .failures, .signal]' dead)" '["5000",2,11]'
	books_balance "${stderr_lines[-1]}"
	assert_equal "$acked $dead" '9999 1'
}

@test "items beside one that kills its worker keep their failures at none" {
	fill a b kill c
	start c consumer -r "$ring" --keep-open --worker=lines --window 4 --quiet -- \
		sh -c 'while read -r i; do case $i in kill) kill -9 $$;; esac; [ -e go ] && echo "$i"; done'
	# Its process is gone; c, which it had not read, is the next one's, and one that it had came again.
	wait_until 20 has_redelivered 1
	ringctl peek --json "$ring" >items
	assert_equal "$(jq -s -c '[map(.failures) | max, length]' items)" '[0,4]'
	kill -KILL "$pid"
	ringctl rm --force "$ring"
}

@test "a consumer that is killed with its window in hand: one item is to blame, no other is dead" {
	seq 200 >input
	# The item that kills takes the consumer, its worker's parent, with it.
	cat >worker <<-'END'
		while read -r i; do
			[ "$i" = 100 ] && kill -9 "$PPID"
			echo "$i"
		done
	END
	run -123 --separate-stderr line -c 1 --worker=lines --window 16 --max-deliveries 3 --restart-limit 50/60s \
		--restart-backoff const:1ms --dead dead -- sh worker <input
	assert_equal "$(dead_items dead)" 100
	books_balance "${stderr_lines[-1]}"
	assert_equal "$acked $dead" '199 1'
}

@test "an exit code of a worker that had one item means what it means for a run" {
	cat >worker <<-'END'
		while read -r i; do case $i in dead) exit 65;; stop) exit 255;; later) [ -e was ] || { >was; exit 75; };; esac; echo "$i"; done
	END
	run -123 --separate-stderr line -c 1 --worker=lines --retries 5 --backoff const:1ms --dead dead -- sh worker <<<$'a\ndead\nlater\nb'
	assert_equal "$(sort <<<"$output")" $'a\nb\nlater'
	assert_equal "$(jq -c '[.item, .exit, .deliveries]' dead)" '["dead",65,1]'
	run -124 --separate-stderr line -c 1 --worker=lines -- sh worker <<<$'a\nstop'
}

@test "a worker that answers some items and leaves is started again, and costs nobody anything" {
	seq 1000 >input
	line -c 2 --worker=lines --window 8 -- "$answer" -e 50 <input >out 2>err
	cmp <(sort -n out) input
	books_balance "$(tail -n 1 err)"
	assert_equal "$dead" 0
}

@test "a worker that ends without an answer has failed at its item" {
	run -123 --separate-stderr line -c 1 --worker=lines --dead dead -- sh -c 'read -r i; [ "$i" = b ] || echo "$i"' <<<$'a\nb\nc'
	assert_equal "$(sort <<<"$output")" $'a\nc'
	assert_equal "$(jq -r .cause dead)" 'COMMAND ended without an answer to it'
}

@test "the last of its standard error is in the dead letter" {
	run -123 --separate-stderr line -c 1 --worker=lines --dead dead -- sh -c 'read -r i; echo "cannot $i" >&2; exit 3' <<<a
	assert_equal "$(jq -c '[.exit, .stderr]' dead)" '[3,"cannot a\n"]'
}

@test "one that hangs is ended at --time-limit, and only its item is charged" {
	cat >worker <<-'END'
		while read -r i; do [ "$i" = c ] && sleep 1000; echo "$i"; done
	END
	run -123 --separate-stderr line -c 1 --worker=lines --window 3 --time-limit 1s --dead dead -- sh worker <<<$'a\nb\nc\nd\ne'
	assert_equal "$(sort <<<"$output")" $'a\nb\nd\ne'
	assert_equal "$(jq -r .cause dead)" 'took longer than 1s (--time-limit)'
}

@test "one that answers late after all is charged nothing, nor is the item behind" {
	cat >worker <<-'END'
		trap 'echo a; echo b; exit' TERM
		read -r a; read -r b
		[ -e was ] || { >was; while :; do sleep 0.05; done; }
		echo "$a"; echo "$b"
	END
	run -0 --separate-stderr line -c 1 --worker=lines --window 2 --time-limit 2s -- sh worker <<<$'a\nb'
	assert_output $'a\nb'
}

@test "a worker that closes its output before it exits says its exit code itself" {
	run -0 --separate-stderr line -c 1 --worker=lines -- sh -c 'while read -r i; do echo "$i"; done; exec >&-; sleep 0.2' <<<$'a\nb'
	assert_output $'a\nb'
	refute_regex "$stderr" COMMAND
	run -123 --separate-stderr line -c 1 --worker=lines --dead dead -- sh -c 'read -r i; exec >&- <&-; sleep 0.2; exit 65' <<<a
	assert_equal "$(jq -c .exit dead)" 65
}

@test "a worker that ends badly behind its last item is told of" {
	run -0 --separate-stderr line -c 1 --worker=lines -- sh -c 'while read -r i; do echo "$i"; done; exit 9' <<<a
	assert_output a
	assert_regex "$stderr" 'COMMAND ended with exit code 9 behind its last item'
}

@test "one that ignores TERM gets KILL" {
	fill a
	run -123 consumer -r "$ring" --worker=lines --time-limit 100ms --kill-after 100ms --dead dead --quiet -- \
		sh -c 'trap "" TERM; read -r i; while :; do sleep 0.1; done'
	assert_equal "$(jq -c .signal dead)" 9
}

@test "one that answers more than it was asked is ended; its items are answered once" {
	run -0 --separate-stderr line -c 1 --worker=lines -- sh -c 'read -r i; printf "%s\nmore\n" "$i"; read -r i; echo "$i"' <<<$'a\nb'
	assert_output $'a\nb'
	assert_regex "$stderr" 'COMMAND answered more than it was asked'
}

@test "an extra answer that comes late is seen although items never end, at any window" {
	local window
	# Behind item 5 one too many, when the next is in its hands: from then on each answer is the one before's.
	cat >worker <<-'END'
		echo >>starts
		while read -r i; do
			sleep 0.002
			echo "$i"
			[ "$i" = 5 ] && { sleep 0.05; echo extra; }
		done
	END
	seq 100000 >input
	for window in 1 4; do
		rm -f starts
		start line launcher -r "$ring" -a input -c 1 --worker=lines --window "$window" -- sh worker
		wait_until 20 has_lines starts 2
		assert_equal "$(grep -c 'answered more than it was asked' line.err)" 1
		(($(json_of .ready) > 0))
		# The next process starts even: what it is asked is what it answers.
		wait_until 20 has_lines line.out 300
		assert_equal "$(tail -n +250 line.out | head -n 20 | awk 'NR > 1 && $1 != last + 1 { n++ } { last = $1 } END { print n + 0 }')" 0
		kill -KILL "$pid"
		wait_until 20 eval "ringctl rm --force $ring 2>/dev/null"
	done
}

@test "what an idle worker writes unasked is no answer" {
	fill a
	start c consumer -r "$ring" --keep-open --worker=lines -- sh -c 'read -r i; echo "$i"; [ -e said ] || { >said; until [ -e go ]; do sleep 0.02; done; echo unasked; }; read -r i; echo "$i"'
	wait_until 20 file_matches c.out a
	touch go
	wait_until 20 file_matches c.err 'answered more'
	fill b
	wait_until 20 file_matches c.out b
	assert_equal "$(cat c.out)" $'a\nb'
	kill "$pid"
	wait_for 20 "$pid" 143
}

@test "a worker that can't live is given up, and its items stay" {
	run -126 line -c 1 --worker=lines -- false <<<$'a\nb'
	assert_output --partial 'COMMAND ended 5 times in a row before it read an item'
	books_balance "${lines[-1]}"
	assert_equal "$left" 2
	ringctl rm --force "$ring"
	run -127 line -c 1 --worker=lines -- no-such-command <<<a
	assert_output --partial 'cannot run "no-such-command": command not found'
}

@test "one that keeps its answers in a buffer gets a hint, once" {
	seq 4 >input
	start line launcher -r "$ring" -a input -c 2 --worker=lines -- sh -c 'read -r i; read -r j; echo "$i"; echo "$j"'
	wait_until 20 file_matches line.err 'stdbuf -oL, python3 -u, awk -W interactive, fflush'
	assert_equal "$(grep -c stdbuf line.err)" 1
	kill "$pid"
	wait_until 20 file_matches line.err draining
	kill "$pid"
	wait_for 20 "$pid" 75
	ringctl rm --force "$ring"
}

@test "one that has fallen silent keeps from others only what it was told, not what was taken ahead for it" {
	mkfifo gate
	{ seq 300; echo stop; seq 60; } >input
	start p producer -r "$ring" --slots 128 --quiet input
	wait_until 20 has_ready 128
	start c consumer -r "$ring" --quiet --worker=lines --window 8 -- \
		perl -pe '$| = 1; if (/stop/) { open my $gate, "<", "gate"; <$gate> }'
	wait_until 20 has_ready 53
	assert_equal "$(json_of '"\(.acked_total) \(.in_flight)"')" '300 8'
	echo >gate
	wait_for 20 "$pid"
	cmp <(sort c.out) <(sort input)
}

@test "called off, it gives back what was not answered, uncharged" {
	fill a b c d e
	start c consumer -r "$ring" --quiet --worker=lines --window 3 -- sh -c 'read -r i; echo "$i"; exec sleep 1000'
	wait_until 20 file_matches c.out a
	kill "$pid"
	wait_for 20 "$pid" 143
	assert_equal "$(json_of '"\(.acked_total) \(.left) \(.dead_total)"')" '1 4 0'
	consumer -r "$ring" --quiet --worker=lines -- "$answer" >rest
	assert_equal "$(sort rest)" $'b\nc\nd\ne'
}

@test "asked to leave, it waits for the answers to what it has in hand" {
	fill a b c
	start c consumer -r "$ring" --quiet --worker=lines --window 2 -- sh -c 'while read -r i; do until [ -e go ]; do sleep 0.02; done; echo "$i"; done; echo end >&2'
	wait_until 20 has_ready 1
	kill -USR1 "$pid"
	touch go
	wait_for 20 "$pid"
	assert_equal "$(cat c.out c.err)" $'a\nb\nend'
	assert_equal "$(json_of .left)" 1
	ringctl rm --force "$ring"
}

# ------------------------------------------------------------------ what is refused

@test "an item that holds the byte that ends a record is dead, and says what to use" {
	printf 'a\nb\0c\0' >input
	run -123 --separate-stderr line -0 -a input -c 1 --worker=lines --dead dead -- "$answer"
	assert_output c
	assert_equal "$(jq -r .cause dead)" 'holds the byte that ends a record; use --worker=len32'
}

@test "options that mean nothing to a worker are refused" {
	run -64 line --worker=lines -- cat {} <<<a
	assert_output --partial '--worker lines: expected a COMMAND without {}'
	run -64 line --worker=lines --batch 2 -- cat <<<a
	assert_output --partial '--batch: expected --worker exec'
	run -64 line --worker=lines --stdin -- cat <<<a
	assert_output --partial '--stdin: expected --worker exec'
	run -64 line --window 2 -- cat <<<a
	assert_output --partial '--window: expected --worker lines, nul or len32'
	run -64 line --block 1K --worker=lines -- cat <<<a
	assert_output --partial '--block: expected --worker stream'
	run -64 line --window 2 </dev/null
	assert_output --partial '--window: expected a COMMAND'
	run -64 line --window 0 --worker=lines -- cat <<<a
	assert_output --partial '--window'
	run -64 line --worker=rows -- cat <<<a
	assert_output --partial 'exec, lines, nul, len32 or stream'
}

@test "the same list through xargs, parallel and launcher gives the same results" {
	seq 300 >input
	xargs -P 2 -n 1 sh -c 'echo "$((${1} * 2))"' - <input | sort >theirs
	parallel -j2 'echo $(({} * 2))' <input | sort | cmp - theirs
	line -c 2 --shell -- 'i={}; echo $((i * 2))' <input | sort | cmp - theirs
	line -c 2 --worker=lines --window 4 -- sh -c 'while read -r i; do echo "$((i * 2))"; done' <input | sort | cmp - theirs
}
