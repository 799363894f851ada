"""Keeping a process's memory up to date.

One thread of its own asks the version table every 200 ms; NOTIFY only wakes it earlier. What changed is built there and
put in place by one assignment: a request sees the old state or the new one, never a mixture.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import psycopg
from sqlalchemy import Engine
from sqlalchemy import exc as sql

from gis_api.replicas.cold_start import find_cold_start, write_cold_start
from gis_api.replicas.shelf import Shelf
from gis_api.replicas.state import Pulse, State, is_urgent, read_state
from gis_api.settings import Settings
from layers.access import Actor
from layers.db import transaction
from layers.errors import Unavailable
from layers.locating import Page, Rules
from layers.workers import ROSTER_CHANNEL
from tiling.locate import fastest

log = logging.getLogger("wangge.replicas")
CHANNEL = "wangge_publication"
# However many positions arrive, the roster is read at most this often.
ROSTER_PAUSE_S = 1.0
# How long to leave PostgreSQL alone after it did not answer.
PAUSE_S = 0.5
# How often to look at what need not be seen at once: who serves what, shifts, positions, names.
LEISURE_S = 2.0


class Replicas:
    """The state of this process, kept up to date in the background between `start` and `stop`."""

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self._engine = engine
        self._settings = settings
        self._rules = Rules(settings.gap_fallback_m, settings.bounds_margin_deg, fastest())
        self._contact_s = self._read_s = self._roster_s = -1e9
        self._roster_is_old = False
        self._contact_at: datetime | None = None
        self._stopping = threading.Event()
        self._turn = threading.Lock()
        self._thread: threading.Thread | None = None
        self._hearers: dict[str, Callable[[str], None]] = {}
        self.shelf = Shelf(engine, settings.var / "plans")
        self.state = State()
        self.pulse = Pulse(None, -1e9)

    @property
    def keys(self) -> Mapping[bytes, Actor]:
        """The actor of every valid machine key by the key's SHA-256."""
        return self.state.keys

    @property
    def stale(self) -> bool:
        """Whether PostgreSQL has not answered for so long that answers may be old."""
        return time.monotonic() > self.pulse.stale_from_s

    @property
    def updated_at(self) -> datetime | None:
        """When PostgreSQL last said that this state is the present one."""
        return self.pulse.at

    @property
    def ready(self) -> bool:
        """Whether there is a state to answer from, be it an old one."""
        return self.state.atlas is not None

    def page(self, at: datetime) -> Page:
        """The plans in force at a moment; blocks while an older plan is read. Raises Unavailable when not ready."""
        atlas = self.state.atlas
        if atlas is None:
            raise Unavailable("not_ready")
        return self.shelf.page(atlas, at) if atlas.missing(at) else atlas.page(at)

    def pass_on(self, channel: str, hear: Callable[[str], None]) -> None:
        """Hear another channel too, on the connection that listens anyway; said before `start`.

        `hear` gets each message in the thread of this class and must return at once. While the connection is broken
        messages are lost: whoever relies on them has to poll as well.
        """
        self._hearers[channel] = hear

    def start(self) -> None:
        """Load what there is, from the database or else from the snapshot file, and keep it up to date from now on."""
        self._stopping.clear()
        if not self.refresh():
            self._start_cold()
        self._thread = threading.Thread(target=self._follow, name="replicas", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the background thread."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(timeout=5.0)

    def refresh(self) -> bool:
        """Whether PostgreSQL answered; afterwards the state is the one that was committed before the call."""
        with self._turn:
            return self._read()

    def _read(self) -> bool:
        before, asked_s = self.state, time.monotonic()
        if self._roster_is_due():
            # The server counts writes with a delay: what was announced is read without asking the counts.
            before = before.without_roster_mark()
        try:
            with transaction(self._engine) as session:
                self.state = read_state(session, before, rules=self._rules, now=datetime.now(UTC), early=self._begin)
        except (sql.DBAPIError, sql.TimeoutError) as error:
            log.warning("PostgreSQL does not answer: %s", str(error).splitlines()[0])
            return False
        self._read_s = asked_s
        if self.state.roster is not before.roster:
            self._roster_is_old, self._roster_s = False, asked_s
        self._heard(asked_s)
        if self.state.atlas is not before.atlas or self.state.keys is not before.keys:
            self._keep_for_cold_start()
        return True

    def _begin(self, state: State) -> None:
        """Answer from what has been read of a state so far."""
        self.state = state

    def _heard(self, asked_s: float) -> None:
        """The state was true when the question was asked, not when its answer had been worked through."""
        self.pulse = Pulse(datetime.now(UTC), asked_s + self._settings.stale_after_s)

    def _start_cold(self) -> None:
        found = find_cold_start(self._settings.snapshot_file, database=self._settings.url(), rules=self._rules)
        if found is not None:
            self.state, at = found
            self.pulse = Pulse(at, -1e9)
            log.warning("PostgreSQL is away: serving the snapshot of %s", at)

    def _keep_for_cold_start(self) -> None:
        try:
            at = self.pulse.at or datetime.now(UTC)
            write_cold_start(self._settings.snapshot_file, self.state, database=self._settings.url(), at=at)
        except OSError as error:
            log.error("the snapshot for a start without database cannot be written: %s", error)

    def _follow(self) -> None:
        while not self._stopping.is_set():
            try:
                self._listen()
            except psycopg.Error:
                self._stopping.wait(PAUSE_S)
            except Exception:
                log.exception("the state could not be read; it is read again soon")
                self._stopping.wait(PAUSE_S)

    def _listen(self) -> None:
        """Read every `poll_s`, earlier when somebody publishes, until asked to stop or the connection breaks."""
        url = self._engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(url, autocommit=True, connect_timeout=3) as connection:
            for channel in (CHANNEL, ROSTER_CHANNEL, *self._hearers):
                connection.execute(f"LISTEN {channel}")
            while not self._stopping.is_set():
                if not self._look(connection, woken=self._wait(connection)):
                    self._stopping.wait(PAUSE_S)

    def _wait(self, connection: psycopg.Connection[Any]) -> bool:
        """Whether this process has to look at once; after `poll_s` it has to look in any case."""
        until_s = time.monotonic() + self._settings.poll_s
        while (left_s := until_s - time.monotonic()) > 0 and not self._stopping.is_set():
            for told in list(connection.notifies(timeout=left_s, stop_after=1)):
                hear = self._hearers.get(told.channel)
                if hear is not None:
                    hear(told.payload)
                    continue
                self._roster_is_old |= told.channel == ROSTER_CHANNEL
                if told.channel != ROSTER_CHANNEL or self._roster_is_due():
                    return True
        return self._roster_is_due()

    def _roster_is_due(self) -> bool:
        """Whether staff, duty or positions have changed since the roster was read, which was some time ago."""
        return self._roster_is_old and time.monotonic() - self._roster_s > ROSTER_PAUSE_S

    def _look(self, connection: psycopg.Connection[Any], *, woken: bool) -> bool:
        """Whether PostgreSQL answered. Mostly one small question on the connection that listens anyway."""
        with self._turn:
            asked_s = time.monotonic()
            if woken or asked_s - self._read_s > LEISURE_S or is_urgent(connection, self.state):
                return self._read()
            self._heard(asked_s)
            return True
