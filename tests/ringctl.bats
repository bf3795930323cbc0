#!/usr/bin/env bats
# ringctl: what each verb shows and does, and that looking changes nothing.

load helpers
bats_require_minimum_version 1.5.0

setup() { common_setup; }
teardown() { common_teardown; }

# Leave these items in the ring, and nobody attached.
fill() { # ITEM...
	printf '%s\n' "$@" | producer -r "$ring" --source lines --quiet
}

# A consumer that holds the oldest item until it ends: waits until it has it. Sets $pid.
hold_item() {
	start holder consumer -r "$ring" --stdin -- sleep 60
	wait_until 10 has_in_flight 1
}

json_of() { ringctl stat --json "$ring" | jq -r "$1"; }
has_in_flight() { [[ $(json_of .in_flight) == "$1" ]]; }
has_members() { [[ $(json_of '.members | length') == "$1" ]]; }
has_dead() { [[ $(json_of .dead_total) == "$1" ]]; }

# Write a byte (two hexadecimal digits) into the ring's memory, as nobody should.
poke() { # OFFSET BYTE
	printf %b "\\x$2" | dd of="/dev/shm/shmline.$ring" bs=1 seek="$1" conv=notrunc status=none
}

drop_ring() { ringctl rm --force "$ring"; }

# ------------------------------------------------------------------ ls

@test "ls shows a ring's state, its items and who is attached" {
	fill a b c
	run --separate-stderr ringctl ls
	assert_success
	assert_line --index 0 --regexp '^NAME +STATE +ITEMS/SLOTS +PRODUCERS +CONSUMERS +LAUNCHER +SIZE +AGE +MEMBERS +OWNER$'
	assert_line --regexp "^$ring +idle +3/1024 +0 +0 +- +4\\.[0-9]M +[0-9.]+m?s +0/64 +$(id -un)\$"
	hold_item
	run ringctl ls
	assert_line --regexp "^$ring +running +3/1024 +0 +1 +- "
	kill -KILL "$pid"
	drop_ring
}

@test "ls does not count a member that was killed" {
	fill a
	hold_item
	kill -KILL "$pid"
	wait_until 5 has_ended "$pid"
	run ringctl ls
	assert_line --regexp "^$ring +idle +1/1024 +0 +0 "
	assert_equal "$(json_of '[.consumers, .dead_members]|join(" ")')" "0 1"
	drop_ring
}

@test "ls shows a ring that is not sound with the reason, and goes on" {
	fill a
	echo "not a ring" >"/dev/shm/shmline.$ring-bad"
	run --separate-stderr ringctl ls
	assert_success
	assert_line --regexp "^$ring-bad +foreign +[^ ].*(half made|not a ring)"
	assert_line --regexp "^$ring +idle "
	run ringctl ls --json
	assert_success
	run jq -r "select(.ring == \"$ring-bad\") | .state" <<<"$output"
	assert_output foreign
	rm "/dev/shm/shmline.$ring-bad"
	drop_ring
}

@test "ls --json is one object a line, with the metrics' names" {
	fill a b
	run bash -c "ringctl ls --json | jq -c 'select(.ring == \"$ring\") |
		[.state, .published_total, .left, .slots, .producers, .launcher]'"
	assert_output '["idle",2,2,1024,0,null]'
	drop_ring
}

# ------------------------------------------------------------------ looking

@test "looking changes not one byte of the ring" {
	fill a b c
	local before
	before=$(cksum <"/dev/shm/shmline.$ring")
	ringctl ls
	ringctl stat "$ring"
	ringctl stat "$ring" 10ms 3
	ringctl peek "$ring"
	ringctl dead "$ring"
	ringctl fsck "$ring"
	assert_equal "$(cksum <"/dev/shm/shmline.$ring")" "$before"
	drop_ring
}

@test "looking works while every process of the line is stopped" {
	fill a b
	hold_item
	kill -STOP "$pid"
	run timeout 30 ringctl stat "$ring"
	assert_success
	run timeout 30 ringctl peek "$ring"
	assert_success
	run timeout 30 ringctl fsck "$ring"
	assert_success
	kill -KILL "$pid"
	drop_ring
}

