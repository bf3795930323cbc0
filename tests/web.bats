# web.bats - the page of --listen in a real browser; what is looked at is in web/page.mjs.

bats_require_minimum_version 1.5.0
load helpers
setup() { common_setup; }
teardown() { common_teardown; }

# Installed once a tree, from the lock file. In CI it must be there; elsewhere its absence is said.
browser_or_skip() {
	local web=$BATS_TEST_DIRNAME/web missing=
	command -v npm >/dev/null || missing=npm
	command -v "${CHROMIUM:-chromium}" >/dev/null || missing=chromium
	if [[ -z $missing && ! -d $web/node_modules/playwright-core ]]; then
		(cd "$web" && timeout 300 npm ci --no-audit --no-fund) >npm.log 2>&1 3>&- 4>&- ||
			missing="what npm ci installs ($(tail -n 1 npm.log))"
	fi
	[[ -n $missing ]] || return 0
	[[ -z ${CI:-} ]] || fail "the browser tests need $missing"
	echo "# the page is not tested: $missing is missing" >&3
	skip "$missing is missing"
}

@test "the page shows a running line, in light and dark, on a phone and on a wide screen" {
	[[ -z ${SAN:-} ]] || skip "the browser is no part of what sanitizers see"
	browser_or_skip
	start line launcher -r "$ring" -p 2 -c 3 -n 0 -k 3 --stop ignore --slots 100 --sink null \
		--producer-pace 20ms+200ms@0.1 --consumer-pace 100ms --listen 0
	wait_until 10 file_matches line.err 'listens at http'
	mkdir shots
	run -0 timeout 200 node "$BATS_TEST_DIRNAME/web/page.mjs" \
		"$(sed -nE 's/.*listens at (http.*)/\1/p' line.err)" "$PWD/shots"
	refute_line --regexp '^not ok'
	assert_line --regexp '^ok .*1600-dark: the console has no error'
	for shot in 360-light 360-dark 1600-light 1600-dark; do
		[[ $(head -c 8 "shots/$shot.png" | tail -c 7) == PNG* ]] || fail "$shot.png is no picture"
	done
	kill -TERM "$pid"
	wait_for 20 "$pid" 123
}
