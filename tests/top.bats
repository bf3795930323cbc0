# top.bats - the live view, of `ringctl top` and of `launcher --watch`, in a terminal that tmux keeps.

bats_require_minimum_version 1.5.0
load helpers

setup() {
	common_setup
	command -v tmux >/dev/null || skip "tmux is not installed"
	socket=$BATS_TEST_TMPDIR/tmux
	export LANG=C.UTF-8 LC_ALL=C.UTF-8
	unset NO_COLOR TMUX
}

# A launcher outlives its terminal: HUP replaces workers.
teardown() {
	local launcher
	launcher=$(ringctl stat --json "$ring" 2>/dev/null | jq -r '.launcher // empty') || true
	[[ -z $launcher ]] || kill -QUIT "$launcher" || true
	terminal kill-server 2>/dev/null || true
	common_teardown
}

terminal() { tmux -f /dev/null -S "$socket" "$@" 3>&- 4>&-; }

# A terminal of COLUMNSxROWS in which a shell runs that says nothing of its own.
open_terminal() { # COLUMNS ROWS
	terminal new-session -d -x "$1" -y "$2" "env PATH='$PATH' PS1= sh -i"
	type_line 'stty -echo; PS1='
	wait_until 10 shows_prompt
}

shows_prompt() { type_line 'echo here'; sees '^here$'; }
type_line() { terminal send-keys "$1" Enter; }
press() { terminal send-keys "$@"; }
screen() { terminal capture-pane -p; }
sees() { screen | grep -qE -- "$1"; }	# PATTERN
sees_not() { ! sees "$1"; }
number_of() { screen | sed -nE "s/.*$1 ([0-9]+).*/\\1/p" | head -n 1; }	# WORD
is_more() { (($(number_of "$1") > $2)); }	# WORD THAN
modes() { # FILE
	rm -f "$1"
	type_line "stty -g >$BATS_TEST_TMPDIR/$1.part; mv $BATS_TEST_TMPDIR/$1.part $BATS_TEST_TMPDIR/$1"
	wait_until 10 test -s "$1"
}

# A line that goes on for ever, in the background.
start_line() { # OPTION...
	start line launcher -r "$ring" -p 2 -c 3 -n 0 --slots 50 --sink null "$@"
	wait_until 10 ring_exists
}

end_line() {
	kill -TERM "$pid"
	wait_for 20 "$pid"
}

@test "top shows the scale, the books and a line for each worker" {
	start_line --producer-pace 20ms --consumer-pace 60ms
	open_terminal 80 24
	type_line "ringctl top $ring"
	wait_until 10 sees '^consumer 3 +(idle|working)'
	wait_until 10 sees '^producer 2 '
	wait_until 10 sees "^$ring  running, .* 50 slots, launcher $pid"
	wait_until 10 sees '^published [0-9]+ = acked [0-9]+ \+ dead 0 \+ dropped 0 \+ left [0-9]+$'
	sees '^0 [█▒·]+ 50$'
	sees '▼ 2 producers at|2 producers at [0-9]+ ▼'
	sees '▲ 3 consumers at|3 consumers at [0-9]+ ▲'
	wait_until 10 sees '^published +[0-9.]+/s .*[▁▂▃▄▅▆▇█]'
	press q
	wait_until 10 sees_not '^consumer 3'
	end_line
}

@test "the drawing moves, and the full counter rises, when bursts meet slow consumers" {
	start_line --producer-pace 5ms+200ms@0.1 --consumer-pace 100ms
	open_terminal 80 24
	type_line "ringctl top $ring"
	wait_until 10 sees 'producers at'
	local was_at full
	was_at=$(number_of 'producers at')
	wait_until 10 sees_not "producers at $was_at\\b"
	wait_until 20 sees '^full [1-9][0-9]* times'
	full=$(number_of full)
	wait_until 20 is_more full "$full"
	end_line
	wait_until 10 sees_not 'producers at'
}

@test "it fits 40x10, and follows the terminal's size" {
	start_line --pace 50ms
	open_terminal 40 10
	type_line "ringctl top $ring"
	wait_until 10 sees '^producer 1 '
	(($(screen | wc -L) <= 40))
	sees '^ready [0-9]+  in flight'
	terminal resize-window -x 120 -y 40
	wait_until 10 sees '^consumer 3 '
	sees 'RESTARTS +PID +WAITED NOTE'
	terminal resize-window -x 30 -y 8
	wait_until 10 sees '^30x8 is too small'
	terminal resize-window -x 60 -y 14
	wait_until 10 sees '^producer 1 '
	end_line
}

@test "without UTF-8 and colours it is drawn in ASCII" {
	start_line --pace 20ms
	open_terminal 80 24
	type_line "LC_ALL=C NO_COLOR=1 TERM=vt100 ringctl top $ring"
	wait_until 10 sees '^consumer 3 '
	sees '^0 [#+.]+ 50$'
	terminal capture-pane -e -p >drawn
	run ! grep -qE $'\e\\[[34][0-7]m' drawn
	run ! env LC_ALL=C grep -qP '[\x7f-\xff]' drawn
	end_line
}

