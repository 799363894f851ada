"""What a process keeps between requests: the last few things that were asked for, safe for threads."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from functools import lru_cache
from typing import Generic, TypeVar
from weakref import WeakValueDictionary

from sqlalchemy import Engine
from sqlalchemy.orm import Session

Key = TypeVar("Key", bound=Hashable)
Thing = TypeVar("Thing")

# Which database, which plan: one process may serve several databases (tests do).
PlanKey = tuple[str, int]


class Shelf(Generic[Key, Thing]):
    """The `most` things that were used last, by key."""

    def __init__(self, most: int) -> None:
        self._most = most
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
        """Keep a thing in place of an older one; the one that was not used for longest makes room."""
        with self._lock:
            self._things[key] = thing
            self._things.move_to_end(key)
            while len(self._things) > self._most:
                self._things.popitem(last=False)

    def clear(self) -> None:
        """Forget everything, as a process that has just begun."""
        with self._lock:
            self._things.clear()


class Turns(Generic[Key]):
    """One lock for each key, for as long as somebody holds it or waits for it; a thread may take its own again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._turns: WeakValueDictionary[Key, threading.RLock] = WeakValueDictionary()

    def at(self, key: Key) -> threading.RLock:
        """The lock of this key, the same for all who ask while it is in use."""
        with self._lock:
            turn = self._turns.get(key)
            if turn is None:
                turn = self._turns[key] = threading.RLock()
            return turn


def key_of(session: Session, plan_id: int) -> PlanKey:
    """What a plan of the database that is asked is kept under."""
    return _address(session.get_bind().engine), plan_id


@lru_cache(maxsize=16)
def _address(engine: Engine) -> str:
    """The address of a database as text: to compare two URLs they are written out each time."""
    return engine.url.render_as_string(hide_password=False)
