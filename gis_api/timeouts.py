"""The thread that passes on what nobody has accepted in time and tells who was not heard, in every API process.

Who goes next is decided with the plans and the people that this process keeps in memory anyway; the job process has
neither (some 240 MB and a second of processor). However many processes look, each case is followed once: the database
sees to that (`layers.dispatching.timeouts`).
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Engine
from sqlalchemy import exc as sql

from gis_api.logs import Outage
from gis_api.replicas import Replicas
from gis_api.settings import Settings
from layers import dispatching
from layers.dispatching import Memory

log = logging.getLogger("wangge.timeouts")


class Timeouts:
    """Looks for overdue assignments between `start` and `stop`, every `timeouts_every_s`."""

    def __init__(self, engine: Engine, replicas: Replicas, settings: Settings, clock: Callable[[], datetime]) -> None:
        self._engine, self._replicas, self._clock = engine, replicas, clock
        self._every_s, self._zone = settings.timeouts_every_s, settings.zone
        self._outage = Outage(log, "PostgreSQL does not answer who looks for overdue assignments")
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Look from now on; not at all where the period is 0."""
        if self._every_s > 0:
            self._stopping.clear()
            self._thread = threading.Thread(target=self._run, name="timeouts", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End the thread; a case that is being passed on is passed on first."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(timeout=5.0)

    def look(self) -> int:
        """How many overdue assignments were passed on now; 0 while there is nothing to decide with or to write to. Of
        workers on risky tasks who were not heard it is told before that."""
        state = self._replicas.state
        if state.atlas is None or state.roster is None or not self._replicas.takes_writes:
            return 0
        memory = Memory(state.atlas, state.roster, self._zone)
        dispatching.tell_silent(self._engine, clock=self._clock)
        return dispatching.follow_overdue(self._engine, memory, clock=self._clock)

    def _run(self) -> None:
        while not self._stopping.wait(self._every_s):
            try:
                self.look()
            except (sql.DBAPIError, sql.TimeoutError) as error:
                self._outage.count_failure(error)
            else:
                self._outage.tell_end()
