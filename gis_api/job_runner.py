"""The working process: takes one long job after the other, tells how far it is, and can be called off at any moment.

The work and its end are one transaction: a process that is killed in the middle leaves nothing half stored, and its job
is taken up again by the next one (`layers.jobs`). A second thread beats for it twice a second, which is also how it
hears that it was called off. Started, watched and ended by the job process (`gis_api.jobs`).
"""

from __future__ import annotations

import json
import logging
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import shapely
import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from gis_api import logs
from gis_api.allowances import Meter, allowance_of
from gis_api.bulletins import make_bulletin
from gis_api.logs import Outage
from gis_api.settings import Settings
from layers import jobs
from layers.access import Role
from layers.areas import Area
from layers.db import make_service_engine, stay_idle, transaction
from layers.dividing import DivisionAsked, divide_plan
from layers.errors import LayerError, Unacceptable
from layers.importing import ImportOptions, ImportReport, import_layer, inspect_file, report_as_json
from layers.jobs import Job, Lost, Mark
from layers.planning import DraftMemory
from layers.sandbox import Room

BEAT_S = 0.5
LOOK_EVERY_S = 0.3
AWAY_S = 1.0
# Called off, and still at it after so long: inside a library that hears nobody.
GRACE_S = 8.0
CALLED_OFF_STATUS = 70
# Refused rows beyond these are counted, not listed.
MOST_REFUSED = 500
MOST_PAIRS = 300
QUERY_CANCELED = "57014"
log = structlog.get_logger("wangge.working")


@dataclass(frozen=True)
class Place:
    """Where a working process works: the database, the folder of uploads, who tells it to end, how it gives up."""

    engine: Engine
    folder: Path
    stop: threading.Event
    give_up: Callable[[], None]
    drafts: DraftMemory = field(default_factory=DraftMemory)


class WorkPulse:
    """The second thread of a job: beats, knows when the job was called off, ends one that takes more than it may."""

    def __init__(self, place: Place, job: Job) -> None:
        self._place, self._job_id, self._attempt = place, job.id, job.attempt
        self._allowed, self._meter = allowance_of(job, place.folder), Meter()
        self._file = job.task.get("file")
        self._mark = Mark(0.0)
        self._over = threading.Event()
        self._lost = threading.Event()
        self._beaten_at = time.monotonic()
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def __enter__(self) -> WorkPulse:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def should_stop(self) -> bool:
        """Whether the job was called off, or this process told to end."""
        return self._lost.is_set() or self._place.stop.is_set()

    def progress(self, words: str, share: float) -> None:
        """Take note of how far the work is; raises Lost when it should stop."""
        self._mark = Mark(share, words)
        if self.should_stop():
            raise Lost(self._job_id)

    def _beat(self) -> None:
        while not self._over.wait(BEAT_S):
            excess = self._meter.excess(self._allowed)
            try:
                with transaction(self._place.engine) as session:
                    jobs.beat(session, self._job_id, attempt=self._attempt, at=self._mark)
                    if excess is not None:
                        problem = problem_of(excess, file=self._file)
                        jobs.fail(session, self._job_id, attempt=self._attempt, problem=problem)
                if excess is not None:
                    log.warning("job_ended", job=self._job_id, code=excess.code, **excess.details)
                    raise Lost(self._job_id)
                self._beaten_at = time.monotonic()
            except Lost:
                self._lost.set()
                self._see_it_end()
                return
            except DBAPIError:
                if time.monotonic() - self._beaten_at > jobs.SILENT_AFTER.total_seconds():
                    self._lost.set()

    def _see_it_end(self) -> None:
        """Where the work does not hear that its job is over, end the process: the database takes back the rest."""
        if self._over.wait(GRACE_S):
            return
        with transaction(self._place.engine) as session:
            jobs.give_back(session, self._job_id, attempt=self._attempt)
        self._place.give_up()


