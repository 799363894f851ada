"""Shifts [start, end): who is on duty when ([D1])."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, func, insert, select
from sqlalchemy.dialects.postgresql import TSTZRANGE, Range
from sqlalchemy.orm import Mapped, Session, mapped_column

from layers.access import Actor
from layers.db import Base, id_column
from layers.errors import Unacceptable
from layers.history import note
from layers.moments import require_soon
from layers.specs import Code, Field, Imported, LayerSpec, Moment
from layers.workers import Worker, announce, ids_of


class Shift(Base):
    """One stretch of duty; the minute of handover belongs to the next shift. Overlaps merge when they are read."""

    __tablename__ = "shifts"
    __table_args__ = (
        CheckConstraint("NOT isempty(span) AND lower_inc(span) AND NOT upper_inc(span)", name="span_is_half_open"),
        CheckConstraint("upper(span) - lower(span) <= interval '48 hours'", name="no_longer_than_two_days"),
        Index("ix_shifts_span", "span", postgresql_using="gist"),
        Index("ix_shifts_worker_id", "worker_id"),
    )

    id: Mapped[int] = id_column()
    worker_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("workers.id", ondelete="CASCADE"))
    span: Mapped[Range[datetime]] = mapped_column(TSTZRANGE)


SPEC = LayerSpec(
    "shifts",
    Shift,
    imported=Imported(
        fields=(
            Field("worker", ("worker", "number", "staff_number", "工号"), Code(), required=True),
            Field("start", ("start", "starts_at", "from", "上岗"), Moment(), required=True),
            Field("end", ("end", "ends_at", "to", "下岗"), Moment(), required=True),
        ),
    ),
)

# The zone of the made-up city; that of a real one is a setting (WANGGE_TIME_ZONE).
CITY_ZONE = ZoneInfo("Asia/Shanghai")
LONGEST = timedelta(hours=48)


@dataclass(frozen=True, slots=True)
class Duty:
    """One unbroken stretch of duty of one worker: shifts that overlap or touch are one."""

    worker: str
    name: str
    role: str
    area: str
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class NewShift:
    """A shift to be stored, [start, end)."""

    worker: str
    start: datetime
    end: datetime


def span_of_day(day: date, *, zone: ZoneInfo = CITY_ZONE) -> tuple[datetime, datetime]:
    """The first moment of a day of the city and the first moment of the next one."""
    return datetime.combine(day, time(), zone), datetime.combine(day + timedelta(days=1), time(), zone)


def span_of_hours(day: date, start: time, end: time, *, zone: ZoneInfo = CITY_ZONE) -> tuple[datetime, datetime]:
    """A shift told by the clock of the city; one that ends no later than it starts ends on the next day."""
    last_day = day + timedelta(days=1) if end <= start else day
    return datetime.combine(day, start, zone), datetime.combine(last_day, end, zone)


def merged(spans: Iterable[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
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
    on_duty = select(Shift.id).where(Shift.worker_id == worker_id, Shift.span.contains(at))
    return session.scalar(select(on_duty.exists())) is True


def add_shifts(session: Session, shifts: Sequence[NewShift], *, now: datetime, by: Actor) -> int:
    """The number of shifts stored, all or none; raises Unacceptable naming the first wrong one."""
    for place, shift in enumerate(shifts):
        _check_span(shift, place)
        require_soon(shift.end, "shifts", place, "end", now=now)
    ids = ids_of(session, {shift.worker for shift in shifts}, by=by)
    rows = [{"worker_id": ids[shift.worker], "span": Range(shift.start, shift.end, bounds="[)")} for shift in shifts]
    if rows:
        session.execute(insert(Shift), rows)
        announce(session)
        first = shifts[0].start.isoformat()
        note(session, "shifts.added", subject=shifts[0].worker, area=by.area, by=by, count=len(rows), first=first)
    return len(rows)


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
    # Shifts that merge with one in the window reach at most their own length beyond it.
    span = Range(since - LONGEST, until + LONGEST, bounds="[)")
    whose = _whose(asked, by, span).subquery()
    rows = session.execute(
        select(whose.c.number, whose.c.name, whose.c.role, whose.c.area, func.lower(Shift.span), func.upper(Shift.span))
        .join(whose, whose.c.id == Shift.worker_id)
        .where(Shift.span.overlaps(span))
        .order_by(whose.c.number)
    ).all()
    return [
        Duty(number, name, role, home_area, start, end)
        for (number, name, role, home_area), spans in groupby(rows, key=lambda row: (row[0], row[1], row[2], row[3]))
        for start, end in merged((row[4], row[5]) for row in spans)
        if start < until and since < end
    ]


def find_last_worker(
    session: Session, since: datetime, until: datetime, *, asked: DutiesAsked, by: Actor
) -> str | None:
    """The staff number with which a full page ends, None where the page is the last one."""
    span = Range(since - LONGEST, until + LONGEST, bounds="[)")
    numbers = [row.number for row in session.execute(_whose(asked, by, span))]
    return numbers[-1] if asked.limit is not None and len(numbers) == asked.limit else None


def _whose(asked: DutiesAsked, by: Actor, span: Range[datetime]) -> Any:
    has_shift = select(Shift.id).where(Shift.worker_id == Worker.id, Shift.span.overlaps(span)).exists()
    statement = select(Worker.id, Worker.number, Worker.name, Worker.role, Worker.area).where(
        Worker.active,
        Worker.area.startswith(by.area, autoescape=True),
        Worker.area.startswith(asked.area, autoescape=True),
        Worker.number > asked.after,
        has_shift,
    )
    if asked.worker is not None:
        statement = statement.where(Worker.number == asked.worker)
    return statement.order_by(Worker.number).limit(asked.limit)


def list_on_duty(session: Session, at: datetime, *, area: str = "", by: Actor) -> list[Duty]:
    """Who is on duty at a moment within the caller's area, each with the unbroken stretch around it."""
    return list_duties(session, at, at + timedelta(microseconds=1), asked=DutiesAsked(area=area), by=by)


def _check_span(shift: NewShift, place: int) -> None:
    if shift.end <= shift.start:
        raise Unacceptable("ends_before_it_starts", errors=[(["shifts", place, "end"], "ends_before_it_starts")])
    if shift.end - shift.start > LONGEST:
        raise Unacceptable("shift_too_long", errors=[(["shifts", place, "end"], "shift_too_long")], hours=48)
