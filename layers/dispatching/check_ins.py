"""The word of who is on a risky task, and what is done when it does not come: a job of its own.

    told = tell_silent(engine, clock=clock)

As with assignments that nobody accepts (`timeouts`) each case is one transaction, taken with SKIP LOCKED and looked at
under the lock: of several processes one tells of it, once.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from layers import incidents
from layers.access import service_actor
from layers.db import transaction
from layers.dispatching.hands import AUTOMATIC
from layers.dispatching.taking import Taking, line_of
from layers.history import note
from layers.incidents import Incident, Part, Step

STEP = "check_in_missed"
TIMER = service_actor(AUTOMATIC)
# A look is over after so many; each is a few statements.
MOST_AT_ONCE = 50


def check_in(taking: Taking) -> Step:
    """Whoever is there is well, as they say or a desk has heard; the timer begins anew."""
    heard_at = taking.asked.taken_at or taking.now
    incidents.renew_check_in(taking.incident, heard_at=heard_at, now=taking.now)
    incidents.touch(taking.incident)
    return line_of(taking, None)


def tell_silent(engine: Engine, *, clock: Callable[[], datetime]) -> int:
    """Of how many workers this look has told that they were not heard."""
    with transaction(engine) as session:
        ids = incidents.list_silent(session, now=clock(), most=MOST_AT_ONCE)
    told = 0
    for incident_id in ids:
        with transaction(engine) as session:
            told += tell_one(session, incident_id, now=clock())
    return told


def tell_one(session: Session, incident_id: int, *, now: datetime) -> bool:
    """Whether this worker is still silent and nobody else's to tell of; then it stands in the timeline and desks,
    leaders and the grid leader hear of it."""
    silent = select(Incident.id).where(Incident.id == incident_id, *incidents.is_silent(now))
    if session.scalar(silent.with_for_update(skip_locked=True)) is None:
        return False
    incident = incidents.lock_incident(session, incident_id)
    card = incidents.get_incident(session, incident_id, by=TIMER)
    incidents.require_rule(incident.state, STEP, frozenset({Part.timer}))
    incident.check_in_missed_at = now
    incidents.touch(incident)
    session.flush()
    leader, area = incidents.find_leader(session, incident, now=now), incident.current_code or incident.desk_area or ""
    line = Step(STEP, incident.state, note=card.worker or "", to=leader, by=AUTOMATIC)
    incidents.add_steps(session, incident_id, [line], at=now, by=TIMER)
    told = {"step": STEP, "state": incident.state, "worker": card.worker}
    note(session, "incident.check_in_missed", subject=str(incident_id), area=area, by=TIMER, **told)
    session.flush()
    return True
