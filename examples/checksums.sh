#!/bin/bash
# checksums.sh FOLDER - the SHA-256 of every file below FOLDER, reckoned on every core and written in the
# order of their names, as one process would write them: fit to be compared with yesterday's.
set -euo pipefail
PATH=${SHMLINE_BIN:-$(dirname "$0")/..}:$PATH

folder=${1:?usage: checksums.sh FOLDER}

find "$folder" -type f -print0 | LC_ALL=C sort -z |
	launcher -0 --quiet --keep-order -- sha256sum --
