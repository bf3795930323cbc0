#!/usr/bin/env bats
# consumer: what each sink writes, how COMMAND gets its items and what its end means for them, and how a
# consumer ends.

load helpers
bats_require_minimum_version 1.5.0

setup() { common_setup; }
teardown() { common_teardown; }

# Leave these items in the ring, and nobody attached.
fill() { printf '%s\n' "$@" | producer -r "$ring" --quiet -; } # ITEM...
take() { consumer -r "$ring" --quiet "$@"; }
drop_ring() { ringctl rm --force "$ring"; }
json_of() { ringctl stat --json "$ring" | jq -r "$1"; }
counts_of() { json_of '"\(.published_total) \(.acked_total) \(.dead_total) \(.left)"'; }
has_in_flight() { [[ $(json_of .in_flight 2>/dev/null) == "$1" ]]; }
has_consumers() { [[ $(json_of .consumers 2>/dev/null) == "$1" ]]; }
has_delayed() { [[ $(json_of .delayed 2>/dev/null) == "$1" ]]; }

# A consumer that holds the line open, so that what became of items can be read. Sets $pid.
hold_open() {
	start holder consumer -r "$ring" --keep-open --quiet -- false
	wait_until 20 has_consumers 1
	kill -STOP "$pid"
}

# ------------------------------------------------------------------ sinks

@test "log says which consumer took which item from whom, and its age" {
	producer -r "$ring" -n 1 --quiet
	run -0 take
	assert_output --regexp '^consumer [0-9]+: widget 1 from producer [0-9]+, [0-9.]+[mun]?s old$'
	printf 'tab\there, and bytes \001 \377 that are none\n' | producer -r "$ring" --quiet -
	run -0 take
	assert_output --regexp '^consumer [0-9]+: item [0-9]+, [0-9]+ bytes, [0-9.]+[mun]?s old: "tab\\there, and bytes \\001 \\377 that are none"$'
}

@test "log cuts a long item, and says when one was delivered before" {
	fill "$(printf '%0500d' 1)"
	start c consumer -r "$ring" -- sh -c 'sleep 100'
	wait_until 20 has_in_flight 1
	kill -KILL "$pid"
	run -0 take
	assert_output --regexp '^consumer [0-9]+: item 1, 500 bytes, [0-9.]+m?s old, delivery 2: "0{61}\.\.\."$'
}

@test "stdout writes items as they are, each with a newline, or NUL with -0" {
	printf 'a b\n\n\001\377' >input
	producer -r "$ring" --quiet input
	take --sink stdout | cmp - <(printf 'a b\n\n\001\377\n')
	producer -r "$ring" --quiet input
	take --sink stdout -0 | cmp - <(printf 'a b\0\0\001\377\0')
}

@test "null writes nothing" {
	fill a b c
	run -0 take --sink null
	assert_output ''
}

@test "consumers with one output do not mix their lines" {
	awk 'BEGIN { for (i = 0; i < 300; i++) { printf "%d:", i; for (j = 0; j < 2000 + i * 100; j++) printf "x"; print "" } }' >input
	mkfifo out
	sort out >sorted &
	started+=($!)
	exec 9>out
	start c1 consumer -r "$ring" --item-max 64K --quiet --sink stdout
	start c2 consumer -r "$ring" --item-max 64K --quiet --sink stdout
	{ consumer -r "$ring" --item-max 64K --quiet --sink stdout & started+=($!); } >&9
	{ consumer -r "$ring" --item-max 64K --quiet --sink stdout & started+=($!); } >&9
	{ consumer -r "$ring" --item-max 64K --quiet -- cat /dev/null & started+=($!); } >&9
	wait_until 20 has_consumers 5
	kill "${started[1]}" "${started[2]}" "${started[5]}"
	wait_until 20 has_consumers 2
	producer -r "$ring" --quiet input
	exec 9>&-
	wait_for 20 "${started[0]}"
	cmp sorted <(sort input)
}

