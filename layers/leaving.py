"""A worker leaves, in one act: what they hold is listed, a successor takes it over, duty ends, the account closes.

    holdings = find_holdings(session, "W12", now=now, zone=zone, by=admin)
    left = leave(session, memory, "W12", Leaving(successor="W13"), now=now, by=admin)

Tasks go by the workflow's own steps, so a timeline says where each went, with its decision. What would be left without
anybody is refused until whoever asks confirms it, and told either way.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import Session, aliased

from layers.access import Actor, User, end_sign_ins, require_area, require_visible
from layers.assignments import Charge, hand_charges, list_open_charges, list_unserved
from layers.dispatching import Memory, StepAsked, take_step
from layers.duty_gaps import DutyGap, find_cover, find_new_gaps
from layers.emergencies import Emergency, EmergencyHelper
from layers.errors import Conflict, NotFound, Unacceptable
from layers.history import note
from layers.incidents import Incident, end_calls, fills_hands
from layers.plans import Plan
from layers.shifts import count_roster, end_roster
from layers.successors import Successor
from layers.workers import Worker, announce, ids_of

# Whether cover becomes too thin is looked at for as long as a change of the roster is.
LOOKED_AHEAD = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class HeldTask:
    """An incident in somebody's hands: to settle it, or to look at it (`looks`)."""

    incident: int
    state: str
    category: str
    urgency: str
    area: str
    looks: bool


@dataclass(frozen=True, slots=True)
class Holdings:
    """What a worker has: tasks, charges with those of the future, counts of the roster, accounts and drafts."""

    worker: str
    name: str
    active: bool
    tasks: tuple[HeldTask, ...]
    charges: tuple[Charge, ...]
    roster: dict[str, int]
    accounts: tuple[str, ...]
    emergencies: tuple[str, ...]
    drafts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Leaving:
    """How somebody leaves: who takes over, if anybody does, and whether what is left without anybody may be."""

    successor: str | None = None
    reason: str = ""
    confirm: bool = False


@dataclass(frozen=True, slots=True)
class MovedTask:
    """Where a task went: to a worker, or to nobody, for the reason for which it waits now."""

    incident: int
    to: str | None
    waiting_reason: str | None


@dataclass(frozen=True, slots=True)
class Left:
    """What came of it: where the tasks went, grids that nobody serves now, gaps of two weeks that were not there."""

    holdings: Holdings
    successor: str | None
    tasks: tuple[MovedTask, ...]
    unserved: tuple[str, ...]
    new_gaps: tuple[DutyGap, ...]

    @property
    def waiting(self) -> tuple[MovedTask, ...]:
        """The tasks that nobody has."""
        return tuple(task for task in self.tasks if task.to is None)


def find_holdings(session: Session, number: str, *, now: datetime, zone: ZoneInfo, by: Actor) -> Holdings:
    """What a worker has in hand, serves and is planned for; raises NotFound for an unknown or foreign one."""
    return _holdings_of(session, _get_worker(session, number, by), now, zone)


def leave(session: Session, memory: Memory, number: str, asked: Leaving, *, now: datetime, by: Actor) -> Left:
    """Have a worker leave at this moment.

    Raises Conflict for one who has left, for the account of whoever asks, and, naming what it is, where something would
    be left without anybody and that is not confirmed; Forbidden for a task or a grid outside the caller's area.
    """
    worker = _get_worker(session, number, by, lock=True)
    if not worker.active:
        raise Conflict("worker_has_left", worker=number)
    if asked.successor == number:
        raise Unacceptable("successor_wrong", errors=[(["successor"], "successor_wrong")])
    successor_id = None if asked.successor is None else ids_of(session, [asked.successor], by=by)[asked.successor]
    held = _holdings_of(session, worker, now, memory.zone)
    for code in (*(task.area for task in held.tasks), *(charge.grid for charge in held.charges)):
        require_area(by, code)
    until = now + LOOKED_AHEAD
    before = find_cover(session, now, until, by=by).gaps
    tasks = tuple(_move_task(session, memory, task, asked, now=now, by=by) for task in held.tasks)
    hand_charges(session, worker.id, to=successor_id, at=now)
    _hand_drafts(session, worker.id, successor_id)
    _end_service(session, worker, held, successor_id=successor_id, now=now, zone=memory.zone, by=by)
    unserved = list_unserved(session, {charge.grid for charge in held.charges}, at=now)
    gaps = tuple(find_new_gaps(before, find_cover(session, now, until, by=by).gaps))
    left = Left(held, asked.successor, tasks, tuple(unserved), gaps)
    if (left.unserved or left.waiting) and not asked.confirm:
        waiting = [task.incident for task in left.waiting]
        told: dict[str, Any] = {"grids": unserved, "tasks": waiting, "confirm": True}
        raise Conflict("left_without_anybody", count=len(unserved), waiting=len(waiting), **told)
    told = {"successor": asked.successor, "reason": asked.reason, "unserved": unserved}
    told |= {"tasks": len(tasks), "grids": len(held.charges)}
    note(session, "worker.left", subject=number, area=worker.area, by=by, **told)
    return left


