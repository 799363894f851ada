"""Keeping the roster in a file for a start without database, seldom and beside everything else ([L7]).

It changes with every report and every position, each second in a busy town, so it is written at most every half minute,
and only a changed one. All API processes of a folder write the same file: whoever finds it written lately waits.
"""

from __future__ import annotations

import logging
import threading
from datetime import datetime
from pathlib import Path

from gis_api.logs import Outage
from gis_api.replicas.cold_start import write_cold_roster
from layers.candidates import Chart, Roster, pack_chart
from layers.moments import read_clock

log = logging.getLogger("wangge.replicas")
EVERY_S = 30.0


class RosterKeeper:
    """The thread that writes what it was told last: the first at once, then every `every_s`, the last at the end."""

    def __init__(self, path: Path, *, database: str, every_s: float = EVERY_S) -> None:
        self._path, self._database, self._every_s = path, database, every_s
        self._news: tuple[Roster, datetime] | None = None
        self._told, self._stopping = threading.Event(), threading.Event()
        self._chart: tuple[Chart, bytes] | None = None
        self._unwritten = Outage(log, "the roster for a start without database cannot be written")
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Write from now on."""
        self._stopping.clear()
        self._thread = threading.Thread(target=self._run, name="keeping", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Write what is not written yet, and end the thread."""
        self._stopping.set()
        self._told.set()
        if self._thread is not None:
            self._thread.join(timeout=5.0)

    def keep(self, roster: Roster, *, at: datetime) -> None:
        """Have this roster, which was true at a moment, written when it is time; costs nothing here."""
        self._news = roster, at
        self._told.set()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._told.wait()
            self._told.clear()
            self._write()
            self._wait_for_turn()
        self._write()
        self._told.clear()

    def _wait_for_turn(self) -> None:
        """Let the time pass since anybody wrote the file."""
        while (left_s := self._every_s - self._age_s()) > 0 and not self._stopping.wait(left_s):
            pass

    def _age_s(self) -> float:
        """How long ago the file was written; 0 for none, and long ago for one of the future (a clock was set back)."""
        try:
            age_s = read_clock().timestamp() - self._path.stat().st_mtime
        except OSError:
            return 0.0
        return age_s if age_s >= 0 else self._every_s

    def _write(self) -> None:
        news, self._news = self._news, None
        if news is None:
            return
        roster, at = news
        try:
            write_cold_roster(self._path, roster, chart=self._chart_of(roster), database=self._database, at=at)
            self._unwritten.tell_end()
        except OSError as error:
            self._unwritten.count_failure(error)
        except Exception:
            log.exception("the roster for a start without database cannot be written")

    def _chart_of(self, roster: Roster) -> bytes:
        """The bytes of its chart; a chart is passed on from roster to roster while nothing is published."""
        if self._chart is None or self._chart[0] is not roster.chart:
            self._chart = roster.chart, pack_chart(roster.chart)
        return self._chart[1]
