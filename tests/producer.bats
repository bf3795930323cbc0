#!/usr/bin/env bats
# producer: what each source publishes, what happens when the ring is full, and how a producer ends.

load helpers
bats_require_minimum_version 1.5.0

setup() { common_setup; }
teardown() { common_teardown; }

# Everything in the ring, a line an item; the ring goes with its last item.
drain() { consumer -r "$ring" --quiet --sink stdout "$@"; }
drop_ring() { ringctl rm --force "$ring"; }
json_of() { ringctl stat --json "$ring" | jq -r "$1"; }
has_published() { [[ $(json_of .published_total 2>/dev/null) == "$1" ]]; }
has_some() { [[ $(json_of .published_total 2>/dev/null) -ge 1 ]]; }
has_producers() { [[ $(json_of .producers 2>/dev/null) == "$1" ]]; }
was_full() { (($(json_of .full_total) > 0)); }

# ------------------------------------------------------------------ widgets and invoices

@test "without a source it makes 10 widgets" {
	producer -r "$ring" --quiet
	run -0 drain
	assert_equal "${#lines[@]}" 10
	assert_line --index 0 --regexp '^widget 1 from producer [0-9]+ at [0-9]{19} broken=0$'
	assert_line --index 9 --regexp '^widget 10 from producer [0-9]+ at [0-9]{19} broken=0$'
}

@test "-n says how many, -k which one is broken" {
	producer -r "$ring" -n 3 -k 2 --quiet
	run -124 drain
	assert_equal "$(printf '%s\n' "${lines[@]}" | grep -o 'broken=.')" $'broken=0\nbroken=1\nbroken=0'
}

@test "widgets of several producers have numbers of their own" {
	for i in 1 2 3; do start "p$i" producer -r "$ring" -n 100 --quiet; done
	for i in "${started[@]}"; do wait_for 20 "$i"; done
	drain | cut -d' ' -f2 | sort -n | cmp - <(seq 300)
}

@test "producers share --items-in-all, also when some are killed with a number in hand" {
	start keeper producer -r "$ring" -n 1 --source lines --keep-open --quiet
	wait_until 20 has_producers 1
	for i in 1 2 3; do
		start "p$i" producer -r "$ring" --number "$i" --items-in-all 3000
	done
	wait_until 20 was_full	# now each of them holds a number, and waits for a slot
	wait_until 20 has_producers 4
	kill -KILL "${started[1]}" "${started[2]}"
	start c consumer -r "$ring" --quiet --sink stdout
	for i in 1 2; do
		start "q$i" producer -r "$ring" --number "$i" --items-in-all 3000
		wait_for 20 "$pid"
	done
	wait_for 20 "${started[3]}"
	kill "${started[0]}"
	wait_for 20 "${started[4]}"
	cut -d' ' -f2 c.out | sort -n | cmp - <(seq 3000)
}

@test "invoices are JSON documents with numbers of their own" {
	producer -r "$ring" --source invoices -n 50 --quiet
	drain >invoices
	jq -r .id invoices | cmp - <(seq 50)
	run -0 jq -s 'all(.customer and (.amount_cents > 0) and (.currency|length == 3)
		and (.issued_at|test("^[0-9-]+T[0-9:]+[.][0-9]{6}Z$")))' invoices
	assert_output true
}

@test "an invoice takes the time that --invoice-work says" {
	local before
	before=$(now_ms)
	producer -r "$ring" --source invoices -n 3 --invoice-work 50ms --quiet
	(($(now_ms) - before >= 150))
	drop_ring
}

# ------------------------------------------------------------------ lines, nul, len32

@test "each line of a file is an item, the last one without its newline too" {
	printf 'a\n\nlong line  with blanks\nend' >input
	producer --quiet -r "$ring" input
	run -0 drain
	assert_output $'a\n\nlong line  with blanks\nend'
}

@test "lines come from standard input, from -a and from several files, in order" {
	printf 'c\nd' >two
	printf 'e\n' >three
	printf 'a\nb\n' | producer --quiet -r "$ring" -a - two three
	run -0 drain
	assert_output $'a\nb\nc\nd\ne'
}

