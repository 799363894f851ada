"""The end of a roster: whoever leaves has no duty from a moment on, and what was before stays as it was ([D1])."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import Session

from layers.access import Actor
from layers.shifts.expanding import duty_spans
from layers.shifts.table import LONGEST, Shift, ShiftException, ShiftTemplate

# How the roster itself tells why somebody has no duty any more.
LEFT = "left"


def count_roster(session: Session, worker_id: int, *, at: datetime, zone: ZoneInfo) -> dict[str, int]:
    """How many single shifts, templates, exceptions and turns of standing in for others are not over at a moment."""
    today = at.astimezone(zone).date()
    open_template = or_(ShiftTemplate.last_day.is_(None), ShiftTemplate.last_day >= today)
    counted = {
        "shifts": select(func.count()).where(Shift.worker_id == worker_id, func.upper(Shift.span) > at),
        "templates": select(func.count()).where(ShiftTemplate.worker_id == worker_id, open_template),
        "exceptions": select(func.count()).where(
            ShiftException.worker_id == worker_id, func.upper(ShiftException.span) > at
        ),
        "stands_in": select(func.count()).where(
            ShiftException.substitute_id == worker_id, func.upper(ShiftException.span) > at
        ),
    }
    return {name: session.scalar(statement) or 0 for name, statement in counted.items()}


def end_roster(
    session: Session, worker_id: int, *, substitute_id: int | None, at: datetime, zone: ZoneInfo, by: Actor
) -> None:
    """End everything that gives somebody duty at a moment; whom they stand in for gets the other substitute, if any.

    Templates are kept by whole days, so a leave takes away what today's would still give.
    """
    today = at.astimezone(zone).date()
    own = ShiftTemplate.worker_id == worker_id
    session.execute(delete(ShiftTemplate).where(own, ShiftTemplate.first_day > today))
    still = or_(ShiftTemplate.last_day.is_(None), ShiftTemplate.last_day > today)
    session.execute(update(ShiftTemplate).where(own, still).values(last_day=today))
    _hand_substitutions(session, worker_id, substitute_id, at)
    for table in (Shift, ShiftException):
        mine = table.worker_id == worker_id
        session.execute(delete(table).where(mine, func.lower(table.span) >= at))
        running = (mine, func.upper(table.span) > at)
        session.execute(update(table).where(*running).values(span=func.tstzrange(func.lower(table.span), at, "[)")))
    duty = duty_spans(at, at + LONGEST + timedelta(days=2))
    last = session.scalar(select(func.max(func.upper(duty.c.span))).where(duty.c.worker_id == worker_id))
    if last is not None:
        rest = Range(at, last, bounds="[)")
        session.add(ShiftException(worker_id=worker_id, kind="leave", span=rest, reason=LEFT, by=by.name))
    session.flush()


def _hand_substitutions(session: Session, worker_id: int, substitute_id: int | None, at: datetime) -> None:
    """From a moment on somebody else stands in; nobody where the other one is the absent one, who cannot."""
    found = select(ShiftException).where(
        ShiftException.substitute_id == worker_id, func.upper(ShiftException.span) > at
    )
    for one in session.scalars(found.with_for_update()).all():
        start = one.span.lower
        assert start is not None
        other = None if substitute_id == one.worker_id else substitute_id
        if start >= at:
            one.substitute_id = other
            continue
        rest = Range(at, one.span.upper, bounds="[)")
        one.span = Range(start, at, bounds="[)")
        more = ShiftException(worker_id=one.worker_id, kind=one.kind, span=rest, substitute_id=other)
        more.reason, more.by = one.reason, one.by
        session.add(more)
    session.flush()
