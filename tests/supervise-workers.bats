#!/usr/bin/env bats
# launcher: what workers may and whose they are; what becomes of the line when one is given up; replacing.

load helpers
bats_require_minimum_version 1.5.0

setup() { common_setup; }
teardown() { common_teardown; }

consumers() { pgrep -f -- "/consumer --ring=$ring " | sort -n; }
has_acked() { (($(ringctl stat --json "$ring" 2>/dev/null | jq .acked_total) >= $1)); }
no_process() { ! pgrep -f "$1" >/dev/null; }

@test "--rlimit, --nice and --no-new-privs hold for workers and what they start" {
	run -0 --separate-stderr bash -c 'echo x | launcher --rlimit nofile=100:200 --rlimit core=0 --nice 5 \
		--no-new-privs --shell -- ": {}; ulimit -n; ulimit -Hn; ulimit -c; nice; grep NoNewPrivs /proc/self/status"'
	assert_equal "$output" "$(printf '100\n200\n0\n%s\nNoNewPrivs:\t1' "$(($(nice) + 5))")"
}

@test "a limit, niceness or user that is no such thing is refused: one line, 64 or 77" {
	local value
	for value in nofile nofile=x lots=1 nofile=2:1 =5 as=-1; do
		run -64 --separate-stderr launcher --rlimit "$value"
		assert_regex "$stderr" "^launcher: --rlimit \"$value\": expected NAME=SOFT"
	done
	for value in 20 -21 x 1.5; do
		run -64 --separate-stderr launcher --nice="$value"
		assert_equal "$stderr" "launcher: --nice \"$value\": expected a number from -20 to 19"
	done
	run -77 --separate-stderr launcher --user nobody-at-all
	assert_equal "$stderr" 'launcher: --user: cannot become "nobody-at-all": no such user'
}

@test "--user: the line runs as that user, with its groups alone" {
	((EUID == 0)) || skip "only root can become another user"
	setpriv --reuid=65534 --regid=65534 --clear-groups test -x "$SHMLINE_BIN/launcher" ||
		skip "another user can't run it"
	run -0 --separate-stderr bash -c 'echo x | launcher --user nobody --shell -- \
		": {}; id -un; id -Gn; echo \$HOME; grep -E ^Cap[EP] /proc/self/status"'
	assert_equal "${lines[0]} ${lines[1]}" "nobody nogroup"
	assert_equal "${lines[2]}" "$(getent passwd nobody | cut -d: -f6)"
	assert_regex "${lines[3]} ${lines[4]}" 'CapPrm:.0+ CapEff:.0+'
	run -77 --separate-stderr setpriv --reuid=65534 --regid=65534 --clear-groups launcher --user root
	assert_equal "$stderr" 'launcher: --user: cannot become "root": only root can'
}

@test "--pidfile has the process id, refuses a second launcher, and goes at the end" {
	start line launcher -r "$ring" -n 0 --sink null --pidfile here.pid
	wait_until 5 has_acked 1
	assert_equal "$(<here.pid)" "$pid"
	run -69 --separate-stderr launcher --pidfile here.pid
	assert_equal "$stderr" "launcher: --pidfile: \"here.pid\" belongs to process $pid, which runs"
	kill "$pid"
	wait_for 10 "$pid"
	assert_file_not_exists here.pid
	run -73 --separate-stderr launcher --pidfile no/where.pid
	assert_equal "$stderr" 'launcher: --pidfile: cannot use "no/where.pid": No such file or directory'
}

# Consumer 1 dies of each item, the others work.
crash_one() { # OPTION...
	seq 200 >in
	run -125 --separate-stderr timeout 20 launcher -r "$ring" -p 1 -c 3 -a in --consumer-pace 5ms \
		--restart-limit 1/60s --restart-backoff const:1ms --max-deliveries 100 "$@" --shell -- \
		'[ {%} = 1 ] && kill -KILL $PPID; echo {} >>finished'
	books_balance "${stderr_lines[-1]}"
}

@test "--on-giveup degrade: the others do all the work, exit 125" {
	crash_one
	assert_equal "$acked $left" "200 0"
	assert_regex "$stderr" 'consumer 1 is given up'
}

@test "--on-giveup stop: no more is published, what there is is drained, exit 125" {
	crash_one --on-giveup stop --producer-pace 10ms
	assert_equal "$left" 0
	((acked < 200)) || fail "the line went on"
	run -64 --separate-stderr launcher --on-giveup shrug
	assert_regex "$stderr" '--on-giveup "shrug": expected .*degrade.*stop'
}

