#!/usr/bin/env python3
"""A consumer in Python: counts the words of each item, an item being the name of a file.

    examples/worker.py jobs &                   # as many as you like
    ls *.txt | producer -r jobs --source lines

A file that is not there is a dead letter (`ringctl dead jobs`). Any other exception gives the item back,
to be tried again, up to three times. Kill a worker with -9: what it had is delivered to another.
"""

import sys

import shmline

TRIES = 3


def count_words(path: bytes) -> int:
    with open(path, "rb") as file:
        return sum(len(line.split()) for line in file)


def handle(item: shmline.Item) -> None:
    with item:
        try:
            words = count_words(item.data)
        except FileNotFoundError:
            item.dead(reason=66)
            return
        except OSError as error:
            print(f"{error}", file=sys.stderr)
            if item.failures + 1 < TRIES:
                item.give_back(delay=1.0, failed=True)
            else:
                item.dead(reason=74)
            return
        print(f"{words}\t{item.data.decode(errors='replace')}", flush=True)


def main() -> int:
    if len(sys.argv) != 2:
        print("usage: worker.py RING", file=sys.stderr)
        return 64
    with shmline.Ring(sys.argv[1], shmline.CONSUMER, create=True) as ring:
        for item in ring:
            handle(item)
        ring.close_last()
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except shmline.RingError as error:
        sys.exit(f"worker.py: {error.strerror}")
    except KeyboardInterrupt:
        sys.exit(130)
