"""The job process: work that nobody waits for, one small task after the other.

Each task has its own period and its own transaction; a database that is away is no reason to end, the task is due
again later. More than one job process may run: each task takes care of that by itself (locks, idempotence).
"""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session

from gis_api import logs
from gis_api.logs import Outage
from gis_api.outgoing import Sending
from gis_api.settings import Settings
from layers import access, history, incidents, outbox, planning, positions, releases
from layers import jobs as long_jobs
from layers.db import make_service_engine, transaction
from layers.moments import read_clock
from migrations.demo.rounds import Rounds

# A file that no row knows may still be coming in.
ORPHANS_AFTER_S = 86_400.0
PAUSE_S = 2.0
STOP_TIMEOUT_S = 10.0
AWAY = "PostgreSQL does not answer the job process"
log = logging.getLogger("wangge.jobs")


@dataclass(frozen=True)
class Task:
    """What to do and how often; it answers with how many things it did, which the log tells where that is news."""

    name: str
    every_s: float
    work: Callable[[Session], int]
    is_news: bool = True


def forget_idempotency_keys(session: Session) -> int:
    """The number of keys removed because they are older than thirty days ([D6])."""
    return incidents.forget_old_keys(session)


def forget_sign_ins(session: Session) -> int:
    """The number of expired sessions removed."""
    return access.forget_sign_ins(session)


def settle_plans(session: Session) -> int:
    """The number of plans whose moment has come: places follow them, and the plan before them is archived."""
    return len(planning.settle(session, now=read_clock()))


def release_months(zone: ZoneInfo, session: Session) -> int:
    """The number of months released of what derives from residents ([A3]): each once, when it is over."""
    return len(releases.make_due(session, now=read_clock(), zone=zone))


def take_up_silent(session: Session) -> int:
    """The number of long jobs whose process fell silent, now waiting again or failed."""
    return long_jobs.take_up_silent(session)


def forget_uploads(folder: Path, session: Session) -> int:
    """The number of uploaded files removed: a day old and in no use, or of nobody, as a broken request leaves them."""
    long_jobs.forget_old(session)
    known = long_jobs.list_uploads(session)
    old = time.time() - ORPHANS_AFTER_S
    gone = [file for file in folder.glob("*") if file.name not in known and file.stat().st_mtime < old]
    for file in gone:
        file.unlink(missing_ok=True)
    return len(gone)


def thin_tracks(session: Session) -> int:
    """The number of points taken out of the tracks of workers, as they say nothing ([D2])."""
    return positions.thin_tracks(session, now=read_clock())


def forget_tracks(days: int, session: Session) -> int:
    """The number of points forgotten of tracks that are older than so many days."""
    return positions.forget_tracks(session, now=read_clock(), days=days)


class Workshop:
    """The child that does long jobs (`gis_api.job_runner`): begun again when it ends, ended when silent."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None
        self._started_at = 0.0

    def look_after(self, session: Session) -> int:
        """The number of silent jobs taken up again; a child that hangs in one of them is replaced."""
        silent = take_up_silent(session)
        if silent and self._child is not None:
            self._child.kill()
            self._child.wait()
        self.keep()
        return silent

    def keep(self) -> None:
        """Start the child where there is none; one that ends at once is started again after a pause."""
        running = self._child is not None and self._child.poll() is None
        if running or time.monotonic() - self._started_at < PAUSE_S:
            return
        command = ["setpriv", "--pdeathsig=TERM", sys.executable, "-m", "gis_api.job_runner"]
        self._child = subprocess.Popen(command)  # noqa: S603
        self._started_at = time.monotonic()

    def stop(self) -> None:
        """End the child: it gives its job back."""
        if self._child is None or self._child.poll() is not None:
            return
        self._child.terminate()
        try:
            self._child.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()


TASKS: tuple[Task, ...] = (
    Task("seal_history", 1.0, history.seal),
    Task("settle_plans", 20.0, settle_plans),
    Task("forget_idempotency_keys", 600.0, forget_idempotency_keys),
    Task("forget_sign_ins", 600.0, forget_sign_ins),
    Task("forget_events", 600.0, outbox.forget_old_events),
    Task("thin_tracks", 60.0, thin_tracks),
)


def demo_tasks() -> tuple[Task, ...]:
    """What is done only where the demo is served, which its kept passwords say: its people walk their rounds."""
    rounds = Rounds()
    return (Task("walk_demo_rounds", 30.0, lambda session: rounds.walk(session, now=read_clock()), False),)


def run(engine: Engine, *, tasks: Sequence[Task] = TASKS, stop: threading.Event) -> None:
    """Do every task when it is due, until told to stop."""
    due, away = {task.name: 0.0 for task in tasks}, Outage(log, AWAY)
    while not stop.is_set():
        for task in tasks:
            if time.monotonic() >= due[task.name]:
                due[task.name] = time.monotonic() + task.every_s
                do(engine, task, away)
        stop.wait(max(0.05, min(due.values()) - time.monotonic()))


def do(engine: Engine, task: Task, away: Outage | None = None) -> int:
    """How many things one task did; 0 when the database is away."""
    try:
        with transaction(engine) as session:
            count = task.work(session)
    except (OperationalError, DBAPIError) as error:
        if getattr(error.orig, "sqlstate", None) is None:
            (away or Outage(log, AWAY)).count_failure(error.orig)
        else:
            log.warning("the task %s has failed: %s", task.name, str(error.orig)[:200])
        return 0
    if away is not None:
        away.tell_end()
    if count and task.is_news and task.every_s > 1:
        log.info("the task %s did %d", task.name, count)
    return count


def main() -> None:
    """Run until SIGTERM."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    logs.install()
    settings = Settings()
    engine = make_service_engine(settings.service_url(), pool_size=4)
    workshop = Workshop()
    workshop.keep()
    sending = Sending(engine, allowed=settings.webhook_networks, clock=read_clock)
    sending.start()
    tasks = (
        *TASKS,
        Task("release_months", 10.0, partial(release_months, settings.zone)),
        Task("look_after_long_jobs", 2.0, workshop.look_after),
        Task("forget_uploads", 600.0, partial(forget_uploads, settings.upload_folder)),
        Task("forget_tracks", 600.0, partial(forget_tracks, settings.track_days)),
        *(demo_tasks() if settings.demo_passwords.exists() else ()),
    )
    run(engine, tasks=tasks, stop=stop)
    sending.stop()
    workshop.stop()
    engine.dispose()


if __name__ == "__main__":
    main()
