#!/usr/bin/env bats
# launcher: the progress bar, on a terminal and elsewhere.

load helpers
bats_require_minimum_version 1.5.0

setup() { common_setup; }
teardown() { common_teardown; }

# Run COMMAND with a terminal of its own; what the terminal gets goes to `screen`, a line for each \r.
on_terminal() { # COMMAND
	script -qec "stty cols 100; $1" /dev/null </dev/null >typescript || return
	tr '\r' '\n' <typescript >screen
}

@test "--bar shows what is done, the rate, and the time left, and gets out of the way of lines" {
	seq 40 >in
	on_terminal "launcher -r $ring -c 4 --bar -a in -- sh -c 'sleep 0.1; [ \$1 = 25 ] && echo line; exit 0' sh"
	assert_regex "$(cat screen)" '[0-9]+ of 40 done, [0-9]+% \[#* *\], [0-9.]+/s, 4 in flight, 0 dead, [0-9]+s left'
	grep -qx line screen
	# At the end it is gone: what follows has its line for itself.
	grep -qx 'launcher: published 40 = acked 40 + dead 0 + dropped 0 + left 0' screen
}

@test "--bar knows how many items are generated, and knows no total while producers read" {
	on_terminal "launcher -r $ring -n 30 --consumer-pace 20ms --bar"
	assert_regex "$(cat screen)" '[0-9]+ of 30 done'
	on_terminal "launcher -r $ring --bar --source 'exec:seq 20; sleep 1' --sink null"
	grep -q '^20 done, ' screen
}

@test "--bar writes nothing where there is no terminal" {
	seq 20 >in
	launcher -r "$ring" --quiet -c 2 --bar -a in -- sh -c 'sleep 0.1' >out 2>err
	assert_equal "$(cat out err)" ''
}
