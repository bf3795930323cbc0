#!/bin/bash
# flaky.sh COMMAND < LIST - a command that fails now and then, for each line of a list: patience.
#
# An item that fails is tried again up to five times, each time after a longer wait, spread at random so
# that those that failed together don't come back together. Others go on meanwhile. What still fails is
# written to flaky.dead, a JSON object a line, and its items to flaky.again, which can be fed back.
set -uo pipefail
PATH=${SHMLINE_BIN:-$(dirname "$0")/..}:$PATH

(($# > 0)) || { echo 'usage: flaky.sh COMMAND [ARG...] < LIST' >&2; exit 64; }

rm -f flaky.dead
launcher -c 8 --retries 5 --backoff exp:50ms..5s --time-limit 30s --dead flaky.dead -- "$@"
code=$?

# Exit code 123: all was tried, and some items are dead.
if ((code == 123)); then
	jq -r .item flaky.dead >flaky.again
	echo "$(wc -l <flaky.again) items failed for good: see flaky.again, and why in flaky.dead" >&2
fi
exit "$code"
