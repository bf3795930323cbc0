#!/bin/bash
# follow-log.sh LOG PATTERN COMMAND... - run COMMAND for each line of a growing log that matches PATTERN,
# ten times a second at most. Until Ctrl-C, which ends the source and drains the ring.
#
# tail -F follows the log when it is rotated. Each line is in the ring as soon as it is written. When the
# log grows faster than the command works, the ring takes up a burst of 1000 lines; if that is not enough
# the oldest lines are dropped, and the last line of the run says how many.
set -euo pipefail
PATH=${SHMLINE_BIN:-$(dirname "$0")/..}:$PATH

(($# > 2)) || { echo 'usage: follow-log.sh LOG PATTERN COMMAND [ARG...]' >&2; exit 64; }
log=$1 pattern=$2
shift 2

exec launcher --source "exec:tail -n 0 -F -- $(printf %q "$log") | grep --line-buffered -e $(printf %q "$pattern")" \
	--slots 1000 --when-full drop-oldest -c 1 --consumer-pace 100ms -- "$@"
