#!/bin/bash
# invoices.sh [ITEMS [FILE]] - the invoice line: producers share one generator, consumers store what they
# take in SQLite, an observer watches the file grow. Ctrl-C ends it with everything stored; run again, it adds
# another ring's invoices.
set -euo pipefail
PATH=${SHMLINE_BIN:-$(dirname "$0")/..}:$PATH

items=${1:-100000}
file=${2:-invoices.db}

# The observer waits for the file, and ends with the line.
watch() {
	until [[ -s $file ]]; do sleep 0.05; done
	exec ringctl watch-storage "$file" 500ms
}
watch 2>/dev/null &
observer=$!
end_observer() {
	kill "$observer" 2>/dev/null || true
	wait "$observer" 2>/dev/null || true
}
trap end_observer EXIT
trap : INT	# it is the launcher's to answer

launcher -p 3 -c 2 -n "$items" --slots 8192 --source invoices --invoice-work 50us --sink "sqlite:$file"
end_observer

sqlite3 -box "$file" "SELECT currency, count(*) AS invoices, printf('%.2f', sum(amount_cents) / 100.0) AS total
	FROM invoices GROUP BY currency ORDER BY currency"
