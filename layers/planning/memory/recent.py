"""Which plan of which database something is kept under, and whose turn it is to work on it."""

from __future__ import annotations

import threading
from collections.abc import Hashable
from functools import lru_cache
from typing import Generic, TypeVar
from weakref import WeakValueDictionary

from sqlalchemy import Engine
from sqlalchemy.orm import Session

Key = TypeVar("Key", bound=Hashable)

# Which database, which plan: one process may serve several databases (tests do).
PlanKey = tuple[str, int]


class Turns(Generic[Key]):
    """One lock for each key, for as long as somebody holds it or waits for it; a thread may take its own again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._turns: WeakValueDictionary[Key, threading.RLock] = WeakValueDictionary()

    def lock_of(self, key: Key) -> threading.RLock:
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
