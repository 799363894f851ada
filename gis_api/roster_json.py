"""What a change of the roster brings, before it is stored and after: gaps, unfair loads, and which gaps are new."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from fastapi.responses import JSONResponse
from pydantic import BaseModel
from sqlalchemy.orm import Session

from layers.access import Actor
from layers.duty_gaps import DutyCover, DutyGap, find_cover, find_new_gaps
from layers.emergencies import list_lent_spans

# What a change of the roster is judged by: two weeks show every template twice.
JUDGED = timedelta(days=14)


class GapOut(BaseModel):
    """An area with fewer people on duty than it takes at least."""

    area: str
    name: str
    since: datetime
    until: datetime
    on_duty: int
    minimum: int


class LoadOut(BaseModel):
    """Hours of duty in the period; `ratio` to the median of the role, `unfair` beyond a quarter."""

    worker: str
    name: str
    role: str
    area: str
    hours: float
    ratio: float
    unfair: bool


class CoverOut(BaseModel):
    since: datetime
    until: datetime
    gaps: list[GapOut]
    loads: list[LoadOut]


class RosterStored(BaseModel):
    """What was stored, or would be; the gaps and unfair loads of the two weeks after, and which gaps are new."""

    stored: int
    dry_run: bool
    new_gaps: list[GapOut]
    cover: CoverOut


def judge(
    session: Session, store: Callable[[], int], since: datetime, *, dry_run: bool, done: int = 201, by: Actor
) -> JSONResponse:
    """Stored, or tried and taken back, with what two weeks look like then, and which gaps were not there before."""
    told = judge_roster(session, store, since, dry_run=dry_run, by=by)
    return JSONResponse(told.model_dump(mode="json"), 200 if dry_run else done)


def judge_roster(
    session: Session, store: Callable[[], int], since: datetime, *, dry_run: bool, by: Actor
) -> RosterStored:
    """The same as a model."""
    until = since + JUDGED
    lent = list_lent_spans(session, since, until)
    before = find_cover(session, since, until, lent=lent, by=by).gaps
    savepoint = session.begin_nested()
    stored = store()
    cover = find_cover(session, since, until, lent=lent, by=by)
    if dry_run:
        savepoint.rollback()
    else:
        savepoint.commit()
    return RosterStored(
        stored=0 if dry_run else stored,
        dry_run=dry_run,
        new_gaps=[gap_of(gap) for gap in find_new_gaps(before, cover.gaps)],
        cover=cover_of(cover, since, until, only_unfair=True),
    )


def cover_of(cover: DutyCover, since: datetime, until: datetime, *, only_unfair: bool = False) -> CoverOut:
    """Gaps and loads of a period; of the loads those that are unfair where nothing else is asked."""
    loads = [one for one in cover.loads if one.unfair or not only_unfair]
    return CoverOut(
        since=since,
        until=until,
        gaps=[gap_of(gap) for gap in cover.gaps],
        loads=[LoadOut.model_validate(one, from_attributes=True) for one in loads],
    )


def gap_of(gap: DutyGap) -> GapOut:
    """One gap as it is told."""
    return GapOut.model_validate(gap, from_attributes=True)
