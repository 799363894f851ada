"""Hearing NOTIFY, on a connection of its own: it only wakes, and what it loses is found by the poll ([L7]).

A connection that listens may be ended at any moment, again and again. Nothing waits for it: whoever polls does so on
another one (`following.py`), and hears of a publication from the version table all the same.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable

import psycopg
from sqlalchemy import Engine

from layers.service_role import lower_rights

log = logging.getLogger("wangge.replicas")
# How long to wait before listening again: longer each time while nobody lets us in, so that a server that is away is
# left alone; short where a connection was made and then ended.
SHORTEST_PAUSE_S, LONGEST_PAUSE_S = 0.05, 2.0


def drop_driver(engine: Engine) -> str:
    """The address of an engine's database as psycopg itself takes it."""
    return engine.url.set(drivername="postgresql").render_as_string(hide_password=False)


class Listening:
    """A thread that hears channels and tells each message to `hear(channel, payload)`, which must return at once."""

    def __init__(self, url: str, channels: Iterable[str], hear: Callable[[str, str], None], *, turn_s: float) -> None:
        self._url, self._channels, self._hear, self._turn_s = url, tuple(channels), hear, turn_s
        self._stopping = threading.Event()
        self._let_in = False
        self._thread = threading.Thread(target=self._run, name="listening", daemon=True)

    def start(self) -> None:
        """Begin to listen in the background."""
        self._thread.start()

    def stop(self) -> None:
        """End it, which takes a turn (`turn_s`) at most."""
        self._stopping.set()
        self._thread.join(timeout=5.0)

    def _run(self) -> None:
        pause_s = SHORTEST_PAUSE_S
        while not self._stopping.is_set():
            self._let_in = False
            try:
                self._listen()
            except psycopg.Error:
                log.debug("the connection that listens has ended; the poll goes on")
            except Exception:
                log.exception("a notification could not be taken in")
            pause_s = SHORTEST_PAUSE_S if self._let_in else min(2 * pause_s, LONGEST_PAUSE_S)
            self._stopping.wait(pause_s)

    def _listen(self) -> None:
        with psycopg.connect(self._url, autocommit=True, connect_timeout=3) as connection:
            lower_rights(connection)
            for channel in self._channels:
                connection.execute(f"LISTEN {channel}")
            self._let_in = True
            while not self._stopping.is_set():
                for told in connection.notifies(timeout=self._turn_s):
                    self._hear(told.channel, told.payload)
