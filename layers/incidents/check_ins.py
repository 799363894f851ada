"""Whether whoever is on a risky task is well: a timer that the worker's own word starts anew.

It runs while a task is accepted or arrived, where the city asks for it (`check_in_minutes` of the rules of
dispatching), and ends with the task. Who lets it pass is told of once, to the desks, the leaders and the grid leader of
the place, and is listed until they answer or the task is over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, literal, or_, select
from sqlalchemy.orm import Session, aliased

from layers.access import Actor, Role
from layers.assignments import Assignment
from layers.incidents.table import CHECKED_STATES, Incident
from layers.workers import Worker

# So many of an area are told at once; more people than that on risky tasks are no list any more.
MOST = 500
LEADER = "grid_leader"
_CODE = func.coalesce(Incident.current_code, Incident.desk_area, "")
_LEADER = aliased(Worker, name="leader")


@dataclass(frozen=True, slots=True)
class CheckIn:
    """Whose word is awaited at which case, by when; with who leads the grid there, None where nobody does."""

    incident_id: int
    category: str
    urgency: str
    state: str
    area: str
    worker: str
    name: str
    phone: str | None
    minutes: int
    due_at: datetime
    missed_at: datetime | None
    leader: str | None
    leader_name: str | None
    leader_phone: str | None
    leads: bool

    @property
    def heard_at(self) -> datetime:
        """When they last gave a sign: by taking the task, by arriving, or by saying that they are well."""
        return self.due_at - timedelta(minutes=self.minutes)


def start_check_in(incident: Incident, minutes: int, *, since: datetime) -> None:
    """Await the worker's word `minutes` after `since`, in a state that has just begun; nobody's where none are asked
    for, or no worker is on it."""
    incident.check_in_minutes = minutes or None
    waits = minutes and incident.worker_id is not None and incident.state in CHECKED_STATES
    if waits:
        incident.check_in_by = since + timedelta(minutes=minutes)


def renew_check_in(incident: Incident, *, heard_at: datetime, now: datetime) -> None:
    """Await the next word, counted from when this one was given; one that a phone kept may come too late for it, and
    an older one never takes a younger one's place."""
    assert incident.check_in_by is not None
    assert incident.check_in_minutes is not None
    incident.check_in_by = max(incident.check_in_by, heard_at + timedelta(minutes=incident.check_in_minutes))
    if now < incident.check_in_by:
        incident.check_in_missed_at = None


def list_silent(session: Session, *, now: datetime, most: int) -> list[int]:
    """The cases whose worker should have been heard by now and of whom nobody has been told, the longest silent
    first."""
    found = select(Incident.id).where(*is_silent(now)).order_by(Incident.check_in_by, Incident.id)
    return list(session.scalars(found.limit(most)))


def is_silent(now: datetime) -> tuple[ColumnElement[bool], ...]:
    """Whether a word is overdue of which nobody has been told yet."""
    return Incident.check_in_by <= now, Incident.check_in_missed_at.is_(None)


def find_leader(session: Session, incident: Incident, *, now: datetime) -> str | None:
    """The staff number of who leads the grid of a case at this moment, None where nobody does."""
    leads = _leads(now, literal(incident.current_code or incident.desk_area or ""))
    found = select(Worker.number).join(Assignment, Assignment.worker_id == Worker.id).where(leads)
    return session.scalar(found.order_by(func.length(Assignment.grid_code).desc(), Worker.number).limit(1))


def _leads(now: datetime, code: Any) -> ColumnElement[bool]:
    charge = and_(Assignment.role == LEADER, Assignment.span.contains(now))
    return and_(charge, func.starts_with(code, Assignment.grid_code))


def list_check_ins(session: Session, *, now: datetime, overdue: bool = False, by: Actor) -> list[CheckIn]:
    """Whose word is awaited within the caller's area, what is due first; with `overdue` only whose has not come.

    A worker sees their own, and those of the grids that they lead.
    """
    leader = (
        select(Assignment.worker_id)
        .where(_leads(now, _CODE))
        .order_by(func.length(Assignment.grid_code).desc(), Assignment.worker_id)
        .limit(1)
        .correlate(Incident)
        .scalar_subquery()
    )
    own_lead = exists(select(1).where(Assignment.worker_id == (by.worker_id or 0), _leads(now, _CODE)))
    place = _CODE.label("area")
    case = (Incident.id, Incident.category, Incident.urgency, Incident.state, place)
    worker = (Worker.number, Worker.name, Worker.phone)
    told = (Incident.check_in_minutes, Incident.check_in_by, Incident.check_in_missed_at)
    led = (_LEADER.number, _LEADER.name, _LEADER.phone, own_lead)
    found = (
        select(*case, *worker, *told, *led)
        .join(Worker, Worker.id == Incident.worker_id)
        .outerjoin(_LEADER, _LEADER.id == leader)
        .where(Incident.check_in_by.is_not(None), _is_seen_by(by, own_lead))
        .order_by(Incident.check_in_by, Incident.id)
        .limit(MOST)
    )
    if overdue:
        found = found.where(Incident.check_in_by <= now)
    rows: Sequence[Any] = session.execute(found).all()
    return [CheckIn(*row) for row in rows]


def _is_seen_by(by: Actor, leads: ColumnElement[bool]) -> ColumnElement[bool]:
    if by.role == Role.worker:
        return or_(Incident.worker_id == (by.worker_id or 0), leads)
    return _CODE.startswith(by.area, autoescape=True)
