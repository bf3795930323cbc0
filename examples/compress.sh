#!/bin/bash
# compress.sh FOLDER - compress every file below FOLDER that is not compressed yet, one on each core.
#
# Names may have any bytes in them: they travel with a NUL behind each. A file that can't be compressed
# is tried once more and then ends in compress.dead, with what gzip said. Run it again after a power cut:
# gzip removes a file only when its copy is complete, so nothing is done twice or lost.
set -euo pipefail
PATH=${SHMLINE_BIN:-$(dirname "$0")/..}:$PATH

folder=${1:?usage: compress.sh FOLDER}

find "$folder" -type f ! -name '*.gz' -print0 |
	launcher -0 --bar --retries 1 --joblog compress.log --dead compress.dead -- gzip --best --force --
