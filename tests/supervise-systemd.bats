#!/usr/bin/env bats
# launcher under a service manager, and as process 1 of a container.

load helpers
bats_require_minimum_version 1.5.0

setup() { common_setup; }
teardown() { common_teardown; }

# Listens as systemd does, and writes each datagram as a line to the file "told".
start_manager() {
	start manager perl -MSocket -e '
		my $s; socket($s, AF_UNIX, SOCK_DGRAM, 0) && bind($s, pack_sockaddr_un($ARGV[0])) or die $!;
		$| = 1;
		while (defined recv($s, my $text, 4096, 0)) { print "$text\n" }' "$PWD/socket"
	wait_until 5 manager_listens "$PWD/socket"
}
manager_listens() { grep -qF " $1" /proc/net/unix; }
has_acked() { (($(ringctl stat --json "$ring" 2>/dev/null | jq .acked_total) >= $1)); }

@test "a service manager hears: ready, how it is, that it lives, that it stops and needs time" {
	start_manager
	start line env NOTIFY_SOCKET="$PWD/socket" WATCHDOG_USEC=500000 launcher -r "$ring" -p 2 -c 3 \
		--source widgets -n 0 --producer-pace 5ms --shell -- \
		': {}; env | grep -E "NOTIFY|WATCHDOG" >leaked; sleep 0.1'
	wait_until 10 file_matches manager.out '^WATCHDOG=1$'
	wait_until 10 file_matches manager.out '^STATUS=running: 2 producers, 3 consumers; published [1-9]'
	assert_equal "$(head -n 1 manager.out)" READY=1
	kill "$pid"
	wait_until 10 file_matches manager.out '^EXTEND_TIMEOUT_USEC=[0-9]+$'
	wait_until 10 file_matches manager.out '^STATUS=draining: '
	kill "$pid"
	wait_until 20 has_ended "$pid"
	assert_equal "$(grep -nE '^(READY|STOPPING|EXTEND)' manager.out | cut -d: -f2 | uniq | head -n 3)" \
		"$(printf 'READY=1\nSTOPPING=1\nEXTEND_TIMEOUT_USEC=10000000')"
	assert_file_empty leaked
	no_ring || ringctl rm --force "$ring"
}

@test "a service manager may listen on an abstract address, or not at all" {
	start manager perl -MSocket -e '
		my $s; socket($s, AF_UNIX, SOCK_DGRAM, 0) && bind($s, pack("Sa*", AF_UNIX, "\0$ARGV[0]")) or die $!;
		$| = 1;
		while (defined recv($s, my $text, 4096, 0)) { print "$text\n" }' "$ring"
	wait_until 5 manager_listens "@$ring"
	run -0 env NOTIFY_SOCKET="@$ring" launcher -n 3 --sink null
	wait_until 5 file_matches manager.out '^STOPPING=1$'
	for address in "$PWD/nobody" relative "" /; do
		run -0 env NOTIFY_SOCKET="$address" WATCHDOG_USEC=x launcher -n 3 --sink null
	done
}

@test "the example unit is one that systemd takes" {
	command -v systemd-analyze >/dev/null || skip "there is no systemd-analyze"
	sed -e 's,shmline-launcher,/bin/true,; s,User=.*,User=root,; s,^Documentation=.*,,' \
		"$BATS_TEST_DIRNAME/../examples/shmline.service" >shmline.service
	run systemd-analyze verify "$PWD/shmline.service"
	refute_output --partial shmline.service
}

in_container() { unshare --pid --fork --mount-proc "$@"; }
can_contain() { in_container true 2>/dev/null || skip "no pid namespace can be made here"; }

@test "as process 1: drains on TERM, passes on the code, leaves no zombies on the way" {
	can_contain
	seq 100000 >in
	# Each item leaves an orphan that ends before and one that ends behind its worker's next item.
	start line unshare --pid --fork --mount-proc "$(command -v launcher)" -r "$ring" -c 3 -a in --shell -- \
		'(sleep 0.02 &); (setsid sleep 0.2 &); : {}'
	wait_until 10 has_acked 20
	inner=$(pgrep -P "$pid")
	# What another process of the container leaves behind is buried too.
	nsenter --target "$inner" --pid --mount sh -c '(sleep 0.1 &) ; (sleep 0.2 &)'
	wait_until 20 has_acked 60
	kill "$inner"
	wait_for 20 "$pid" 0
	books_balance "$(tail -n 1 line.err)"
	assert_equal "$left" 0
	((published < 100000)) || fail "it was not asked in time"
}

@test "as process 1: nobody's zombies stay while it runs" {
	can_contain
	start line unshare --pid --fork --mount-proc "$(command -v launcher)" -r "$ring" -p 0 -c 2 --shell -- \
		'(sleep 0.02 &); (setsid sleep 0.03 &); : {}'
	wait_until 10 ring_exists
	seq 50 | producer -r "$ring" --source lines --keep-open 3>&- &
	started+=("$!")
	wait_until 20 has_acked 50
	inner=$(pgrep -P "$pid")
	nsenter --target "$inner" --pid --mount sh -c '(sleep 0.01 &) ; (sleep 0.02 &)'
	wait_until 10 no_zombies "$inner"
	kill "$inner"
	wait_for 20 "$pid" 0
}

no_zombies() { # LEADER
	[[ -z $(nsenter --target "$1" --pid --mount ps -eo stat=,args= | grep '^Z') ]]
}
