#!/usr/bin/env bats
# launcher: what becomes of a worker after each way to end, on each side, under each policy.
#
# One line has a worker for each exit code from 0 to 255 and for some signals, and one that stays. Workers
# are scripts beside a copy of the launcher, which end as their number says.

load helpers
bats_require_minimum_version 1.5.0

setup() {
	common_setup
	cp "$SHMLINE_BIN/launcher" .
	script consumer "$STAY"
	script producer "$STAY"
}
teardown() { common_teardown; }

GOOD='0 123 124'			# it had nothing more to do
FINAL='64 65 66 70 73 77 126 127'	# a new start would only repeat it
FINAL_PRODUCER="$FINAL 75"		# --when-full fail
SIGNALS=(KILL SEGV ABRT TERM HUP PIPE)
WORKERS=$((256 + ${#SIGNALS[@]} + 1))
STAY='exec sleep 1000'

script() { # NAME BODY
	printf '#!/bin/sh\n[ "$1" != --check ] || exit 0\n%s\n' "$2" >"$1"
	chmod +x "$1"
}

# Number 1 ends with 0, number 256 with 255, those behind by signals, the last stays.
ends_by_number() {
	local i body='n=${2#--number=}'
	for i in "${!SIGNALS[@]}"; do body+="; [ \$n != $((257 + i)) ] || kill -${SIGNALS[i]} \$\$"; done
	echo "$body; [ \$n = $WORKERS ] && $STAY; exit \$((n - 1))"
}

kind_of() { # SIDE NUMBER
	local code=$(($2 - 1)) final=$FINAL
	[[ $1 != producer ]] || final=$FINAL_PRODUCER
	if ((code > 255)); then echo bad
	elif [[ " $GOOD " == *" $code "* ]]; then echo good
	elif [[ " $final " == *" $code "* ]]; then echo final
	else echo bad; fi
}

# Under a limit of one restart: how often it is started, and whether it is given up then.
declare -gA EXPECTED=(
	[on-failure-good]='1 no' [on-failure-bad]='2 yes' [on-failure-final]='1 no'
	[always-good]='2 yes' [always-bad]='2 yes' [always-final]='1 no'
	[never-good]='1 no' [never-bad]='1 yes' [never-final]='1 no'
)

expect() { # SIDE POLICY
	local n
	for ((n = 1; n < WORKERS; n++)); do
		echo "$1 $n ${EXPECTED[$2-$(kind_of "$1" $n)]}"
	done
}

# What the launcher said of each.
observe() { # SIDE
	awk -v side="$1" -v workers="$WORKERS" '
		$2 != side { next }
		/ is process / { starts[$3]++ }
		/ is given up/ { given[$3] = 1 }
		END { for (n = 1; n < workers; n++) print side, n, starts[n] + 0, given[n] ? "yes" : "no" }' line.err
}

as_expected() { observe "$1" | cmp -s - expected; }

each_end() { # SIDE POLICY
	local -a numbers=(-p "$WORKERS" -c 1)
	[[ $1 == producer ]] || numbers=(-p 1 -c "$WORKERS")
	script "$1" "$(ends_by_number)"
	expect "$1" "$2" >expected
	start line ./launcher -r "$ring" "${numbers[@]}" -v --restart "$2" --restart-limit 1/1h \
		--restart-backoff const:1ms
	wait_until 30 as_expected "$1" || { diff <(observe "$1") expected | head >&2; false; }
	kill -QUIT "$pid"
	wait_until 10 has_ended "$pid"
	as_expected "$1"
	# Each is told once as what it was.
	run -0 grep -cE "launcher: $1 256 ended with exit code 255" line.err
	run -0 grep -cE "launcher: $1 257 was killed by signal 9 \(KILL\)" line.err
	run -0 grep -cE "launcher: $1 258 was killed by signal 11 \(SEGV\)" line.err
	no_ring || ringctl rm --force "$ring"
}

scale_down() { [[ -z ${SAN:-} ]] || skip "a sanitizer is slow to start two thousand processes"; }

@test "consumers under --restart on-failure" { scale_down; each_end consumer on-failure; }
@test "consumers under --restart always" { scale_down; each_end consumer always; }
@test "consumers under --restart never" { scale_down; each_end consumer never; }
@test "producers under --restart on-failure" { scale_down; each_end producer on-failure; }
@test "producers under --restart always" { scale_down; each_end producer always; }
@test "producers under --restart never" { scale_down; each_end producer never; }

# The launcher's own exit code when its only consumer ends so for good.
@test "the exit code of a run says how its last worker was given up" {
	local pair
	for pair in 64:64 66:66 70:70 126:126 127:127 1:125 255:125 KILL:125; do
		case ${pair%:*} in
		KILL) script consumer 'kill -KILL $$' ;;
		*) script consumer "exit ${pair%:*}" ;;
		esac
		run "-${pair#*:}" timeout 10 ./launcher -r "$ring" --restart-limit 1/60s --restart-backoff const:1ms
		no_ring || ringctl rm --force "$ring"
	done
}

@test "a worker that crashes at start in a loop costs next to nothing, and ends as written" {
	local spent
	script consumer 'kill -SEGV $$'
	# The shell's last line: user and system time of all that ran below it.
	run --separate-stderr bash -c "./launcher -r $ring --restart-limit 8/1h --restart-backoff const:100ms; times"
	spent=$(tail -n 1 <<<"$output" | tr 'ms' '  ' | awk '{ print int(($2 + $4) * 1000) }')
	((spent <= 150)) || fail "it took $spent ms of processor time"
	assert_equal "$(grep -c 'was killed by signal 11' <<<"$stderr")" 9
	assert_regex "$stderr" 'consumer 1 is given up after 8 restarts within --restart-limit'
	no_ring || ringctl rm --force "$ring"
}
