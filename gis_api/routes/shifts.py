"""Shifts, and who is on duty."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Annotated
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field, model_validator

from gis_api.dependencies import Now, Read, Replicas_, Tx, Zone, role_door
from gis_api.errors import AWAY
from gis_api.moments import AskedMoment, Day, Moment, TimeOfDay
from gis_api.strict_routes import StrictRoute
from layers import shifts
from layers.access import Actor, Role
from layers.candidates import list_known_on_duty
from layers.errors import Unacceptable, Unavailable
from layers.shifts import DutiesAsked, Duty, NewShift

router = APIRouter(tags=["workers"], route_class=StrictRoute)
LONGEST_LIST = timedelta(days=62)
Reader = Annotated[Actor, Depends(role_door(Role.dispatcher, Role.planner, Role.leader, Role.admin, Role.auditor))]
Writer = Annotated[Actor, Depends(role_door(Role.planner, Role.dispatcher, Role.admin))]


class ShiftIn(BaseModel):
    """`start` and `end` as moments, or `day`, `from` and `to` by the clock of the city (past midnight allowed)."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    worker: Annotated[str, Field(min_length=1, max_length=60)]
    start: Moment | None = None
    end: Moment | None = None
    day: Day | None = None
    from_: Annotated[TimeOfDay | None, Field(alias="from")] = None
    to: TimeOfDay | None = None

    @model_validator(mode="after")
    def _require_one_way(self) -> ShiftIn:
        by_moment = (self.start is not None, self.end is not None)
        by_clock = (self.day is not None, self.from_ is not None, self.to is not None)
        if not ((all(by_moment) and not any(by_clock)) or (all(by_clock) and not any(by_moment))):
            raise ValueError("give start and end, or day, from and to")
        return self

    def shift(self, zone: ZoneInfo) -> NewShift:
        """The shift as moments."""
        if self.start is not None and self.end is not None:
            return NewShift(self.worker, self.start, self.end)
        assert self.day is not None
        assert self.from_ is not None
        assert self.to is not None
        return NewShift(self.worker, *shifts.span_of_hours(self.day, self.from_, self.to, zone=zone))


class ShiftsIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    shifts: Annotated[list[ShiftIn], Field(min_length=1, max_length=20_000)]


class StoredOut(BaseModel):
    stored: int


class DutyOut(BaseModel):
    worker: str
    name: str
    role: str
    area: str
    since: datetime
    until: datetime


class DutiesOut(BaseModel):
    shifts: list[DutyOut]
    next: str | None


class OnDutyOut(BaseModel):
    """Who is on duty; `stale` where PostgreSQL could not be asked and memory answered, as it was at `updated_at`."""

    at: datetime
    count: int
    workers: list[DutyOut]
    updated_at: datetime | None
    stale: bool


def _describe_duties(duties: list[Duty]) -> list[DutyOut]:
    return [DutyOut.model_validate(duty, from_attributes=True) for duty in duties]


@router.get("/api/v1/on-duty", summary="Who is on duty")
def read_on_duty(
    tx: Read,
    replicas: Replicas_,
    by: Reader,
    now: Now,
    at: AskedMoment | None = None,
    area: Annotated[str, Query(max_length=40)] = "",
) -> OnDutyOut:
    """Everybody on duty at a moment, each with the unbroken stretch of duty around it.

    While PostgreSQL is away it is told from memory, as `stale`, for moments within a day of now.
    """
    moment = at or now
    if not replicas.stale:
        with suppress(*AWAY):
            found = shifts.list_on_duty(tx, moment, area=area, by=by)
            return OnDutyOut(at=moment, count=len(found), workers=_describe_duties(found), updated_at=now, stale=False)
    roster = replicas.state.roster
    if roster is None or not roster.covers(moment):
        raise Unavailable("database_away")
    found = list_known_on_duty(roster, moment, area=area, by=by)
    at_last = replicas.people_known_at
    return OnDutyOut(at=moment, count=len(found), workers=_describe_duties(found), updated_at=at_last, stale=True)


@router.get("/api/v1/shifts", summary="Stretches of duty")
def list_shifts(
    request: Request,
    tx: Read,
    by: Reader,
    now: Now,
    zone: Zone,
    since: AskedMoment | None = None,
    until: AskedMoment | None = None,
    day: Day | None = None,
    worker: Annotated[str | None, Query(max_length=60)] = None,
    area: Annotated[str, Query(max_length=40)] = "",
    after: Annotated[str, Query(max_length=60)] = "",
    limit: Annotated[int, Query(ge=1, le=5_000)] = 500,
) -> DutiesOut:
    """Duty that touches [since, until), or a day of the city; the next 24 hours where nothing is said.

    Shifts that overlap or touch are told as one stretch. A page holds the duty of up to `limit` workers; the last one
    has no `next`, and one in the middle may be empty.
    """
    first, last = since or now, until or (since or now) + timedelta(1)
    if day is not None:
        first, last = shifts.span_of_day(day, zone=zone)
    if not timedelta(0) < last - first <= LONGEST_LIST:
        raise Unacceptable("wrong_duty_period", errors=[(["until"], "wrong_duty_period")], days=LONGEST_LIST.days)
    asked = DutiesAsked(area=area, worker=worker, after=after, limit=limit)
    found = shifts.list_duties(tx, first, last, asked=asked, by=by)
    ends_with = shifts.find_last_worker(tx, first, last, asked=asked, by=by)
    link = None if ends_with is None else _link(request, ends_with)
    return DutiesOut(shifts=_describe_duties(found), next=link)


def _link(request: Request, number: str) -> str:
    return f"{request.url.path}?{urlencode(dict(request.query_params) | {'after': number})}"


@router.post("/api/v1/shifts", status_code=201, summary="Store shifts")
def add_shifts(tx: Tx, by: Writer, now: Now, zone: Zone, new: ShiftsIn | ShiftIn) -> StoredOut:
    """One shift or a list of them, all or none."""
    told = new.shifts if isinstance(new, ShiftsIn) else [new]
    return StoredOut(stored=shifts.add_shifts(tx, [one.shift(zone) for one in told], now=now, by=by))
