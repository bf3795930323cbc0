#!/usr/bin/env bats
# launcher: the widget line, and lists of work for a COMMAND, from the first item to the last line.

load helpers
bats_require_minimum_version 1.5.0

setup() { common_setup; }
teardown() { common_teardown; }

last_line() { tail -n 1 "$1"; }
widgets_in() { grep -oE 'widget [0-9]+' "$1" | cut -d' ' -f2 | sort -n; }

@test "the widget line makes ten widgets, consumes them and balances the books" {
	run --separate-stderr timeout 10 launcher -p 3 -c 5
	assert_success
	assert_equal "$(widgets_in <(echo "$output"))" "$(seq 10)"
	assert_equal "${stderr_lines[-1]}" \
		"launcher: published 10 = acked 10 + dead 0 + dropped 0 + left 0"
}

@test "the line ends however its workers' first and last moments fall" {
	# A consumer that attached when all was over once waited for ever.
	local i
	for i in {1..30}; do
		timeout 10 launcher -p 3 -c 5 -n 3 >out 2>err || fail "run $i: exit code $?"
		assert_equal "$(widgets_in out)" "$(seq 3)"
	done
}

@test "an empty list is no work and no failure" {
	run --separate-stderr timeout 10 launcher -c 5 -- echo </dev/null
	assert_success
	assert_output ""
	assert_equal "${stderr_lines[-1]}" \
		"launcher: published 0 = acked 0 + dead 0 + dropped 0 + left 0"
}

@test "three producers share the number of items between them" {
	timeout 10 launcher -p 3 -c 5 -n 1000 >out 2>err
	assert_equal "$(widgets_in out)" "$(seq 1000)"
}

@test "with COMMAND each line of standard input is handed to it" {
	seq 200 | timeout 20 launcher -c 4 -- echo item {} >out 2>err
	assert_equal "$(sort -k2n out)" "$(seq -f 'item %.0f' 200)"
	books_balance "$(last_line err)"
	assert_equal "$acked" 200
}

@test "batches give COMMAND exactly the input between them" {
	seq 100000 | timeout 60 launcher -c 4 --batch 100 -- echo >out 2>err
	tr ' ' '\n' <out | sort -n | cmp - <(seq 100000)
}

@test "items may be split by NUL and leave as they came" {
	printf 'a\nb\0c\0\0d' >in
	timeout 10 launcher -0 -c 2 --sink stdout <in >out 2>err
	assert_equal "$(tr '\0\n' '\n+' <out | sort | tr '\n' ' ')" " a+b c d "
}

@test "random lines from a file come out byte for byte" {
	head -c 3000000 /dev/urandom | tr '\0' ' ' | fold -b -w 997 >in
	printf '\n' >>in
	timeout 60 launcher -p 3 -c 5 --item-max 2M --sink stdout --source lines <in >out 2>err
	LC_ALL=C cmp <(LC_ALL=C sort in) <(LC_ALL=C sort out)
}

@test "a list in a named pipe or behind <(...) is read once, by one producer" {
	timeout 10 launcher -p 3 -c 2 --sink stdout -a <(seq 1000) >out 2>err
	assert_equal "$(sort -n out)" "$(seq 1000)"
	timeout 10 launcher -p 3 -c 2 --sink stdout --source lines:<(seq 1000) >out 2>err
	assert_equal "$(sort -n out)" "$(seq 1000)"
}

@test "producers from outside: the line ends when they have left" {
	start line launcher -p 0 -c 3 -r "$ring"
	wait_until 5 ring_exists
	producer -r "$ring" -n 20 --quiet
	wait_for 10 "$pid"
	assert_equal "$(widgets_in line.out)" "$(seq 20)"
	books_balance "$(last_line line.err)"
}

@test "consumers from outside: the line ends when they have drained it" {
	start line launcher -p 2 -c 0 -n 30 -r "$ring"
	wait_until 5 ring_exists
	timeout 10 consumer -r "$ring" --quiet >out
	wait_for 10 "$pid"
	assert_equal "$(widgets_in out)" "$(seq 30)"
	books_balance "$(last_line line.err)"
}

@test "without workers of its own the launcher waits for others" {
	start line launcher -p 0 -c 0 -r "$ring"
	wait_until 5 ring_exists
	start taker consumer -r "$ring" --quiet
	producer -r "$ring" -n 7 --quiet
	wait_for 10 "${started[0]}"
	wait_for 10 "${started[1]}"
	assert_equal "$(widgets_in taker.out)" "$(seq 7)"
}

