#!/usr/bin/env bats
# examples/: every script does what it says.

load helpers
bats_require_minimum_version 1.5.0

setup() {
	common_setup
	export SHMLINE_BIN
	examples=$BATS_TEST_DIRNAME/../examples
}
teardown() { common_teardown; }

@test "every example is in this file, and in the README" {
	for file in "$examples"/*.sh; do
		[[ ${file##*/} == invoices* ]] || grep -q "\"\$examples/${file##*/}\"" "$BATS_TEST_FILENAME" ||
			fail "${file##*/} is not tested here"
		grep -q "(${file##*/})" "$examples/README.md" || fail "${file##*/} is not in the README"
	done
}

@test "compress.sh compresses files of any name, and tells which it could not" {
	mkdir -p 'in/a folder'
	echo one >'in/a folder/with spaces'
	printf 'two\n' >in/$'new\nline'
	echo three >in/-dash
	ln in/-dash in/second-name	# gzip --force does it; without, it refuses
	run -0 "$examples/compress.sh" in
	assert_equal "$(find in -type f ! -name '*.gz' | wc -l)" 0
	assert_equal "$(gzip -dc 'in/a folder/with spaces.gz' in/$'new\nline.gz' in/-dash.gz | tr '\n' ' ')" 'one two three '
	assert_equal "$(awk -F'\t' 'NR > 1 && $7 == 0' compress.log | wc -l)" 4
	# A file that vanishes between the list and the work.
	mkdir bin
	printf '#!/bin/sh\necho "gzip: gone" >&2\nexit 1\n' >bin/gzip
	chmod +x bin/gzip
	echo x >in/x
	PATH=$PWD/bin:$PATH run -123 "$examples/compress.sh" in
	assert_equal "$(jq -c '[.item, .deliveries, .stderr]' compress.dead)" '["in/x",2,"gzip: gone\n"]'
}

@test "checksums.sh writes what one process would write" {
	mkdir in
	for i in {1..30}; do echo "$i" >"in/file $((i * 7 % 31))"; done
	"$examples/checksums.sh" in >out
	find in -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum -- >expected
	diff expected out
}

@test "flaky.sh is patient, and keeps what fails for good" {
	cat >flaky <<'END'
#!/bin/bash
# Fails twice for each item; for good for "bad".
[[ $1 != bad ]] || exit 7
((SHMLINE_DELIVERY > 2)) || exit 1
echo "$1"
END
	chmod +x flaky
	{ seq 20; echo bad; } >list
	run --separate-stderr -123 "$examples/flaky.sh" ./flaky <list
	assert_equal "$(sort -n <<<"$output" | tr '\n' ' ')" "$(seq 20 | tr '\n' ' ')"
	assert_equal "$(cat flaky.again)" bad
	assert_regex "$stderr" '1 items failed for good'
	assert_equal "$(jq -c '[.deliveries, .exit]' flaky.dead)" '[6,7]'
	run -64 "$examples/flaky.sh"
}

@test "model.sh starts its model once a consumer, and loses nothing when one is killed" {
	printf '%s\n' 'the dog is not there' 'der hund geht nicht weg' 'le chien est dans la maison' \
		'el perro no esta en la casa' >list
	run --separate-stderr -0 "$examples/model.sh" <list
	assert_equal "$(sort <<<"$output" | cut -f1 | tr '\n' ' ')" 'deutsch english espanol francais '
	assert_equal "$(grep -c 'model.py: ready' <<<"$stderr")" 2

	seq 20000 >list
	# From a folder of our own, to know our worker from others'.
	cp "$examples"/model.* .
	start line bash -c "exec '$PWD/model.sh' <list"
	wait_until 30 has_lines line.out 100
	kill -KILL "$(pgrep -f "^python3 $PWD/model.py" | head -n1)" || true
	wait_for 60 "$pid"
	books_balance "$(tail -n1 line.err)"
	assert_equal "$acked" 20000
	assert_equal "$(cut -f2 line.out | sort -un | wc -l)" 20000
}

@test "follow-log.sh handles each line as it comes, and ends at TERM" {
	: >log
	start follow "$examples/follow-log.sh" log 'ERROR' echo seen
	# tail may begin at any moment from now on; what was written before is not for it.
	n=0
	until file_matches follow.out 'seen ERROR'; do
		((++n < 400)) || fail 'no line came through'
		echo "ERROR early" >>log
		sleep 0.05
	done
	printf '%s\n' 'all is well' 'ERROR late' >>log
	wait_until 20 file_matches follow.out 'seen ERROR late'
	refute grep -q well follow.out
	# Rotated.
	mv log log.1
	echo 'ERROR in the new one' >log
	wait_until 20 file_matches follow.out 'seen ERROR in the new one'
	kill -TERM "$pid"
	wait_for 20 "$pid"
	books_balance "$(tail -n1 follow.err)"
	assert_equal "$left $dead" '0 0'
}

@test "bursts.sh shows the ring, and leaves nothing behind" {
	run -0 "$examples/bursts.sh" 2
	assert_line --index 0 --regexp 'READY .*FULL/S +BLOCKED'
	assert_line --index 2 --regexp '^ +[0-9]+ +[0-9]+ '
	assert_equal "$(find /dev/shm -name 'shmline.bursts-*' | wc -l)" 0
}

@test "queue.sh shares work between terminals, until it is closed" {
	export QUEUE=$ring
	start one "$examples/queue.sh" work sh -c 'echo "one $1"; sleep 0.2' sh
	wait_until 10 ring_exists
	start two "$examples/queue.sh" work sh -c 'echo "two $1"; sleep 0.2' sh
	wait_until 10 bash -c "ringctl stat --json $ring | jq -e '.consumers == 2'"
	"$examples/queue.sh" add a b c d
	"$examples/queue.sh" add e f
	"$examples/queue.sh" show >show
	assert_regex "$(cat show)" 'books +published 6 .*ready'
	# One terminal is closed in the midst of it.
	wait_until 10 has_lines two.out 1
	kill -KILL "${started[1]}"
	wait_until 20 bash -c "ringctl stat --json $ring | jq -e '.left == 0'"
	"$examples/queue.sh" close
	wait_for 20 "${started[0]}"
	wait_until 10 no_ring
	assert_equal "$(cat one.out two.out | cut -d' ' -f2 | sort -u | tr '\n' ' ')" 'a b c d e f '
	run -64 "$examples/queue.sh"
	assert_line --partial 'queue.sh close'
}
