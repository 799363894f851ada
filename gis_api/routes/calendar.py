"""The city's work calendar: work hours by weekday, days off and made-up work days, a year at a time ([K1])."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Header, Path, Response
from pydantic import BaseModel, ConfigDict, Field

from gis_api.dependencies import Admin, Read, Tx, Zone, etag, role_door, version_of
from gis_api.moments import Day, TimeOfDay
from gis_api.strict_routes import StrictRoute
from layers import calendars, incidents
from layers.access import Role
from layers.calendars import EnteredYear
from layers.clocks import Interval, WorkYear
from layers.errors import Unacceptable
from layers.moments import FIRST_YEAR, LAST_YEAR

router = APIRouter(tags=["incidents"], route_class=StrictRoute)
AnyRole = Depends(role_door(*Role))
Year = Annotated[int, Path(ge=FIRST_YEAR, le=LAST_YEAR)]
Hours = Annotated[list[tuple[TimeOfDay, TimeOfDay]], Field(max_length=12)]
DAY_MINUTES = 24 * 60


class WorkDayIn(BaseModel):
    """A made-up work day; without hours it keeps those of a Monday."""

    model_config = ConfigDict(extra="forbid")

    date: Day
    hours: Annotated[Hours | None, Field(min_length=1)] = None


class CalendarIn(BaseModel):
    """`hours` are seven days, Monday first, each a list of `[opening, closing]`; `"00:00"` as a closing is midnight."""

    model_config = ConfigDict(extra="forbid")

    hours: Annotated[list[Hours], Field(min_length=7, max_length=7)] | None = None
    days_off: Annotated[list[Day], Field(max_length=366)] = []
    work_days: Annotated[list[WorkDayIn], Field(max_length=366)] = []
    note: Annotated[str, Field(max_length=500)] = ""


class WorkDayOut(BaseModel):
    date: date
    hours: list[tuple[str, str]]


class CalendarOut(BaseModel):
    """`entered` is false for a year of which nothing was said: it counts by the weekdays told here."""

    year: int
    version: int
    entered: bool
    time_zone: str
    hours: list[list[tuple[str, str]]]
    days_off: list[date]
    work_days: list[WorkDayOut]
    note: str
    by: str | None
    at: datetime | None


@router.get("/api/v1/calendar/{year}", summary="The work calendar of a year", dependencies=[AnyRole])
def read_calendar(tx: Read, response: Response, year: Year, zone: Zone) -> CalendarOut:
    """The last revision; its version is the ETag, `"0"` where the year was not entered."""
    return _answer(response, calendars.get_year(tx, year, zone), zone)


@router.put("/api/v1/calendar/{year}", summary="Enter the work calendar of a year")
def put_calendar(
    tx: Tx,
    by: Admin,
    response: Response,
    year: Year,
    zone: Zone,
    sent: CalendarIn,
    if_match: Annotated[str | None, Header(description='The version seen, quoted: "3"; not needed.')] = None,
) -> CalendarOut:
    """A new revision of the whole year; without `hours` the week stays as it counts now. Earlier revisions are kept.

    Deadlines of living incidents move with it, and their timelines say from when to when.
    """
    seen = None if if_match is None else version_of(if_match)
    hours = calendars.get_year(tx, year, zone).work.hours
    if sent.hours is not None:
        hours = tuple(_intervals(day) for day in sent.hours)  # type: ignore[assignment]
    usual = next((day for day in hours if day), ())
    work = WorkYear(
        hours,
        days_off=frozenset(sent.days_off),
        made_up=_collect_days(sent.work_days, usual),
    )
    stored = calendars.put_year(tx, year, work, seen=seen, remark=sent.note, by=by)
    incidents.recount_living(tx, zone=zone, by=by)
    return _answer(response, stored, zone)


def _collect_days(sent: list[WorkDayIn], usual: tuple[Interval, ...]) -> dict[date, tuple[Interval, ...]]:
    """Hours by day; raises Unacceptable for a day that is told twice."""
    found = {one.date: usual if one.hours is None else _intervals(one.hours) for one in sent}
    if len(found) < len(sent):
        raise Unacceptable("day_told_twice", errors=[(["work_days"], "day_told_twice")])
    return found


def _intervals(hours: list[tuple[time, time]]) -> tuple[Interval, ...]:
    return tuple((_minutes(opening), _minutes(closing) or DAY_MINUTES) for opening, closing in hours)


def _minutes(clock: time) -> int:
    return clock.hour * 60 + clock.minute


def _answer(response: Response, year: EnteredYear, zone: ZoneInfo) -> CalendarOut:
    response.headers["ETag"] = etag(year.version)
    work = year.work
    return CalendarOut(
        year=year.year,
        version=year.version,
        entered=year.entered,
        time_zone=zone.key,
        hours=[_describe_hours(day) for day in work.hours],
        days_off=sorted(work.days_off),
        work_days=[WorkDayOut(date=day, hours=_describe_hours(hours)) for day, hours in sorted(work.made_up.items())],
        note=year.note,
        by=year.by,
        at=year.at,
    )


def _describe_hours(hours: tuple[Interval, ...]) -> list[tuple[str, str]]:
    return [(_clock(opening), _clock(closing)) for opening, closing in hours]


def _clock(minutes: int) -> str:
    return f"{minutes // 60 % 24:02d}:{minutes % 60:02d}"