def do_next(place: Place) -> bool:
    """Whether there was a job to do; it is over now, one way or the other, or given back."""
    with transaction(place.engine) as session:
        job = jobs.claim(session, kinds=tuple(WORK))
        if job is not None:
            session.expunge(job)
    if job is None:
        return False
    with WorkPulse(place, job) as pulse:
        _attempt(place, job, pulse)
    return True


def _attempt(place: Place, job: Job, pulse: WorkPulse) -> None:
    log.info("job_begun", job=job.id, kind=job.kind, attempt=job.attempt)
    try:
        with transaction(place.engine) as session:
            result = WORK[job.kind](session, job, place, pulse)
            jobs.finish(session, job.id, attempt=job.attempt, result=result)
    except Lost:
        _settle(place, lambda session: jobs.give_back(session, job.id, attempt=job.attempt))
    except LayerError as refused:
        stopped = refused.code == "work_stopped" and pulse.should_stop()
        _settle(place, partial(_close, job=job, refused=refused, called_off=stopped))
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) is None or error.connection_invalidated:
            raise  # the database is away: whoever finds the job silent takes it up again
        _fail(place, job, error)
    except Exception as error:
        _fail(place, job, error)


def _close(session: Session, *, job: Job, refused: LayerError, called_off: bool) -> None:
    if called_off:
        jobs.give_back(session, job.id, attempt=job.attempt)
    else:
        jobs.fail(session, job.id, attempt=job.attempt, problem=problem_of(refused, file=job.task.get("file")))


def _fail(place: Place, job: Job, error: Exception) -> None:
    log.error("job_failed", job=job.id, kind=job.kind, exc_info=error)
    canceled = isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", None) == QUERY_CANCELED
    refused = Unacceptable("work_took_too_long", seconds=0) if canceled else Unacceptable("import_failed")
    _settle(place, partial(_close, job=job, refused=refused, called_off=False))


def _settle(place: Place, step: Callable[[Session], None]) -> None:
    with transaction(place.engine) as session:
        step(session)


def problem_of(refused: LayerError, *, file: str | None = None) -> dict[str, Any]:
    """An error as it is kept with its job: the code, the values of its words, the place as GeoJSON.

    `file` is what its sender calls the file: the random name that it lies under says nothing to anybody.
    """
    where = None if refused.where is None else json.loads(shapely.to_geojson(refused.where))
    details = json.loads(json.dumps(refused.details, default=str))
    if file is not None and "file" in details:
        details["file"] = file
    return {"code": refused.code, "details": details, "where": where}


def inspect_upload(session: Session, job: Job, place: Place, pulse: WorkPulse) -> dict[str, Any]:
    """What is in an uploaded file."""
    pulse.progress("inspecting", 0.05)
    room = Room(should_stop=pulse.should_stop)
    told = inspect_file(session, _file_of(job, place), options=_options(job), room=room, by=job.by)
    pulse.progress("inspecting", 0.95)
    return told


def import_upload(session: Session, job: Job, place: Place, pulse: WorkPulse) -> dict[str, Any]:
    """The report of an import, with the defects of the drafts that it made."""
    options = _options(job)
    _require_district(session, job, options)

    def progress(words: str, share: float) -> None:
        begin, end = PARTS.get(words, (0.0, 1.0))
        pulse.progress(words, begin + (end - begin) * share)

    room = Room(should_stop=pulse.should_stop)
    file = _file_of(job, place)
    report = import_layer(
        session, job.task["layer"], file=file, options=options, progress=progress, room=room, by=job.by
    )
    coverage = {district: summary_of(found) for district, found in report.coverages.items()}
    return {**describe_report(report), "coverage": coverage}


# Reading and storing as parts of the whole, by the words with which the import tells what it does.
PARTS = {"reading": (0.02, 0.3), "storing": (0.35, 0.95), "drafting": (0.4, 0.95), "done": (0.95, 0.98)}


def describe_report(report: ImportReport) -> dict[str, Any]:
    """A report as it is kept with its job: the first refused rows, all of them counted."""
    told = report_as_json(report, most_refused=MOST_REFUSED)
    return {**told, "refused_count": len(report.refused), "by_reason": report.count_by_reason()}