# ------------------------------------------------------------------ stat

@test "stat shows books that balance, and the members with what each holds" {
	fill a b c
	hold_item
	run --separate-stderr ringctl stat "$ring"
	assert_success
	assert_line --index 0 --regexp "^ring $ring  running, made .* ago, 1024 slots of 4\\.0K, "
	books_balance "$(grep ^books <<<"$output")"
	assert_equal "$published $left" "3 3"
	assert_line --regexp '^left +ready 2, delayed 0, in flight 1; oldest ready '
	assert_line --regexp '^stop flag +down$'
	assert_line --regexp "^consumer +[-1] +$pid +alive .* 1 +1 +[0-9.]+m?s "
	kill -KILL "$pid"
	drop_ring
}

@test "stat tells who raised the stop flag" {
	fill a
	ringctl stop --mode strict "$ring"
	run ringctl stat "$ring"
	assert_line --regexp '^stop flag +strict, cause user, 1 published when it had gone up$'
	assert_line --index 0 --regexp ' stopped, '
	drop_ring
}

@test "stat with an interval prints a line each, under one header in a file" {
	fill a b c
	ringctl stat "$ring" 10ms 5 >out
	assert_equal "$(wc -l <out)" 6
	assert_equal "$(grep -c READY out)" 1
	run awk 'NR == 2 { print ($5 > 0) } NR > 2 { print $1, $5 }' out
	assert_line --index 0 1
	assert_line --index 4 "3 0"
	drop_ring
}

@test "stat with an interval repeats its header on a terminal, each screenful" {
	fill a
	script -qec "stty rows 6; ringctl stat $ring 10ms 9" /dev/null >out </dev/null
	assert_equal "$(grep -c READY out)" 3
	drop_ring
}

@test "stat with an interval ends when the ring is gone" {
	fill a
	start watch ringctl stat "$ring" 20ms
	wait_until 5 has_lines watch.out 3
	drop_ring
	wait_for 5 "$pid"
	assert_equal "$(<watch.err)" "ringctl: ring \"$ring\" is gone"
}

@test "stat with an interval goes on when the ring is made again under its name" {
	fill a b c
	start watch ringctl stat "$ring" 20ms 200
	wait_until 5 has_lines watch.out 3
	# Made beside and moved over it, so that the name is never gone.
	producer -r "$ring-new" --source lines --quiet <<<x
	mv "/dev/shm/shmline.$ring-new" "/dev/shm/shmline.$ring"
	wait_until 5 file_matches watch.out '^ +1 '
	kill "$pid"
	drop_ring
}

@test "stat --json with an interval is one object a line" {
	fill a b
	run bash -c "ringctl stat --json $ring 10ms 3 | jq -c '[.ring, .published_total]'"
	assert_success
	assert_equal "${#lines[@]}" 3
	assert_line --index 2 "[\"$ring\",2]"
	drop_ring
}

# ------------------------------------------------------------------ peek, dead

@test "peek shows items oldest first, escaped and cut" {
	fill first $'tab\tand \e[31mred' "$(printf 'x%.0s' {1..100})"
	run --separate-stderr ringctl peek "$ring"
	assert_success
	assert_line --index 1 --regexp '^ +1  ready .* 5  first$'
	assert_line --index 2 --regexp ' 16  tab\\tand \\033\[31mred$'
	assert_line --index 3 --regexp ' 100  x{40}\.\.\.$'
	run ringctl peek -b 3 -n 1 "$ring"
	assert_equal "${#lines[@]}" 2
	assert_line --index 1 --regexp ' 5  fir\.\.\.$'
	drop_ring
}

