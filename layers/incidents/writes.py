"""What is written of an incident: itself, its reporter, its steps, the decision behind an assignment."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session
from sqlalchemy.orm.util import identity_key

from layers.access import Actor
from layers.db import WGS84, table_of
from layers.errors import Conflict, NotFound
from layers.incidents.table import FIGURED_STEPS, Decision, Incident, IncidentStep, Reporter
from layers.incidents.timing import start_clock
from layers.incidents.workflow import ENDS
from layers.shifts import CITY_ZONE


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a timeline as it is written; `by` is None where it is the one who writes."""

    step: str
    state: str
    note: str = ""
    lon: float | None = None
    lat: float | None = None
    to: str | None = None
    by: str | None = None
    proof: dict[str, Any] | None = None
    taken_at: datetime | None = None


def add_incident(
    session: Session,
    *,
    lon: float,
    lat: float,
    reporter: dict[str, Any] | None,
    zone: ZoneInfo = CITY_ZONE,
    **columns: Any,
) -> Incident:
    """The stored incident with its reporter; raises Conflict when this source has sent this external id before."""
    _refuse_twice(session, columns.get("source", ""), columns.get("external_id"))
    incident = Incident(geom=func.ST_SetSRID(func.ST_MakePoint(lon, lat), WGS84), **columns)
    start_clock(session, incident, now=incident.reported_at, zone=zone)
    session.add(incident)
    session.flush()
    if reporter is not None:
        session.execute(insert(table_of(Reporter)).values(incident_id=incident.id, **reporter))
    return incident


def add_steps(session: Session, incident_id: int, steps: Sequence[Step], *, at: datetime, by: Actor) -> None:
    """Append lines to the timeline."""
    rows = [
        {name: getattr(one, name) for name in Step.__slots__}
        | {"incident_id": incident_id, "at": at, "by": one.by or by.name}
        for one in steps
    ]
    session.execute(insert(table_of(IncidentStep)), rows)
    _mark_taken(session, incident_id, bits_of(one.step for one in steps))


def _mark_taken(session: Session, incident_id: int, taken: int) -> None:
    """Add these bits to the incident's. Bits are never taken away: what is seen of them is there."""
    known = session.identity_map.get(identity_key(Incident, incident_id))
    seen = 0 if known is None else known.steps_taken
    if taken & ~seen:
        incidents = table_of(Incident)
        marked = incidents.c.steps_taken.bitwise_or(taken)
        session.execute(update(incidents).where(incidents.c.id == incident_id).values(steps_taken=marked))


def bits_of(steps: Iterable[str]) -> int:
    """The steps of `FIGURED_STEPS` among these as bits, in its order."""
    named = set(steps)
    return sum(1 << at for at, step in enumerate(FIGURED_STEPS) if step in named)


def add_decision(session: Session, incident_id: int, **columns: Any) -> None:
    """Keep why this worker, or nobody, was chosen."""
    session.execute(insert(table_of(Decision)).values(incident_id=incident_id, **columns))


def lock_incident(session: Session, incident_id: int) -> Incident:
    """The incident, held until the end of the transaction: steps follow each other, they never race."""
    incident = session.get(Incident, incident_id, with_for_update=True, populate_existing=True)
    if incident is None:
        raise NotFound("not_found")
    return incident


def change_state(
    session: Session,
    incident: Incident,
    state: str,
    *,
    now: datetime,
    waiting_reason: str | None = None,
    collector_id: int | None = None,
    zone: ZoneInfo = CITY_ZONE,
) -> None:
    """Put the incident into a state and start the clock of the step it now waits for; nobody is on the way to look
    at it any more but `collector_id`, and nobody's word is awaited."""
    incident.state, incident.collector_id, incident.inspect_last = state, collector_id, False
    incident.check_in_by = incident.check_in_missed_at = None
    incident.waiting_reason = waiting_reason if state == "waiting" else None
    incident.closed_at = now if state in ENDS else None
    start_clock(session, incident, now=now, zone=zone)
    touch(incident)


def touch(incident: Incident) -> None:
    """Let the incident appear in the feed of changes."""
    incident.changed_at = func.now()


def _refuse_twice(session: Session, source: str, external_id: str | None) -> None:
    if external_id is None:
        return
    same = select(Incident.id).where(Incident.source == source, Incident.external_id == external_id)
    if (known := session.scalar(same)) is not None:
        raise Conflict("external_id_taken", external_id=external_id[:100], incident=str(known))
