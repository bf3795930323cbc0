#!/usr/bin/env bats
# launcher -f FILE: a line in a file.

load helpers
bats_require_minimum_version 1.5.0

setup() { common_setup; }
teardown() { common_teardown; }

# The file is TEXT; what is wrong in it is said so, in one line, with exit code CODE (64).
refused() { # TEXT MESSAGE [CODE]
	printf '%b' "$1" >line.ini
	run "-${3:-64}" --separate-stderr timeout 10 launcher -f line.ini --check
	assert_equal "${stderr_lines[-1]}" "launcher: line.ini:$2"
	assert_output ''
}

@test "several sections on each side: commands, numbers, environment, directory" {
	seq 10 >in
	mkdir place
	cat >line.ini <<-EOF
		; a line of two sources and two kinds of workers
		[launcher]
		ring = $ring
		tag = yes

		[producer:list]
		arg-file = in
		numprocs = 2

		[producer:more]
		command = seq 101 120

		[consumer:pack]
		command = sh -c 'echo "\$WHO \$MORE \$PWD \$0"'
		  {}
		numprocs = 2
		environment = WHO="the packer",MORE=m
		directory = $PWD/place
		consumer-pace = 1ms

		[consumer:read]
		sink = stdout
	EOF
	sed -i '/consumer-pace/d' line.ini
	run -0 --separate-stderr timeout 20 launcher -f line.ini
	books_balance "${stderr_lines[-1]}"
	assert_equal "$acked" 30
	assert_equal "$(sed 's/.* //' <<<"$output" | sort -n)" "$(seq 10; seq 101 120)"
	run -0 grep -cE "^pack [12] \| the packer m $PWD/place [0-9]+\$" <<<"$output"
	grep -qE '^read 3 \| [0-9]+$' <<<"$output" || true	# it may come too late for any
}

@test "options on the command line prevail over the file's, a section's over both" {
	printf '[launcher]\nretries=1\nslots=8\n[consumer:a]\ncommand=true\n[consumer:b]\ncommand=true\nretries=3\n' >line.ini
	run -0 launcher -f line.ini --retries 2 --dry-run
	assert_regex "${lines[1]}" '/consumer .*--number=1 .*--retries=2 '
	assert_regex "${lines[2]}" '/consumer .*--number=2 .*--retries=3 '
}

@test "--check only reads the file, and says what it holds" {
	printf '[launcher]\nring=%s\nlog-dir=no/such\n[consumer]\ncommand=true\nnumprocs=2..9\n' "$ring" >line.ini
	run -0 --separate-stderr launcher -f line.ini --check
	assert_equal "$stderr" "launcher: line.ini: 1 producers, 2 consumers"
	no_ring
}

@test "unknown keys, bad values and bad form: file, line, key, what was expected" {
	refused '[launcher]\nslots = 0\n' '2: slots "0": expected a number from 2 to 1048576'
	refused '[launcher]\n\n# a comment\ntag = maybe\n' '4: tag "maybe": expected yes or no'
	refused '[launcher]\nstop = later\n' '2: stop "later": expected soft, strict, now or ignore'
	refused 'slots = 3\n' '1: slots: expected a section before it, as [launcher]'
	refused '[launcher]\nnonsense\n' '2: neither a section nor a key: expected [NAME] or NAME = VALUE'
	refused '[launcher\n' '1: neither a section nor a key: expected [NAME] or NAME = VALUE'
	refused '[launcher]\nslots=3\n[launcher]\n' '3: [launcher]: it is there already, in line 1'
	refused '[launcher]\nslots=3\ntag=no\nslots=4\n' '4: slots: it is there already, in line 2'
	refused '[consumer:a]\nuser=root\n' '2: user: expected in [launcher], a ring belongs to one user'
	refused '[consumer:a]\nnumprocs=many\n' \
		'2: numprocs "many": expected a number from 0 to 2000, MIN..MAX from 1 to 2000, or auto'
	refused '[consumer:a]\ncommand=sh -c "x\n' '2: command: expected a quote that is closed'
	refused '[consumer:a]\nenvironment=A\n' \
		'2: environment: expected NAME="VALUE", with commas between them'
	refused '[consumer:a]\ndirectory=here\n' '2: directory "here": expected a path that begins with /'
	refused '[consumer:a]\nnumprocs=1..2\n[consumer:b]\nnumprocs=auto\n' \
		'3: numprocs: expected only one section with a range'
	refused '[producer:a]\nsource=lines\n[producer:b]\nsource=nul\n' \
		'3: source: expected only one section that reads standard input'
	refused '[producer:a]\nsource=widgets\nnull=yes\n' \
		'1: --arg-file, --null and --delimiter: source "widgets" reads nothing; expected --source lines'
	refused '[consumer:a]\nbatch=2\n' '1: --batch: expected a COMMAND behind the options'
	refused '[producer:a]\nsource=nosuch\n' "1: producer \"a\" can't run so"
	refused '[consumer:a]\ncommand=no-such-command\n' "1: consumer \"a\" can't run so" 127
	refused "[launcher]\nlog-dir=$(printf '%0250d' 0)\n" \
		'2: longer than 198 bytes: expected the rest in lines that begin with a blank'
	printf '[worker:a]\n' >line.ini
	run -64 --separate-stderr launcher -f line.ini
	assert_regex "$stderr" '^launcher: line.ini:1: \[worker:a\]: expected \[launcher\], \[producer:NAME\] or'
	printf '[consumer:a]\nslots=3\n' >line.ini
	run -64 --separate-stderr launcher -f line.ini
	assert_regex "$stderr" 'line.ini:2: unknown key "slots": expected one of command, numprocs, .*sink, .*nice'
}

@test "a file that can't be read, or --check without one: one line" {
	run -66 --separate-stderr launcher -f nowhere.ini
	assert_equal "$stderr" 'launcher: --config: cannot read "nowhere.ini": No such file or directory'
	run -66 --separate-stderr launcher -f .
	assert_equal "$stderr" 'launcher: --config: cannot read ".": Is a directory'
	run -64 --separate-stderr launcher --check
	assert_equal "$stderr" 'launcher: --check: expected --config FILE too'
	printf '[consumer]\ncommand=true\n' >line.ini
	run -64 --separate-stderr launcher -f line.ini -- echo
	assert_equal "$stderr" 'launcher: --config: expected no COMMAND, its sections have their own'
}

@test "a section with its own restart policy: its worker is given up, the others' is started again" {
	printf '[launcher]\nrestart-backoff=const:1ms\n[producer]\narg-file=in\n' >line.ini
	cat >>line.ini <<-'EOF'
		[consumer:once]
		command = sh -c 'kill -KILL $PPID'
		restart = never
		[consumer:again]
		command = sh -c '[ -e seen ] && exit; touch seen; kill -KILL $PPID'
	EOF
	seq 300 >in
	run -125 --separate-stderr timeout 20 launcher -f line.ini -r "$ring" --max-deliveries 20
	assert_regex "$stderr" 'once 1 is given up, since --restart is never'
	refute_regex "$stderr" 'again 2 is given up'
	books_balance "${stderr_lines[-1]}"
	assert_equal "$acked" 300
}