@test "peek shows who holds an item" {
	fill a b
	hold_item
	run ringctl peek "$ring"
	assert_line --index 1 --regexp "^ +1  in_flight +[0-9.]+m?s +1  consumer( 1)? \\($pid\\) +[0-9.]+[mun]?s +1  a\$"
	assert_line --index 2 --regexp '^ +2  ready '
	run bash -c "ringctl peek --json $ring | jq -c '[.id, .state, .holder.pid, .item]'"
	assert_line --index 0 "[1,\"in_flight\",$pid,\"a\"]"
	assert_line --index 1 '[2,"ready",null,"b"]'
	kill -KILL "$pid"
	drop_ring
}

@test "peek shows a delayed item and when it is due" {
	fill a
	start failing consumer -r "$ring" --keep-open --retries 3 --backoff const:30s -- false
	wait_until 10 bash -c "ringctl peek $ring | grep -q delayed"
	run ringctl peek --json "$ring"
	assert_equal "$(jq '.due_seconds > 20 and .due_seconds <= 30' <<<"$output")" true
	assert_equal "$(jq '[.state, .deliveries, .failures] | tostring' <<<"$output")" \
		'"[\"delayed\",1,1]"'
	kill -KILL "$pid"
	drop_ring
}

@test "peek --json keeps every byte: text as it is, others as base64" {
	printf 'plain\0\303\244\0\377\376\0' | producer -r "$ring" --source nul --quiet
	run bash -c "ringctl peek --json $ring | jq -c '[.item, .item_base64, .bytes]'"
	assert_line --index 0 '["plain",null,5]'
	assert_line --index 1 '["ä",null,2]'
	assert_line --index 2 '[null,"//4=",2]'
	drop_ring
}

@test "dead shows the dead letters with their reason, peek does not" {
	fill good bad
	start worker consumer -r "$ring" --keep-open --shell -- '[ {} = good ] || exit 65'
	wait_until 10 has_dead 1
	run --separate-stderr ringctl dead "$ring"
	assert_success
	assert_line --index 1 --regexp '^ +2 +[0-9.]+[mun]?s +1 +[01] +65 +3  bad$'
	run bash -c "ringctl dead --json $ring | jq -c '[.id, .state, .reason, .item]'"
	assert_output '[2,"dead",65,"bad"]'
	run ringctl peek "$ring"
	assert_equal "${#lines[@]}" 1
	kill -KILL "$pid"
	drop_ring
}

# ------------------------------------------------------------------ put

@test "put publishes its items in order, an empty one and one with dashes too" {
	fill a
	ringctl put "$ring" b "" --force -
	ringctl put "$ring" -- c <<<ignored
	run bash -c "ringctl peek --json $ring | jq -c .item"
	assert_output $'"a"\n"b"\n""\n"--force"\n""\n"c"'
	drop_ring
}

@test "put - publishes standard input as one item, byte for byte" {
	fill a
	head -c 4096 /dev/urandom >random
	ringctl put "$ring" - <random
	ringctl peek --json "$ring" | jq -r '.item_base64 // empty' | base64 -d | cmp - random
	drop_ring
}

