# Every example of the pages of the programs and of the README runs as it is written there, but for the names of
# rings and of what does not end by itself. The pages of the library and shmline(7) are in docs.bats.

bats_require_minimum_version 1.5.0
load helpers

root=$(cd "$BATS_TEST_DIRNAME/.." && pwd)
build=${BUILD:-build}
pages=(launcher.1 producer.1 consumer.1 ringctl.1 shmline-protocols.5 README.md)

setup() { common_setup; }
teardown() { common_teardown; }

# The examples of a page, NUL behind each: a line to type, or a block of them; and the file of launcher(1).
page_examples() { # PAGE
	awk '/^\.Sh / { on = $2 == "EXAMPLES"; is_file = $0 ~ /A LINE IN A FILE/ }
		(on || is_file) && /^\.Bd -literal -offset indent$/ { block = 1; text = ""; next }
		block && /^\.Ed/ { printf "%s%c", text, 0; block = 0 }
		block { text = text $0 "\n" }
		on && sub(/^\.Dl \$ /, "") { printf "%s\n%c", $0, 0 }' "$root/man/$1" | sed -z -e 's/\\e/\\/g' -e 's/\\-/-/g'
}

# Of the README the lines behind a prompt, what stands in the table of uses under "here", and the Python.
readme_examples() {
	awk '/^    \$ / { sub(/^    \$ /, ""); sub(/  +#.*/, ""); printf "%s\n%c", $0, 0 }
		/^\| what for/ { uses = 1; next }
		/^$/ { uses = 0 }
		uses && !/^\|-/ { split($0, column, " \\| "); n = split(column[3], part, "`")
			for (i = 2; i <= n; i += 2) print part[i]
			printf "%c", 0 }
		/^    import / { python = 1 }
		python && /^[^ ]/ { printf "%c", 0; python = 0 }
		python { print substr($0, 5) }' "$root/README.md"
}

examples_of() {
	case $1 in
	README.md) readme_examples ;;
	*) page_examples "$1" ;;
	esac
}

# Is TEXT in an example? With $ behind it, at its end.
is_in() { # EXAMPLE TEXT
	if [[ $2 == *'$' ]]; then
		[[ $1 == *"${2%\$}"$'\n' ]]
	else
		[[ $1 == *"$2"* ]]
	fi
}

# The one example of PAGE with TEXT in it, its ring our own, in the file `script`.
example() { # PAGE TEXT
	local text found=0
	while IFS= read -r -d '' text; do
		is_in "$text" "$2" || continue
		((found += 1))
		sed -E "s/\bjobs\b/$ring/g; s/-r (log|demo|texts|nightly) /-r $ring /" <<<"$text" >script
	done < <(examples_of "$1")
	((found == 1)) || fail "$1 has $found examples with: $2"
}

run_example() { # PAGE TEXT
	example "$@"
	run --separate-stderr timeout 60 bash -o pipefail script
}

@test 'every example is tried here' {
	for page in "${pages[@]}"; do
		count=0
		while IFS= read -r -d '' text; do
			((count += 1))
			tried=0
			while read -r words; do
				! is_in "$text" "$words" || tried=1
			done < <(sed -nE "s/^.*\b(run_)?example ${page//./\\.} '([^']*)'.*/\2/p" "$BATS_TEST_FILENAME")
			((tried)) || fail "not tried: $page: $text"
		done < <(examples_of "$page")
		((count > 0)) || fail "no examples found in $page"
	done
}

@test 'launcher(1): the widget line' {
	run_example launcher.1 '-p 3 -c 5'
	assert_success
	assert_equal "${#lines[@]}" 10
	[[ $stderr == *'published 10 = acked 10 + dead 0 + dropped 0 + left 0' ]]
}

@test 'launcher(1): compress the files of a list' {
	touch one two 'and three'
	printf '%s\n' one two 'and three' >list
	run_example launcher.1 '--retries 2 -- gzip {} < list'
	assert_success
	assert_equal "$(ls ./*.gz | wc -l)" 3
}

