"""Incidents that may be the same: near in space and time, living or lately closed, and what was joined to what.

Near is `NEAR_M` and the accuracy of both positions, at most `FARTHEST_M`. Living ones count for `LIVING_FOR`, closed
ones for `CLOSED_FOR` after their end: somebody who calls an hour after the street was mended may mean the same hole.
Only what has the same category, or goes to the same department, is offered.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import cos, radians
from typing import Any

from geoalchemy2 import Geography
from sqlalchemy import ColumnElement, and_, cast, func, or_, select, update
from sqlalchemy.orm import Session

from layers.access import Actor
from layers.categories import Category
from layers.db import WGS84
from layers.incidents.reads import IncidentCard, card_of, cards, scope
from layers.incidents.table import Incident, IncidentStep, Reporter
from layers.incidents.workflow import is_living

NEAR_M = 100.0
FARTHEST_M = 300.0
LIVING_FOR = timedelta(days=7)
CLOSED_FOR = timedelta(hours=24)
MOST_OFFERED = 10
# A degree of latitude in metres, a little less than the least: the box must not be too small.
_DEGREE_M = 110_500.0


@dataclass(frozen=True, slots=True)
class Sighting:
    """What is looked for: a category at a place (degrees WGS84) at a moment."""

    lon: float
    lat: float
    category: str
    at: datetime
    accuracy_m: float | None = None
    but: int | None = None


@dataclass(frozen=True, slots=True)
class Likely:
    """An incident that may be the same, and how far from it it lies in metres."""

    card: IncidentCard
    distance_m: float


@dataclass(frozen=True, slots=True)
class Joined:
    """An incident that was joined to another one, with whoever reported it, and when they were told the answer."""

    id: int
    reported_at: datetime
    description: str
    reporter: Reporter | None
    fed_back_at: datetime | None


def list_likely(session: Session, told: Sighting, *, by: Actor) -> list[Likely]:
    """What this may be a duplicate of, of all that the reader may see: the same category first, then the nearest."""
    here = func.ST_SetSRID(func.ST_MakePoint(told.lon, told.lat), WGS84)
    away = func.ST_Distance(cast(Incident.geom, Geography), cast(here, Geography))
    within = NEAR_M + func.least(func.coalesce(Incident.accuracy_m, 0.0), FARTHEST_M) + (told.accuracy_m or 0.0)
    near = and_(Incident.geom.op("&&")(_box(told)), away <= func.least(within, FARTHEST_M))
    found = cards(away.label("away_m")).where(scope(by), near, _is_recent(told.at), _is_alike(told.category))
    if told.but is not None:
        # The parts of a case are not the same as it, nor as each other.
        own = select(func.coalesce(Incident.part_of, Incident.id)).where(Incident.id == told.but).scalar_subquery()
        whole = func.coalesce(Incident.part_of, Incident.id)
        found = found.where(Incident.id != told.but, whole != own)
    found = found.order_by(Incident.category != told.category, "away_m", Incident.id).limit(MOST_OFFERED)
    return [Likely(card_of(row), float(row.away_m)) for row in session.execute(found)]


def _box(told: Sighting) -> Any:
    off_lat = FARTHEST_M / _DEGREE_M
    off_lon = off_lat / max(cos(radians(told.lat)), 0.01)
    corners = (told.lon - off_lon, told.lat - off_lat, told.lon + off_lon, told.lat + off_lat)
    return func.ST_MakeEnvelope(*corners, WGS84)


def _is_recent(at: datetime) -> ColumnElement[bool]:
    """Living and reported lately, or closed lately; what was never one, or is joined already, is none."""
    living = and_(is_living(), Incident.reported_at.between(at - LIVING_FOR, at + LIVING_FOR))
    return or_(living, and_(Incident.state == "closed", Incident.closed_at >= at - CLOSED_FOR))


def _is_alike(category: str) -> ColumnElement[bool]:
    unit = select(Category.unit_code).where(Category.code == category).scalar_subquery()
    return or_(Incident.category == category, Incident.unit_code == unit)


def list_joined(session: Session, incident_id: int) -> list[Joined]:
    """What was joined to this incident, oldest first."""
    told = select(func.max(IncidentStep.at)).where(
        IncidentStep.incident_id == Incident.id, IncidentStep.step == "feed_back", IncidentStep.state == "duplicate"
    )
    found = (
        select(Incident.id, Incident.reported_at, Incident.description, Reporter, told.scalar_subquery().label("told"))
        .outerjoin(Reporter, Reporter.incident_id == Incident.id)
        .where(Incident.joined_to == incident_id)
        .order_by(Incident.id)
    )
    return [Joined(row.id, row.reported_at, row.description, row.Reporter, row.told) for row in session.execute(found)]


def join_ids(session: Session, incident_id: int) -> Sequence[int]:
    """The ids of what was joined to this incident."""
    return session.scalars(select(Incident.id).where(Incident.joined_to == incident_id).order_by(Incident.id)).all()


def move_joined(session: Session, incident_id: int, *, to: int) -> None:
    """What was joined to an incident goes with it where it is joined itself."""
    moving = update(Incident).where(Incident.joined_to == incident_id).values(joined_to=to, changed_at=func.now())
    session.execute(moving)


def find_answer(session: Session, incident_id: int) -> IncidentStep | None:
    """The line with which the reporter was last told the answer, None before that."""
    told = select(IncidentStep).where(IncidentStep.incident_id == incident_id, IncidentStep.step == "feed_back")
    return session.scalars(told.order_by(IncidentStep.id.desc()).limit(1)).first()
