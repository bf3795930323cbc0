#!/usr/bin/env bats
# The same list through xargs -P, GNU parallel and launcher gives the same results.

load helpers
bats_require_minimum_version 1.5.0

setup() {
	common_setup
	needs_parallel
	cat >work <<'END'
#!/bin/sh
# What one run was given, whatever bytes it is. Fails, or dies, for some.
echo "$# $(printf '%s\0' "$@" | od -An -v -w999999 -tx1)"
case $1 in
*fail*) exit 3 ;;
*die*) kill -KILL $$ ;;
esac
END
	chmod +x work
}
teardown() { common_teardown; }

# Where everything is meant to be installed, a missing peer is an error.
needs_parallel() {
	parallel --version 2>/dev/null | grep -q 'GNU parallel' && return
	[[ -z ${CI:-} ]] || fail "GNU parallel is not installed"
	skip "GNU parallel is not installed"
}

# Items that are awkward: every byte but NUL and newline, blanks, quotes, dashes, placeholders, none.
awkward() {
	local first byte item
	for first in {0..240..16}; do
		item=
		for ((byte = first; byte < first + 16; byte++)); do
			((byte == 0 || byte == 10)) || item+=\\x$(printf %02x "$byte")
		done
		printf "item $item end\n"
	done
	printf '%s\n' ' blanks  inside ' "it's" '"quoted"' 'back\slash' '$HOME `id` ;|&' '-n' '--' '*' '{' '}' '~'
	printf '\n'
}

@test "lines of every byte give the same results" {
	awkward >list
	tr '\n' '\0' <list >list0
	xargs -0 -n1 -P4 ./work <list0 | sort >xargs
	parallel -P4 ./work {} <list 2>/dev/null | sort >parallel
	launcher -r "$ring" --quiet -c 4 -a list -- ./work | sort >launcher
	diff xargs launcher
	diff parallel launcher
	(($(wc -l <launcher) == $(wc -l <list)))
}

@test "items with newlines in them, and a delimiter of one's own, give the same results" {
	printf '%s\0' $'two\nlines' $'\n' a 'b c' '' >list0
	xargs -0 -n1 -P3 ./work <list0 | sort >xargs
	parallel -0 -P3 ./work {} <list0 2>/dev/null | sort >parallel
	launcher -r "$ring" --quiet -c 3 -0 -- ./work <list0 | sort >launcher
	diff xargs launcher
	diff parallel launcher
	printf 'a b;c;;d' >list
	xargs -d ';' -n1 -P3 ./work <list | sort >xargs
	parallel -d ';' -P3 ./work {} <list 2>/dev/null | sort >parallel
	launcher -r "$ring" --quiet -c 3 -d ';' -a list -- ./work | sort >launcher
	diff xargs launcher
	diff parallel launcher
}

@test "several files, and several items a run, give the same results" {
	seq 50 >one
	seq 51 90 >two
	cat one two | xargs -n1 -P4 ./work | sort >xargs
	cat one two | parallel -P4 ./work {} 2>/dev/null | sort >parallel
	launcher -r "$ring" --quiet -c 4 -a one -a two -- ./work | sort >launcher
	diff xargs launcher
	diff parallel launcher
	# How items fall into batches differs; which items there are does not.
	words() { cut -d' ' -f2- | sed 's/ 00/\n/g' | grep . | sort; }
	xargs -n7 -P4 ./work <one | words >xargs
	parallel -n7 -P4 ./work {} <one 2>/dev/null | words >parallel
	launcher -r "$ring" --quiet -c 4 --batch 7 -a one -- ./work | words >launcher
	diff xargs launcher
	diff parallel launcher
}

@test "--keep-order is parallel's" {
	shuf -i 1-60 >list
	parallel -k -P4 'sleep 0.0$((RANDOM % 4)); echo {}' <list >parallel 2>/dev/null
	launcher -r "$ring" --quiet -c 4 --keep-order -a list -- bash -c 'sleep 0.0$((RANDOM % 4)); echo "$1"' sh >launcher
	diff parallel launcher
}

@test "what failed, how, and with what output is the same in the job logs" {
	printf '%s\n' ok fail1 ok2 die fail2 last >list
	run parallel --joblog parallel.log -P2 ./work {} <list
	run launcher -r "$ring" --quiet -c 2 --joblog launcher.log -a list -- ./work
	assert_equal "$status" 123
	for log in parallel launcher; do
		# As people do: which jobs failed, and how.
		awk -F'\t' 'NR > 1 { print $9, "exit", $7, "signal", $8, "wrote", $6 }' "$log.log" | sort >"$log"
	done
	diff parallel launcher
	assert_equal "$(head -n1 launcher.log)" "$(head -n1 parallel.log)"
	assert_equal "$(awk -F'\t' 'NR > 1 && ($7 != 0 || $8 != 0) { n++ } END { print n }' launcher.log)" 3
	# Times are seconds since 1970 with milliseconds, and runtimes in seconds.
	awk -F'\t' -v now="$EPOCHSECONDS" 'NR > 1 && (now - $3 > 100 || $3 > now + 1 || $4 < 0 || $4 > 100) { exit 1 }' launcher.log
}

@test "the exit code says that something failed, as xargs does" {
	printf '%s\n' ok fail ok2 >list
	run -123 xargs -n1 -P2 ./work <list
	run -123 launcher -r "$ring" -c 2 -a list -- ./work
	: >empty
	run -0 launcher -r "$ring" -c 2 -a empty -- ./work
	books_balance "${lines[-1]}"
	assert_equal "$published" 0
}
