#!/bin/bash
# model.sh < LINES - the language of each line, guessed by model.py, which is started once a consumer and
# not once a line.
#
# --worker=lines hands an item to a process that stays, and acks it when it has answered with a line. A
# worker that crashes is started again, and the line that it did not answer is given to it once more.
set -euo pipefail
PATH=${SHMLINE_BIN:-$(dirname "$0")/..}:$PATH

launcher -c 2 --worker=lines --window 16 --retries 1 -- python3 "$(dirname "$0")/model.py"
