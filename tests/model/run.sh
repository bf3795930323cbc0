#!/bin/sh
# run.sh GROUP [MODEL] - check all sizes of a group (of one model) that the table `sizes` has, two at a time. The
# last line sums up; exits 1 unless all hold (mistakes: unless all fail).
#
#   MODEL_JOBS   at a time (2; large: 1)
set -eu

group=$1 model=${2:-[a-z]*}
here=$(cd "$(dirname "$0")" && pwd)
jobs=${MODEL_JOBS:-2}
case $group in
mistake) export MODEL_EXPECT=FAILS ;;
large)
	jobs=${MODEL_JOBS:-1}
	: "${MODEL_MB:=22000}" "${MODEL_TABLE:=28}" "${MODEL_PAN:=-O2 -DHC4}"
	export MODEL_MB MODEL_TABLE MODEL_PAN
	;;
esac

log=$(mktemp)
trap 'rm -f "$log"' EXIT
sed -n "s/^$group \($model\( .*\)\{0,1\}\)$/\1/p" "$here/sizes" |
	xargs -P "$jobs" -L 1 "$here/check.sh" | tee "$log" || true
wanted=$(grep -cE "^$group $model( |$)" "$here/sizes")
awk -v group="$group" -v wanted="$wanted" -v expect="${MODEL_EXPECT:-holds}" '
	/ states .* MB / { states += $2; seen += $1 == expect }
	END {
		printf "%s: %d of %d %s, %d states\n", group, seen, wanted,
			expect == "holds" ? "hold" : "are caught", states
		exit seen != wanted || wanted == 0
	}' "$log"
