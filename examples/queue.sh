#!/bin/bash
# queue.sh - a queue of work that several terminals share, without a server.
#
#	queue.sh work COMMAND [ARG...]	work on what comes, until the queue is closed (in several terminals)
#	queue.sh add ITEM...		put items in (in others)
#	queue.sh show			how it stands, and what waits
#	queue.sh close			no more items: workers end when all are done
#
# The ring comes with the first worker and goes with the last. A worker whose terminal is closed, or that
# is killed, gives back what it had in hand. QUEUE is the queue's name (jobs).
set -euo pipefail
PATH=${SHMLINE_BIN:-$(dirname "$0")/..}:$PATH

queue=${QUEUE:-jobs}
verb=${1:-help}
(($# == 0)) || shift

case $verb in
work)	exec consumer -r "$queue" --keep-open --retries 2 --backoff exp:100ms..10s -- "$@" ;;
add)	exec ringctl put "$queue" "$@" ;;
show)	ringctl stat "$queue" && ringctl peek "$queue" ;;
close)	exec ringctl stop "$queue" ;;
*)	sed -n '2,/^set/s/^# \{0,1\}//p' "$0" | sed '$d' ; exit 64 ;;
esac