@test "keys sort, pause the line, add and remove a consumer, and raise the stop flag" {
	start_line --pace 50ms
	open_terminal 80 24
	type_line "ringctl top $ring"
	wait_until 10 sees '^consumer 3 '
	press s
	wait_until 10 sees 'workers by rate'
	press +
	wait_until 10 sees '^consumer 4 '
	press -
	wait_until 10 sees_not '^consumer 4 '
	press p
	wait_until 10 sees 'running \(paused\)'
	press p
	wait_until 10 sees_not 'paused\)'
	press x
	wait_until 10 sees 'raise the stop flag\?'
	press n
	press x
	wait_until 10 sees 'raise the stop flag\?'
	press y
	wait_until 20 sees "ring \"$ring\" is gone"
	wait_for 20 "$pid"
}

@test "top leaves the terminal as it was: by q, by a signal, and when it is killed" {
	local signal top
	start_line --pace 50ms
	open_terminal 80 24
	modes before
	for signal in q TERM HUP KILL; do
		type_line "sh -c 'echo \$\$ >$BATS_TEST_TMPDIR/top; exec ringctl top $ring'"
		wait_until 10 sees '^consumer 3 '
		top=$(<top)
		if [[ $signal == q ]]; then press q; else kill "-$signal" "$top"; fi
		wait_until 10 sees_not '^consumer 3 '
		modes after
		assert_equal "$(<after)" "$(<before)"
		assert_equal "$(terminal display -p '#{alternate_on} #{cursor_flag}')" '0 1'
	done
	end_line
}

@test "top without a terminal, and of a ring that is not there, says so" {
	run -69 ringctl top --json "$ring"
	run -69 ringctl top "$ring"
	assert_output --partial "$ring"
	start_line --pace 50ms
	run -64 setsid -w ringctl top "$ring" </dev/null
	assert_output --partial 'expected a terminal'
	end_line
}

@test "--watch shows the line and what is said, and the books behind it" {
	open_terminal 90 30
	type_line "launcher -r $ring -p 2 -c 2 -n 60 --pace 80ms --watch; echo code \$?"
	wait_until 10 sees "^$ring  running"
	wait_until 10 sees '^consumer 2 '
	wait_until 10 sees 'consumer [12]: widget [0-9]+ from producer'
	wait_until 20 sees '^launcher: published 60 = acked 60 \+ dead 0'
	wait_until 10 sees '^code 0$'
	assert_equal "$(terminal display -p '#{alternate_on} #{cursor_flag}')" '0 1'
}

@test "--watch pauses and adds workers, q drains, and q again stops" {
	open_terminal 90 30
	type_line "launcher -r $ring -c 2 -n 0 --slots 40 --producer-pace 5ms --consumer-pace 300ms --watch; echo code \$?"
	wait_until 10 sees '^ready [1-9]'
	press +
	wait_until 10 sees '^consumer 3 '
	press p
	wait_until 10 sees 'running \(paused\)'
	local published
	published=$(number_of '^published')
	press s
	wait_until 10 sees 'workers by rate'
	assert_equal "$(number_of '^published')" "$published"
	press p
	wait_until 10 is_more '^published' "$published"
	press q
	wait_until 10 sees "^$ring  draining"
	press q
	wait_until 20 sees '^launcher: published [0-9]+ = acked'
	wait_until 10 sees '^code 75$'
	ringctl rm --force "$ring"
}

@test "--watch sorts, scrolls, takes a worker away, and stops the line when asked twice" {
	open_terminal 90 14
	type_line "launcher -r $ring -c 4 -n 0 --slots 40 --producer-pace 5ms --consumer-pace 50ms --watch; echo code \$?"
	wait_until 10 sees '^ready [1-9]'
	for order in rate 'age of its item' 'items done' name; do
		press s
		wait_until 10 sees "workers by $order"
	done
	press Down
	wait_until 10 sees_not '^producer 1 '
	press Up
	wait_until 10 sees '^producer 1 '
	press C-l
	press -
	wait_until 10 consumers_are 3
	press x
	wait_until 10 sees 'raise the stop flag'
	press n
	wait_until 10 sees_not 'raise the stop flag'
	assert_equal "$(ringctl stat --json "$ring" | jq -r .stop)" none
	press x
	wait_until 10 sees 'raise the stop flag'
	press y
	wait_until 20 sees '^code 0$'
}

consumers_are() { [[ $(ringctl stat --json "$ring" | jq .consumers) == "$1" ]]; }

@test "--watch gives the terminal back when the launcher is killed or stopped" {
	local launcher
	open_terminal 90 30
	modes before
	type_line "sh -c 'echo \$\$ >$BATS_TEST_TMPDIR/launcher; exec launcher -r $ring -n 0 --pace 20ms --sink null --watch'"
	wait_until 10 sees '^consumer 1 '
	launcher=$(<launcher)
	press C-z
	wait_until 10 sees_not '^consumer 1 '
	assert_equal "$(terminal display -p '#{alternate_on} #{cursor_flag}')" '0 1'
	type_line fg
	wait_until 10 sees '^consumer 1 '
	kill -USR1 "$launcher"
	wait_until 10 sees '^launcher: SIGUSR1'
	kill -KILL "$launcher"
	wait_until 10 sees_not '^consumer 1 +(idle|working)'
	wait_until 10 sees '^launcher: SIGUSR1: one consumer more, 2 now'	# its last words
	modes after
	assert_equal "$(<after)" "$(<before)"
	assert_equal "$(terminal display -p '#{alternate_on} #{cursor_flag}')" '0 1'
	wait_until 10 ringctl rm --force "$ring"
}

@test "--watch without a terminal is refused, and leaves no ring" {
	run -64 setsid -w launcher -r "$ring" --watch </dev/null
	assert_output --partial -- '--watch: expected a terminal'
	run -64 launcher -r "$ring" --watch --bar
	no_ring
}