@test "a launcher joins a ring on which others wait already" {
	start taker consumer -r "$ring" --quiet
	wait_until 5 ring_exists
	timeout 10 launcher -p 2 -c 1 -n 20 -r "$ring" >out 2>err
	wait_for 10 "$pid"
	assert_equal "$(widgets_in <(cat out taker.out))" "$(seq 20)"
}

@test "--keep leaves the drained ring, and without it nothing stays" {
	timeout 10 launcher -r "$ring" --quiet >out
	no_ring
	timeout 10 launcher -r "$ring" --keep --quiet >out
	ring_exists
	ringctl rm "$ring"
}

@test "--dry-run shows each worker's command line and makes nothing" {
	run --separate-stderr launcher -p 2 -c 1 -r "$ring" --dry-run --source widgets -- gzip {} "a b"
	assert_success
	assert_equal "${#lines[@]}" 3
	assert_line --index 0 --regexp "/producer --ring=$ring --number=1 .*--source=widgets"
	assert_line --index 1 --regexp "/producer --ring=$ring --number=2 "
	assert_line --index 2 --regexp "/consumer --ring=$ring --number=1 .* -- gzip '\{\}' 'a b'$"
	no_ring
}

@test "--dry-run shows each run of COMMAND with its items, as a shell would run it, and runs none" {
	printf "a b\nit's\n\n-x%%\n" >input
	run -0 --separate-stderr launcher -r "$ring" --dry-run -a input -- touch {} {#}.{%}
	assert_output "touch 'a b' 1.1
touch 'it'\\''s' 2.1
touch '' 3.1
touch -x% 4.1"
	assert_equal "$stderr" ""
	no_ring
	assert_equal "$(find . -newer input -name '*.1')" ""
	# What it shows does what it would do.
	launcher --dry-run --shell -- 'printf "<%s>" {}' <input | sh >by-hand
	assert_equal "$(cat by-hand)" "<a b><it's><><-x%>"
	launcher --dry-run --stdin --batch 3 -- cat <input | sh | cmp - input
	printf 'a\0b\nc\\n' | launcher --dry-run --stdin -- cat | sh | cmp - <(printf 'a\0bc\\n')
	run -0 launcher --dry-run --batch 3 -- rm <input
	assert_output "rm 'a b' 'it'\\''s' ''
rm -x%"
}

@test "--dry-run of a COMMAND that stays shows it once, and reads nothing" {
	mkfifo never
	exec 9<>never
	run -0 timeout 10 launcher -c 3 --dry-run --worker=lines -- cat -n "a b" <&9 9>&-
	assert_output "cat -n 'a b'"
}

@test "--dry-run shows a run as soon as its item is there" {
	mkfifo feed
	start dry launcher --dry-run -a feed -- echo
	exec 9>feed
	echo one >&9
	wait_until 10 file_matches dry.out '^echo one$'
	exec 9>&-
	wait_for 10 "$pid"
}

@test "--dry-run ends with its reader, and says what is wrong with the input" {
	run -0 bash -c 'seq 1000000 | timeout 20 launcher --dry-run -- echo 2>&1 | head -n 2'
	assert_output $'echo 1\necho 2'
	run -66 launcher --dry-run -a no-such-file -- echo
	assert_output --partial 'cannot read'
	run -65 launcher --dry-run --item-max 3 -- echo <<<long
	assert_output --partial "more than the ring's 3 (--item-max)"
	run -64 launcher --dry-run --worker=lines -- cat {} <<<a
	assert_output --partial 'expected a COMMAND without {}'
}

@test "--quiet says nothing when all went well" {
	run --separate-stderr timeout 10 launcher --quiet --sink null
	assert_success
	assert_equal "$output$stderr" ""
}

@test "--json writes the summary as one object on standard output" {
	run --separate-stderr timeout 10 launcher -n 4 --sink null --json
	assert_success
	assert_equal "$(jq -r '"\(.published_total) \(.left) \(.exit_code)"' <<<"$output")" "4 0 0"
	assert_regex "${stderr_lines[-1]}" "published 4 = acked 4 "
}

@test "an idle line takes no time of the processor" {
	local process
	mkfifo pipe
	exec 9<>pipe
	start line launcher -p 3 -c 5 -a pipe
	wait_until 5 has_workers 6
	sleep 3	# the time itself is under test
	for process in "$pid" $(workers); do
		(($(ticks "$process") <= 3)) || fail "process $process took $(ticks "$process") ticks"
	done
	kill "$pid"
	wait_for 10 "$pid"
}

workers() { workers_of "$pid"; }
has_workers() { [[ $(workers | wc -w) == "$1" ]]; }
ticks() { sed 's/.*) //' "/proc/$1/stat" | awk '{ print $12 + $13 }'; }
