"""The clock of an incident ([K1]-[K3]): the limit of the step it waits for, counted by the city's calendar.

A clock is stored whole (`incidents.clock`): the step, the moment it began, amount and kind of its limit, the versions
of the calendar it was counted with, its pauses and extensions. A case with a condition of the standard sheet ([K5]) has
one clock until it is handled, whoever has it in hand: the sheet's, which begins when the condition is given ([K4]) and
anew when the case comes back after it was handled. `due_at`, `yellow_at` and `late_thrice_at` follow from
it and are what lists are filtered by.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from layers.access import Actor
from layers.calendars import find_clock
from layers.categories import find_limit
from layers.clocks import BY_WORK, Deadline, Limit, LimitKind, Pause
from layers.incidents.table import Incident, IncidentStep
from layers.incidents.workflow import AWAITED, UNHANDLED, is_living
from layers.standards import find_limit as find_limit_of_sheet


def start_clock(session: Session, incident: Incident, *, now: datetime, zone: ZoneInfo) -> None:
    """Begin the clock of the step that the incident now waits for; none runs where no limit is set.

    A pause that lasts goes on over the change of state: what stands still does not begin to run by being passed on.
    """
    _keep_lateness(incident, now)
    step = _find_awaited(incident)
    limit = None if step is None else find_limit(session, incident.category, level=incident.level or "grid", step=step)
    incident.accept_by = None
    if incident.condition is not None and incident.state in UNHANDLED:
        if step in ("accept", "confirm") and limit is not None:
            incident.accept_by = _deadline(session, _begin_clock(incident, step, limit, now=now), zone).at
        _start_clock_of_sheet(session, incident, now=now, zone=zone)
    elif step is None or limit is None:
        incident.clock, incident.due_at, incident.yellow_at, incident.late_thrice_at = None, None, None, None
    else:
        set_clock(session, incident, _begin_clock(incident, step, limit, now=now), zone=zone)


def _find_awaited(incident: Incident) -> str | None:
    """The step that it waits for: of what somebody was sent to look at, that they find it."""
    looked_for = incident.state == "reported" and incident.collector_id is not None
    return "confirm" if looked_for else AWAITED.get(incident.state)


def _keep_lateness(incident: Incident, now: datetime) -> None:
    """Let the incident remember the first deadline that it missed: its clock is about to end."""
    if incident.late_at is None and incident.due_at is not None and incident.due_at < now:
        incident.late_at, incident.late_step = incident.due_at, (incident.clock or {}).get("step")


def _start_clock_of_sheet(session: Session, incident: Incident, *, now: datetime, zone: ZoneInfo) -> None:
    """Begin the clock of the incident's condition, unless it runs already: it does not mind who has the case."""
    version, condition = incident.standard_version, incident.condition
    assert version is not None
    assert condition is not None
    told = {"standard": version, "condition": condition}
    running = incident.clock or {}
    if {name: running.get(name) for name in told} == told:
        return
    limit = find_limit_of_sheet(session, version, condition)
    assert limit is not None, "the condition is a foreign key"
    set_clock(session, incident, {**_begin_clock(incident, "handle", limit, now=now), **told}, zone=zone)


def _begin_clock(incident: Incident, step: str, limit: Limit, *, now: datetime) -> dict[str, Any]:
    """A clock that begins now; a pause that lasts goes on."""
    paused_until = incident.paused_until
    pauses = [[now.isoformat(), paused_until.isoformat()]] if paused_until is not None and paused_until > now else []
    clock = {"step": step, "since": now.isoformat(), "amount": limit.amount, "kind": str(limit.kind)}
    return {**clock, "pauses": pauses, "extensions": 0}


def give_condition(
    session: Session, incident: Incident, version: int, condition: str, *, now: datetime, zone: ZoneInfo
) -> None:
    """Let the incident have a condition of the sheet; its clock begins anew by it ([K4]), also with the same one."""
    _keep_lateness(incident, now)
    incident.standard_version, incident.condition = version, condition
    incident.clock = None
    start_clock(session, incident, now=now, zone=zone)


def set_clock(session: Session, incident: Incident, clock: dict[str, Any], *, zone: ZoneInfo) -> None:
    """Store the clock and the moments that follow from it."""
    deadline = _deadline(session, clock, zone)
    calendar = {str(year): version for year, version in deadline.calendar.items()}
    incident.clock, incident.timed = {**clock, "calendar": calendar}, True
    incident.due_at, incident.yellow_at = deadline.at, deadline.yellow_at
    incident.late_thrice_at = deadline.late_thrice_at


def _deadline(session: Session, clock: dict[str, Any], zone: ZoneInfo) -> Deadline:
    limit = Limit(clock["amount"], LimitKind(clock["kind"]))
    pauses = [Pause(datetime.fromisoformat(since), datetime.fromisoformat(until)) for since, until in clock["pauses"]]
    since, extensions = datetime.fromisoformat(clock["since"]), clock["extensions"]
    return find_clock(session, zone, limit.kind).deadline(since, limit, pauses=pauses, extensions=extensions)


def recount_living(session: Session, *, zone: ZoneInfo, by: Actor) -> int:
    """How many living incidents' deadlines a changed calendar has moved; each timeline keeps the old and the new one.

    What has ended keeps the deadline it was judged by.
    """
    counted = [str(kind) for kind in BY_WORK]
    found = select(Incident).where(is_living(), Incident.clock["kind"].astext.in_(counted)).order_by(Incident.id)
    lines = [_move_deadline(session, incident, zone, by) for incident in session.scalars(found.with_for_update())]
    moved = [line for line in lines if line is not None]
    if moved:
        session.execute(insert(IncidentStep), moved)
    session.flush()
    return len(moved)


def _move_deadline(session: Session, incident: Incident, zone: ZoneInfo, by: Actor) -> dict[str, Any] | None:
    """The line of the timeline that says so, None where the deadline stays."""
    before = incident.due_at
    if incident.clock is None or before is None:
        return None
    set_clock(session, incident, incident.clock, zone=zone)
    after = incident.due_at
    if after is None or after == before:
        return None
    incident.changed_at = func.now()
    words = f"{before.astimezone(zone).isoformat()} → {after.astimezone(zone).isoformat()}"
    return {"incident_id": incident.id, "step": "recount", "state": incident.state, "by": by.name, "note": words}
