# What is written is so: every option that --help shows is in the manual page and is completed, no page has
# an option that is not there, and the examples of the library's pages compile and run.

bats_require_minimum_version 1.5.0
load helpers

root=$(cd "$BATS_TEST_DIRNAME/.." && pwd)
build=${BUILD:-build}

setup() { common_setup; }
teardown() { common_teardown; }

# Options of a program (and of a verb of ringctl) as its table has them: "--name" and "-x" lines.
table_options() { # PROGRAM [VERB]
	"$@" --option-table | awk -F '\t' '{ print "--" $2; if ($1 != "-") print "-" $1 }' | sort -u
}

all_ringctl_options() {
	local verb
	table_options ringctl
	for verb in $(verbs); do
		table_options ringctl "$verb"
	done
}

verbs() { ringctl --help | awk '/^Verbs:/ { on = 1; next } on && /^$/ { exit } on { print $1 }' | sort -u; }

# Options that a page of section 1 describes, by its macros: in `.It Fl p , -producers` and in the synopsis.
page_options() { # PAGE
	awk '/^\.(It|Op) Fl / {
		n = split($0, word, " ")
		for (i = 1; i < n; i++)
			if ((word[i] == "Fl" || word[i] == "," || word[i] == "|") && word[i + 1] ~ /^(-[a-z0-9][-a-z0-9]*|[a-zA-Z0-9])$/)
				print "-" word[i + 1]
	}' "$1" | sort -u
}

# Every option of the table is in the page, every option of the page in the table.
same_options() { # TABLE PAGE
	local missing unknown
	missing=$(comm -23 <(grep -vx -e --help -e --version "$1") <(page_options "$2"))
	unknown=$(comm -13 "$1" <(page_options "$2"))
	[[ -z $missing ]] || fail "not in ${2#"$root"/}: "$missing
	[[ -z $unknown ]] || fail "in ${2#"$root"/}, but the program has no such option: "$unknown
}

@test 'launcher.1 has the options of launcher' {
	table_options launcher >table
	same_options table "$root/man/launcher.1"
}

@test 'producer.1 has the options of producer' {
	table_options producer >table
	same_options table "$root/man/producer.1"
}

@test 'consumer.1 has the options of consumer' {
	table_options consumer >table
	same_options table "$root/man/consumer.1"
}

@test 'ringctl.1 has the verbs and the options of ringctl' {
	all_ringctl_options | sort -u >table
	same_options table "$root/man/ringctl.1"
	for verb in $(verbs); do
		grep -qE "^\.It Cm $verb( |\$)" "$root/man/ringctl.1" || fail "not in man/ringctl.1: $verb"
	done
}

@test '--help shows each option of the table' {
	for program in launcher producer consumer; do
		"$program" --help >help
		for option in $("$program" --option-table | cut -f 2); do
			grep -qE -- "--$option( |\$)" help || fail "not in $program --help: --$option"
		done
	done
}

@test 'completion has each option of the table' {
	[[ -e /usr/share/bash-completion/bash_completion ]] || skip 'no bash-completion'
	for program in launcher producer consumer; do
		table_options "$program" >table
		bash --norc -c '. /usr/share/bash-completion/bash_completion
			. <(sed s/@PROGRAMS@/none/ "$1")
			COMP_WORDS=("$2" -) COMP_CWORD=1 COMP_LINE="$2 -" COMP_POINT=$((${#2} + 2))
			_shmline "$2" - "$2"
			printf "%s\n" "${COMPREPLY[@]}"' bash "$root/completions/shmline.bash" "$program" | sort -u >offered
		run diff table offered
		assert_success
	done
}

@test 'the pages are sound' {
	command -v mandoc >/dev/null || skip 'no mandoc'
	# Pages of the system may be missing here, and "--" is an argument.
	run bash -c "mandoc -T lint '$root'/man/*.[1-9] 2>/dev/null |
		grep -v -e 'referenced manual not found' -e 'verbatim \"--\"' -e 'longer than 80 bytes' \
			-e 'sections out of conventional order'"
	assert_output ''
}

# The code of a page: its last .Bd block that has a main() or an import.
page_program() { # PAGE
	awk '/^\.Bd -literal$/ { on = 1; text = ""; next }
		/^\.Ed/ { if (on && text ~ /int main/) last = text; on = 0 }
		on { text = text $0 "\n" }
		END { printf "%s", last }' "$1" | sed -e 's/\\e/\\/g' -e 's/\\-/-/g'
}

# Compiled as the reader does, but from the tree.
compile() { # NAME OF A PAGE
	mkdir -p include/shmline
	cp "$root/shm/ring.h" include/shmline
	page_program "$root/man/$1.3" >"$1.c"
	assert_file_not_empty "$1.c"
	cc -std=c17 -D_GNU_SOURCE -Wall -Wextra -Werror -Iinclude -o "$1" "$1.c" "$library" -pthread
}

setup_library() {
	library=$root/$build/lib/libshmline.a
	[[ $SHMLINE_BIN != */san-* ]] || skip 'programs of the reader have no sanitizer'
	[[ -e $library ]] || skip 'the library is not built: make library'
}

@test 'the example of shmline(3): a queue of its own' {
	setup_library
	compile shmline
	run ./shmline "$ring"
	assert_success
	assert_output hello
}

@test 'the example of ring_open(3): make, show, list, remove' {
	setup_library
	compile ring_open
	run ./ring_open "$ring"
	assert_success
	assert_line --index 0 "$ring: 64 slots of 512 bytes"
	assert_line "$ring"
}

@test 'the examples of ring_put(3), ring_take(3) and ring_stats(3): a line' {
	setup_library
	for page in ring_put ring_take ring_stats; do
		compile "$page"
	done
	seq 3 | ./ring_put "$ring"
	# Started again with more to read: it goes on behind what was accepted.
	seq 5 | ./ring_put "$ring"
	run ./ring_stats "$ring"
	assert_success
	assert_line 'published 5 = acked 0 + dead 0 + dropped 0 + left 5'
	run ./ring_take "$ring"
	assert_success
	assert_output "$(seq 5)"
}

@test 'the example of ring_stop(3): hold, stop, drain' {
	setup_library
	compile ring_stop
	start holder ./ring_stop "$ring"
	wait_until 10 ring_exists
	run timeout 30 consumer -r "$ring" --sink stdout
	assert_output --partial hello
	wait_for 10 "$pid"
	assert_equal "$(<holder.out)" 'published 1, acked 1'
}

@test 'the examples of shmline(7)' {
	PATH=$SHMLINE_BIN:$PATH
	touch one two
	printf '%s\n' one two >list
	sed -n '/^\.Sh EXAMPLES/,/^\.Sh SEE/p' "$root/man/shmline.7" |
		sed -n -e 's/^\.Dl \$ //p' -e '/^\.Bd/,/^\.Ed/{/^\./!p}' | sed "s/ jobs / $ring /" >script
	run timeout 60 bash -e script
	assert_success
	assert_file_exists one.gz
	assert_equal "$(wc -l <out)" 1000
}
