"""What each process keeps in memory, so that a lookup needs no database ([L7]): the atlas, the roster, the keys.

One thread of its own asks the version table every 200 ms; NOTIFY only wakes it earlier. What changed is built there and
put in place by one assignment: a request sees the old state or the new one, never a mixture.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import psycopg
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from gis_api.settings import Settings
from layers.access import Actor, list_key_actors
from layers.db import transaction

log = logging.getLogger("wangge.replicas")
CHANNEL = "wangge_publication"
# How long to leave PostgreSQL alone after it did not answer.
PAUSE_S = 0.5

VERSIONS = text("""
    SELECT (SELECT coalesce(max(index_version), 0) FROM publications) AS publications,
           (SELECT concat(count(*), '.', max(id), '.', count(revoked_at)) FROM keys) AS keys
""")


@dataclass(frozen=True)
class State:
    """All that this process knows at one moment."""

    keys: dict[bytes, Actor] = field(default_factory=dict)
    versions: tuple[Any, ...] = ()
    atlas: Any = None
    roster: Any = None


class Replicas:
    """The state of this process, kept up to date in the background between `start` and `stop`."""

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self._engine = engine
        self._settings = settings
        self._contact_s = -1e9
        self._contact_at: datetime | None = None
        self._stopping = threading.Event()
        self._turn = threading.Lock()
        self._thread: threading.Thread | None = None
        self.state = State()

    @property
    def keys(self) -> dict[bytes, Actor]:
        """The actor of every valid machine key by the key's SHA-256."""
        return self.state.keys

    @property
    def stale(self) -> bool:
        """Whether PostgreSQL has not answered for so long that answers may be old."""
        return time.monotonic() - self._contact_s > self._settings.stale_after_s

    @property
    def updated_at(self) -> datetime | None:
        """When PostgreSQL last said that this state is the present one."""
        return self._contact_at

    @property
    def ready(self) -> bool:
        """Whether there is a state to answer from, be it an old one."""
        return bool(self.state.versions)

    def start(self) -> None:
        """Load what there is and keep it up to date from now on."""
        self._stopping.clear()
        self.refresh()
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
            try:
                with transaction(self._engine) as session:
                    self._load(session)
            except Exception as error:  # whatever is wrong over there, what is in memory goes on being served
                log.warning("cannot refresh from the database: %s", str(error).splitlines()[0])
                return False
        self._contact_s, self._contact_at = time.monotonic(), datetime.now(UTC)
        return True

    def _load(self, session: Session) -> None:
        versions = tuple(session.execute(VERSIONS).one())
        if versions == self.state.versions:
            return
        self.state = State(keys=list_key_actors(session), versions=versions)

    def _follow(self) -> None:
        while not self._stopping.is_set():
            try:
                self._listen()
            except psycopg.Error:
                self._stopping.wait(PAUSE_S)

    def _listen(self) -> None:
        """Refresh every `poll_s`, earlier when somebody publishes, until asked to stop or the connection breaks."""
        url = self._engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(url, autocommit=True, connect_timeout=3) as connection:
            connection.execute(f"LISTEN {CHANNEL}")
            while not self._stopping.is_set():
                for _ in connection.notifies(timeout=self._settings.poll_s, stop_after=1):
                    log.debug("woken by a publication")
                if not self.refresh():
                    self._stopping.wait(PAUSE_S)
