"""Rings of shmline from Python: put, take and ack items, by ctypes, without a build step.

    import shmline

    with shmline.Ring("jobs", shmline.PRODUCER, create=True) as ring:
        ring.put(b"one")

    with shmline.Ring("jobs", shmline.CONSUMER) as ring:
        for item in ring:               # until the ring is drained
            with item:                  # acked at the end; an exception gives it back
                work(item.data)

A Ring is one member of the ring, for one thread at a time; another thread takes `ring.share()`. A child
made by fork must not use its parent's. What the calls mean is in shmline(3).
"""

from __future__ import annotations

import ctypes
import enum
import errno
import os
import time
from types import TracebackType
from typing import Iterator, Optional, Type, Union

__all__ = [
    "CONSUMER", "HOLDER", "LAUNCHER", "OBSERVER", "PRODUCER", "Books", "Closed", "Drained", "Item",
    "NotHeld", "Ring", "RingError", "Role", "StopMode", "Timeout", "names", "unlink",
]

Bytes = Union[bytes, bytearray, memoryview]


class Role(enum.IntFlag):
    """What a member does with a ring; a set."""

    OBSERVER = 0
    PRODUCER = 1
    CONSUMER = 2
    HOLDER = 4
    LAUNCHER = 8


OBSERVER, PRODUCER, CONSUMER = Role.OBSERVER, Role.PRODUCER, Role.CONSUMER
HOLDER, LAUNCHER = Role.HOLDER, Role.LAUNCHER


class StopMode(enum.IntEnum):
    """How high the stop flag is."""

    NONE = 0
    SOFT = 1
    STRICT = 2
    NOW = 3


class RingError(OSError):
    """A call failed; `errno` says how, the text says why."""


class Timeout(Exception):
    """Nothing to take, or no free slot, in the time given."""


class Closed(Exception):
    """The stop flag shuts this call out; nothing was published or taken."""


class Drained(Exception):
    """Nothing is left to take, and nothing can come."""


class NotHeld(RingError):
    """The item is not in this member's hands (any more)."""


# ---------------------------------------------------------------- the library

_OK, _TIMEOUT, _CLOSED, _DRAINED, _ERROR = range(5)
_CAUSE_USER = 3
# A call waits so long at most before Python may run its signal handlers.
_SLICE_MS = 1000


class _Options(ctypes.Structure):
    _fields_ = [
        *[(name, ctypes.c_uint32) for name in ("slots", "item_max", "members")],
        ("has_parcels", ctypes.c_bool),
        ("terminator", ctypes.c_ubyte),
    ]


class _Item(ctypes.Structure):
    _fields_ = [
        ("data", ctypes.c_void_p),
        ("len", ctypes.c_size_t),
        ("id", ctypes.c_uint64),
        ("mark", ctypes.c_uint64),
        ("published_ns", ctypes.c_uint64),
        ("taken_ns", ctypes.c_uint64),
        ("deliveries", ctypes.c_uint32),
        ("failures", ctypes.c_uint32),
        ("given_back", ctypes.c_uint32),
        ("lane", ctypes.c_uint32),
        ("records", ctypes.c_uint32),
        ("is_parcel", ctypes.c_bool),
        ("slot", ctypes.c_uint32),
        ("word", ctypes.c_uint64),
    ]


class _Books(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("published", "acked", "dead", "dropped")]


_Each = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)


def _load() -> ctypes.CDLL:
    """The library, of the soname that this module is written for."""
    lib = ctypes.CDLL(os.environ.get("SHMLINE_LIBRARY", "libshmline.so.0"), use_errno=True)
    ring, item = ctypes.c_void_p, ctypes.POINTER(_Item)
    number, flag, name = ctypes.c_uint, ctypes.c_bool, ctypes.c_char_p
    for function, result, *arguments in (
        ("ring_why", name),
        ("ring_open", ring, name, number, number),
        ("ring_open_or_create", ring, name, ctypes.POINTER(_Options), number, number),
        ("ring_share", ring, ring, number, number),
        ("ring_close", None, ring),
        ("ring_close_last", flag, ring),
        ("ring_unlink", ctypes.c_int, name, flag),
        ("ring_list", ctypes.c_int, _Each, ctypes.c_void_p),
        ("ring_name", name, ring),
        ("ring_slots", ctypes.c_uint32, ring),
        ("ring_item_max", ctypes.c_uint32, ring),
        ("ring_mark", ctypes.c_uint64, ring),
        ("ring_reserve", ctypes.c_int, ring, item, ctypes.c_int),
        ("ring_publish", ctypes.c_int, ring, item),
        ("ring_cancel", None, ring, item),
        ("ring_take", ctypes.c_int, ring, item, ctypes.c_int),
        ("ring_ack", ctypes.c_int, ring, item),
        ("ring_give_back", ctypes.c_int, ring, item, ctypes.c_uint32, flag),
        ("ring_dead", ctypes.c_int, ring, item, ctypes.c_uint32),
        ("ring_stop", None, ring, ctypes.c_int, ctypes.c_int),
        ("ring_stopped", ctypes.c_int, ring),
        ("ring_hold", None, ring, flag),
        ("ring_is_drained", flag, ring),
        ("ring_note", None, ring, name),
        ("ring_books", None, ring, ctypes.POINTER(_Books)),
    ):
        call = getattr(lib, str(function))
        call.restype, call.argtypes = result, arguments
    return lib