@test "standard input is read from where it stands" {
	printf 'head\na\nb\n' >input
	{
		read -r
		producer --quiet -r "$ring" -
	} <input
	run -0 drain
	assert_output $'a\nb'
}

@test "a FIFO is read when its writer comes, to its end" {
	mkfifo fifo
	start p producer --quiet -r "$ring" fifo
	wait_until 20 ring_exists
	seq 1000 >fifo
	wait_for 20 "$pid"
	drain | cmp - <(seq 1000)
}

@test "-0 and nul take any bytes but NUL, -d takes any delimiter" {
	printf 'a\nb\0c\0' | producer --quiet -r "$ring" -0
	printf 'd\0e' | producer --quiet -r "$ring" --source nul
	printf 'f,g,' | producer --quiet -r "$ring" -d ,
	printf 'h\tj' | producer --quiet -r "$ring" -d '\t'
	printf 'k\036l' | producer --quiet -r "$ring" -d '\x1e' -
	drain -0 | cmp - <(printf 'a\nb\0c\0d\0e\0f\0g\0h\0j\0k\0l\0')
}

@test "len32 takes every byte, and empty items" {
	printf '\3\0\0\0a\0\n\0\0\0\0\1\0\0\0\377' | producer --quiet -r "$ring" --source len32
	drain -0 | cmp - <(printf 'a\0\n\0\0\377\0')
}

@test "200,000 items of any length arrive as they were, through pipe and file" {
	awk 'BEGIN { srand(1); for (i = 0; i < 200000; i++) printf "%*d\n", 1 + rand() * 300, i }' >input
	start c consumer -r "$ring" --quiet --sink stdout
	producer --quiet -r "$ring" input
	wait_for 60 "$pid"
	cmp c.out input
	start c consumer -r "$ring" --quiet --sink stdout
	dd if=input bs=777 status=none | producer --quiet -r "$ring" -
	wait_for 60 "$pid"
	cmp c.out input
}

@test "an item longer than the ring takes ends the producer, after those before it" {
	{
		seq 3
		printf '%05000d\n' 1
	} >input
	run -65 producer -r "$ring" --quiet input
	assert_output "producer: \"input\": record 4, at byte 6, has 5000 bytes, more than the ring's 4096 (--item-max)"
	run -0 drain
	assert_output $'1\n2\n3'
	run -65 producer -r "$ring" --item-max 5001 --quiet -a /dev/zero
	assert_output --partial 'has at least'
	producer -r "$ring" --item-max 5000 --quiet input
	drain | cmp - input
}

@test "a file that vanishes between two others is one clear line" {
	seq 5 >one
	mkfifo fifo
	start p producer -r "$ring" --quiet one fifo one.copy two
	cp one one.copy
	wait_for 20 "$pid" 66
	start p producer -r "$ring" --quiet one fifo one.copy
	wait_until 20 has_published 5
	rm one.copy
	: >fifo
	wait_for 20 "$pid" 66
	assert_equal "$(<p.err)" 'producer: cannot read "one.copy": No such file or directory'
	drain | cmp - <(seq 5)
}

# ------------------------------------------------------------------ exec

@test "exec publishes each line of a command as soon as it is complete" {
	mkfifo fifo
	start p producer -r "$ring" --source 'exec:printf "a\nb"; cat fifo; printf "d\n"' --quiet
	wait_until 20 has_published 1
	printf 'c\n' >fifo
	wait_for 20 "$pid"
	run -0 drain
	assert_output $'a\nbc\nd'
}

@test "a command that fails is one clear line, after its items" {
	run -66 producer -r "$ring" --source 'exec:echo a; exit 3'
	assert_line 'producer: the source command ended with exit code 3'
	run -66 producer -r "$ring" --source 'exec:kill -9 $$' --quiet
	assert_output 'producer: the source command ended by signal 9'
	run -127 producer -r "$ring" --source exec:no-such-command --quiet
	run -0 drain
	assert_output a
}

@test "a command ends with its producer" {
	start p producer -r "$ring" --source 'exec:echo $$; echo $PPID; exec sleep 100' --quiet
	wait_until 20 has_published 2
	kill "$pid"
	wait_for 20 "$pid" 143
	run -0 drain
	wait_until 20 has_ended "${lines[0]}"
}

