"""Duty read: who is on duty when, by the one statement of `expanding` ([D1])."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import CTE, func, or_, select
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import Session, aliased

from layers.access import Actor
from layers.shifts.expanding import duty_spans
from layers.shifts.table import CITY_ZONE, LONGEST, ShiftException, ShiftTemplate
from layers.workers import Worker

MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Duty:
    """One unbroken stretch of duty of one worker: shifts that overlap or touch are one."""

    worker: str
    name: str
    role: str
    area: str
    since: datetime
    until: datetime


def span_of_day(day: date, *, zone: ZoneInfo = CITY_ZONE) -> tuple[datetime, datetime]:
    """The first moment of a day of the city and the first moment of the next one."""
    return datetime.combine(day, time(), zone), datetime.combine(day + timedelta(days=1), time(), zone)


def span_of_hours(day: date, start: time, end: time, *, zone: ZoneInfo = CITY_ZONE) -> tuple[datetime, datetime]:
    """A shift told by the clock of the city; one that ends no later than it starts ends on the next day."""
    last_day = day + timedelta(days=1) if end <= start else day
    return datetime.combine(day, start, zone), datetime.combine(last_day, end, zone)


def merge_spans(spans: Iterable[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    """The same duty as disjoint half-open spans in order; spans that overlap or touch become one ([D1])."""
    whole: list[tuple[datetime, datetime]] = []
    for start, end in sorted(spans):
        if whole and start <= whole[-1][1]:
            whole[-1] = (whole[-1][0], max(whole[-1][1], end))
        else:
            whole.append((start, end))
    return whole


def is_on_duty(spans: Iterable[tuple[datetime, datetime]], at: datetime) -> bool:
    """Whether a moment lies in one of the spans [start, end): the minute of handover belongs to the next shift."""
    return any(start <= at < end for start, end in spans)


def has_duty(session: Session, worker_id: int, *, at: datetime) -> bool:
    """Whether a worker is on duty at a moment, as stored now."""
    duty = duty_spans(at, at + MOMENT)
    on_duty = select(duty.c.worker_id).where(duty.c.worker_id == worker_id)
    return session.scalar(select(on_duty.exists())) is True


@dataclass(frozen=True, slots=True)
class DutiesAsked:
    """Whose duty is asked for: `limit` workers who have a shift around then, from the staff number `after` on."""

    area: str = ""
    worker: str | None = None
    after: str = ""
    limit: int | None = None


def list_duties(
    session: Session, since: datetime, until: datetime, *, asked: DutiesAsked = DutiesAsked(), by: Actor
) -> list[Duty]:
    """The stretches of duty that touch [since, until) within the caller's area, by staff number and start."""
    duty = duty_spans(since, until, beyond=LONGEST)
    whose = _select_whose(asked, by, duty).subquery()
    rows = session.execute(
        select(
            whose.c.number, whose.c.name, whose.c.role, whose.c.area, func.lower(duty.c.span), func.upper(duty.c.span)
        )
        .join(duty, duty.c.worker_id == whose.c.id)
        .order_by(whose.c.number)
    ).all()
    return [
        Duty(number, name, role, home_area, start, end)
        for (number, name, role, home_area), spans in groupby(rows, key=lambda row: (row[0], row[1], row[2], row[3]))
        for start, end in merge_spans((row[4], row[5]) for row in spans)
    ]


def find_last_worker(
    session: Session, since: datetime, until: datetime, *, asked: DutiesAsked, by: Actor
) -> str | None:
    """The staff number with which a full page ends, None where the page is the last one."""
    numbers = [row.number for row in session.execute(_select_whose(asked, by, duty_spans(since, until)))]
    return numbers[-1] if asked.limit is not None and len(numbers) == asked.limit else None


def _select_whose(asked: DutiesAsked, by: Actor, duty: CTE) -> Any:
    statement = select(Worker.id, Worker.number, Worker.name, Worker.role, Worker.area).where(
        # Whoever has left had duty before.
        or_(Worker.active, Worker.left_at.is_not(None)),
        Worker.area.startswith(by.area, autoescape=True),
        Worker.area.startswith(asked.area, autoescape=True),
        Worker.number > asked.after,
        Worker.id.in_(select(duty.c.worker_id)),
    )
    if asked.worker is not None:
        statement = statement.where(Worker.number == asked.worker)
    return statement.order_by(Worker.number).limit(asked.limit)


def list_on_duty(session: Session, at: datetime, *, area: str = "", by: Actor) -> list[Duty]:
    """Who is on duty at a moment within the caller's area, each with the unbroken stretch around it."""
    return list_duties(session, at, at + MOMENT, asked=DutiesAsked(area=area), by=by)


def list_templates(session: Session, *, day: date, area: str = "", by: Actor) -> list[tuple[str, ShiftTemplate]]:
    """Staff number and template of whatever counts on a day or later, within the caller's area."""
    counts = ShiftTemplate.last_day.is_(None) | (ShiftTemplate.last_day >= day)
    found = select(Worker.number, ShiftTemplate).join(ShiftTemplate, ShiftTemplate.worker_id == Worker.id)
    rows = session.execute(found.where(counts, *_lies_within(area, by)).order_by(Worker.number, ShiftTemplate.id))
    return [(number, template) for number, template in rows]


def list_exceptions(
    session: Session, since: datetime, until: datetime, *, area: str = "", by: Actor
) -> list[tuple[str, str | None, ShiftException]]:
    """Staff numbers of whom it is about and of who stands in, with each exception that touches [since, until)."""
    other = aliased(Worker)
    found = (
        select(Worker.number, other.number, ShiftException)
        .join(ShiftException, ShiftException.worker_id == Worker.id)
        .outerjoin(other, other.id == ShiftException.substitute_id)
        .where(ShiftException.span.overlaps(Range(since, until, bounds="[)")), *_lies_within(area, by))
        .order_by(func.lower(ShiftException.span), ShiftException.id)
    )
    return [(number, substitute, one) for number, substitute, one in session.execute(found)]


def _lies_within(area: str, by: Actor) -> tuple[Any, ...]:
    return Worker.area.startswith(by.area, autoescape=True), Worker.area.startswith(area, autoescape=True)
