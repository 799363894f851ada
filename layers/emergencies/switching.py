"""Emergency mode on and off, and what counts at a place now ([D7])."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, String, delete, func, insert, literal, select
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import Session

from layers.access import Actor, require_area
from layers.emergencies.reinforcing import Helper, KeptBack, Reserve, find_centre, list_lent
from layers.emergencies.table import Emergency, EmergencyHelper
from layers.errors import Conflict, NotFound, Unacceptable
from layers.history import note
from layers.workers import Worker, announce

# Whoever needs more renews it: a mode that nobody thinks of any more has to end by itself.
LONGEST = timedelta(days=30)
_LOCK = "emergencies"
MOST_KEPT_BACK = 20


@dataclass(frozen=True, slots=True)
class EmergencyAsked:
    """Why, until when, by which rule; who is to come by number, and how many altogether, the nearest first."""

    reason: str
    until: datetime
    rule: Mapping[str, Any] = field(default_factory=dict)
    helpers: tuple[str, ...] = ()
    reinforce: int = 0


@dataclass(frozen=True, slots=True)
class EmergencyCard:
    """An emergency as it is told; `kept_back` are those who were not taken just now, `missing` how many are wanted."""

    id: int
    area: str
    reason: str
    since: datetime
    until: datetime
    rule: Mapping[str, Any]
    by: str
    ended_by: str | None
    helpers: tuple[Helper, ...] = ()
    kept_back: tuple[KeptBack, ...] = ()
    missing: int = 0

    def lasts(self, now: datetime) -> bool:
        """Whether it counts at this moment."""
        return self.since <= now < self.until


def switch_on(
    session: Session, area: str, asked: EmergencyAsked, *, now: datetime, by: Actor
) -> tuple[EmergencyCard, bool]:
    """The emergency of an area, and whether it began now; the same again changes nothing, something else changes it.

    Raises Forbidden for a foreign area, Unacceptable for an unknown one, an end that is past or too far away and an
    unknown worker, Conflict for somebody by name whose own ground would fall below its minimum cover.
    """
    require_area(by, area)
    if find_centre(session, area, now) is None:
        raise Unacceptable("unknown_area", errors=[(["area"], "unknown_area")], area=area)
    if not now < asked.until <= now + LONGEST:
        raise Unacceptable("emergency_must_end", errors=[(["until"], "emergency_must_end")], days=LONGEST.days)
    session.execute(select(func.pg_advisory_xact_lock(func.hashtext(_LOCK))))
    row = _find(session, area, now)
    begins = row is None
    if row is None:
        span = Range(now, asked.until, bounds="[)")
        row = Emergency(area=area, reason=asked.reason, span=span, rule=dict(asked.rule), by=by.name)
        session.add(row)
        session.flush()
    before = (row.reason, row.span, dict(row.rule), _helper_ids(session, row.id))
    row.reason, row.rule = asked.reason, dict(asked.rule)
    row.span = Range(row.span.lower, asked.until, bounds="[)")
    session.flush()
    helpers, kept, missing = _reinforce(session, row, asked, now=now, by=by)
    if begins or before != (row.reason, row.span, dict(row.rule), _helper_ids(session, row.id)):
        told = {"until": asked.until.isoformat(), "reason": asked.reason, "rule": dict(asked.rule)}
        told["helpers"] = [one.worker for one in helpers]
        note(session, "emergency.on" if begins else "emergency.changed", subject=area, area=area, by=by, **told)
        announce(session)
    return _card(row, helpers, kept, missing), begins


def switch_off(session: Session, area: str, *, now: datetime, by: Actor) -> EmergencyCard:
    """The last emergency of an area, which is over; one that is over already stays as it ended.

    Raises NotFound where there was none, Forbidden for a foreign area.
    """
    session.execute(select(func.pg_advisory_xact_lock(func.hashtext(_LOCK))))
    last = select(Emergency).where(Emergency.area == area).order_by(func.upper(Emergency.span).desc()).limit(1)
    row = session.scalars(last).one_or_none()
    if row is None:
        raise NotFound("not_found")
    require_area(by, area)
    upper = row.span.upper
    if upper is not None and now < upper:
        # One that is ended in the moment in which it began has lasted a moment: nothing lasts no time.
        row.span = Range(row.span.lower, max(now, (row.span.lower or now) + timedelta(microseconds=1)), bounds="[)")
        row.ended_by = by.name
        session.flush()
        note(session, "emergency.off", subject=area, area=area, by=by, reason=row.reason)
        announce(session)
    return _card(row, _describe_helpers(session, row), (), 0)


def list_emergencies(session: Session, *, now: datetime, ended: bool, by: Actor) -> list[EmergencyCard]:
    """What counts now within the caller's area, or around it; with `ended` what is over too, the last first."""
    found = select(Emergency).where(_touches(by)).order_by(func.lower(Emergency.span).desc(), Emergency.id.desc())
    if not ended:
        found = found.where(Emergency.span.contains(now))
    return [_card(row, _describe_helpers(session, row), (), 0) for row in session.scalars(found.limit(200))]


