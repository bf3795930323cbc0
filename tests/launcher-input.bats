#!/usr/bin/env bats
# launcher-input.bats - where the items of a line come from, and the same list through its peers.

bats_require_minimum_version 1.5.0
load helpers
setup() { common_setup; }
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
