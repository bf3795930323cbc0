#!/usr/bin/env bats
# All programs: a storm of kills and stops over a running line, its launcher among the victims. What was
# done is in a file that COMMAND writes, not in the ring.

load helpers
bats_require_minimum_version 1.5.0

setup() {
	common_setup
	kills_at_any_moment
}
teardown() { common_teardown; }

ITEMS=${STORM_ITEMS:-1500}

# Starts the line, or takes it up where the last launcher left it. Each item's run notes its delivery.
# shellcheck disable=SC2016 # the consumer's shell expands them
start_line() {
	local resume=()
	! ring_exists || resume=(--resume)
	start "line-$((++lives))" launcher -r "$ring" "${resume[@]}" -p 4 -c 4 -a in --slots 64 \
		--consumer-pace 10ms --max-deliveries 1000 \
		--restart-limit 10000/60s --restart-backoff exp:1ms..10ms \
		--shell -- 'echo "{} $SHMLINE_DELIVERY" >>finished'
	line=$pid
}

# The launcher and its workers, one to a line.
processes() {
	echo "$line"
	workers_of "$line" | tr ' ' '\n'
}

done_so_far() { if [[ -e finished ]]; then wc -l <finished; else echo 0; fi; }
has_gone_on() { (($(done_so_far) > $1)) || has_ended "$line"; }

kill_launcher() {
	kill -KILL "$line" 2>/dev/null || return 0
	wait_until 10 has_ended "$line"
	((++launchers))
	start_line
}

stop_for_a_moment() { # PID
	kill -STOP "$1" 2>/dev/null || return 0
	sleep "0.0$((RANDOM % 5))"	# how long it is stopped
	kill -CONT "$1" 2>/dev/null || true
	((++stops))
}

# Kill or stop one of them. A launcher that is killed, in every sixth hit, is followed by another.
hit() {
	local victims victim
	mapfile -t victims < <(processes)
	victim=${victims[RANDOM % ${#victims[@]}]}
	if ((++hits % 6 == 0)); then
		kill_launcher
	elif ((RANDOM % 3 == 0)) || [[ $victim == "$line" ]]; then
		stop_for_a_moment "$victim"
	elif kill -KILL "$victim" 2>/dev/null; then
		((++kills))
	fi
}

@test "a storm over the programs, the launcher among the victims, loses nothing" {
	local seed=${STORM_SEED:-$((RANDOM * RANDOM % 100000))} before
	local lives=0 hits=0 kills=0 stops=0 launchers=0 line
	RANDOM=$seed
	seq "$ITEMS" >in
	start_line
	# Each time something must have been done since: nobody waits for the dead. The end is calm, for a
	# launcher killed after the last item would be followed by one that begins again.
	while (($(done_so_far) < ITEMS * 8 / 10)) && ! has_ended "$line"; do
		before=$(done_so_far)
		hit
		wait_until 30 has_gone_on "$before"
	done
	wait_for 60 "$line" || fail "$(<"line-$lives.err")"
	echo "# seed $seed: $kills workers and $launchers launchers killed, $stops stops" >&3

	books_balance "$(tail -n 1 "line-$lives.err")"
	assert_equal "$published $acked" "$ITEMS $ITEMS"
	# Every item was done, and again only when its delivery says so.
	assert_equal "$(cut -d' ' -f1 finished | sort -nu)" "$(seq "$ITEMS")"
	assert_equal "$(sort finished | uniq -d)" ""
	no_ring
	((kills >= 1 && launchers >= 1)) || fail "only $kills workers and $launchers launchers killed"
}