def _touches(by: Actor) -> Any:
    within = Emergency.area.startswith(by.area, autoescape=True)
    return within | func.starts_with(literal(by.area), Emergency.area)


def select_rule(code: str | None, *, now: datetime) -> Select[Mapping[str, Any]]:
    """What counts at a place instead of the usual rules: that of the smallest area in emergency mode around it."""
    around = func.starts_with(literal(code, String()), Emergency.area)
    smallest = select(Emergency.rule).where(around, Emergency.span.contains(now))
    return smallest.order_by(func.length(Emergency.area).desc()).limit(1)


def find_emergency(session: Session, area: str, *, now: datetime) -> Emergency:
    """The emergency of an area that counts now; raises Conflict where there is none."""
    row = _find(session, area, now)
    if row is None:
        raise Conflict("no_emergency", area=area)
    return row


def _find(session: Session, area: str, now: datetime) -> Emergency | None:
    found = select(Emergency).where(Emergency.area == area, Emergency.span.contains(now))
    return session.scalars(found).one_or_none()


def _helper_ids(session: Session, emergency_id: int) -> frozenset[int]:
    found = select(EmergencyHelper.worker_id).where(EmergencyHelper.emergency_id == emergency_id)
    return frozenset(session.scalars(found))


def _reinforce(
    session: Session, row: Emergency, asked: EmergencyAsked, *, now: datetime, by: Actor
) -> tuple[tuple[Helper, ...], tuple[KeptBack, ...], int]:
    """Who is lent now, who was kept back, and how many are missing. Who is there already stays while so many are
    wanted; whoever is named is refused, not left out."""
    known = _helper_ids(session, row.id)
    reserve = Reserve(session, row.area, now=now, lent=list_lent(session, now=now, but=row.area), by=by)
    there = [one.number for one in reserve.people.values() if one.id in known]
    taken: list[str] = []
    for number in dict.fromkeys((*asked.helpers, *there[: asked.reinforce])):
        if number not in reserve.people:
            raise Unacceptable("helper_off_duty", errors=[(["helpers"], "helper_off_duty")], worker=number)
        short = reserve.find_short(number)
        if short is not None and number in asked.helpers and reserve.people[number].id not in known:
            raise Conflict("cover_too_small", worker=number, area=short.area, minimum=short.minimum)
        reserve.lend(number)
        taken.append(number)
    kept: list[KeptBack] = []
    for number in reserve.order():
        if len(taken) >= asked.reinforce:
            break
        short = reserve.find_short(number)
        if short is None:
            reserve.lend(number)
            taken.append(number)
        elif len(kept) < MOST_KEPT_BACK:
            kept.append(KeptBack(number, reserve.people[number].name, short))
    _store_helpers(session, row.id, known, [reserve.people[number].id for number in taken], by)
    helpers = tuple(reserve.tell(number) for number in taken)
    return helpers, tuple(kept), max(0, asked.reinforce - len(taken))


def _store_helpers(
    session: Session, emergency_id: int, known: frozenset[int], wanted: Sequence[int], by: Actor
) -> None:
    this = EmergencyHelper.emergency_id == emergency_id
    session.execute(delete(EmergencyHelper).where(this, EmergencyHelper.worker_id.not_in(wanted)))
    fresh = [{"emergency_id": emergency_id, "worker_id": one, "by": by.name} for one in wanted if one not in known]
    if fresh:
        session.execute(insert(EmergencyHelper), fresh)
    session.flush()


def _describe_helpers(session: Session, row: Emergency) -> tuple[Helper, ...]:
    """Who was or is lent; what is left behind is told when they are taken."""
    found = (
        select(Worker.id, Worker.number, Worker.name, Worker.role, Worker.area)
        .join(EmergencyHelper, EmergencyHelper.worker_id == Worker.id)
        .where(EmergencyHelper.emergency_id == row.id)
        .order_by(Worker.number)
    )
    return tuple(Helper(*about, None, ()) for about in session.execute(found))


def _card(row: Emergency, helpers: tuple[Helper, ...], kept: tuple[KeptBack, ...], missing: int) -> EmergencyCard:
    assert row.span.lower is not None
    assert row.span.upper is not None
    about = (row.id, row.area, row.reason, row.span.lower, row.span.upper, dict(row.rule), row.by, row.ended_by)
    return EmergencyCard(*about, helpers, kept, missing)
