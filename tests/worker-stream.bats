#!/usr/bin/env bats
# --worker=stream: a COMMAND that reads a stream of records and answers nothing: who gets what, and what
# becomes of it when a COMMAND leaves early.

load helpers
bats_require_minimum_version 1.5.0

setup() { common_setup; }
teardown() { common_teardown; }

line() { launcher -r "$ring" "$@"; }
fill() { producer -r "$ring" --quiet -; }
json_of() { ringctl stat --json "$ring" | jq -r "$1"; }
has_ready() { [[ $(json_of .ready 2>/dev/null) == "$1" ]]; }

@test "each item goes to one COMMAND, whole" {
	seq -f '%099.0f' 50000 >input
	line -c 4 --worker=stream -- cat <input >out
	cmp <(sort out) input
}

@test "each consumer's COMMAND runs once, to the end of its input" {
	seq 20000 >input
	line -c 3 --worker=stream -- sh -c 'wc -l' <input >out 2>err
	assert_equal "$(awk '{ n += $1 } END { print n, NR }' out)" '20000 3'
	refute grep -q confirm err
}

@test "a single COMMAND gets items in order, empty and long ones too" {
	awk 'BEGIN { for (i = 0; i < 60; i++) { print ""; for (j = 0; j < i * 3000; j++) printf "x"; print "" } }' >input
	line -c 1 --worker=stream --item-max 200K --block 10K -- cat <input | cmp - input
}

@test "with -0 records end with NUL" {
	printf 'a\nb\0c\0\0d\0' >input
	line -0 -a input -c 1 --worker=stream -- cat | cmp - input
}

@test "a record comes when it is there, not when a block is full" {
	mkfifo feed
	start line launcher -r "$ring" -a feed -c 1 --worker=stream -- sh -c 'while read -r i; do echo "got $i"; done'
	exec 8>feed
	echo one >&8
	wait_until 20 file_matches line.out 'got one'
	echo two >&8
	wait_until 20 file_matches line.out 'got two'
	exec 8>&-
	wait_for 20 "$pid"
}

@test "where parallel --pipe --round-robin loses lines that one COMMAND did not read, none is lost" {
	# The first to get a turn reads a little, and leaves; all others read everything.
	cat >worker <<-'END'
		if mkdir first 2>/dev/null; then dd bs=100 count=3 2>/dev/null; exit 1; fi
		cat
	END
	seq -f '%099.0f' 50000 >input
	if type parallel >/dev/null 2>&1 && [[ -z ${SAN:-} ]]; then
		parallel --pipe --round-robin --block 10K -j2 sh worker <input >theirs 2>/dev/null || true
		(($(wc -l <theirs) < 50000)) || skip "this parallel loses nothing"
		rmdir first
	fi
	line -c 2 --worker=stream -- sh worker <input >out 2>err
	cmp <(sort out) input
	assert_regex "$(cat err)" 'ended with exit code 1 before the end of its input; 3 items that it had been given are not confirmed'
	assert_regex "$(tail -n 2 err | head -n 1)" 'of those acked, 3 were given to a COMMAND that did not confirm them'
	books_balance "$(tail -n 1 err)"
	assert_equal "$acked" 50000
}

@test "an item that was read in part goes to the next COMMAND whole" {
	cat >worker <<-'END'
		if mkdir first 2>/dev/null; then dd bs=150 count=1 of=/dev/null 2>/dev/null; exit; fi
		cat
	END
	seq -f '%099.0f' 100 >input
	line -c 1 --worker=stream -- sh worker <input >out 2>err
	cmp out <(tail -n +2 input)
}

@test "exit code 0 at the end confirms, another does not; the JSON says so" {
	run -0 --separate-stderr line -c 1 --worker=stream --json --quiet -- sh -c 'cat >/dev/null' <<<$'a\nb'
	assert_equal "$(jq .unconfirmed <<<"$output")" 0
	run -0 --separate-stderr line -c 1 --worker=stream --json --quiet -- sh -c 'cat >/dev/null; exit 4' <<<$'a\nb'
	assert_equal "$(jq .unconfirmed <<<"$output")" 2
}

@test "a consumer that is killed leaves what its COMMAND had read as unconfirmed, the rest to others" {
	seq 100 | fill
	start c consumer -r "$ring" --quiet --keep-open --worker=stream -- sh -c 'read -r i; echo "$i"; exec sleep 1000'
	wait_until 20 file_matches c.out 1
	wait_until 20 has_ready 0
	wait_until 20 eval '[[ $(json_of .acked_total) == 1 ]]'
	kill -KILL "$pid"
	assert_equal "$(json_of .unconfirmed)" 1
	ringctl stat "$ring" | grep -q '^stream *1 of the acked'
	consumer -r "$ring" --quiet --sink stdout >rest
	cmp <(sort -n rest) <(seq 2 100)
}

# Of 100 lines that came together the COMMAND has read 7, byte by byte.
hold_a_parcel() {
	seq -f 'line %03.0f' 100 >input
	start line launcher -r "$ring" -c 1 -a input --worker=stream "$@" -- sh -c 'for i in 1 2 3 4 5 6 7; do read -r x; echo "$x"; done; exec sleep 1000'
	wait_until 20 file_matches line.out 'line 007'
	wait_until 20 eval '[[ $(json_of .acked_total) == 7 ]]'
}

consumer_pid() { json_of '.members[] | select(.roles | test("consumer")).pid'; }

