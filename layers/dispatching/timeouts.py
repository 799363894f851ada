"""Assignments that nobody has accepted in time go to the next candidate ([D5]): a job of its own.

    passed_on = follow_overdue(engine, memory, clock=clock)

One case is one transaction. Its row is taken with SKIP LOCKED and looked at under the lock, so of several processes one
follows it, once; what a killed process had begun is undone with its transaction and done by the next look. A clock that
stands still (a pause) is in `due_at` already.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Engine, and_, func, or_, select
from sqlalchemy.orm import Session

from layers import incidents
from layers.access import service_actor
from layers.db import transaction
from layers.dispatch_settings import find_choosing
from layers.dispatching import field_tasks, handing
from layers.dispatching.hands import AUTOMATIC
from layers.dispatching.memory import Memory
from layers.dispatching.taking import StepAsked, Taking
from layers.errors import LayerError
from layers.history import note
from layers.incidents import Incident, Part

STEP = "timeout"
TIMER = service_actor(AUTOMATIC)
# A look is over after so many: it works in a process that answers lookups, and takes some 20 ms for each. Ten a second
# and process are a thousand reports of a minute that nobody accepted, followed within the next one.
MOST_AT_ONCE = 10
log = logging.getLogger("wangge.timeouts")


def follow_overdue(engine: Engine, memory: Memory, *, clock: Callable[[], datetime]) -> int:
    """How many assignments this look has passed on; one that cannot be is told in the log and keeps none waiting."""
    with transaction(engine) as session:
        ids = list_overdue(session, now=clock())
    followed = 0
    for incident_id in ids:
        try:
            with transaction(engine) as session:
                followed += follow_one(session, memory, incident_id, now=clock())
        except LayerError as refused:
            log.error("the overdue assignment of incident %d cannot be passed on: %s", incident_id, refused.code)
    return followed


def list_overdue(session: Session, *, now: datetime) -> list[int]:
    """The incidents that somebody should have accepted by now, what has been due longest first."""
    found = select(Incident.id).where(*_select_overdue(now)).order_by(_ACCEPT_BY, Incident.id)
    return list(session.scalars(found.limit(MOST_AT_ONCE)))


def follow_one(session: Session, memory: Memory, incident_id: int, *, now: datetime) -> bool:
    """Whether this assignment is still overdue and nobody else's to follow; then it has gone to the next candidate."""
    held = (
        select(Incident.id).where(Incident.id == incident_id, *_select_overdue(now)).with_for_update(skip_locked=True)
    )
    if session.scalar(held) is None:
        return False
    incident = incidents.lock_incident(session, incident_id)
    card = incidents.get_incident(session, incident_id, by=TIMER)
    rule = incidents.require_rule(incident.state, STEP, frozenset({Part.timer}))
    about: dict[str, Any] = {"category": incident.category, "urgency": incident.urgency, "zone": memory.zone}
    choosing = find_choosing(session, **about, code=incident.current_code or incident.desk_area, now=now)
    # The timeline names who did not answer; where it went stands beside it.
    asked = StepAsked(STEP, note=card.collector or card.worker or "")
    taking = Taking(session, memory, incident, card, asked, rule, choosing, now, TIMER)
    follow = handing.follow if incident.collector_id is None else field_tasks.follow
    line = follow(taking)
    session.flush()
    incidents.add_steps(session, incident_id, [replace(line, by=AUTOMATIC)], at=now, by=TIMER)
    area = incident.current_code or incident.desk_area or ""
    note(session, "incident.step", subject=str(incident_id), area=area, by=TIMER, step=STEP, state=incident.state)
    session.flush()
    return True


def _select_overdue(now: datetime) -> tuple[ColumnElement[bool], ...]:
    """A worker's assignment past its limit, or who was sent to look and has not; a department answers to its desk and
    is not followed by another."""
    assigned = and_(Incident.state == "dispatched", Incident.worker_id.is_not(None))
    return or_(assigned, Incident.collector_id.is_not(None)), now >= _ACCEPT_BY


# A case with a condition of the standard sheet has the sheet's clock, and this moment beside it.
_ACCEPT_BY = func.coalesce(Incident.accept_by, Incident.due_at)
