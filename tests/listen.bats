# listen.bats - the page, the metrics and the numbers that --listen gives over HTTP.

bats_require_minimum_version 1.5.0
load helpers

setup() {
	common_setup
	command -v curl >/dev/null || skip "curl is not installed"
	prometheus=
}

teardown() {
	[[ -z $prometheus ]] || kill -KILL "$prometheus" 2>/dev/null
	common_teardown
}

# A line that listens at a free port; sets $url.
start_listening() { # OPTION...
	start line launcher -r "$ring" --sink null --listen 0 "$@"
	wait_until 10 file_matches line.err 'listens at http'
	url=$(sed -nE 's/.*listens at (http.*)/\1/p' line.err)
	wait_until 10 answers healthz
}

answers() { curl -sf --max-time 5 -o /dev/null "$url$1"; }
get() { curl -sS --max-time 10 "$@"; }	# URL or curl's options
code_of() { curl -s --max-time 10 -o /dev/null -w '%{http_code}' "$@"; }
metric() { get "${url}metrics" | sed -n "s/^shmline_$1 //p"; }	# NAME
is_metric() { [[ $(metric "$1") == "$2" ]]; }	# NAME VALUE

end_line() {
	kill -TERM "$pid"
	wait_for 20 "$pid" "${1:-0}"
}

# A line whose items are what the test writes to descriptor 7.
start_fed() {
	mkfifo feed
	exec 7<>feed
	start_listening -p 1 -c 2 --source lines:feed
}

@test "/metrics passes promtool and has the line's numbers" {
	command -v promtool >/dev/null || skip "promtool is not installed"
	start_fed
	seq 300 >&7
	wait_until 10 is_metric acked_total 300
	get "${url}metrics" >metrics
	run -0 promtool check metrics <metrics
	refute_output
	assert_equal "$(metric published_total)" 300
	assert_equal "$(metric 'wait_seconds_count')" 300
	assert_equal "$(metric 'work_seconds_bucket{le="+Inf"}')" 300
	assert_equal "$(metric 'restarts_total{worker="consumer 2"}')" 0
	end_line
}

