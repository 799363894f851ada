"""How much waits to be told to other systems, for machines that watch the service ([D12])."""

from __future__ import annotations

import threading
import time

from sqlalchemy import Engine
from sqlalchemy import exc as sql

from layers import outbox
from layers.db import reading
from layers.outbox import Waiting

# Anybody may ask for it; the database is asked so often at most.
KNOWN_S = 1.0


class WaitingCounts:
    """The count of this moment, or of one second ago."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._turn = threading.Lock()
        self._counted: Waiting | None = None
        self._asked_s = -KNOWN_S

    def find(self) -> Waiting | None:
        """The deliveries that wait; None while the database cannot say."""
        with self._turn:
            if time.monotonic() - self._asked_s >= KNOWN_S:
                self._counted, self._asked_s = self._count(), time.monotonic()
            return self._counted

    def _count(self) -> Waiting | None:
        try:
            with reading(self._engine) as session:
                return outbox.count_waiting(session)
        except (sql.DBAPIError, sql.TimeoutError):
            return None