# ------------------------------------------------------------------ several producers on one input

@test "producers that share a file publish each line of it once" {
	seq 20000 >input
	start c consumer -r "$ring" --quiet --sink stdout --keep-open
	local consumer=$pid producers=() i
	wait_until 20 ring_exists
	for i in 1 2 3; do
		producer -r "$ring" --number "$i" --lanes 3 --source lines --quiet <input &
		producers+=($!)
	done
	started+=("${producers[@]}")
	for i in "${producers[@]}"; do wait_for 20 "$i"; done
	wait_until 20 has_lines c.out 20000
	kill "$consumer"
	wait_for 20 "$consumer" 143
	sort -n c.out | cmp - input
}

@test "a producer that is killed goes on behind its last item when it is started again" {
	seq 50000 >input
	start c consumer -r "$ring" --quiet --sink stdout --keep-open
	local consumer=$pid
	wait_until 20 ring_exists
	for i in 100 1000 3000; do
		start p producer -r "$ring" --number 1 --source lines --pace 100us -a input
		wait_until 20 has_lines c.out "$i"
		kill -KILL "$pid"
		wait "$pid" || true
	done
	start p producer -r "$ring" --number 1 --source lines -a input
	wait_for 20 "$pid"
	wait_until 20 has_lines c.out 50000
	kill "$consumer"
	wait_for 20 "$consumer" 143
	cmp c.out input
}

@test "of several producers on a pipe the first reads it, the others end at once" {
	producer -r "$ring" --quiet -n 1
	run -0 producer -r "$ring" --number 2 --lanes 2 --source lines < <(seq 10)
	run -0 producer -r "$ring" --number 1 --lanes 2 --source lines < <(seq 10)
	run -0 drain
	assert_equal "${#lines[@]}" 11
}

@test "of several files each producer reads its own" {
	for i in 1 2 3; do seq "$i"00 "$i"09 >"$i"; done
	producer -r "$ring" --quiet -n 0 --source lines </dev/null --keep-open &
	started+=($!)
	wait_until 20 has_producers 1
	producer -r "$ring" --number 2 --lanes 2 1 2 3
	start c consumer -r "$ring" --sink stdout --quiet
	wait_until 20 has_lines c.out 10
	producer -r "$ring" --number 1 --lanes 2 1 2 3
	kill "${started[0]}"
	wait_for 20 "$pid"
	cmp c.out <(cat 2 1 3)
}

# ------------------------------------------------------------------ a full ring

@test "when the ring is full it waits, and goes on when there is room" {
	start p producer -r "$ring" --slots 4 -n 10 --quiet
	wait_until 20 has_published 4
	wait_until 20 was_full
	run -0 drain
	assert_equal "${#lines[@]}" 10
	wait_for 20 "$pid"
}

@test "block:DURATION and fail leave a full ring with exit code 75" {
	local before
	before=$(now_ms)
	run -75 producer -r "$ring" --slots 4 -n 10 --when-full block:100ms --quiet
	(($(now_ms) - before >= 100))
	assert_output "producer: ring \"$ring\" is full (4 slots) after 4 items (--when-full)"
	run -75 producer -r "$ring" --when-full fail --quiet
	assert_equal "$(json_of .published_total)" 4
	drop_ring
}

@test "drop-newest throws away what does not fit, and counts it" {
	run -0 producer -r "$ring" --slots 4 -n 10 --when-full drop-newest
	assert_output "producer: ring \"$ring\": published 4, dropped 6"
	assert_equal "$(json_of '"\(.published_total) \(.dropped_total) \(.left)"')" '10 6 4'
	run -0 drain
	assert_line --index 3 --regexp '^widget 4 '
}

@test "drop-oldest throws away what has waited longest, and counts it" {
	seq 10 | producer -r "$ring" --slots 4 --when-full drop-oldest --quiet -
	assert_equal "$(json_of '"\(.published_total) \(.dropped_total) \(.left)"')" '10 6 4'
	run -0 drain
	assert_output $'7\n8\n9\n10'
}