@test 'launcher(1): names with any bytes in them' {
	mkdir in
	cd in
	echo needle >$'a\nb'
	for i in {1..150}; do echo hay >"$i"; done
	echo needle >150
	# grep says 1 when it has found nothing, and 2 of the folder.
	run_example launcher.1 'find . -print0'
	assert_equal "$status" 123
	assert_line --partial 150
	assert_line --partial './a'
}

@test 'launcher(1): go on with what a killed launcher left' {
	kills_at_any_moment
	seq 100 >list
	printf '#!/bin/sh\necho "$1" >>worked\n' >work
	chmod +x work
	start killed launcher -r "$ring" -a list --consumer-pace 20ms -- ./work
	wait_until 20 has_lines worked 3
	kill -KILL "$pid"
	wait_until 20 nobody_is_in
	run_example launcher.1 '--resume'
	assert_success
	books_balance "${stderr##*$'\n'}"
	assert_equal "$published $acked" '100 100'
	assert_equal "$(sort -nu worked | wc -l)" 100
}

nobody_is_in() { ringctl ls --json | jq -es "any(.ring == \"$ring\" and .members == 0)" >/dev/null; }

@test 'launcher(1): a line in a file' {
	example launcher.1 '[launcher]'
	mkdir log in
	printf '%s\n' "$PWD/in/one" "$PWD/in/two" >list
	touch in/one in/two
	sed -e "s|^ring = jobs|ring = $ring|" -e "s|/var/log/jobs|$PWD/log|" -e "s|/srv|$PWD|" script >line.ini
	run launcher --check -f line.ini
	assert_success
	run timeout 60 launcher -f line.ini
	assert_success
	assert_file_exists in/one.gz
	assert_file_exists in/two.gz
}

@test 'producer(1) and consumer(1): a list, worked on in other terminals' {
	touch one two
	printf '%s\n' one two >list
	example producer.1 'consumer -r jobs -- gzip {}'
	start work timeout 60 bash -c "$(<script)"
	consumer=$pid
	run_example producer.1 'producer -r jobs list'
	assert_success
	wait_for 20 "$consumer"
	assert_file_exists one.gz
	assert_file_exists two.gz
}

@test 'producer(1): follow a log, and drop what is oldest' {
	: >app.log
	example producer.1 'exec:tail -F app.log'
	start follow bash -c "exec $(<script)"
	producer=$pid
	start show consumer -r "$ring" --sink stdout
	until file_matches show.out late; do
		echo late >>app.log
		sleep 0.05
	done
	kill -TERM "$producer"
	wait_for 20 "$producer" 143
	wait_for 20 "$pid"
}

@test 'producer(1): a source that comes in bursts' {
	example producer.1 'pace 20ms+1s@0.1'
	start bursts bash -c "exec $(<script)"
	wait_until 20 bash -c "ringctl stat --json $ring | jq -e '.published_total > 2 and .slots == 100' >stat"
	kill -TERM "$pid"
	wait_for 20 "$pid" 143
	ringctl rm --force "$ring"
}

@test 'consumer(1): two terminals that share a queue' {
	printf '#!/bin/sh\necho "$1"\n' >work
	chmod +x work
	example consumer.1 'consumer -r jobs -- ./work'
	start work timeout 300 bash -c "$(<script)"	# a thousand runs of a shell
	consumer=$pid
	run_example consumer.1 'seq 1000'
	assert_success
	wait_for 300 "$consumer"
	assert_equal "$(sort -n work.out | md5sum)" "$(seq 1000 | md5sum)"
}

@test 'consumer(1): a worker whose start is costly' {
	cp "$root/examples/model.py" .
	example consumer.1 'python3 -u model.py'
	start model timeout 60 bash -c "$(<script)"
	consumer=$pid
	printf '%s\n' 'the dog is not there' 'le chien est dans la maison' | producer -r "$ring" -
	wait_for 30 "$consumer"
	assert_equal "$(wc -l <model.out)" 2
}