def retire(session: Session, number: str, *, now: datetime, zone: ZoneInfo, by: Actor) -> None:
    """Have a worker leave who has nothing to hand over; raises Conflict, with how much it is, for one who has."""
    worker = _get_worker(session, number, by, lock=True)
    if not worker.active:
        return
    held = _holdings_of(session, worker, now, zone)
    if held.tasks or held.charges:
        raise Conflict("worker_holds_something", worker=number, tasks=len(held.tasks), grids=len(held.charges))
    _hand_drafts(session, worker.id, None)
    _end_service(session, worker, held, successor_id=None, now=now, zone=zone, by=by)


def take_back(session: Session, number: str, *, by: Actor) -> None:
    """Have a worker who has left back: without duty, grids or account, until somebody gives them some."""
    worker = _get_worker(session, number, by, lock=True)
    if worker.active:
        return
    worker.active, worker.left_at = True, None
    announce(session)


def _get_worker(session: Session, number: str, by: Actor, *, lock: bool = False) -> Worker:
    statement = select(Worker).where(Worker.number == number)
    worker = session.scalar(statement.with_for_update() if lock else statement)
    require_visible(by, worker.area if worker is not None else None)
    if worker is None:
        raise NotFound("not_found")
    return worker


def _holdings_of(session: Session, worker: Worker, now: datetime, zone: ZoneInfo) -> Holdings:
    code = func.coalesce(Incident.current_code, Incident.desk_area, "")
    columns = (Incident.id, Incident.state, Incident.category, Incident.urgency, code, Incident.collector_id)
    rows = session.execute(select(*columns).where(fills_hands(worker.id)).order_by(Incident.id))
    lent = select(Emergency.area).join(EmergencyHelper, EmergencyHelper.emergency_id == Emergency.id)
    lent = lent.where(EmergencyHelper.worker_id == worker.id, func.upper(Emergency.span) > now)
    drafts = select(Plan.id).join(Successor, Successor.plan_id == Plan.id)
    drafts = drafts.where(Successor.worker_id == worker.id, Plan.state.in_(("draft", "submitted"))).distinct()
    accounts = select(User.name).where(User.worker_id == worker.id, User.active).order_by(User.name)
    return Holdings(
        worker=worker.number,
        name=worker.name,
        active=worker.active,
        tasks=tuple(HeldTask(*row[:5], looks=row[5] == worker.id) for row in rows),
        charges=tuple(list_open_charges(session, worker.id, at=now)),
        roster=count_roster(session, worker.id, at=now, zone=zone),
        accounts=tuple(session.scalars(accounts)),
        emergencies=tuple(session.scalars(lent.order_by(Emergency.area))),
        drafts=tuple(session.scalars(drafts.order_by(Plan.id))),
    )


def _move_task(
    session: Session, memory: Memory, task: HeldTask, asked: Leaving, *, now: datetime, by: Actor
) -> MovedTask:
    """To the successor; where their hands are full, or there is none, to the next candidate, else to a desk."""
    send = {"reported": "send_to_confirm", "handled": "send_to_inspect"}[task.state] if task.looks else "reassign"

    def take(step: str, to: str | None) -> MovedTask:
        step_asked = StepAsked(step, note=asked.reason, to=to, confirm=True)
        card = take_step(session, memory, task.incident, asked=step_asked, now=now, by=by)
        return MovedTask(task.incident, card.collector if task.looks else card.worker, card.fields["waiting_reason"])

    if asked.successor is not None:
        try:
            with session.begin_nested():
                return take(send, asked.successor)
        except Conflict:
            pass  # full hands, or their own work that they may not look at
    return take("decline" if task.looks else "reassign", None)


def _hand_drafts(session: Session, worker_id: int, to: int | None) -> None:
    """What drafts have decided for a worker is decided for the successor; without one it is open again."""
    open_plans = select(Plan.id).where(Plan.state.in_(("draft", "submitted")))
    mine = (Successor.worker_id == worker_id, Successor.plan_id.in_(open_plans))
    other = aliased(Successor)
    has_it = select(other.id).where(
        other.plan_id == Successor.plan_id,
        other.grid_code == Successor.grid_code,
        other.role == Successor.role,
        other.worker_id == to,
    )
    if to is not None:
        session.execute(update(Successor).where(*mine, ~has_it.exists()).values(worker_id=to))
    session.execute(delete(Successor).where(*mine))


def _end_service(
    session: Session,
    worker: Worker,
    held: Holdings,
    *,
    successor_id: int | None,
    now: datetime,
    zone: ZoneInfo,
    by: Actor,
) -> None:
    """No duty, nobody lent, no account, and nobody to whom anything is sent, from this moment on."""
    if by.kind == "person" and by.name in held.accounts:
        raise Conflict("own_account", worker=worker.number)
    end_calls(session, worker.id, at=now)
    end_roster(session, worker.id, substitute_id=successor_id, at=now, zone=zone, by=by)
    living = select(Emergency.id).where(Emergency.span.overlaps(Range(now, None, bounds="[)")))
    helper = (EmergencyHelper.worker_id == worker.id, EmergencyHelper.emergency_id.in_(living))
    session.execute(delete(EmergencyHelper).where(*helper))
    for name in held.accounts:
        session.get_one(User, name).active = False
        end_sign_ins(session, name)
        note(session, "change_user", subject=f"user:{name}", area=worker.area, by=by, changed=["active"])
    worker.active, worker.left_at = False, now
    session.flush()
    announce(session)