@test "an output that can't be written to gives the items back" {
	fill a b
	run -74 bash -c 'consumer -r "$1" --quiet --sink stdout >/dev/full' - "$ring"
	run -74 bash -c 'consumer -r "$1" --quiet --sink log >/dev/full' - "$ring"
	assert_output 'consumer: cannot write to standard output: No space left on device'
	run -74 bash -c 'consumer -r "$1" --quiet -- echo >&-' - "$ring"
	assert_equal "$(counts_of)" '2 0 0 2'
	run -0 take --sink stdout
	assert_output $'a\nb'
}

# ------------------------------------------------------------------ COMMAND's words

@test "without {} the item is the last argument, whatever bytes it holds" {
	fill 'a b' '$(touch evil)' "it's" '' '*' '-n'
	run -0 take -- printf '<%s>\n' --
	assert_output $'<-->\n<a b>\n<-->\n<$(touch evil)>\n<-->\n<it\'s>\n<-->\n<>\n<-->\n<*>\n<-->\n<-n>'
	assert_not_exist evil
}

@test "{} {#} and {%} stand for the item, its id and the consumer" {
	fill one two
	run -0 take -- echo 'x{}y' '{#}' '{%}{%}'
	assert_line --index 0 --regexp '^xoney 1 ([0-9]+)\1$'
	assert_line --index 1 --regexp '^xtwoy 2 ([0-9]+)\1$'
}

@test "COMMAND's environment tells of ring, item, delivery and consumer" {
	fill one
	SHMLINE_ITEM=outer run -0 take -- sh -c 'env | grep ^SHMLINE_ | sort'
	assert_output --regexp "^SHMLINE_CONSUMER=[0-9]+
SHMLINE_DELIVERY=1
SHMLINE_ITEM=1
SHMLINE_RING=$ring\$"
}

@test "--stdin hands over the bytes themselves, NUL and all" {
	printf 'a\0b' | producer -r "$ring" -d '\n' --quiet
	take --stdin -- cat | cmp - <(printf 'a\0b')
	producer -r "$ring" --item-max 2M --slots 4 --quiet -d '\x01' <(head -c 1500000 /dev/zero)
	[[ $(take --stdin -- wc -c) == 1500000 ]]
}

@test "without --stdin COMMAND's standard input is empty" {
	fill a
	run -0 take -- sh -c 'cat; echo end' <<<"not for COMMAND"
	assert_output end
}

@test "--shell runs COMMAND by sh, and never reads an item as code" {
	fill '$(touch evil); "quoted" '"it's"
	run -0 take --shell -- 'echo {} | tr a-z A-Z; echo "id {#}"'
	assert_output $'$(TOUCH EVIL); "QUOTED" IT\'S\nid 1'
	fill '$(touch evil)'
	run -0 take --shell -- echo 'a;' echo
	assert_output $'a\n$(touch evil)'
	fill '`touch evil`'
	run -0 take --shell --batch 3 -- 'for i in {}; do echo "$i"; done'
	assert_output '`touch evil`'
	assert_not_exist evil
}