@test 'consumer(1): count lines in several processes' {
	seq 5000 >lines
	run_example consumer.1 'worker=stream -- wc -l < lines'
	assert_success
	assert_equal "${#lines[@]}" 4
	assert_equal "$(awk '{ n += $1 } END { print n }' <<<"$output")" 5000
}

@test 'ringctl(1): watch a line of work' {
	producer -r "$ring" -n 5
	example ringctl.1 'ringctl stat jobs 1s'
	start watch timeout 30 bash -c "$(<script)"
	wait_until 20 has_lines watch.out 3
	ringctl rm --force "$ring"
	wait_for 20 "$pid"
}

@test 'ringctl(1): what is in flight for a minute' {
	producer -r "$ring" -n 1
	start slow consumer -r "$ring" -- sh -c "sleep 60"
	wait_until 20 bash -c "ringctl peek --json $ring | jq -e .holder.pid" >pid
	example ringctl.1 'held_seconds'
	# A minute is long.
	sed -i 's/> 60/> 0/' script
	run -0 timeout 20 bash -o pipefail script
	assert_output "[1,$pid]"
	kill -TERM "$pid"
	wait_for 20 "$pid" 143
	ringctl rm --force "$ring"
}

@test 'ringctl(1): add items' {
	producer -r "$ring" -n 1
	run_example ringctl.1 'ringctl put jobs one two'
	assert_success
	assert_equal "$(ringctl peek --json "$ring" | jq -r .item | tail -n 4)" "$(printf '%s\n' one two "$(cat /etc/hostname)")"
	ringctl rm --force "$ring"
}

@test 'ringctl(1): end all rings' {
	producer -r "$ring" -n 1
	producer -r "$ring-b" -n 1
	# Of the rings of this user, those of this test.
	cat >ringctl <<-END
		#!/bin/sh
		[ "\$1" != ls ] || exec sh -c '$SHMLINE_BIN/ringctl "\$@" | grep "$ring"' sh "\$@"
		exec $SHMLINE_BIN/ringctl "\$@"
	END
	chmod +x ringctl
	PATH=$PWD:$PATH run_example ringctl.1 'while read -r ring'
	assert_success
	for name in "$ring" "$ring-b"; do
		assert_equal "$(ringctl stat --json "$name" | jq -r .state)" stopped
		ringctl rm --force "$name"
	done
}

@test 'shmline-protocols(5): a worker in sh, and one in awk' {
	echo four >a
	example shmline-protocols.5 'while read -r item'
	run --separate-stderr timeout 30 launcher -c 1 --worker=lines -- sh script <<<a
	assert_output 'a 5'
	example shmline-protocols.5 'toupper'
	run --separate-stderr timeout 30 launcher -c 1 --worker=lines -- sh script < <(printf "a\nb\n")
	assert_output "$(printf 'A\nB')"
}

@test 'shmline-protocols(5): a worker of len32 in Python' {
	example shmline-protocols.5 'import struct'
	{ echo 'work = bytes.upper'; cat script; } >worker.py
	printf 'one\ntwo\n' >list
	run --separate-stderr timeout 30 launcher -c 1 --worker=len32 -a list -- python3 -u worker.py
	assert_success
	assert_output --partial ONE
}

# ---------------------------------------------------------------- the README

# Its commands are typed at the root of the tree, with ./ before them, or as they are called when installed.
at_the_root() {
	ln -s "$SHMLINE_BIN"/{launcher,producer,consumer,ringctl} "$root/examples" .
}

@test 'README: the widget line, and a broken one' {
	at_the_root
	run_example README.md './launcher -p 3 -c 5$'
	assert_success
	assert_equal "${#lines[@]}" 10
	run_example README.md '--stop strict'
	assert_equal "$status" 124
	books_balance "${stderr##*$'\n'}"
}