_lib = _load()


def _failure(what: str, kind: Type[RingError] = RingError) -> RingError:
    """The last call of this thread failed: errno, and the library's own words."""
    code = ctypes.get_errno()
    why = _lib.ring_why().decode() or os.strerror(code)
    return kind(code, f"cannot {what}: {why}")


def _deadline(timeout: Optional[float]) -> Optional[float]:
    return None if timeout is None else time.monotonic() + timeout


def _remaining_ms(deadline: Optional[float]) -> int:
    if deadline is None:
        return _SLICE_MS
    return max(0, min(_SLICE_MS, int((deadline - time.monotonic()) * 1000 + 0.999)))


def _is_over(deadline: Optional[float]) -> bool:
    return deadline is not None and time.monotonic() >= deadline


# ---------------------------------------------------------------- items


class Item:
    """An item in this member's hands, until ack(), give_back() or dead() ends it.

    As a context manager it is acked at the end of the block, and given back as failed when the block
    raises an exception; whoever has ended it inside the block has the last word.
    """

    def __init__(self, ring: Ring, raw: _Item) -> None:
        self._ring = ring
        self._raw = raw
        self._is_held = True
        #: The bytes of the item: a copy, which stays when the item is gone.
        self.data: bytes = ctypes.string_at(raw.data, raw.len)

    @property
    def id(self) -> int:
        """Unique for the life of the ring."""
        return int(self._raw.id)

    @property
    def mark(self) -> int:
        """The producer's own position; 0: none."""
        return int(self._raw.mark)

    @property
    def deliveries(self) -> int:
        """Times it was handed out, this one included."""
        return int(self._raw.deliveries)

    @property
    def failures(self) -> int:
        """Times it was given back as failed."""
        return int(self._raw.failures)

    def ack(self) -> None:
        """It is done with, and gone."""
        self._end(_lib.ring_ack(self._ring._handle(), self._raw), "ack")

    def give_back(self, delay: float = 0.0, failed: bool = False) -> None:
        """Have it delivered again after `delay` seconds; `failed` counts a failure."""
        delay_ms = int(delay * 1000)
        if not 0 <= delay_ms < 1 << 32:
            raise ValueError(f"delay {delay}: expected seconds from 0 to 4294967")
        handle = self._ring._handle()
        self._end(_lib.ring_give_back(handle, self._raw, delay_ms, failed), "give back")

    def dead(self, reason: int = 0) -> None:
        """Set it aside: it is never delivered again. `reason` is shown by `ringctl dead`."""
        self._end(_lib.ring_dead(self._ring._handle(), self._raw, reason), "declare dead")

    def _end(self, result: int, what: str) -> None:
        if result != 0:
            raise _failure(f"{what} item {self.id}", NotHeld)
        self._is_held = False

    def __enter__(self) -> Item:
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], value: Optional[BaseException],
                 trace: Optional[TracebackType]) -> None:
        if not self._is_held or self._ring.is_closed:
            return
        if kind is None:
            self.ack()
        else:
            self.give_back(failed=issubclass(kind, Exception))

    def __repr__(self) -> str:
        return f"<shmline.Item {self.id} of {len(self.data)} bytes>"


# ---------------------------------------------------------------- rings


class Books:
    """published = acked + dead + dropped + left."""

    def __init__(self, raw: _Books) -> None:
        self.published: int = raw.published
        self.acked: int = raw.acked
        self.dead: int = raw.dead
        self.dropped: int = raw.dropped

    @property
    def left(self) -> int:
        """What stands in the ring."""
        return self.published - self.acked - self.dead - self.dropped


