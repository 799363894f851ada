"""Keeping a process's memory up to date.

One thread asks the version table every 200 ms, on a connection of its own; NOTIFY, heard by another thread on another
connection, only wakes it earlier. What changed is built there and put in place by one assignment: a request sees the
old state or the new one, never a mixture.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import psycopg
from sqlalchemy import Engine
from sqlalchemy import exc as sql

from gis_api.logs import Outage
from gis_api.replicas.cold_start import find_cold_roster, find_cold_start, write_cold_start
from gis_api.replicas.keeping import RosterKeeper
from gis_api.replicas.listening import Listening, drop_driver
from gis_api.replicas.older_plans import OlderPlans
from gis_api.replicas.state import Age, Pulse, State, is_urgent, read_state
from gis_api.settings import Settings
from layers.access import Actor
from layers.db import is_writable, transaction
from layers.errors import Unavailable
from layers.freshness import PUBLICATIONS, ROSTERS
from layers.locating import Page, Rules
from layers.moments import read_clock
from layers.service_role import lower_rights
from layers.stored_moments import StoredMomentLoader
from layers.unreadable_rows import UnreadableRow, find_unreadable_rows, tell_new_ones
from tiling.locate import choose_fastest

log = logging.getLogger("wangge.replicas")
# However many positions arrive, the roster is read at most this often.
ROSTER_PAUSE_S = 1.0
# How long to leave PostgreSQL alone after it did not answer.
PAUSE_S = 0.5
# How long a start waits for PostgreSQL where a snapshot could answer meanwhile: the usual reading takes half of it.
PATIENCE_S = 1.0
# How often to look at what need not be seen at once: who serves what, shifts, positions, names.
LEISURE_S = 2.0
# How often rows that cannot be read are looked for by name, once one was met and until all are mended.
NAMING_PAUSE_S = 60.0


class Replicas:
    """The state of this process, kept up to date in the background between `start` and `stop`."""

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self._engine = engine
        self._settings = settings
        self._rules = Rules(settings.gap_fallback_m, settings.bounds_margin_deg, choose_fastest())
        self._contact_s = self._read_s = self._roster_s = -1e9
        self._roster_is_old = False
        self._contact_at: datetime | None = None
        self._takes_writes = self._is_cold = False
        self._named_s, self._met = -1e9, StoredMomentLoader.out_of_bounds
        self.unreadable_rows: tuple[UnreadableRow, ...] = ()
        self._outage = Outage(log, "PostgreSQL does not answer")
        self._tried = threading.Event()
        self._stopping = threading.Event()
        self._woken = threading.Event()
        self._listening: Listening | None = None
        self._turn = threading.Lock()
        self._thread: threading.Thread | None = None
        self._hearers: dict[str, Callable[[str], None]] = {}
        self.older_plans = OlderPlans(engine, settings.var / "plans")
        self._keeper = RosterKeeper(settings.roster_file, database=settings.url())
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
    def takes_writes(self) -> bool:
        """Whether PostgreSQL answers and lets its rows be changed; one that is read-only or a standby does not."""
        return self._takes_writes and not self.stale

    @property
    def updated_at(self) -> datetime | None:
        """When PostgreSQL last said that this state is the present one."""
        return self.pulse.at

    @property
    def people_known_at(self) -> datetime | None:
        """The same of the roster, which a snapshot keeps from another moment than the plans."""
        return self.state.roster_kept_at or self.pulse.at

    @property
    def age(self) -> Age:
        """How old the state may be, as answers tell it."""
        at = self.pulse.at
        return Age(None if at is None else at.isoformat(timespec="milliseconds"), self.stale)

    @property
    def ready(self) -> bool:
        """Whether there is a state to answer from, be it an old one."""
        return self.state.atlas is not None

    def page(self, at: datetime) -> Page:
        """The plans in force at a moment; blocks while an older plan is read. Raises Unavailable when not ready."""
        atlas = self.state.atlas
        if atlas is None:
            raise Unavailable("not_ready")
        return self.older_plans.page(atlas, at) if atlas.list_missing(at) else atlas.page(at)

    def pass_on(self, channel: str, hear: Callable[[str], None]) -> None:
        """Hear another channel too, on the connection that listens anyway; said before `start`.

        `hear` gets each message in the thread that listens and must return at once. While the connection is broken
        messages are lost: whoever relies on them has to poll as well.
        """
        self._hearers[channel] = hear

    def start(self) -> None:
        """Answer from what there is, and keep it up to date from now on.

        With a snapshot a process that was just started answers at once, as `stale`, should PostgreSQL need its time.
        """
        self._stopping.clear()
        self._tried.clear()
        if not self._start_cold():
            self.refresh()
        self._thread = threading.Thread(target=self._follow, name="replicas", daemon=True)
        self._thread.start()
        self._keeper.start()
        if self._is_cold:
            self._tried.wait(PATIENCE_S)
        channels = (PUBLICATIONS, ROSTERS, *self._hearers)
        self._listening = Listening(drop_driver(self._engine), channels, self._hear, turn_s=self._settings.poll_s)
        self._listening.start()

    def stop(self) -> None:
        """End the background threads."""
        self._stopping.set()
        self._woken.set()
        if self._listening is not None:
            self._listening.stop()
        if self._thread is not None:
            self._thread.join(timeout=5.0)
        self._keeper.stop()

    def refresh(self) -> bool:
        """Whether PostgreSQL answered; afterwards the state is the one that was committed before the call."""
        with self._turn:
            return self._read()

    def _read(self) -> bool:
        # Nothing of a snapshot is taken over: a database made anew has the same address, and other plans.
        before, asked_s = State() if self._is_cold else self.state, time.monotonic()
        due = self._roster_is_due()
        if due:
            # The server counts writes with a delay: what was announced is read without asking the counts. Taken note
            # of first: whoever announces something while it is read has it read again.
            self._roster_is_old, before = False, before.without_roster_mark()
        try:
            with transaction(self._engine) as session:
                self.state = read_state(session, before, rules=self._rules, now=read_clock(), early=self._begin)
                self._takes_writes = is_writable(session)
        except (sql.DBAPIError, sql.TimeoutError) as error:
            self._roster_is_old |= due
            self._takes_writes = False
            self._outage.count_failure(error)
            return False
        self._read_s, self._is_cold = asked_s, False
        if self.state.roster is not before.roster:
            self._roster_s = asked_s
        self._note_answer(asked_s)
        if self.state.atlas is not before.atlas or self.state.keys is not before.keys:
            self._keep_for_cold_start()
        if self.state.roster is not None and self.state.roster is not before.roster:
            self._keeper.keep(self.state.roster, at=self.pulse.at or read_clock())
        self._name_what_is_unreadable()
        return True

    def _name_what_is_unreadable(self) -> None:
        """Have the rows that were read past found by name, once one was met; what fails there stops nothing else."""
        met = StoredMomentLoader.out_of_bounds
        news = met != self._met or bool(self.unreadable_rows)
        if not news or time.monotonic() - self._named_s < NAMING_PAUSE_S:
            return
        self._named_s, self._met = time.monotonic(), met
        # Tables are read through for it, which no publication waits for.
        threading.Thread(target=self._name_rows, name="naming", daemon=True).start()

    def _name_rows(self) -> None:
        try:
            with transaction(self._engine) as session:
                found = find_unreadable_rows(session)
        except sql.SQLAlchemyError as error:
            log.error("rows that cannot be read cannot be named: %s", error)
            return
        tell_new_ones(self.unreadable_rows, found)
        self.unreadable_rows = found

    def _begin(self, state: State) -> None:
        """Answer from what has been read of a state so far; a snapshot goes on until there are plans to answer from."""
        if state.atlas is not None:
            self.state = state

    def _note_answer(self, asked_s: float) -> None:
        """The state was true when the question was asked, not when its answer had been worked through."""
        self.pulse = Pulse(read_clock(), asked_s + self._settings.stale_after_s)
        self._outage.tell_end()

    def _start_cold(self) -> bool:
        """Whether there was a snapshot to begin with."""
        found = find_cold_start(self._settings.snapshot_file, database=self._settings.url(), rules=self._rules)
        if found is not None:
            state, at = found
            kept = find_cold_roster(self._settings.roster_file, database=self._settings.url())
            roster, kept_at = kept or (None, None)
            self.state = replace(state, roster=roster, roster_kept_at=kept_at)
            self.pulse = Pulse(at, -1e9)
            self._is_cold = True
        return found is not None

    def _keep_for_cold_start(self) -> None:
        try:
            at = self.pulse.at or read_clock()
            write_cold_start(self._settings.snapshot_file, self.state, database=self._settings.url(), at=at)
        except OSError as error:
            log.error("the snapshot for a start without database cannot be written: %s", error)

    def _hear(self, channel: str, payload: str) -> None:
        """Take in a notification, in the thread that listens: hand it on, or have the poll look earlier."""
        hear = self._hearers.get(channel)
        if hear is not None:
            hear(payload)
            return
        self._roster_is_old |= channel == ROSTERS
        if channel != ROSTERS or self._roster_is_due():
            self._woken.set()

    def _follow(self) -> None:
        while not self._stopping.is_set():
            began_s = time.monotonic()
            try:
                self._poll()
            except psycopg.Error as error:
                self._tried.set()
                # A connection that was well is replaced at once: whoever ends it must not keep us from the table.
                if time.monotonic() - began_s < PAUSE_S:
                    # There is no server; the next one may be another, so it is read whatever its marks say.
                    self._takes_writes, self._read_s = False, -1e9
                    self._outage.count_failure(error)
                    self._stopping.wait(PAUSE_S)
            except Exception:
                log.exception("the state could not be read; it is read again soon")
                self._stopping.wait(PAUSE_S)

    def _poll(self) -> None:
        """Look every `poll_s`, earlier when woken, until asked to stop or the connection breaks."""
        with psycopg.connect(drop_driver(self._engine), autocommit=True, connect_timeout=3) as connection:
            lower_rights(connection)
            while not self._stopping.is_set():
                woken = self._woken.is_set() or self._roster_is_due()
                self._woken.clear()
                answered = self._look(connection, woken=woken)
                self._tried.set()
                if not answered:
                    self._stopping.wait(PAUSE_S)
                self._woken.wait(self._settings.poll_s)

    def _roster_is_due(self) -> bool:
        """Whether staff, duty or positions have changed since the roster was read, which was some time ago."""
        return self._roster_is_old and time.monotonic() - self._roster_s > ROSTER_PAUSE_S

    def _look(self, connection: psycopg.Connection[Any], *, woken: bool) -> bool:
        """Whether PostgreSQL answered. Mostly one small question on the poll's own connection."""
        with self._turn:
            asked_s = time.monotonic()
            if woken or asked_s - self._read_s > LEISURE_S or is_urgent(connection, self.state):
                return self._read()
            self._note_answer(asked_s)
            return True