@test "--batch gives a run as many items as there are, up to N" {
	seq 10 | producer -r "$ring" --quiet -
	run -0 take --batch 4 -- echo
	assert_output $'1 2 3 4\n5 6 7 8\n9 10'
	seq 3 | producer -r "$ring" --quiet -
	run -0 take --batch 4 -- echo 'a{}b' {#}
	assert_output 'a1b a2b a3b 1'
	seq 3 | producer -r "$ring" --quiet -
	run -0 take --batch 4 --stdin -- tac
	assert_output $'3\n2\n1'
	printf '1\n\0002' | producer -r "$ring" --quiet -0
	take --batch 4 --stdin -0 -- cat | cmp - <(printf '1\n\0002\0')
}

@test "a batch that is too long for one command line is split" {
	seq 1000000000 1000000999 | awk '{ printf "%s%01000d\n", $1, 0 }' >input
	producer -r "$ring" --quiet --slots 2048 input
	take --batch 1000 -- printf '%s\n' | sort | cmp - input
}

@test "an item that no argument can hold is dead, and says to use --stdin" {
	printf 'a\n\0\nb\n' | producer -r "$ring" --quiet -
	run -123 take --batch 9 --dead dead -- echo
	assert_output $'a\nb'
	assert_equal "$(jq -r '"\(.id) \(.item|@json) \(.cause)"' dead)" \
		'2 "\u0000" holds a NUL byte, which no argument can; use --stdin'
	printf '%0200000d' 1 | producer -r "$ring" --item-max 200000 --quiet -
	run -123 take --dead dead -- echo
	assert_equal "$(tail -n1 dead | jq -r .cause)" \
		'longer than the system lets an argument be; use --stdin'
}

# ------------------------------------------------------------------ what COMMAND writes

@test "outputs of runs side by side do not mix" {
	seq 60 | producer -r "$ring" --quiet -
	for i in 1 2 3; do
		consumer -r "$ring" --quiet -- sh -c 'for i in 1 2 3 4; do echo "$1"; echo "e$1" >&2; done' sh &
		started+=($!)
	done >out 2>err
	for i in "${started[@]}"; do wait_for 20 "$i"; done
	uniq -c out | awk '{ print $1 }' | uniq | cmp - <(echo 4)
	uniq -c err | awk '{ print $1 }' | uniq | cmp - <(echo 4)
	sort -nu out | cmp - <(seq 60)
}

@test "a run may write more than any buffer holds" {
	fill 30000000
	[[ $(take -- head -c {} /dev/zero | wc -c) == 30000000 ]]
}

# ------------------------------------------------------------------ COMMAND's end

@test "exit code 0 acks, 65 is dead, any other fails" {
	hold_open
	fill 0 65 1 9 0
	run -123 take --idle-exit 0 -- sh -c 'exit $1' sh
	assert_equal "$(counts_of)" '5 2 3 0'
	kill -KILL "$pid"
	drop_ring
}

@test "a failing item is tried again --retries times, then it is dead" {
	fill a
	run -123 take --retries 2 --dead dead -- sh -c 'echo "try $SHMLINE_DELIVERY"; exit 7'
	assert_output $'try 1\ntry 2\ntry 3'
	assert_equal "$(jq -r '"\(.item) \(.deliveries) \(.failures) \(.exit) \(.cause)"' dead)" \
		'a 3 2 7 exit code 7'
}

@test "exit code 75 gives back without counting a failure, however often" {
	fill a
	run -0 take --backoff const:0 --max-deliveries 2 -- sh -c '[ "$SHMLINE_DELIVERY" -ge 9 ] || exit 75; echo "at $SHMLINE_DELIVERY"'
	assert_output 'at 9'
}

@test "exit code 75 waits a second without a backoff" {
	local before
	before=$(now_ms)
	fill a
	take -- sh -c '[ "$SHMLINE_DELIVERY" -ge 2 ] || exit 75'
	(($(now_ms) - before >= 1000))
}

@test "a retry waits as --backoff says, and blocks nobody" {
	fill a b
	start c consumer -r "$ring" --quiet --retries 1 --backoff const:300ms -- \
		sh -c 'echo "$1 $SHMLINE_DELIVERY"; [ "$1$SHMLINE_DELIVERY" != a1 ]' sh
	wait_until 20 has_delayed 1
	wait_until 20 has_lines c.out 2
	wait_for 20 "$pid"
	run -0 cat c.out
	assert_output $'a 1\nb 1\na 2'
}

@test "a COMMAND that is killed has failed, and its letter names the signal" {
	fill a
	run -123 take --dead dead -- sh -c 'echo out; echo gone >&2; kill -SEGV $$'
	assert_equal "$(jq -r '"\(.signal) \(.cause) \(.stderr|@json)"' dead)" \
		'11 signal 11 (Segmentation fault) "gone\n"'
}

@test "255 is dead and raises the stop flag" {
	start p producer -r "$ring" -n 0 --quiet --pace 1ms
	run -124 take -- sh -c 'case $1 in "widget 5 "*) exit 255;; esac' sh
	wait_for 20 "$pid"
	no_ring
	for mode in soft:124 strict:124 now:75; do
		fill a b
		run "-${mode#*:}" take --stop "${mode%:*}" -- sh -c 'exit 255'
	done
	assert_equal "$(counts_of)" '2 0 1 1'
	drop_ring
	fill a b
	run -123 take --stop ignore -- sh -c 'exit 255'
}

@test "a broken widget raises the stop flag in the mode that --stop says" {
	for mode in soft:SOFT strict:STRICT now:NOW; do
		hold_open
		producer -r "$ring" -n 3 -k 2 --quiet
		run consumer -r "$ring" --quiet --idle-exit 0 --stop "${mode%:*}"
		assert_output --partial ', broken'
		assert_equal "$(json_of .stop)" "${mode%:*}"
		kill -KILL "$pid"
		wait "$pid" || true
		drop_ring
	done
	producer -r "$ring" -n 3 -k 2 --quiet
	run -123 take --stop ignore --dead dead
	assert_equal "$(jq -r '"\(.id) \(.cause)"' dead)" '2 a broken widget'
}

@test "of a batch that fails only the guilty item is charged" {
	hold_open
	seq 10 | producer -r "$ring" --quiet -
	run -123 take --idle-exit 0 --batch 10 --dead dead -- sh -c 'for i; do [ "$i" != 7 ] || exit 3; done' sh
	assert_equal "$(counts_of)" '10 9 1 0'
	assert_equal "$(jq -c '[.item, .exit, .deliveries]' dead)" '["7",3,1]'
	seq 3 | producer -r "$ring" --quiet -
	take --idle-exit 0 --batch 10 --backoff const:0 -- sh -c '[ $SHMLINE_DELIVERY = 2 ] || exit 75; echo "$@"' sh >out
	assert_equal "$(<out)" '1 2 3'
	kill -KILL "$pid"
	drop_ring
}

@test "of a batch whose COMMAND is killed only the item that kills it is charged" {
	seq 10 | producer -r "$ring" --quiet -
	run -123 take --batch 10 --dead dead -- sh -c 'for i; do [ "$i" != 7 ] || kill -9 $$; done; echo "$@"' sh
	assert_equal "$(jq -c '[.item, .signal, .deliveries]' dead)" '["7",9,1]'
	assert_equal "$(sort -n <<<"$output" | grep -c .)" 9
}

@test "of a batch in the hands of a consumer that is killed only the item that kills it is dead" {
	seq 100 >input
	# It is tried alone when it came back, so others are not in hands that it kills again and again.
	run -123 --separate-stderr launcher -r "$ring" -a input -c 1 --batch 10 --max-deliveries 3 --dead dead \
		--restart-limit 50/60s --restart-backoff const:1ms -- \
		sh -c 'for i; do [ "$i" != 57 ] || kill -9 "$PPID"; done; printf "%s\n" "$@"' sh
	assert_equal "$(jq -r .item dead)" 57
	assert_equal "$(sort -n <<<"$output")" "$(seq 100 | grep -vx 57)"
	books_balance "${stderr_lines[-1]}"
	assert_equal "$acked $dead" '99 1'
}

@test "after a stop in mode now the rest of a failing batch is not touched" {
	hold_open
	seq 5 | producer -r "$ring" --quiet -
	run -75 take --batch 5 --stop now -- sh -c 'echo "$@"; for i; do [ "$i" != 2 ] || exit 255; done' sh
	assert_output $'1 2 3 4 5\n1\n2'
	assert_equal "$(counts_of)" '5 1 1 3'
	kill -KILL "$pid"
	drop_ring
}

@test "--time-limit ends COMMAND and all that it started; the item has failed" {
	fill a
	run -123 take --time-limit 500ms --dead dead -- sh -c 'sleep 100 & echo $! >child; wait'
	assert_equal "$(jq -r '"\(.signal) \(.cause)"' dead)" '15 took longer than 500ms (--time-limit)'
	wait_until 20 has_ended "$(<child)"
}

@test "a COMMAND that ignores TERM is killed after --kill-after" {
	fill a
	run -123 take --time-limit 300ms --kill-after 100ms --dead dead -- \
		sh -c 'trap "" TERM; while :; do sleep 1; done'
	assert_equal "$(jq -r .signal dead)" 9
}

@test "a COMMAND that ends well when it is asked to was too late all the same" {
	fill a
	run -123 take --time-limit 300ms --dead dead -- sh -c 'trap "exit 0" TERM; sleep 100 & wait'
	assert_equal "$(jq -r .exit dead)" 124
}

@test "a COMMAND that is not found, or can't be run, gives the items back" {
	fill a b
	echo 'echo ran' >script
	run -127 take -- ./absent
	run -126 take -- ./script
	printf '#!/bin/sh\nrm -f script\n' >script
	chmod +x script
	run -127 take -- ./script
	assert_output 'consumer: cannot run "./script": command not found'
	assert_equal "$(counts_of)" '2 1 0 1'
	take --sink null
}

@test "an item that kills its consumers is dead after --max-deliveries" {
	fill poison
	for i in 1 2; do
		start c consumer -r "$ring" --quiet -- sh -c 'kill -KILL $PPID; sleep 100' sh
		wait_until 20 has_ended "$pid"
		wait "$pid" || true
	done
	fill good
	run -123 take --max-deliveries 2 --dead dead --sink stdout
	assert_output good
	assert_equal "$(jq -r '"\(.item) \(.deliveries) \(.cause)"' dead)" \
		'poison 3 its consumers died with it (--max-deliveries)'
}

# ------------------------------------------------------------------ letters and logs

@test "a letter holds the item, what it wrote last and its times" {
	printf 'caf\xc3\xa9 \x01\n\377\n' | producer -r "$ring" --quiet -
	run -123 take --dead dead -- sh -c 'seq 10000 >&2; printf "\377end" >&2; exit 9'
	run -0 jq -r '"\(.id) \(.item|@json) \(.item_base64)"' dead
	assert_output $'1 "café \\u0001" null\n2 null /w=='
	jq -r .stderr_base64 dead | head -n1 | base64 -d >errors
	assert_equal "$(wc -c <errors)" 4096
	tail -c 10 errors | cmp - <(printf '10000\n\377end')
	run -0 jq -s 'all([.published, .taken, .died] | all(test("^[0-9-]+T[0-9:]+[.][0-9]{3}Z$")) and . == sort)' dead
	assert_output true
}

@test "letters that can't be written leave the item in the ring" {
	fill a
	run -74 take --dead /dev/full -- false
	assert_output 'consumer: cannot write to --dead "/dev/full": No space left on device'
	assert_equal "$(counts_of)" '1 0 0 1'
	take --sink null
}

@test "the job log reads as GNU parallel's does" {
	fill a b
	printf '3\t4\n' | producer -r "$ring" --quiet -
	for i in 1 2; do
		consumer -r "$ring" --quiet --keep-open --idle-exit 500ms --joblog log -- \
			sh -c 'echo out; [ "$1" != b ] || exit 4; [ "$1" != a ] || kill -9 $$' sh >/dev/null &
		started+=($!)
	done
	for i in "${started[@]}"; do wait "$i" || true; done
	assert_equal "$(grep -c ^Seq log)" 1
	assert_equal "$(head -n1 log)" "$(parallel --joblog /dev/stdout true ::: a | head -n1)"
	awk -F'\t' 'NF != 9 || (NR > 1 && ($3 !~ /^[0-9]+[.][0-9]+$/ || $4 !~ /^ +[0-9]+[.][0-9]+$/))' log >bad
	assert_equal "$(<bad)" ''
	assert_equal "$(awk -F'\t' 'NR > 1 { print $6, $7, $8 }' log | sort)" $'4 0 0\n4 0 9\n4 4 0'
	assert_equal "$(awk -F'\t' '$7 + $8 == 0 { print $9 }' log | tail -c 5)" '3\t4'
}

# ------------------------------------------------------------------ how it ends

@test "--idle-exit ends it when nothing came for so long" {
	local before
	before=$(now_ms)
	run -0 consumer -r "$ring" --idle-exit 200ms --quiet
	(($(now_ms) - before >= 200))
	no_ring
}

@test "TERM and INT end COMMAND, its item goes back, and no delivery kills it" {
	fill a
	for signal in TERM:143 INT:130 TERM:143; do
		start c env --default-signal=INT consumer -r "$ring" --quiet --max-deliveries 1 -- sh -c 'sleep 100 & echo $! >child; wait'
		wait_until 20 has_in_flight 1
		wait_until 20 test -s child
		kill "-${signal%:*}" "$pid"
		wait_for 20 "$pid" "${signal#*:}"
		wait_until 20 has_ended "$(<child)"
		: >child
		assert_equal "$(counts_of)" '1 0 0 1'
	done
	run -0 take --sink stdout --max-deliveries 1
	assert_output a
}

@test "a COMMAND that finishes well when it is asked to end has done its item" {
	fill a b
	start c consumer -r "$ring" --quiet -- sh -c 'trap "echo finished; exit 0" TERM; touch up; sleep 100 & wait'
	wait_until 20 test -e up
	kill "$pid"
	wait_for 20 "$pid" 143
	assert_equal "$(<c.out)" finished
	assert_equal "$(counts_of)" '2 1 0 1'
	take --sink null
}

@test "a second signal kills a COMMAND that does not end" {
	fill a
	start c consumer -r "$ring" --quiet -- sh -c 'trap "touch asked" TERM; touch up; while :; do sleep .05; done'
	wait_until 20 test -e up
	kill "$pid"
	wait_until 20 test -e asked
	kill "$pid"
	wait_for 20 "$pid" 143
	take --sink null
}

@test "USR1 makes it leave after the item in hand" {
	fill a b
	start c consumer -r "$ring" --quiet -- sh -c 'touch up; until [ -e go ]; do sleep .02; done; echo "$1"' sh
	wait_until 20 test -e up
	kill -USR1 "$pid"
	touch go
	wait_for 20 "$pid"
	assert_equal "$(<c.out)" a
	assert_equal "$(counts_of)" '2 1 0 1'
	take --sink null
}

@test "a stop in mode now ends it, also in the middle of a COMMAND" {
	fill a b
	start c consumer -r "$ring" --quiet -- sh -c 'sleep 100'
	wait_until 20 has_in_flight 1
	ringctl stop --mode now "$ring"
	wait_for 20 "$pid" 75
	assert_equal "$(counts_of)" '2 0 0 2'
	drop_ring
}

@test "a killed consumer takes its COMMAND with it" {
	fill a
	start c consumer -r "$ring" --quiet -- sh -c 'echo $$ >child; exec sleep 100'
	wait_until 20 test -s child
	kill -KILL "$pid"
	wait_until 20 has_ended "$(<child)"
	run -0 take --sink stdout
	assert_output a
}

@test "--keep-open ends with the stop flag, behind which no producer can come" {
	start c consumer -r "$ring" --quiet --keep-open --sink stdout
	wait_until 10 ring_exists
	printf 'a\n' | producer -r "$ring" --quiet --source lines
	ringctl stop "$ring"
	wait_for 10 "$pid"
	assert_equal "$(cat c.out)" a
	for protocol in exec lines stream; do
		start c consumer -r "$ring" --quiet --keep-open --worker "$protocol" -- sh -c cat
		wait_until 10 ring_exists
		printf 'a\n' | producer -r "$ring" --quiet --source lines
		ringctl stop "$ring"
		wait_for 10 "$pid"
	done
}

@test "--keep-open outlives producers" {
	start c consumer -r "$ring" --quiet --keep-open --sink stdout
	for i in 1 2 3; do
		echo "$i" | producer -r "$ring" --quiet -
		wait_until 20 has_lines c.out "$i"
	done
	kill "$pid"
	wait_for 20 "$pid" 143
}

@test "--pace pauses after each item" {
	local before
	before=$(now_ms)
	producer -r "$ring" -n 5 --quiet
	take --pace 20ms --sink null
	(($(now_ms) - before >= 100))
}

@test "--check looks at everything and makes nothing" {
	consumer --check -r "$ring" --dead dead --joblog log -- cat
	run -127 consumer --check -r "$ring" -- no-such-command
	run -73 consumer --check -r "$ring" --dead absent/dead
	run -64 consumer --check -r "$ring" --sink nosuch
	no_ring
	assert_not_exist dead log
}

@test "an option that would have no effect is refused" {
	for option in --retries=1 --backoff=const:1s --kill-after=1s --time-limit=1s --joblog=log --batch=2; do
		run -64 consumer -r "$ring" "$option"
		assert_output "consumer: ${option%=*}: expected a COMMAND behind the options"
	done
	run -64 consumer -r "$ring" -0
	run -64 consumer -r "$ring" -0 -- cat
	no_ring
}
