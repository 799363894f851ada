"""How often somebody has missed, counted once for all processes of the service: a file of fixed size that all map.

    with counts.hold_table() as table:
        number, last_s = table.find(("from", "planner", "192.0.2.1/32"))
        table.put(("from", "planner", "192.0.2.1/32"), number + 1, time.monotonic())

A table of the database would make each guess a write there; this costs some microseconds under a lock of the file,
which the kernel lifts when a process dies. What is counted is found by a keyed digest, so that neither names nor
addresses stand in the file and nobody can aim at a place in it. A set that is full loses whoever missed least.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import mmap
import os
import secrets
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

log = logging.getLogger("wangge.sign_ins")
Key = tuple[str, ...]
# Digest, how many, and the moment of the last by CLOCK_MONOTONIC, which is one for all processes of a machine.
_SLOT = struct.Struct("=16sIxxxxd")
_SECRET = 32
SETS, WAYS = 2_048, 8
SIZE = _SECRET + SETS * WAYS * _SLOT.size


class Table:
    """The counts by key, in a buffer of `SIZE` bytes; to be used by one at a time."""

    def __init__(self, buffer: mmap.mmap) -> None:
        self._buffer = buffer
        if not any(buffer[:_SECRET]):
            buffer[:_SECRET] = secrets.token_bytes(_SECRET)
        self._secret = bytes(buffer[:_SECRET])

    def find(self, key: Key) -> tuple[int, float]:
        """How many are counted and when the last one was; (0, 0.0) for nothing."""
        digest = self._digest(key)
        return next((slot[1:] for _, slot in self._set(digest) if slot[0] == digest), (0, 0.0))

    def put(self, key: Key, number: int, last_s: float) -> None:
        """Count so many; in a full set in place of whoever missed least."""
        digest = self._digest(key)
        slots = self._set(digest)
        at = next((at for at, slot in slots if slot[0] == digest), None)
        if at is None:
            at = min(slots, key=lambda one: one[1][1:])[0]
        _SLOT.pack_into(self._buffer, at, digest, number, last_s)

    def _set(self, digest: bytes) -> list[tuple[int, tuple[bytes, int, float]]]:
        """Where the slots of a digest begin, and what is in them."""
        first = _SECRET + int.from_bytes(digest[:4], "little") % SETS * WAYS * _SLOT.size
        places = range(first, first + WAYS * _SLOT.size, _SLOT.size)
        return [(at, _SLOT.unpack_from(self._buffer, at)) for at in places]

    def _digest(self, key: Key) -> bytes:
        told = "\0".join(key).encode(errors="surrogatepass")
        return hashlib.blake2b(told, digest_size=16, key=self._secret).digest()


class MissCounts:
    """The table in a file, made when it is first needed. Where there can be no file a process counts for itself."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._turn = threading.Lock()
        self._opened: tuple[Table, int | None] | None = None

    @contextmanager
    def hold_table(self) -> Iterator[Table]:
        """The table, which no other process and thread reads or writes meanwhile; not to be held while waiting."""
        with self._turn:
            table, handle = self._opened = self._opened or self._open()
            if handle is None:
                yield table
                return
            fcntl.flock(handle, fcntl.LOCK_EX)
            try:
                yield table
            finally:
                fcntl.flock(handle, fcntl.LOCK_UN)

    def _open(self) -> tuple[Table, int | None]:
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            return self._count_alone(error)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            # Room is taken now: a page that finds none when it is written to would end the process.
            os.posix_fallocate(handle, 0, SIZE)
            table = Table(mmap.mmap(handle, SIZE))
            fcntl.flock(handle, fcntl.LOCK_UN)
        except OSError as error:
            os.close(handle)
            return self._count_alone(error)
        return table, handle

    def _count_alone(self, error: OSError) -> tuple[Table, None]:
        log.warning("attempts to sign in are counted by each process for itself: %s", error)
        return Table(mmap.mmap(-1, SIZE)), None
