"""The city's work calendar as it was entered, year by year ([K1]): every revision is kept, the last one counts.

A deadline stores the versions it was counted with, so an old one can always be counted again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import CheckConstraint, func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Mapped, Session, mapped_column

from layers.access import Actor
from layers.clocks import BY_WORK, Clock, Interval, LimitKind, WorkCalendar, WorkYear
from layers.db import Base, now_column
from layers.errors import Outdated, Unacceptable
from layers.history import note
from layers.moments import FIRST_YEAR, LAST_YEAR


class CalendarYear(Base):
    """One revision of one year; hours in minutes of the wall clock."""

    __tablename__ = "calendar_years"
    __table_args__ = (
        CheckConstraint(f"year BETWEEN {FIRST_YEAR} AND {LAST_YEAR}", name="year"),
        CheckConstraint("version > 0", name="versions_begin_with_one"),
    )

    year: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    hours: Mapped[list[Any]]
    days_off: Mapped[list[Any]]
    made_up: Mapped[dict[str, Any]]
    note: Mapped[str] = mapped_column(server_default="")
    by: Mapped[str]
    at: Mapped[datetime] = now_column()


@dataclass(frozen=True, slots=True)
class EnteredYear:
    """A year as it counts, with who entered it; `entered` is False where no calendar says anything."""

    year: int
    work: WorkYear
    version: int
    note: str = ""
    by: str | None = None
    at: datetime | None = None

    @property
    def entered(self) -> bool:
        """Whether the city has said anything of this year."""
        return self.version > 0


def load_calendar(session: Session, zone: ZoneInfo) -> WorkCalendar:
    """The calendar that counts now, for `layers.clocks`; one statement."""
    return WorkCalendar(zone, {row.year: _work_of(row) for row in session.scalars(_select_latest())})


_CLOCKS: dict[tuple[Any, ...], Clock] = {}


def find_clock(session: Session, zone: ZoneInfo, kind: LimitKind) -> Clock:
    """The clock that counts limits of this kind now; what was worked out of a calendar is kept while it is in force.

    One small statement for limits in work time, none for others.
    """
    marks: tuple[Any, ...] = (zone.key, *list_years(session)) if kind in BY_WORK else (zone.key,)
    clock = _CLOCKS.get(marks)
    if clock is None:
        clock = Clock(load_calendar(session, zone) if kind in BY_WORK else WorkCalendar(zone))
        # Few: one calendar is in force, another while it is being changed.
        if len(_CLOCKS) >= 4:
            _CLOCKS.clear()
        _CLOCKS[marks] = clock
    return clock


def get_year(session: Session, year: int, zone: ZoneInfo) -> EnteredYear:
    """The year as it counts: as entered, else by the weekdays of the year before."""
    row = session.scalars(_select_latest().where(CalendarYear.year == year)).one_or_none()
    if row is not None:
        return EnteredYear(year, _work_of(row), row.version, row.note, row.by, row.at)
    calendar = load_calendar(session, zone)
    return EnteredYear(year, WorkYear(calendar.week_of(year), version=0), 0)


def list_years(session: Session) -> list[tuple[int, int]]:
    """Every entered year with its version, oldest first."""
    newest = select(CalendarYear.year, func.max(CalendarYear.version)).group_by(CalendarYear.year)
    return [(row[0], row[1]) for row in session.execute(newest.order_by(CalendarYear.year))]


def put_year(
    session: Session, year: int, work: WorkYear, *, seen: int | None, remark: str = "", by: Actor
) -> EnteredYear:
    """The stored revision of a year; with `seen`, its version must still be that one (0 for a year not entered).

    Raises Unacceptable for days of another year, Outdated when somebody else was faster. Earlier revisions stay.
    """
    _require_own_days(year, work)
    session.execute(select(func.pg_advisory_xact_lock(func.hashtext("calendar_years"))))
    last = session.scalar(select(func.max(CalendarYear.version)).where(CalendarYear.year == year)) or 0
    if seen is not None and last != seen:
        raise Outdated("calendar_outdated", version=last)
    row = CalendarYear(
        year=year,
        version=last + 1,
        hours=[[list(interval) for interval in day] for day in work.hours],
        days_off=sorted(day.isoformat() for day in work.days_off),
        made_up={day.isoformat(): [list(one) for one in hours] for day, hours in sorted(work.made_up.items())},
        note=remark,
        by=by.name,
    )
    session.add(row)
    note(
        session, "calendar.put", subject=str(year), area=by.area, by=by, version=row.version, days_off=len(row.days_off)
    )
    session.flush()
    session.refresh(row)
    return EnteredYear(year, _work_of(row), row.version, row.note, row.by, row.at)


def _select_latest() -> Any:
    newest = select(CalendarYear).order_by(CalendarYear.year, CalendarYear.version.desc())
    return newest.ext(distinct_on(CalendarYear.year))


def _work_of(row: CalendarYear) -> WorkYear:
    return WorkYear(
        tuple(_intervals(day) for day in row.hours),  # type: ignore[arg-type]
        days_off=frozenset(date.fromisoformat(day) for day in row.days_off),
        made_up={date.fromisoformat(day): _intervals(hours) for day, hours in row.made_up.items()},
        version=row.version,
    )


def _intervals(stored: Iterable[Any]) -> tuple[Interval, ...]:
    return tuple((int(opening), int(closing)) for opening, closing in stored)


def _require_own_days(year: int, work: WorkYear) -> None:
    named: Mapping[str, Iterable[date]] = {"days_off": work.days_off, "work_days": work.made_up}
    for field, days in named.items():
        foreign = sorted(day for day in days if day.year != year)
        if foreign:
            raise Unacceptable(
                "day_of_another_year", errors=[([field], "day_of_another_year")], day=foreign[0].isoformat(), year=year
            )