class Ring:
    """One member of a ring, by its name.

    `create` makes the ring if there is none, with `slots` items of up to `item_max` bytes and room
    for `members` (0: the defaults). `number` is a producer's lane, so that one that is started again
    finds its `mark`.
    """

    def __init__(self, name: str, roles: Role, *, number: int = 0, create: bool = False,
                 slots: int = 0, item_max: int = 0, members: int = 0) -> None:
        self._ring: Optional[int] = None
        if create:
            for value in (slots, item_max, members):
                if not 0 <= value < 1 << 32:
                    raise ValueError(f"{value}: out of bounds")
            options = _Options(slots, item_max, members)
            self._ring = _lib.ring_open_or_create(os.fsencode(name), options, roles, number)
        else:
            self._ring = _lib.ring_open(os.fsencode(name), roles, number)
        if not self._ring:
            raise _failure(f'open ring "{name}"')

    # -- life

    @property
    def is_closed(self) -> bool:
        return self._ring is None

    def _handle(self) -> int:
        if self._ring is None:
            raise ValueError("the ring is closed")
        return self._ring

    def close(self) -> None:
        """Leave the ring. Items still in this member's hands go back to it."""
        ring, self._ring = self._ring, None
        if ring is not None:
            _lib.ring_close(ring)

    def close_last(self) -> bool:
        """close(), and remove the ring if nobody is attached and nothing is left. Is it gone?"""
        ring, self._ring = self._ring, None
        return ring is not None and bool(_lib.ring_close_last(ring))

    def share(self, roles: Role, number: int = 0) -> Ring:
        """One more member of the same ring, for another thread."""
        other = Ring.__new__(Ring)
        other._ring = _lib.ring_share(self._handle(), roles, number)
        if not other._ring:
            other._ring = None
            raise _failure("share the ring")
        return other

    def __enter__(self) -> Ring:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_ring", None) is not None:
            self.close()

    # -- what it is

    @property
    def name(self) -> str:
        return os.fsdecode(_lib.ring_name(self._handle()))

    @property
    def slots(self) -> int:
        return int(_lib.ring_slots(self._handle()))

    @property
    def item_max(self) -> int:
        """Bytes of the longest item."""
        return int(_lib.ring_item_max(self._handle()))

    @property
    def mark(self) -> int:
        """The highest mark accepted on this producer's lane."""
        return int(_lib.ring_mark(self._handle()))

    @property
    def is_drained(self) -> bool:
        return bool(_lib.ring_is_drained(self._handle()))

    @property
    def stopped(self) -> StopMode:
        return StopMode(_lib.ring_stopped(self._handle()))

    @property
    def books(self) -> Books:
        raw = _Books()
        _lib.ring_books(self._handle(), raw)
        return Books(raw)

    def note(self, text: str) -> None:
        """Say what this member is doing, for those who look."""
        _lib.ring_note(self._handle(), text.encode())

    # -- producing

    def put(self, data: Bytes, timeout: Optional[float] = None, mark: int = 0) -> int:
        """Publish one item and return its id; wait for a free slot, at most `timeout` seconds.

        Raises Timeout, Closed, or RingError; nothing was published then.
        """
        data = bytes(data)
        raw = _Item()
        deadline = _deadline(timeout)
        while True:
            result = _lib.ring_reserve(self._handle(), raw, _remaining_ms(deadline))
            if not self._goes_on(result, deadline, "reserve a slot"):
                break
        if len(data) > self.item_max:
            _lib.ring_cancel(self._handle(), raw)
            raise RingError(errno.EMSGSIZE,
                            f"cannot publish: {len(data)} bytes, the ring takes {self.item_max}")
        ctypes.memmove(raw.data, data, len(data))
        raw.len, raw.mark = len(data), mark
        self._goes_on(_lib.ring_publish(self._handle(), raw), deadline, "publish")
        return int(raw.id)

    # -- consuming

    def take(self, timeout: Optional[float] = None) -> Item:
        """Take the oldest ready item; wait for one, at most `timeout` seconds.

        Raises Timeout, Drained, Closed, or RingError.
        """
        raw = _Item()
        deadline = _deadline(timeout)
        while True:
            result = _lib.ring_take(self._handle(), raw, _remaining_ms(deadline))
            if not self._goes_on(result, deadline, "take"):
                return Item(self, raw)

    def __iter__(self) -> Iterator[Item]:
        """Take one item after the other until the ring is drained or closed."""
        while True:
            try:
                item = self.take()
            except (Drained, Closed):
                return
            yield item

    def _goes_on(self, result: int, deadline: Optional[float], what: str) -> bool:
        """True: call again. False: it is done. Signal handlers have run when this is asked."""
        if result == _OK:
            return False
        if result == _TIMEOUT:
            if _is_over(deadline):
                raise Timeout(f"{what}: not in time")
            return True
        if result == _CLOSED:
            raise Closed(f"{what}: the stop flag is up")
        if result == _DRAINED:
            raise Drained(f"{what}: the ring is drained")
        if ctypes.get_errno() == errno.EINTR:
            return True
        raise _failure(what)

    # -- running the line

    def stop(self, mode: StopMode = StopMode.SOFT) -> None:
        """Raise the stop flag."""
        _lib.ring_stop(self._handle(), mode, _CAUSE_USER)

    def hold(self, hold: bool = True) -> None:
        """Keep the line open for producers to come (role HOLDER), or stop doing so."""
        _lib.ring_hold(self._handle(), hold)


def names() -> list[str]:
    """The names of all rings of this user."""
    found: list[str] = []

    def each(name: bytes, _context: object) -> int:
        found.append(os.fsdecode(name))
        return 0

    if _lib.ring_list(_Each(each), None) != 0:
        raise _failure("list rings")
    return found


def unlink(name: str, force: bool = False) -> None:
    """Remove a ring's name; one in use, or with items left in it, only with `force`."""
    if _lib.ring_unlink(os.fsencode(name), force) != 0:
        raise _failure(f'remove ring "{name}"')
