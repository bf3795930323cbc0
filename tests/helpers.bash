# helpers.bash - what the tests of the programs share. Each *.bats file begins with
#
#	load helpers
#	setup() { common_setup; }
#	teardown() { common_teardown; }
#
# After that `launcher`, `producer`, `consumer` and `ringctl` are the programs under test, $ring is a
# ring name of this test's own, and the test stands in an empty folder of its own.

bats_load_library bats-support
bats_load_library bats-assert
bats_load_library bats-file

SHMLINE_BIN=${SHMLINE_BIN:-$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)}

common_setup() {
	PATH=$SHMLINE_BIN:$PATH
	export SHELL=/bin/sh	# whoever calls: the one that script(1) and tmux start
	unset COLUMNS LINES NO_COLOR
	ring=$(ring_name '')
	started=()
	cd "$BATS_TEST_TMPDIR" || return
}

# Ends what the test started and still runs, and fails if anything of its rings is left.
# A process that is killed while it looks for its own leaks is never buried, and its parent waits for it.
kills_at_any_moment() { export ASAN_OPTIONS=detect_leaks=0; }

common_teardown() {
	local pid left
	[[ -n ${ring:-} ]] || return 0	# it was skipped before common_setup
	for pid in "${started[@]}"; do
		has_ended "$pid" || kill -KILL "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
	done
	left=$(find /dev/shm -maxdepth 1 -name "shmline.$ring*" -print -delete)
	[[ -z $left ]] || fail "left behind: $left"
}

# A name that no other test has; a test's second ring has a SUFFIX.
ring_name() { # SUFFIX
	local file=${BATS_TEST_FILENAME##*/}
	echo "test-${file%.bats}-$BATS_TEST_NUMBER-$BATS_ROOT_PID$1"
}

ring_exists() { [[ -e /dev/shm/shmline.${1:-$ring} ]]; }
no_ring() { ! ring_exists "$@"; }

# Wait until COMMAND succeeds, looking every 20 ms; fails with what was awaited. On a slow machine a second is
# PATIENCE seconds.
wait_until() { # SECONDS COMMAND...
	local limit=$(($1 * ${PATIENCE:-1})) deadline
	shift
	deadline=$(($(now_ms) + limit * 1000))
	until "$@"; do
		(($(now_ms) < deadline)) || fail "not so after $limit s: $*" || return
		sleep 0.02
	done
}

now_ms() { echo $((${EPOCHREALTIME/[.,]/} / 1000)); }

# Start COMMAND in the background; its output goes to NAME.out and NAME.err, its id to $pid.
start() { # NAME COMMAND...
	local name=$1
	shift
	"$@" >"$name.out" 2>"$name.err" 3>&- 4>&- &
	pid=$!
	started+=("$pid")
}

# A child that has ended is a zombie until somebody waits for it.
has_ended() { # PID
	local state
	state=$(sed 's/.*) \(.\).*/\1/' "/proc/$1/stat" 2>/dev/null) || return 0
	[[ -z $state || $state == [ZX] ]]
}

# Wait for the end of a started process, which must have exit code CODE (0).
wait_for() { # SECONDS PID [CODE]
	local code=0
	wait_until "$1" has_ended "$2" || return
	wait "$2" || code=$?
	((code == ${3:-0})) || fail "process $2: exit code $code, expected ${3:-0}"
}

# Does FILE have at least N lines? For wait_until.
has_lines() { # FILE N
	[[ -e $1 ]] && (($(wc -l <"$1") >= $2))
}

# The producers and consumers of a launcher, in a line: they are its guard's children. Not a child that is
# none yet, nor a sanitizer's helper.
workers_of() { # LAUNCHER
	local guard child
	for guard in $(<"/proc/$1/task/$1/children"); do
		for child in $(<"/proc/$guard/task/$guard/children"); do
			[[ $(<"/proc/$child/comm") != @(producer|consumer) ]] || echo -n "$child "
		done
	done 2>/dev/null
}

file_matches() { grep -qE -- "$2" "$1" 2>/dev/null; } # FILE PATTERN

# Check the sum in a line "published N = acked N + dead N + dropped N + left N". Sets $published,
# $acked, $dead, $dropped and $left.
books_balance() { # LINE
	local pattern='published ([0-9]+) = acked ([0-9]+) \+ dead ([0-9]+)'
	pattern+=' \+ dropped ([0-9]+) \+ left ([0-9]+)$'
	[[ $1 =~ $pattern ]] || fail "not the books: \"$1\"" || return
	published=${BASH_REMATCH[1]} acked=${BASH_REMATCH[2]} dead=${BASH_REMATCH[3]}
	dropped=${BASH_REMATCH[4]} left=${BASH_REMATCH[5]}
	((published == acked + dead + dropped + left)) ||
		fail "the books don't balance: \"$1\""
}

# A COMMAND of tests/workers/.
worker() { # NAME
	local folder
	for folder in "${WORKERS:-}" "$SHMLINE_BIN/tests/workers" "$SHMLINE_BIN/build/tests/workers"; do
		[[ ! -x $folder/$1 ]] || { echo "$folder/$1"; return; }
	done
	fail "no worker $1: make workers"
}
