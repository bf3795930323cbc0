# What the programs say when something that they stand on is missing: a folder for temporary files, room on
# standard output, the program that they start.

bats_require_minimum_version 1.5.0
load helpers

setup() { common_setup; }
teardown() { common_teardown; }

@test '--help and --version that nobody can read are an error' {
	for program in launcher producer consumer ringctl; do
		for option in --help --version; do
			run -74 sh -c "$program $option >/dev/full"
			assert_line --partial 'cannot write to standard output'
		done
	done
}

@test 'no folder for temporary files: said before any item is taken' {
	seq 3 >list
	for options in '' --keep-order '--keep-order --worker=lines'; do
		# shellcheck disable=SC2086
		TMPDIR=$PWD/nowhere run --separate-stderr launcher --ring "$ring" -c 2 -a list $options -- cat
		[[ $status == @(71|73|125) ]] || fail "exit code $status, with '$options'"
		assert_regex "$stderr" 'No such file or directory'
		books_balance "${stderr##*$'\n'}"
		assert_equal "$acked" 0
		run ringctl rm --force "$ring"
	done
}

# A copy of the programs, some of which will be gone.
copied() {
	mkdir bin
	cp "$SHMLINE_BIN"/{launcher,producer,consumer} bin
}

@test 'a program of the line that is not there is named, and what was published is kept' {
	copied
	rm bin/consumer
	run -127 --separate-stderr bin/launcher --ring "$ring" -n 3
	assert_regex "$stderr" 'cannot start consumer 1 \(.*/consumer\): No such file or directory'
	books_balance "${stderr##*$'\n'}"
	[[ $left == 0 ]] || ringctl rm --force "$ring"
}

@test 'a worker whose program is gone for a while is started when it is back' {
	kills_at_any_moment
	copied
	start line bin/launcher -v --ring "$ring" -p 1 -c 1 -n 0 --slots 4 --pace 5ms --sink null \
		--restart-backoff const:50ms --restart-limit 1000/60s
	wait_until 20 bash -c "ringctl stat --json $ring | jq -e '.acked_total > 3'"
	mv bin/consumer bin/away
	for worker in $(workers_of "$pid"); do
		[[ $(<"/proc/$worker/comm") != consumer ]] || kill -KILL "$worker"
	done
	wait_until 20 file_matches line.err 'cannot start consumer 1 \(.*/consumer\): No such file'
	mv bin/away bin/consumer
	before=$(ringctl stat --json "$ring" | jq .acked_total)
	wait_until 20 bash -c "ringctl stat --json $ring | jq -e '.acked_total > $before + 3'"
	kill -TERM "$pid"
	wait_for 20 "$pid"
	books_balance "$(tail -n 1 line.err)"
	assert_equal "$left $dead" '0 0'
}

@test 'a ring that others are draining is not taken up' {
	producer -r "$ring" -n 2
	start slow consumer -r "$ring" -- sh -c 'until [ -e go ]; do sleep 0.05; done'
	wait_until 20 bash -c "ringctl stat --json $ring | jq -e '.in_flight == 1'"
	ringctl stop "$ring"
	run timeout 30 launcher -r "$ring" --resume -c 1 --sink null
	assert_equal "$status" 69
	assert_line --partial 'it is being drained by others'
	touch go
	wait_for 20 "$pid"
}