@test "drop-oldest does not touch items in somebody's hands" {
	seq 2 | producer -r "$ring" --slots 2 --quiet -
	start c consumer -r "$ring" --batch 2 -- sh -c 'touch taken; until [ -e go ]; do sleep .02; done; echo "$@"' sh
	wait_until 20 test -e taken
	start p producer -r "$ring" --when-full drop-oldest -n 1 --quiet
	wait_until 20 was_full
	touch go
	wait_for 20 "$pid"
	wait_until 20 has_lines c.out 1
	assert_equal "$(head -n1 c.out)" '1 2'
	wait_for 20 "${started[0]}"
}

# ------------------------------------------------------------------ pace, ends

@test "--pace pauses after each item" {
	local before
	before=$(now_ms)
	producer -r "$ring" -n 5 --pace 20ms --quiet
	(($(now_ms) - before >= 100))
	drop_ring
}

@test "TERM, INT and HUP end it cleanly, whatever it waits for" {
	local signal code
	mkfifo fifo
	for signal in TERM:143 INT:130 HUP:129; do
		code=${signal#*:}
		start pace env --default-signal=INT producer -r "$ring" -n 0 --pace 100s --quiet
		local paced=$pid
		wait_until 20 has_published 1
		start full env --default-signal=INT producer -r "$(ring_name -full)" --slots 2 -n 0 --quiet
		local full=$pid
		wait_until 20 ring_exists "$(ring_name -full)"
		start fifo env --default-signal=INT producer -r "$(ring_name -fifo)" --quiet fifo
		wait_until 20 ring_exists "$(ring_name -fifo)"
		kill "-${signal%:*}" "$paced" "$full" "$pid"
		wait_for 20 "$paced" "$code"
		wait_for 20 "$full" "$code"
		wait_for 20 "$pid" "$code"
		no_ring "$(ring_name -fifo)"
		drop_ring
		ringctl rm --force "$(ring_name -full)"
	done
}

@test "a command that is read from is let end by itself" {
	cat >source <<-'END'
		trap 'sleep 0.5; echo "$1" >>ended; exit 0' TERM
		while :; do echo x; sleep 0.05; done
	END
	start flag producer -r "$ring" --source 'exec:exec sh source flag' --quiet
	wait_until 20 has_some
	ringctl stop "$ring"
	wait_for 20 "$pid" 0
	ringctl rm --force "$ring"
	start signal producer -r "$ring" --source 'exec:exec sh source signal' --quiet
	wait_until 20 has_some
	kill "$pid"
	wait_for 20 "$pid" 143
	assert_equal "$(cat ended)" $'flag\nsignal'
	drop_ring
}

@test "the stop flag ends it with 0, whatever it waits for" {
	mkfifo fifo
	start pace producer -r "$ring" -n 0 --pace 100s --quiet
	start full producer -r "$ring" --slots 1024 -n 0 --quiet
	start fifo producer -r "$ring" --quiet fifo
	start open producer -r "$ring" -n 1 --keep-open --quiet
	wait_until 20 has_producers 4
	wait_until 20 was_full
	ringctl stop "$ring"
	for i in "${started[@]}"; do wait_for 20 "$i"; done
	drain >/dev/null
}

@test "--keep-open keeps the line open when it has published" {
	start p producer -r "$ring" -n 1 --keep-open --quiet
	local keeper=$pid
	start c consumer -r "$ring" --sink stdout --quiet
	wait_until 20 has_lines c.out 1
	producer -r "$ring" -n 1 --quiet
	wait_until 20 has_lines c.out 2
	kill "$keeper"
	wait_for 20 "$keeper" 143
	wait_for 20 "$pid"
}

@test "--check looks at everything and makes nothing" {
	seq 3 >input
	producer --check -r "$ring" input
	run -66 producer --check -r "$ring" absent
	run -64 producer --check -r "$ring" --source nosuch
	producer --check -r "$ring" --number 2 --lanes 3 --source exec:false
	no_ring
}

@test "sizes for a ring that is there already are said to be too late" {
	producer -r "$ring" -n 1 --slots 8 --quiet
	run -0 producer -r "$ring" -n 1 --slots 16
	assert_line "producer: ring \"$ring\" is there already, with 8 slots for items of up to 4096 bytes"
	drop_ring
}