@test "a crash is told with the last lines, control characters made harmless" {
	[[ -z ${SAN:-} ]] || skip "a sanitizer tells of SEGV itself"
	seq 1 >in
	start line launcher -r "$ring" -a in --restart never --shell -- \
		'{ echo one; echo two; printf "a\033[31mred\n"; echo four; } >&2; kill -SEGV $PPID; sleep 1'
	wait_until 10 has_ended "$pid"
	# COMMAND's standard error comes with its end; the consumer's own is there at once.
	assert_regex "$(<line.err)" 'consumer 1 was killed by signal 11 \(SEGV\)'
	ringctl rm --force "$ring"
	printf '#!/bin/sh\n[ "$1" = --check ] && exit\nfor i in 1 2 3 4; do printf "line %%s\\033[31m\\n" $i >&2; done; kill -SEGV $$\n' >consumer
	chmod +x consumer
	cp "$SHMLINE_BIN/launcher" "$SHMLINE_BIN/producer" .
	run -125 --separate-stderr ./launcher -r "$ring" -n 1 --restart never
	assert_regex "$stderr" 'SEGV\), last it said "line 2\\033\[31m\\nline 3\\033\[31m\\nline 4\\033\[31m"'
	no_ring || ringctl rm --force "$ring"
}

@test "HUP with one lone consumer: its heir works before it goes" {
	local old
	start line launcher -r "$ring" -p 2 -c 1 --source widgets -n 0 --producer-pace 1ms --shell -- ': {}; echo {%} $PPID; sleep 0.01'
	wait_until 10 has_lines line.out 3
	old=$(consumers)
	kill -HUP "$pid"
	wait_until 10 no_process "/consumer --ring=$ring --number=1 "
	assert_equal "$(consumers | wc -l)" 1
	kill "$pid"
	wait_for 20 "$pid" 0
	# Both worked, and the old one's last item came after the heir's first, or right before it.
	assert_equal "$(cut -d' ' -f1 line.out | sort -u | paste -sd' ')" "1 2"
	assert_equal "$(cut -d' ' -f2 line.out | sort -u | wc -l)" 2
	assert_regex "$(<line.err)" ' 0 redeliveries'
	books_balance "$(tail -n 1 line.err)"
	[[ -n $old ]]
}

@test "HUP when new consumers can't come up: the old ones stay" {
	cp "$SHMLINE_BIN/launcher" "$SHMLINE_BIN/producer" "$SHMLINE_BIN/consumer" .
	start line ./launcher -r "$ring" -c 2 -n 0 --sink null --producer-pace 1ms --restart-backoff const:10ms \
		--restart-limit 0/60s
	wait_until 10 has_acked 10
	consumers >before
	printf '#!/bin/sh\nexit 1\n' >new
	chmod +x new
	mv new consumer
	kill -HUP "$pid"
	wait_until 10 file_matches line.err 'consumer 3 has not come up: the others are not replaced'
	assert_equal "$(consumers)" "$(<before)"
	kill "$pid"
	wait_for 10 "$pid" 125
}

@test "--log-dir: files of --log-size at most and --log-keep old ones" {
	launcher -c 1 -n 2000 --log-dir logs --log-size 8K --log-keep 2 --quiet
	assert_equal "$(ls logs)" "$(printf 'consumer-1.log%s\n' '' .1 .2; echo producer-1.log)"
	(($(stat -c %s logs/consumer-1.log.1) < 81920))
	run -64 --separate-stderr launcher --log-size 1
	assert_regex "$stderr" '--log-size "1": expected'
}

@test "ps shows what a consumer works on and since when, and that it waits" {
	echo x >in
	start line launcher -r "$ring" -p 0 -c 2 --shell -- ': {}; sleep 1000'
	producer -r "$ring" -a in --source lines --keep-open 3>&- &
	started+=("$!")
	wait_until 10 title_matches '^consumer [12]: item 1, 1\.[0-9]*s \| /.*/consumer --ring='
	wait_until 5 title_matches '^consumer [12]: waits \| /.*/consumer --ring='
	kill -QUIT "$pid"
	wait_for 10 "$pid" 75
	ringctl rm --force "$ring"
}

title_matches() { ps -eo args= | grep -E "$1" | grep -qF -- "--ring=$ring "; }
