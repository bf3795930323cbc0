#!/bin/bash
# bursts.sh [SECONDS] - a bursty producer and a steady consumer on a ring of 100 slots, watched.
#
# The producer makes an item every 20 ms, and rests for a second after one in ten; the consumer takes one
# every 300 ms. So the ring fills up and the producer waits: FULL counts how often it found no free slot,
# BLOCKED how long it waited. Try --when-full fail, drop-newest or drop-oldest instead of waiting.
set -euo pipefail
PATH=${SHMLINE_BIN:-$(dirname "$0")/..}:$PATH

seconds=${1:-60}
ring=bursts-$$

launcher -r "$ring" -n 0 --slots 100 --producer-pace 20ms+1s@0.1 --consumer-pace 300ms \
	--sink null --quiet --drain-timeout 100ms &
line=$!
trap 'kill -TERM "$line" 2>/dev/null; wait "$line" || true; ringctl rm --force "$ring" 2>/dev/null || true' EXIT

until ringctl stat "$ring" >/dev/null 2>&1; do sleep 0.05; done
ringctl stat "$ring" 1 "$seconds"