@test "put --json tells each item's id" {
	fill a
	run bash -c "ringctl put --json $ring x yy | jq -c '[.ring, .bytes]'"
	assert_output "[\"$ring\",1]
[\"$ring\",2]"
	run bash -c "ringctl peek --json $ring | jq .id | sort -u | wc -l"
	assert_output 3
	drop_ring
}

@test "put of an item too long publishes none" {
	fill a
	head -c 4097 /dev/zero >long
	run --separate-stderr ringctl put "$ring" ok - <long
	assert_failure 65
	assert_equal "$stderr" \
		"ringctl: item 2 is too long: expected at most 4096 bytes, this ring's longest"
	assert_equal "$(json_of .published_total)" 1
	drop_ring
}

@test "put - without a standard input publishes nothing" {
	fill a
	run --separate-stderr bash -c "ringctl put $ring b - <&-"
	assert_failure 66
	assert_equal "$stderr" "ringctl: cannot read standard input: Bad file descriptor"
	assert_equal "$(json_of .published_total)" 1
	drop_ring
}

@test "put to a full ring waits as long as it is told" {
	seq 4 | producer -r "$ring" --slots 4 --source lines --quiet
	run --separate-stderr ringctl put --timeout 0 "$ring" x
	assert_failure 75
	assert_equal "$stderr" "ringctl: ring \"$ring\" is full: 0 of 1 items published"
	start put ringctl put "$ring" x y
	wait_until 5 has_members 1
	consumer -r "$ring" --sink null --quiet
	wait_for 5 "$pid"
}

@test "put does not get past a stop flag" {
	fill a
	ringctl stop "$ring"
	run --separate-stderr ringctl put "$ring" x
	assert_failure 69
	assert_equal "$stderr" \
		"ringctl: ring \"$ring\" is closed, its stop flag is up: 0 of 1 items published"
	drop_ring
}

# ------------------------------------------------------------------ stop

@test "stop raises the flag, and the line drains" {
	start maker producer -r "$ring" -n 0 --pace 1ms --quiet
	local maker=$pid
	start taker consumer -r "$ring" --sink null --quiet
	wait_until 5 ring_exists
	wait_until 5 has_members 2
	ringctl stop "$ring"
	wait_for 10 "$maker"
	wait_for 10 "$pid"
	no_ring
}

@test "stop removes a ring that is empty and that nobody uses" {
	start taker consumer -r "$ring" --keep-open --sink null
	wait_until 5 ring_exists
	wait_until 5 has_members 1
	kill -KILL "$pid"
	wait_until 5 has_ended "$pid"
	ringctl stop "$ring"
	no_ring
}

@test "the stop flag only rises" {
	fill a
	ringctl stop -m strict "$ring"
	run --separate-stderr ringctl stop -m soft "$ring"
	assert_success
	assert_equal "$stderr" \
		"ringctl: ring \"$ring\": the stop flag only rises, it stays at \"strict\""
	run ringctl stop --json --mode now "$ring"
	assert_output "{\"ring\":\"$ring\",\"stop\":\"now\",\"stop_cause\":\"user\"}"
	drop_ring
}

# ------------------------------------------------------------------ fsck

@test "fsck finds a sound ring sound, at rest and at work" {
	fill a b
	run --separate-stderr ringctl fsck "$ring"
	assert_success
	assert_output "$ring: sound"
	hold_item
	run ringctl fsck --json "$ring"
	assert_success
	assert_output "{\"ring\":\"$ring\",\"is_sound\":true,\"recovered\":0,\"violations\":[]}"
	kill -KILL "$pid"
	drop_ring
}

@test "fsck --recover returns what a killed consumer held" {
	fill a
	hold_item
	kill -KILL "$pid"
	wait_until 5 has_ended "$pid"
	run ringctl fsck "$ring"
	assert_success
	assert_equal "$(json_of .in_flight)" 1
	run ringctl fsck --recover "$ring"
	assert_success
	assert_output "$ring: recovered 1 dead members
$ring: sound"
	assert_equal "$(json_of '[.ready, .in_flight, .dead_members] | join(" ")')" "1 0 0"
	drop_ring
}

@test "fsck of a ring with any byte changed ends well, sound or not" {
	fill a
	local offset found=0 code
	cp "/dev/shm/shmline.$ring" whole
	# The header, the members, the lanes, the words and the first cells.
	for ((offset = 0; offset < 65536; offset += 648)); do
		poke "$offset" ff
		timeout 30 ringctl fsck "$ring" >out 2>err && code=0 || code=$?
		[[ $code == 0 || $code == 70 ]] || fail "byte $offset: exit $code: $(<err)"
		((code == 0)) || ((found += 1))
		cp whole "/dev/shm/shmline.$ring"
	done
	((found > 0)) || fail "no damage was found"
	drop_ring
}

@test "fsck of a damaged header says so, and maps nothing" {
	fill a
	poke 16 ff
	run --separate-stderr ringctl fsck "$ring"
	assert_failure 70
	assert_regex "$stderr" "^ringctl: cannot open ring \"$ring\": "
	drop_ring
}

# ------------------------------------------------------------------ rm

@test "rm refuses a ring with items, and says how many" {
	fill a b
	run --separate-stderr ringctl rm "$ring"
	assert_failure 75
	assert_equal "$stderr" "ringctl: cannot remove ring \"$ring\": 2 items are left in it (--force removes it)"
	ring_exists
	drop_ring
}

@test "rm refuses a ring in use, and says by how many" {
	start taker consumer -r "$ring" --keep-open --sink null
	wait_until 5 ring_exists
	wait_until 5 has_members 1
	run --separate-stderr ringctl rm "$ring"
	assert_failure 69
	assert_equal "$stderr" "ringctl: cannot remove ring \"$ring\": 1 members are attached (--force removes it)"
	ring_exists
	run ringctl rm --json --force "$ring"
	assert_output "{\"ring\":\"$ring\",\"removed\":true}"
	no_ring
	kill "$pid"
}

@test "rm removes an empty ring, though its last member was killed" {
	start taker consumer -r "$ring" --keep-open --sink null
	wait_until 5 ring_exists
	wait_until 5 has_members 1
	kill -KILL "$pid"
	wait_until 5 has_ended "$pid"
	ringctl rm "$ring"
	no_ring
}

@test "rm removes what is no ring only when forced" {
	echo "not a ring" >"/dev/shm/shmline.$ring"
	run --separate-stderr ringctl rm "$ring"
	assert_failure 70
	ringctl rm -f "$ring"
	no_ring
}

# ------------------------------------------------------------------ all of them

@test "options stand on either side of the ring's name" {
	fill a
	run ringctl rm "$ring" --force --json
	assert_success
	assert_output "{\"ring\":\"$ring\",\"removed\":true}"
}

@test "each verb says that there is no such ring" {
	local verb
	for verb in stat peek dead stop fsck rm; do
		run --separate-stderr ringctl "$verb" "$ring"
		assert_failure 69
		assert_regex "$stderr" "^ringctl: cannot [a-z]+ ring \"$ring\": [Nn]o such "
	done
	run ringctl put "$ring" item
	assert_failure 69
}

@test "each verb has its help, and it names each of its options" {
	local verb
	for verb in ls stat peek dead put stop fsck rm; do
		run ringctl "$verb" --help
		assert_success
		assert_line --index 0 --partial "usage: ringctl $verb"
		assert_line --partial -- --json
	done
	run ringctl --help
	assert_success
	for verb in ls stat peek dead put stop fsck rm; do
		assert_line --regexp "^  $verb "
	done
}

@test "output that can't be written is an error" {
	run --separate-stderr bash -c 'ringctl ls >/dev/full'
	assert_failure 74
	assert_equal "$stderr" "ringctl: cannot write to standard output: No space left on device"
}

@test "the books balance in each of 1,000 readings during a storm of kills" {
	local n=1000 kills=0 reader victims
	[[ -z ${SAN:-} ]] || n=100
	start line launcher -r "$ring" -p 3 -c 3 -n 0 --slots 64 --sink null --restart-limit 10000/1s \
		--restart-backoff const:1ms
	local line=$pid
	wait_until 10 ring_exists
	start readings ringctl stat --json "$ring" $((10 * ${PATIENCE:-1}))ms "$n"
	reader=$pid
	until has_ended "$reader"; do
		read -ra victims <<<"$(workers_of "$line")"
		((${#victims[@]} == 0)) || ! kill -KILL "${victims[RANDOM % ${#victims[@]}]}" 2>/dev/null ||
			kills=$((kills + 1))
	done
	wait_for 5 "$reader"
	assert_equal "$(wc -l <readings.out)" "$n"
	assert_equal "$(jq -c 'select(.published_total != .acked_total + .dead_total + .dropped_total + .left)' readings.out)" ''
	assert_equal "$(jq -s '[.[].acked_total] | . == sort' readings.out)" true
	((kills > n / 50)) || fail "only $kills kills"
	kill -TERM "$line"
	wait_for 30 "$line"
}