@test "a real Prometheus scrapes it and answers the published total" {
	command -v prometheus >/dev/null || skip "prometheus is not installed"
	local port=$((20000 + RANDOM % 10000)) target
	start_fed
	target=${url#http://} target=${target%/}
	cat >prometheus.yml <<-END
		global: { scrape_interval: 250ms, scrape_timeout: 250ms }
		scrape_configs:
		- job_name: shmline
		  static_configs: [ { targets: [ "$target" ] } ]
	END
	promtool check config prometheus.yml
	prometheus --config.file=prometheus.yml --storage.tsdb.path=data \
		--web.listen-address="127.0.0.1:$port" >prometheus.out 2>&1 3>&- 4>&- &
	prometheus=$!
	seq 250 >&7
	total_is() {
		[[ $(curl -s "http://127.0.0.1:$port/api/v1/query?query=shmline_published_total" |
			jq -r '.data.result[0].value[1]') == "$1" ]]
	}
	wait_until 60 total_is 250
	seq 50 >&7
	wait_until 60 total_is 300
	end_line
}

@test "/stats is the line as JSON, with its workers and its dead letters" {
	start_listening -p 2 -c 2 -n 0 -k 3 --stop ignore --pace 10ms --slots 64
	has_stats() { get "${url}stats" | jq -e "$1" >/dev/null; }
	wait_until 10 has_stats '.dead_total == 1 and (.workers | length == 4)'
	wait_until 10 has_stats '.history.published | length > 1'
	has_stats '.published_total == .acked_total + .dead_total + .dropped_total + .left'
	has_stats '.state == "running" and .slots == 64 and .launcher == '"$pid"
	has_stats '.dead_letters[0].item | startswith("widget 3 ")'
	has_stats '[.workers[].name] | sort == ["consumer 1", "consumer 2", "producer 1", "producer 2"]'
	has_stats '.wait_seconds.count > 0 and .wait_seconds.p99 >= .wait_seconds.p50'
	end_line 123
}

@test "a restart is counted for its worker" {
	start_listening -p 1 -c 1 -n 0 --pace 10ms
	local victim
	victim=$(get "${url}stats" | jq '.workers[] | select(.name == "consumer 1").pid')
	kill -KILL "$victim"
	wait_until 10 is_metric 'restarts_total{worker="consumer 1"}' 1
	end_line
}

@test "/healthz tells of a worker that was given up" {
	start_listening -p 0 -c 2 --restart never
	assert_equal "$(code_of "${url}healthz")" 200
	kill -KILL "$(get "${url}stats" | jq '.workers[] | select(.name == "consumer 1").pid')"
	is_sick() { [[ $(code_of "${url}healthz") == 503 ]]; }
	wait_until 10 is_sick
	end_line 125
}

@test "the page is one file that asks nothing of anybody else" {
	start_listening -p 0 -c 1
	get -D headers -o page.html "$url"
	file_matches headers '^Content-Type: text/html'
	file_matches headers "default-src 'none'"
	run ! grep -oiE '(src|href)="?(https?:)?//' page.html
	cmp page.html "$BATS_TEST_DIRNAME/../src/launcher/listen_page.html"
	end_line
}

@test "it only reads: GET and HEAD, and nothing but its paths" {
	start_listening -p 0 -c 1
	assert_equal "$(code_of -I "${url}stats")" 200
	assert_equal "$(code_of -X POST -d stop "${url}stats")" 405
	assert_equal "$(code_of -X DELETE "$url")" 405
	assert_equal "$(code_of -X PUT -d x "${url}metrics")" 405
	assert_equal "$(code_of "${url}nothing")" 404
	assert_equal "$(code_of --path-as-is "${url}../../etc/passwd")" 404
	end_line
}

@test "loopback unless another address is asked for in full; addresses are checked" {
	local bad
	start_listening -p 0 -c 1
	assert_regex "$url" '^http://127\.0\.0\.1:[0-9]+/$'
	for bad in 70000 -1 x :x host:80 1.2.3:80 '[::1' '[::1]' unix: 127.0.0.1: "unix:/$(printf '%0200d' 0)"; do
		run -64 launcher --listen "$bad"
		assert_output --partial "--listen"
		assert_output --partial "127.0.0.1"
	done
	run -73 launcher -r "$ring-2" --listen "${url:7:-1}"
	assert_output --partial "cannot listen at $url: Address already in use"
	no_ring "$ring-2"
	end_line
}

@test "a unix socket is its user's alone, outlives no launcher, and a stale one is replaced" {
	local path=$BATS_TEST_TMPDIR/socket
	unix() { curl -s --max-time 5 --unix-socket "$path" http://localhost/healthz; }
	is_up() { [[ $(unix) == ok ]]; }
	start line launcher -r "$ring" -p 0 -c 1 --listen "unix:$path"
	wait_until 10 is_up
	assert_equal "$(stat -c %a "$path")" 600
	run -73 launcher -r "$ring-2" --listen "unix:$path"
	kill -KILL "$pid"
	wait_for 10 "$pid" 137
	[[ -S $path ]]
	start line launcher -r "$ring" --resume -p 0 -c 1 --listen "unix:$path"
	wait_until 10 is_up
	end_line
	[[ ! -e $path ]]
	echo precious >file
	run -73 launcher -r "$ring-2" --listen unix:file
	assert_equal "$(<file)" precious
}

@test "rubbish, slow clients and 1,000 connections do not disturb the line" {
	[[ -z ${SAN:-} ]] || skip "1,000 connections and sanitizers are too slow together"
	start_listening -p 1 -c 1 -n 0 --slots 64
	local line=$pid acked
	start crowd perl "$BATS_TEST_DIRNAME/crowd.pl" "${url:7:-1}" 1000
	wait_until 30 file_matches crowd.out '^1000 connections'
	acked=$(ringctl stat --json "$ring" | jq .acked_total)
	moves_on() { (($(ringctl stat --json "$ring" | jq .acked_total) > acked + 1000)); }
	wait_until 10 moves_on
	kill -0 "$pid"
	kill -USR1 "$line"	# there are descriptors for a new worker
	wait_until 10 file_matches line.err 'one consumer more, 2 now'
	kill -KILL "$pid"
	pid=$line
	wait_until 30 answers healthz
	end_line
	file_matches line.err 'published [0-9]+ = acked'
}