@test 'README: a list of work' {
	at_the_root
	touch {1..5}.txt
	run_example README.md 'gzip -k {}'
	assert_success
	assert_equal "$(ls ./*.gz | wc -l)" 5
}

@test 'README: what is typed here, of the table' {
	touch {1..6}
	printf '%s\n' 1 2 >list
	run_example README.md 'launcher -c 4 -- gzip < list$'
	assert_success
	printf '%s\n' 3 4 >list
	run_example README.md '--joblog log -- gzip'
	assert_success
	assert_equal "$(wc -l <log)" 3
	printf '%s\n' 5 6 >list
	run_example README.md 'producer -r jobs list &'
	assert_success
	assert_equal "$(ls ./*.gz | wc -l)" 6
	printf '[launcher]\n[producer:a]\nsource = exec:seq 3\n[consumer:b]\nsink = stdout\n' >line.ini
	run_example README.md 'launcher -f line.ini'
	assert_success
	assert_equal "${#lines[@]}" 3
}

@test 'README: workers that stay' {
	at_the_root
	cp "$root/examples/model.py" .
	printf '%s\n' 'the dog is not there' 'le chien est dans la maison' >texts
	run_example README.md '--worker lines -- python3 -u model.py'
	assert_success
	assert_equal "${#lines[@]}" 2
	run_example README.md '--window 8 -- python3 -u model.py'
	assert_success
	assert_equal "${#lines[@]}" 2
}

@test 'README: into a database' {
	at_the_root
	run_example README.md 'examples/invoices.sh 50000'
	assert_success
	assert_line --regexp 'EUR +│ [0-9]+ +│'
}

@test 'README: two programs and a name, and a look at them' {
	at_the_root
	example README.md './consumer -r jobs'
	start items timeout 60 bash -c "$(<script)"
	consumer=$pid
	wait_until 20 ring_exists
	run_example README.md './ringctl ls'
	assert_success
	assert_line --partial "$ring"
	run_example README.md './ringctl peek jobs'
	assert_success
	example README.md './ringctl stat jobs 1'
	start stat timeout 60 bash -c "$(<script)"
	wait_until 20 has_lines stat.out 2
	example README.md './ringctl top jobs'
	cp script top.sh
	start top script -qefc "TERM=xterm timeout --foreground 60 bash top.sh" top.typescript
	top=$pid
	wait_until 20 file_matches top.typescript 'consumer'
	run_example README.md 'seq 1000 |'
	assert_success
	wait_for 20 "$consumer"
	wait_until 20 has_ended "$top"
	assert_equal "$(wc -l <items.out)" 1000
}

@test 'README: a bursty source, watched' {
	at_the_root
	kills_at_any_moment
	example README.md '--slots 100 --watch'
	sed -i "s/-n 0/-n 0 -r $ring/" script
	start watch script -qefc "TERM=xterm bash -c 'exec $(<script)'" typescript
	wait_until 20 file_matches typescript 'consumers'
	launcher=$(ringctl stat --json "$ring" | jq .launcher)
	kill -QUIT "$launcher"
	wait_until 20 has_ended "$pid"
	ringctl rm --force "$ring"
}

@test 'README: a consumer in Python' {
	[[ -z ${SAN:-} && $SHMLINE_BIN != */san-* ]] || skip 'Python is not built with the sanitizer'
	[[ -e $root/$build/lib/libshmline.so ]] || skip 'the library is not built: make library'
	producer -r "$ring" -n 2
	example README.md 'import shmline'
	export PYTHONPATH=$root/python SHMLINE_LIBRARY=$root/$build/lib/libshmline.so PYTHONDONTWRITEBYTECODE=1
	run timeout 30 python3 script
	assert_success
	assert_equal "${#lines[@]}" 2
	run ringctl rm "$ring"
}
