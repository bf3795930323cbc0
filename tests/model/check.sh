#!/bin/sh
# check.sh MODEL [-DNAME=VALUE...] - run Spin over one size of a model. Prints a line: verdict, states, seconds,
# memory, size. Holds: every state was looked at and no assertion failed. Exits 1 if it does not hold (with
# MODEL_EXPECT=FAILS: if it does), and shows the last steps that lead there.
#
#   MODEL_MB    memory it may take (4000)
#   MODEL_PAN   how pan is compiled (-O0 -DCOLLAPSE). Compiling with -O2 takes 20 s and more: for long runs.
#               -DHC4 instead of -DCOLLAPSE keeps a 64-bit hash of a state, for big ones.
set -eu

model=$(cd "$(dirname "$0")" && pwd)/$1.pml
name=$*
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
cd "$work"

spin -a "$@" "$model" >spin.log 2>&1 || { cat spin.log >&2; exit 2; }
# shellcheck disable=SC2086 # several flags
${CC:-cc} -w -DSAFETY -DMEMLIM="${MODEL_MB:-4000}" ${MODEL_PAN:--O0 -DCOLLAPSE} -o pan pan.c
# -E: a process may wait for ever; the judge in each model says when it must not.
began=$(date +%s)
./pan -E -n -m1000000 -w"${MODEL_TABLE:-22}" >pan.log 2>&1 || true
seconds=$(($(date +%s) - began))

stored=$(awk '/ states, stored/ { print $1; exit }' pan.log)
megabytes=$(awk '/total actual memory usage/ { print int($1); exit }' pan.log)
verdict=unfinished
if grep -q 'assertion violated' pan.log; then
	verdict=FAILS
elif grep -q 'errors: 0' pan.log && ! grep -qE 'not completed|too small|out of memory' pan.log; then
	verdict=holds
fi
printf '%-10s %11s states %6s s %6s MB  %s\n' $verdict "${stored:-?}" "$seconds" "${megabytes:-?}" "$name"
[ $verdict != "${MODEL_EXPECT:-holds}" ] || exit 0

grep '^pan:' pan.log || true
[ ! -e ./*.trail ] || spin -t -p -k ./*.trail "$@" "$model" | tail -n 60
exit 1