def _require_district(session: Session, job: Job, options: ImportOptions) -> None:
    """Grids may bring their district along, but only for somebody who may add areas."""
    if options.district is None or job.by.role == Role.admin or session.get(Area, options.district) is not None:
        return
    raise Unacceptable("district_not_stored", district=options.district)


def summary_of(coverage: Mapping[str, Any]) -> dict[str, Any]:
    """The defects of a report by kind, and by kind and pair of grids with their number, area and first place."""
    pairs: dict[tuple[str, str, str, tuple[str, ...]], dict[str, Any]] = {}
    for defect in coverage["defects"]:
        key = (defect["kind"], defect["class"] or "", defect["severity"], tuple(defect["codes"][:2]))
        pair = pairs.setdefault(key, {"count": 0, "area_m2": 0.0, "where": defect["where"]})
        pair["count"] += 1
        pair["area_m2"] = round(pair["area_m2"] + defect["area_m2"], 3)
    largest = sorted(pairs.items(), key=lambda pair: -pair[1]["area_m2"])[:MOST_PAIRS]
    listed = [
        {"kind": kind, "class": class_, "severity": severity, "codes": list(codes), **figures}
        for (kind, class_, severity, codes), figures in largest
    ]
    by_kind = Counter(defect["kind"] for defect in coverage["defects"])
    return {"ok": coverage["ok"], "by_kind": dict(by_kind.most_common()), "pairs": listed, "pair_count": len(pairs)}


def _file_of(job: Job, place: Place) -> Path:
    file = place.folder / str(job.task["upload"])
    if not file.is_file():
        raise Unacceptable("upload_gone")
    return file


def _options(job: Job) -> ImportOptions:
    known = ImportOptions.__dataclass_fields__
    return ImportOptions(**{name: value for name, value in job.task.items() if name in known})


def divide_ground(session: Session, job: Job, place: Place, pulse: WorkPulse) -> dict[str, Any]:
    """Proposals for the ground of a plan; the first one is in its draft where that was asked for."""
    # The search computes for as long as it was given, between two statements.
    stay_idle(session)
    asked, version = DivisionAsked.from_json(job.task), job.task["version"] if job.task["apply"] else None
    stop, plan = pulse.should_stop, int(job.task["plan"])
    return divide_plan(
        session, place.drafts, plan, asked, version=version, should_stop=stop, progress=pulse.progress, by=job.by
    )


def write_bulletin(session: Session, job: Job, place: Place, pulse: WorkPulse) -> dict[str, Any]:
    """What was made: the papers of a month, kept with the job."""
    # Pages are set in a child while the transaction waits.
    stay_idle(session)
    return make_bulletin(session, job, place.engine, pulse.progress)


WORK: Mapping[str, Callable[[Session, Job, Place, WorkPulse], dict[str, Any]]] = {
    "inspection": inspect_upload,
    "import": import_upload,
    "division": divide_ground,
    "bulletin": write_bulletin,
}


def run(place: Place) -> None:
    """Do job after job until told to end; a database that is away is waited for."""
    away = Outage(logging.getLogger("wangge.working"), "PostgreSQL does not answer the working process")
    while not place.stop.is_set():
        try:
            busy = do_next(place)
        except DBAPIError as error:
            away.count_failure(error.orig)
            place.stop.wait(AWAY_S)
            continue
        away.tell_end()
        if not busy:
            place.stop.wait(LOOK_EVERY_S)


def main() -> None:
    """Work until SIGTERM."""
    logs.install()
    settings, stop = Settings(), threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    # A claim, a beat, the work itself; imports set their own time limits.
    engine = make_service_engine(settings.service_url(), pool_size=3)
    run(Place(engine, settings.upload_folder, stop, give_up=lambda: os._exit(CALLED_OFF_STATUS)))
    engine.dispose()


if __name__ == "__main__":
    main()
