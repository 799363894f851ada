"""What a process keeps between requests: the things that were used last, safe for threads. The one cache of the house.

    shelf: Shelf[str, bytes] = Shelf(4_000, most_bytes=64_000_000, bytes_of=len)

What is kept is never old: the key holds the version that it was made from (`layers.freshness`, `layers.map_version`).
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Thing = TypeVar("Thing")


class Shelf(Generic[Key, Thing]):
    """The `most` things that were used last, by key; no more of them than `most_bytes` together, where that is told."""

    def __init__(
        self, most: int, *, most_bytes: int | None = None, bytes_of: Callable[[Thing], int] = lambda _: 0
    ) -> None:
        self._most, self._most_bytes, self._bytes_of = most, most_bytes, bytes_of
        self._bytes = 0
        self._lock = threading.Lock()
        self._things: OrderedDict[Key, Thing] = OrderedDict()

    def find(self, key: Key) -> Thing | None:
        """The thing of this key, or None where it was never kept or had to make room."""
        with self._lock:
            thing = self._things.get(key)
            if thing is not None:
                self._things.move_to_end(key)
            return thing

    def keep(self, key: Key, thing: Thing) -> None:
        """Keep a thing in place of an older one; those that were not used for longest make room."""
        with self._lock:
            older = self._things.pop(key, None)
            self._bytes += self._bytes_of(thing) - (0 if older is None else self._bytes_of(older))
            self._things[key] = thing
            while len(self._things) > self._most or self._is_too_large():
                self._bytes -= self._bytes_of(self._things.popitem(last=False)[1])

    def clear(self) -> None:
        """Forget everything, as a process that has just begun."""
        with self._lock:
            self._things.clear()
            self._bytes = 0

    def _is_too_large(self) -> bool:
        return self._most_bytes is not None and self._bytes > self._most_bytes
