#!/usr/bin/env bats
# model: Spin finds nothing against the protocol of the ring in the small sizes of its models. The large ones
# are for `make model-full`, mistakes that must be found for `make model-mutants`; see model/README.md.

load helpers
bats_require_minimum_version 1.5.0

setup() {
	[[ -z ${SAN:-} ]] || skip "no code of ours runs here: once is enough"
}

holds() { # MODEL
	run -0 "$BATS_TEST_DIRNAME/model/run.sh" small "$1"
	assert_line --regexp '^small: ([0-9]+) of \1 hold, [0-9]+ states$'
}

@test "slots, hints and recovery: each item accepted and done with once, whoever is killed" { holds ring; }
@test "waiting: nobody sleeps beside work or at the end of the line, whoever is killed" { holds wait; }
@test "stopping: nothing is accepted after a strict stop, whoever is killed" { holds stop; }
@test "tickets: each is published exactly once, whoever is killed" { holds ticket; }