# The second asks it to end at once.
call_off() {
	kill -INT "$pid"
	wait_until 20 file_matches line.err 'SIGINT'
	kill -INT "$pid"
	wait_for 20 "$pid" "${1:-75}"
	books_balance "$(tail -n 1 line.err)"
	((left == 0)) || ringctl rm --force "$ring"
}

@test "lines that are there travel together, each an item of its own" {
	hold_a_parcel
	assert_equal "$(json_of '"\(.published_total) \(.acked_total) \(.left) \(.in_flight)"')" '100 7 93 93'
	(($(json_of .slots) - $(json_of .free) < 20))
	ringctl peek --json "$ring" >peek
	assert_equal "$(jq -r .item peek | sort)" "$(tail -n +8 input)"
	assert_equal "$(jq -r .id peek | sort -nu | wc -l)" 93
	assert_equal "$(ringctl peek -n 5 "$ring" | wc -l)" 6
	assert_equal "$(ringctl peek --json --bytes 3 "$ring" | jq -r .item | sort -u)" lin
	call_off
}

@test "of lines that travel together, a killed consumer's successor gets those that were not read" {
	hold_a_parcel
	kill -KILL "$(consumer_pid)"
	wait_until 20 eval '[[ $(json_of .acked_total) == 14 ]]'
	assert_equal "$(sort -u line.out)" "$(head -n 14 input)"
	assert_equal "$(json_of '"\(.acked_total) \(.left)"')" '14 86'
	call_off
}

@test "who can't take several items at once is refused" {
	hold_a_parcel
	run -64 consumer -r "$ring" --sink stdout
	assert_output "consumer: cannot open ring \"$ring\": its items come in parcels of several, which this consumer does not take"
	run -64 consumer -r "$ring" --worker=stream -0 -- cat
	assert_output --partial 'has records that end with byte 10: expected no --null'
	ringctl put "$ring" alone
	call_off
}

@test "dead letters of lines that travelled together are one each" {
	hold_a_parcel --max-deliveries 1 --dead dead.json
	kill -KILL "$(consumer_pid)"
	wait_until 20 eval '[[ $(json_of .acked_total) == 14 ]]'
	kill -KILL "$(consumer_pid)"
	wait_until 20 eval '[[ $(json_of .dead_total) == 86 ]]'
	assert_equal "$(ringctl dead --json "$ring" | jq -r .item)" "$(tail -n +15 input)"
	call_off 123
	assert_equal "$acked $dead" '14 86'
	assert_equal "$(jq -r .item dead.json | sort)" "$(tail -n +15 input)"
	assert_equal "$(jq -r .id dead.json | sort -nu | wc -l)" 86
}

@test "a launcher that is killed is followed by one that goes on behind the last line" {
	seq -f '%099.0f' 200000 >input
	start line launcher -r "$ring" -c 2 -a input --worker=stream --slots 64 -- sh -c 'dd bs=10000 count=30 iflag=fullblock 2>/dev/null >part.$$; exec sleep 1000'
	wait_until 20 eval '(($(json_of .acked_total) >= 4000))'
	kill -KILL "$pid"
	launcher -r "$ring" --resume -c 2 -a input --worker=stream -- sh -c 'cat >rest.$$' 2>err
	books_balance "$(tail -n 1 err)"
	assert_equal "$published" 200000
	cat part.* rest.* | grep -aE '^[0-9]{99}$' | sort -u | cmp - input
}

@test "one that leaves early with blocks on their way to it is followed by others" {
	seq 200000 >input
	start line launcher -r "$ring" -c 1 -a input --worker=stream -- head -n 100
	wait_for 60 "$pid" 0
	books_balance "$(tail -n 1 line.err)"
	assert_equal "$acked $left" '200000 0'
}

@test "one that closes its input and lives on does not hold what it did not read" {
	run -0 timeout 60 launcher -r "$ring" -c 1 --worker=stream -- sh -c 'read -r i && echo "$i"; [ "$i" = c ] || { exec <&-; exec sleep 1000; }' <<<$'a\nb\nc'
	assert_equal "$(printf '%s\n' "${lines[@]}" | grep -x '[abc]' | sort | tr -d '\n')" abc
	books_balance "${lines[-1]}"
	assert_equal "$acked $left" '3 0'
}

@test "one that leaves again and again without reading is given up" {
	run -126 line -c 1 --worker=stream -- false <<<$'a\nb'
	assert_output --partial 'COMMAND ended 5 times in a row before it read an item'
	books_balance "${lines[-1]}"
	assert_equal "$left" 2
	ringctl rm --force "$ring"
}

@test "called off, it ends COMMAND and gives back what was not read" {
	seq 100 | fill
	start c consumer -r "$ring" --quiet --worker=stream -- sh -c 'read -r i; echo "$i"; exec sleep 1000'
	wait_until 20 file_matches c.out 1
	wait_until 20 has_ready 0
	kill "$pid"
	wait_for 20 "$pid" 143
	assert_equal "$(json_of '"\(.acked_total) \(.left)"')" '1 99'
	ringctl rm --force "$ring"
}

@test "options that mean nothing to a stream are refused" {
	run -64 line --worker=stream --retries 1 -- cat <<<a
	assert_output --partial '--retries: expected a worker whose items can fail, not stream'
	run -64 line --worker=stream --time-limit 1s -- cat <<<a
	assert_output --partial '--time-limit: expected a worker that tells when it is done'
	run -64 line --worker=stream --block 0 -- cat <<<a
	assert_output --partial '--block'
}
