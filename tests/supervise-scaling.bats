#!/usr/bin/env bats
# launcher: as many consumers as keep up (-c MIN..MAX, auto). What is decided when is in the unit test.

load helpers
bats_require_minimum_version 1.5.0

setup() { common_setup; }
teardown() { common_teardown; }

consumers() { pgrep -fc -- "/consumer --ring=$ring "; }
consumers_are() { local n; n=$(consumers); ((n >= $1 && n <= $2)); } # FROM TO
settled() { file_matches line.err 'consumers: [45], before'; }

@test "-c auto: consumers keep up with what arrives, follow when it doubles, and balance" {
	[[ -z ${SAN:-} ]] || skip "a sanitizer's work takes other times"
	start line launcher -r "$ring" -c auto -n 0 --sink null --producer-pace 5ms --consumer-pace 20ms
	wait_until 30 consumers_are 4 7
	start more producer -r "$ring" -n 0 --pace 5ms
	wait_until 30 consumers_are 8 14
	kill "${started[1]}"
	kill "${started[0]}"
	wait_for 20 "${started[0]}" 0
	books_balance "$(tail -n 1 line.err)"
	assert_equal "$left" 0
	assert_regex "$(<line.err)" 'consumers: 3, before 1: .* items/s of .* each keep .* busy|items wait'
	assert_regex "$(<line.err)" 'balanced at 1 producer : [0-9]+ consumers'
	assert_regex "$(<line.err)" ' 0 redeliveries'
}

@test "-c MIN..MAX: never fewer, never more, and back when there is nothing to do" {
	start line launcher -r "$ring" -p 0 -c 2..4 --sink null --consumer-pace 100ms
	wait_until 5 consumers_are 2 2
	start more producer -r "$ring" -n 150
	wait_until 15 consumers_are 4 4
	kill -USR1 "${started[0]}"
	wait_until 10 file_matches line.err 'consumers: 4, before 5: as --consumers allows'
	wait_for 30 "${started[0]}" 0
	books_balance "$(tail -n 1 line.err)"
	assert_equal "$acked" 150
	assert_regex "$(<line.err)" 'balanced at 0 producers : [234] consumers'
}

@test "-c: what is no number, no range and not auto is refused" {
	local value
	for value in 5..2 0..3 2.. ..3 2..x 1..2001 many auto1 2001; do
		run -64 --separate-stderr launcher -c "$value"
		assert_equal "$stderr" \
			"launcher: -c \"$value\": expected a number from 0 to 2000, MIN..MAX from 1 to 2000, or auto"
	done
}

@test "--json tells the balance" {
	run -0 --separate-stderr launcher -c 1..3 -n 10 --sink null --json
	assert_equal "$(jq .consumers_balanced <<<"$output")" 1
}
