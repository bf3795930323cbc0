#!/usr/bin/env bats
# bad-input: what cannot be right is refused by one line that names it, with the exit code of
# exitcode.h, and leaves nothing in /dev/shm.
#
# The cases are rows: EXIT CODE ;; REGULAR EXPRESSION of the message ;; COMMAND LINE. In a row $ring is
# the test's ring, which does not exist; $long a name of 201 letters; $folder, $text, $fifo, $absent
# and $unreadable are files of these kinds.

load helpers
bats_require_minimum_version 1.5.0

setup() {
	common_setup
	export ring
	export long folder=$PWD/folder text=$PWD/text fifo=$PWD/fifo absent=$PWD/absent/file
	long=$(printf 'x%.0s' {1..201})
	mkdir "$folder"
	echo "only text" >"$text"
	mkfifo "$fifo"
	problems=
}

teardown() { common_teardown; }

# Run COMMAND and add what is wrong with how it was refused to $problems. By hand, without a process
# for each question: there are hundreds of rows.
try() { # CODE PATTERN COMMAND [SEGMENTS THAT MAY STAY]
	local status=0 said found='' left
	timeout -k 1 10 bash -c "$3" </dev/null >out 2>err 3>&- 4>&- || status=$?
	mapfile -t said <err
	segments left
	((status == $1)) || found+="    exit code $status, $1 expected"$'\n'
	((${#said[@]} == 1)) || found+="    ${#said[@]} lines of message, 1 expected"$'\n'
	[[ ${said[*]} =~ ^(launcher|producer|consumer|ringctl):\  ]] ||
		found+="    message without a program's name"$'\n'
	[[ ${said[*]} =~ $2 ]] || found+="    message does not match $2"$'\n'
	[[ ! -s out ]] || found+="    something on standard output: $(head -c 200 out)"$'\n'
	[[ $left == "${4:-}" ]] || found+="    left in /dev/shm: $left"$'\n'
	[[ -z $found ]] || problems+="$3"$'\n'"    said: ${said[*]}"$'\n'"$found"
	[[ -n ${4:-} || -z $left ]] || rm -rf "/dev/shm/shmline.$ring"*
}

# Set NAME to the segments that are there under the test's ring name.
segments() { # NAME
	local -n names=$1
	names=$(compgen -G "/dev/shm/shmline.$ring*") || true
	names=${names//'/dev/shm/'/}
}

# Each row of standard input as it is; with PROGRAMs, once for each of them, put before its command.
refuse() { # [PROGRAM...]
	local code pattern command program
	while read -r code command; do
		[[ $command =~ ^\;\;\ (.*)\ \;\;\ (.*)$ ]] || fail "not a row: $code $command"
		pattern=${BASH_REMATCH[1]} command=${BASH_REMATCH[2]}
		for program in "${@:-}"; do
			try "$code" "$pattern" "$program${program:+ }$command"
		done
	done
	[[ -z $problems ]] || fail "$problems"
}

# ------------------------------------------------------------------ what all programs share

@test "a bad ring name is refused by all" {
	refuse launcher producer consumer <<-'END'
		64 ;; --ring "a/b": expected a name ;; --ring a/b
		64 ;; -r "/a": expected a name ;; -r /a
		64 ;; -r "": expected a name ;; -r ''
		64 ;; -r "\.hidden": expected a name ;; -r .hidden
		64 ;; -r "-dash": expected a name ;; -r -dash
		64 ;; -r "\.\.": expected a name ;; -r ..
		64 ;; -r "two words": expected a name ;; -r 'two words'
		64 ;; -r "new.nline": expected a name ;; -r $'new\nline'
		64 ;; -r ".303.244": expected a name ;; -r ä
		64 ;; -r "xxx.*\.\.\.": expected a name of 1 to 200 ;; -r $long
		64 ;; -r: expected a value, NAME ;; -r
	END
	refuse "ringctl stat" "ringctl peek" "ringctl dead" "ringctl stop" "ringctl fsck" "ringctl rm" \
		<<-'END'
		64 ;; "a/b": expected a name ;; a/b
		64 ;; "": expected a name ;; ''
		64 ;; "\.hidden": expected a name ;; .hidden
		64 ;; "xxx.*\.\.\.": expected a name of 1 to 200 ;; $long
	END
}

@test "unknown options and values where none belong are refused by all" {
	refuse launcher producer consumer "ringctl stat" <<-'END'
		64 ;; unknown option "--nosuch" ;; --nosuch
		64 ;; unknown option "--nosuch" ;; --nosuch=1
		64 ;; unknown option "-Z" ;; -Z
		64 ;; --help takes no value ;; --help=1
		64 ;; --version takes no value ;; --version=yes
	END
	refuse launcher producer consumer <<-'END'
		64 ;; --quiet takes no value ;; --quiet=1
		64 ;; unknown option "-Z" ;; -vZ
	END
}

@test "sizes of a ring are checked whole" {
	refuse launcher producer consumer <<-'END'
		64 ;; --slots "0": expected a number from 2 to 1048576 ;; -r $ring --slots 0
		64 ;; --slots "1": expected a number from 2 ;; -r $ring --slots 1
		64 ;; --slots "1048577": expected a number from 2 to 1048576 ;; -r $ring --slots 1048577
		64 ;; --slots "3x": expected a number ;; -r $ring --slots 3x
		64 ;; --slots "-3": expected a number ;; -r $ring --slots -3
		64 ;; --slots "\+3": expected a number ;; -r $ring --slots +3
		64 ;; --slots " 3": expected a number ;; -r $ring --slots ' 3'
		64 ;; --slots "": expected a number ;; -r $ring --slots ''
		64 ;; --slots "1e3": expected a number ;; -r $ring --slots=1e3
		64 ;; --slots "18446744073709551618": expected a number ;; -r $ring --slots 18446744073709551618
		64 ;; --slots: expected a value, N ;; -r $ring --slots
		64 ;; --item-max "0": expected a size ;; -r $ring --item-max 0
		64 ;; --item-max "2G": expected a size ;; -r $ring --item-max 2G
		64 ;; --item-max "4X": expected a size ;; -r $ring --item-max 4X
		64 ;; --item-max "-1": expected a size ;; -r $ring --item-max -1
		64 ;; --item-max "64KB": expected a size ;; -r $ring --item-max 64KB
		64 ;; --item-max "99999999999999999999G": expected a size ;; -r $ring --item-max 99999999999999999999G
	END
}

@test "a pace is checked whole" {
	refuse launcher producer consumer <<-'END'
		64 ;; --pace "x": expected ;; -r $ring --pace x
		64 ;; --pace "": expected ;; -r $ring --pace ''
		64 ;; --pace "-1s": expected ;; -r $ring --pace -1s
		64 ;; --pace "1s\+": expected ;; -r $ring --pace 1s+
		64 ;; --pace "1s\+2s": expected ;; -r $ring --pace 1s+2s
		64 ;; --pace "1s\+2s@": expected ;; -r $ring --pace 1s+2s@
		64 ;; --pace "1s\+2s@1.5": expected ;; -r $ring --pace 1s+2s@1.5
		64 ;; --pace "1s\+2s@101%": expected ;; -r $ring --pace 1s+2s@101%
		64 ;; --pace "1parsec": expected ;; -r $ring --pace 1parsec
	END
	refuse launcher <<-'END'
		64 ;; --producer-pace "x": expected ;; -r $ring --producer-pace x
		64 ;; --consumer-pace "x": expected ;; -r $ring --consumer-pace x
	END
}

# ------------------------------------------------------------------ producers, in a launcher too

@test "a source that is none, or lacks what it needs, is refused" {
	refuse launcher producer <<-'END'
		64 ;; --source "nosuch": expected .*widgets.* lines ;; -r $ring --source nosuch
		64 ;; --source "": expected .*widgets ;; -r $ring --source ''
		64 ;; --source "lines:": expected ;; -r $ring --source lines:
		64 ;; --source "widgets:7": expected ;; -r $ring --source widgets:7
		64 ;; --source "exec": expected .*exec:COMMAND ;; -r $ring --source exec
		64 ;; --source "Lines": expected .*lines ;; -r $ring --source Lines
		66 ;; cannot read ".*/absent/file": No such file ;; -r $ring --source lines:$absent
		66 ;; cannot read ".*/absent/file": No such file ;; -r $ring --source len32:$absent
		66 ;; cannot read ".*/absent/file": No such file ;; -r $ring -a $absent
		66 ;; cannot read ".*/folder": Is a directory ;; -r $ring --arg-file $folder
		66 ;; cannot read ".*/folder": Is a directory ;; -r $ring --source nul:$folder
		66 ;; cannot read standard input: Bad file descriptor ;; -r $ring --source lines <&-
	END
	refuse producer <<-'END'
		66 ;; cannot read ".*/absent/file": No such file ;; -r $ring $text $absent
		66 ;; cannot read ".*/folder": Is a directory ;; -r $ring $folder
		66 ;; cannot read "": No such file ;; -r $ring ''
		64 ;; FILE ".*text": source widgets reads no files ;; -r $ring --source widgets $text
		64 ;; --invoice-work: source widgets makes no invoices ;; -r $ring --invoice-work 1s
	END
}

@test "a file that may not be read is refused" {
	((EUID != 0)) || skip "root may read everything"
	touch unreadable
	chmod 0 unreadable
	refuse launcher producer <<-'END'
		66 ;; cannot read "unreadable": Permission denied ;; -r $ring -a unreadable
	END
}

@test "what does not fit the source is refused" {
	refuse launcher producer <<-'END'
		64 ;; -(a|-arg-file) "": expected the name of a file ;; -r $ring -a ''
		64 ;; -(d|-delimiter) "": expected one byte ;; -r $ring -d ''
		64 ;; -(d|-delimiter) "ab": expected one byte ;; -r $ring -d ab
		64 ;; --delimiter ".*q": expected one byte ;; -r $ring --delimiter '\q'
		64 ;; --delimiter ".*777": expected one byte ;; -r $ring --delimiter '\777'
		64 ;; --null and --delimiter: expected only one ;; -r $ring -0 -d ,
		64 ;; --delimiter ;; -r $ring --source widgets -d ,
		64 ;; --null ;; -r $ring --source widgets -0
		64 ;; --broken: source "?lines"? makes no widgets ;; -r $ring -k 3 --source lines
		64 ;; -k "0": expected a number ;; -r $ring -k 0
		64 ;; -k "x": expected a number ;; -r $ring -k x
		64 ;; -n "-5": expected a number ;; -r $ring -n -5
		64 ;; -n "ten": expected a number ;; -r $ring -n ten
		64 ;; --items "3x": expected a number ;; -r $ring --items 3x
		64 ;; --when-full "maybe": expected .*block ;; -r $ring --when-full maybe
		64 ;; --when-full "block:": expected ;; -r $ring --when-full block:
		64 ;; --when-full "block:soon": expected ;; -r $ring --when-full block:soon
		64 ;; --when-full "fail:1s": expected ;; -r $ring --when-full fail:1s
	END
}

@test "data that is no item is refused, and its ring goes" {
	refuse <<-'END'
		65 ;; standard input.*5000.*4096 ;; printf '%05000d\n' 1 | producer -r $ring --source lines --quiet
		65 ;; standard input.*11.*10 ;; echo 01234567890 | producer -r $ring --item-max 10 --source lines --quiet
		65 ;; standard input ;; printf '\5\0\0\0abc' | producer -r $ring --source len32 --quiet
		65 ;; standard input ;; printf '\1\0' | producer -r $ring --source len32 --quiet
		65 ;; standard input ;; printf '\377\377\377\377' | producer -r $ring --source len32 --quiet
	END
}

# ------------------------------------------------------------------ consumers, in a launcher too

@test "a sink or protocol that is none, or lacks what it needs, is refused" {
	refuse launcher consumer <<-'END'
		64 ;; --sink "nosuch": expected .*log.* null ;; -r $ring --sink nosuch
		64 ;; --sink "": expected .*log ;; -r $ring --sink ''
		64 ;; --sink "null:x": expected ;; -r $ring --sink null:x
		64 ;; --worker "nosuch": expected .*exec ;; -r $ring --worker nosuch -- cat
		64 ;; COMMAND ;; -r $ring --worker exec
		64 ;; COMMAND ;; -r $ring --sink exec
		64 ;; --sink ;; -r $ring --sink null -- cat
		64 ;; --shell.* COMMAND ;; -r $ring --shell
		64 ;; --stdin.* COMMAND ;; -r $ring --stdin
		64 ;; --batch.* COMMAND ;; -r $ring --batch 2
	END
}

@test "numbers and times of a consumer are checked whole" {
	refuse launcher consumer <<-'END'
		64 ;; --batch "0": expected a number from 1 ;; -r $ring --batch 0 -- cat
		64 ;; --batch "x": expected a number ;; -r $ring --batch x -- cat
		64 ;; --retries "-1": expected a number ;; -r $ring --retries -1 -- cat
		64 ;; --retries "many": expected a number ;; -r $ring --retries many -- cat
		64 ;; --backoff "linear": expected .*exp:MIN..MAX ;; -r $ring --backoff linear -- cat
		64 ;; --backoff "exp:2s..1s": expected ;; -r $ring --backoff exp:2s..1s -- cat
		64 ;; --backoff "exp:2s": expected ;; -r $ring --backoff exp:2s -- cat
		64 ;; --backoff "const:": expected ;; -r $ring --backoff const: -- cat
		64 ;; --backoff "const:-1s": expected ;; -r $ring --backoff const:-1s -- cat
		64 ;; --max-deliveries "0": expected a number from 1 ;; -r $ring --max-deliveries 0 -- cat
		64 ;; --time-limit "0": expected a duration ;; -r $ring --time-limit 0 -- cat
		64 ;; --time-limit "5 s": expected a duration ;; -r $ring --time-limit '5 s' -- cat
		64 ;; --time-limit "1.s": expected a duration ;; -r $ring --time-limit 1.s -- cat
		64 ;; --stop "maybe": expected soft, strict, now or ignore ;; -r $ring --stop maybe
		64 ;; --stop "SOFT": expected soft ;; -r $ring --stop SOFT
	END
	refuse consumer <<-'END'
		64 ;; --idle-exit "x": expected a duration ;; -r $ring --idle-exit x
		64 ;; --idle-exit: expected a value ;; -r $ring --idle-exit
	END
}

@test "output files that can't be made, and commands that can't be run, are refused" {
	refuse launcher consumer <<-'END'
		73 ;; --joblog|cannot (create|open|write).*/absent/file.*No such file ;; -r $ring --joblog $absent -- cat
		73 ;; cannot .*/absent/file.*No such file ;; -r $ring --dead $absent -- cat
		73 ;; cannot .*/folder.*Is a directory ;; -r $ring --dead $folder -- cat
		127 ;; "no-such-command".*(not found|No such file) ;; -r $ring -- no-such-command {}
		127 ;; /absent/file".*(not found|No such file) ;; -r $ring -- $absent
		126 ;; /text".*Permission denied ;; -r $ring -- $text
		126 ;; /folder".*Permission denied ;; -r $ring -- $folder
	END
}

# ------------------------------------------------------------------ the launcher

@test "numbers of workers are checked whole" {
	refuse launcher <<-'END'
		64 ;; -p "3x": expected a number ;; -p 3x
		64 ;; -p "-1": expected a number ;; -p -1
		64 ;; -p "": expected a number ;; -p ''
		64 ;; -p "1.5": expected a number ;; -p 1.5
		64 ;; -p "0x10": expected a number ;; -p 0x10
		64 ;; -p "99999999999999999999": expected a number ;; -p 99999999999999999999
		64 ;; -p "100000": expected a number ;; -p 100000
		64 ;; -p: expected a value, N ;; -p
		64 ;; --producers "abc": expected a number ;; --producers=abc
		64 ;; -c "-1": expected a number ;; -c -1
		64 ;; -c "3x": expected a number ;; -c 3x
		64 ;; -c "5\.\.2": expected ;; -c 5..2
		64 ;; -c "1\.\.": expected ;; -c 1..
		64 ;; -c "\.\.5": expected ;; -c ..5
		64 ;; --consumers "five": expected a number from 0 to 2000 ;; --consumers five
		64 ;; -P "x": expected a number ;; -P x
		64 ;; -j "x": expected a number ;; -j x
		64 ;; -c "3x": expected a number ;; -p 2 -c3x
	END
}

@test "times and policies of a launcher are checked whole" {
	refuse launcher <<-'END'
		64 ;; --drain-timeout "x": expected a duration ;; --drain-timeout x
		64 ;; --kill-after "-1": expected a duration ;; --kill-after -1
		64 ;; --kill-after "5ss": expected a duration ;; --kill-after 5ss
		64 ;; --restart "sometimes": expected on-failure, always or never ;; --restart sometimes
		64 ;; --restart-limit "5": expected ;; --restart-limit 5
		64 ;; --restart-limit "5/": expected ;; --restart-limit 5/
		64 ;; --restart-limit "x/60s": expected ;; --restart-limit x/60s
		64 ;; --restart-limit "5/0": expected ;; --restart-limit 5/0
		64 ;; --restart-backoff "z": expected ;; --restart-backoff z
		64 ;; --color "maybe": expected auto, always or never ;; --color maybe
		64 ;; --resume: expected --ring ;; --resume
		64 ;; --quiet and --verbose ;; --quiet --verbose
		64 ;; --items: source "lines" reads what there is ;; -r $ring -n 5 -- cat
		64 ;; --broken: source "lines" makes no widgets ;; -r $ring -k 5 -- cat
	END
}

@test "options that are not there yet are refused, not ignored" {
	refuse launcher <<-'END'
		64 ;; --source "nats:.*": expected ;; -r $ring --source nats://localhost
		64 ;; --sink "nats:.*": expected ;; -r $ring --sink nats://localhost
	END
}

# ------------------------------------------------------------------ ringctl

@test "ringctl refuses what is no verb, and operands that are missing or too many" {
	refuse ringctl <<-'END'
		64 ;; no verb given: expected one of ls, stat, top, peek ;; --
		64 ;; unknown verb "nosuch": expected one of ls, stat, top, peek ;; nosuch
		64 ;; unknown verb "": expected one of ls ;; ''
		64 ;; unknown verb "LS": expected one of ls ;; LS
		64 ;; unknown option "--json" ;; --json ls
		64 ;; ls: unexpected operand "x": expected ls ;; ls x
		64 ;; stat: too few operands: expected stat NAME ;; stat
		64 ;; stat: unexpected operand "9": expected stat NAME \[INTERVAL \[COUNT\]\] ;; stat $ring 1s 2 9
		64 ;; peek: too few operands ;; peek
		64 ;; peek: unexpected operand "other" ;; peek $ring other
		64 ;; dead: too few operands ;; dead --json
		64 ;; put: too few operands: expected put NAME ITEM\.\.\. ;; put
		64 ;; put: too few operands ;; put $ring
		64 ;; put: "-" given 2 times ;; put $ring - x -
		64 ;; stop: too few operands ;; stop --mode now
		64 ;; fsck: unexpected operand ;; fsck $ring $ring
		64 ;; rm: too few operands ;; rm -f
		64 ;; rm: unexpected operand "--force" ;; rm -- $ring --force
	END
}

@test "ringctl checks each value whole" {
	refuse ringctl <<-'END'
		64 ;; INTERVAL "x": expected a duration from 10ms to 1d ;; stat $ring x
		64 ;; INTERVAL "0": expected a duration ;; stat $ring 0
		64 ;; INTERVAL "9ms": expected a duration from 10ms ;; stat $ring 9ms
		64 ;; INTERVAL "2d": expected a duration ;; stat $ring 2d
		64 ;; INTERVAL "\?": expected a duration ;; stat $ring $'\n'
		64 ;; unknown option "-1" ;; stat $ring -1
		64 ;; COUNT "0": expected a number of at least 1 ;; stat $ring 1s 0
		64 ;; COUNT "2x": expected a number ;; stat $ring 1s 2x
		64 ;; -n "0": expected a number of at least 1 ;; peek -n 0 $ring
		64 ;; --items "x": expected a number ;; peek $ring --items=x
		64 ;; -b "x": expected a size ;; peek -b x $ring
		64 ;; --bytes "-1": expected a size ;; dead --bytes -1 $ring
		64 ;; --timeout "x": expected a duration ;; put --timeout x $ring item
		64 ;; --timeout "99999d": expected a duration ;; put --timeout 99999d $ring item
		64 ;; --mode "gently": expected soft, strict or now ;; stop --mode gently $ring
		64 ;; -m "none": expected soft, strict or now ;; stop -m none $ring
		64 ;; --recover takes no value ;; fsck --recover=1 $ring
		69 ;; cannot read ring ".*": No such file ;; stat $ring 1s
	END
}

# ------------------------------------------------------------------ segments that are no rings

# Every way to come to a ring. The shell that runs them expands $ring.
# shellcheck disable=SC2016
users=(
	'producer -r $ring'
	'consumer -r $ring --sink null'
	'launcher -r $ring --resume'
	'ringctl stat $ring'
	'ringctl stat $ring 10ms 2'
	'ringctl peek $ring'
	'ringctl dead $ring'
	'ringctl put $ring item'
	'ringctl stop $ring'
	'ringctl fsck $ring'
	'ringctl fsck --recover $ring'
	'ringctl rm $ring'
)

# Each of them refuses what stands under the ring's name, and leaves it as it is.
refuse_segment() { # CODE PATTERN
	local user segment=/dev/shm/shmline.$ring before
	before=$(stat -c '%i %s %F %Y' "$segment")
	for user in "${users[@]}"; do
		try "$1" "ring \"$ring\": $2" "$user" "shmline.$ring"
		[[ $(stat -c '%i %s %F %Y' "$segment" 2>&1) == "$before" ]] ||
			problems+="$user changed the segment"$'\n'
	done
	rm -rf "$segment"
	[[ -z $problems ]] || fail "$problems"
}

# A real ring that is written over; the header's fields are those of layout.h.
real_ring() { producer -r "$ring" --source lines --quiet <<<item; }
poke() { # OFFSET BYTES AS \x..
	printf %b "$2" | dd of="/dev/shm/shmline.$ring" bs=1 seek="$1" conv=notrunc status=none
}

@test "an empty segment is refused: half made" {
	: >"/dev/shm/shmline.$ring"
	refuse_segment 70 '0 bytes long: half made, or not a ring'
}

@test "a segment of zeros is refused: half made" {
	truncate -s 1M "/dev/shm/shmline.$ring"
	refuse_segment 70 'half made, or not a ring'
}

@test "a file of anything is refused: not a ring" {
	head -c 100000 /dev/urandom >"/dev/shm/shmline.$ring"
	refuse_segment 70 'not a ring'
}

@test "a ring of another version is refused, and which it is" {
	real_ring
	poke 8 '\x63'
	refuse_segment 70 'layout version 99, this build reads [0-9]+'
}

@test "a ring of another architecture is refused" {
	real_ring
	poke 12 '\xff'
	refuse_segment 70 'made by a program of another architecture'
}

@test "a ring with too many slots in its header is refused" {
	real_ring
	poke 16 '\xff\xff\xff\xff'
	refuse_segment 70 'its header is damaged: 4294967295 slots'
}

@test "a ring whose header does not fit its size is refused" {
	real_ring
	poke 16 '\x10\x04\x00\x00'
	refuse_segment 70 'its header is damaged: [0-9]+ bytes, [0-9]+ expected'
}

@test "a ring that was cut short is refused" {
	real_ring
	truncate -s -1 "/dev/shm/shmline.$ring"
	refuse_segment 70 'its header is damaged: [0-9]+ bytes, [0-9]+ expected'
}

@test "a ring that was made longer is refused" {
	real_ring
	truncate -s +4096 "/dev/shm/shmline.$ring"
	refuse_segment 70 'its header is damaged: [0-9]+ bytes, [0-9]+ expected'
}

@test "a symbolic link is refused" {
	ln -s "$text" "/dev/shm/shmline.$ring"
	refuse_segment 77 'a symbolic link, not a plain file'
}

@test "a FIFO is refused, without waiting for its writer" {
	mkfifo "/dev/shm/shmline.$ring"
	refuse_segment 77 'not a plain file'
}

@test "a folder is refused" {
	mkdir "/dev/shm/shmline.$ring"
	refuse_segment 77 '.*not a plain file'
}

@test "a ring of another user is refused" {
	((EUID == 0)) || skip "only root can give a file away"
	real_ring
	chown 65534 "/dev/shm/shmline.$ring"
	refuse_segment 77 'it belongs to user 65534'
}

# ------------------------------------------------------------------ a system with too little

@test "no descriptors left is one clear line, and no ring" {
	refuse <<-'END'
		71 ;; ring ".*": Too many open files ;; ulimit -n 4; exec producer -r $ring
		71 ;; ring ".*": Too many open files ;; ulimit -n 5; exec producer -r $ring
		71 ;; ring ".*": Too many open files ;; ulimit -n 4; exec consumer -r $ring
		71 ;; ring ".*": Too many open files ;; ulimit -n 5; exec consumer -r $ring
		71 ;; need [0-9]+ open files, the limit is 8 ;; ulimit -n 8; exec launcher -r $ring
	END
}

# Run COMMAND where /dev/shm has only SIZE bytes, and say what is left there.
in_small_shm() { # SIZE COMMAND
	# The shell that unshare starts expands these.
	# shellcheck disable=SC2016
	unshare --mount sh -c '
		mount -t tmpfs -o size="$1" none /dev/shm || exit 99
		sh -c "$2"
		code=$?
		ls -A /dev/shm
		exit $code' sh "$1" "$2"
}

@test "a /dev/shm too small for the ring is a clear error, not a SIGBUS" {
	unshare --mount true 2>/dev/null || skip "may not make a mount namespace"
	local program
	for program in producer consumer "launcher -c 1"; do
		run --separate-stderr in_small_shm 256k "$program -r $ring"
		assert_failure 73
		assert_output ""
		assert_regex "$stderr" "ring \"$ring\": [0-9]+ bytes of shared memory are needed"
	done
}
