"""The buildings of a grid in the order in which they are called at, and how far that has come ([D7]).

First where most may happen: open hazards in the house, then households, then floors, then the number of the building.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from layers.access import Actor
from layers.buildings import Building
from layers.emergencies.switching import find_emergency
from layers.emergencies.table import OUTCOMES, Emergency, EmergencyCall, EmergencyHelper
from layers.errors import NotFound, Unacceptable
from layers.grids import Grid
from layers.hazards import Hazard
from layers.history import note
from layers.plans import Plan, is_in_force_at

__all__ = ["OUTCOMES", "CallOut", "CalledBuilding", "call_building", "list_calls"]


@dataclass(frozen=True, slots=True)
class CalledBuilding:
    """One building with its place in the order, and what came of calling there; `outcome` is None before that."""

    place: int
    id: int
    name: str
    address: str
    floors: int | None
    households: int
    hazards: int
    lon: float
    lat: float
    outcome: str | None
    note: str
    at: datetime | None
    by: str | None


@dataclass(frozen=True, slots=True)
class CallOut:
    """All buildings of a grid in order."""

    area: str
    grid: str
    buildings: tuple[CalledBuilding, ...]

    @property
    def called(self) -> int:
        """At how many somebody has been."""
        return sum(one.outcome is not None for one in self.buildings)

    @property
    def households_reached(self) -> int:
        """How many households live where somebody answered or needs help."""
        return sum(one.households for one in self.buildings if one.outcome in ("answered", "needs_help"))


def list_calls(session: Session, area: str, grid: str, *, now: datetime, by: Actor) -> CallOut:
    """The call-out of a grid of the area in emergency mode; some milliseconds for a grid.

    Raises Conflict where no emergency counts, NotFound for a grid that is not in it or not the caller's to see.
    """
    emergency = find_emergency(session, area, now=now)
    known = select(Grid.code).where(Grid.code == grid, _is_in_force(now))
    if not grid.startswith(area) or session.scalar(known) is None or not _calls_at(session, emergency, grid, by):
        raise NotFound("not_found")
    rows = session.execute(_buildings(emergency.id, grid, now)).all()
    return CallOut(area, grid, tuple(CalledBuilding(place, *row) for place, row in enumerate(rows, 1)))


def call_building(
    session: Session, area: str, building_id: int, *, outcome: str, remark: str, now: datetime, by: Actor
) -> None:
    """Keep what came of calling at a building; the same again changes nothing, later news take its place.

    Raises Conflict where no emergency counts, NotFound for a building that is in no grid of it that is the caller's.
    """
    emergency = find_emergency(session, area, now=now)
    if outcome not in OUTCOMES:
        raise Unacceptable("unknown_outcome", errors=[(["outcome"], "unknown_outcome")], outcomes=", ".join(OUTCOMES))
    codes = session.scalars(_grids_of(building_id, area, now)).all()
    if not any(_calls_at(session, emergency, code, by) for code in codes):
        raise NotFound("not_found")
    told: dict[str, Any] = {"outcome": outcome, "note": remark, "by": by.name, "at": now}
    row = insert(EmergencyCall).values(emergency_id=emergency.id, building_id=building_id, **told)
    session.execute(row.on_conflict_do_update(index_elements=["emergency_id", "building_id"], set_=told))
    note(session, "emergency.call", subject=str(building_id), area=codes[0], by=by, outcome=outcome)


def _calls_at(session: Session, emergency: Emergency, code: str, by: Actor) -> bool:
    """Whether an actor is told who lives where in a grid: it is theirs, or they are lent to this emergency."""
    if code.startswith(by.area):
        return True
    return by.worker_id is not None and session.get(EmergencyHelper, (emergency.id, by.worker_id)) is not None


def _is_in_force(now: datetime) -> Any:
    return Grid.plan_id.in_(select(Plan.id).where(is_in_force_at(now)))


def _is_in_grid() -> Any:
    """A building belongs to a grid by override, else by its inner point ([S7])."""
    inside = and_(Building.grid_override.is_(None), func.ST_Covers(Grid.geom, Building.inner_point))
    return or_(func.starts_with(Building.grid_override, Grid.code), inside)


def _buildings(emergency_id: int, grid: str, now: datetime) -> Any:
    hazards = (
        select(func.count())
        .where(Hazard.state != "rectified", func.ST_Covers(Building.geom, Hazard.geom))
        .correlate(Building)
        .scalar_subquery()
    )
    point = (func.ST_X(Building.inner_point), func.ST_Y(Building.inner_point))
    about = (Building.id, Building.name, Building.address, Building.floors, Building.households)
    this = and_(EmergencyCall.building_id == Building.id, EmergencyCall.emergency_id == emergency_id)
    told = (EmergencyCall.outcome, func.coalesce(EmergencyCall.note, ""), EmergencyCall.at, EmergencyCall.by)
    return (
        select(*about, hazards.label("hazards"), *point, *told)
        .join(Grid, _is_in_grid())
        .outerjoin(EmergencyCall, this)
        .where(Grid.code == grid, _is_in_force(now))
        .order_by(hazards.desc(), Building.households.desc(), func.coalesce(Building.floors, 0).desc(), Building.id)
    )


def _grids_of(building_id: int, area: str, now: datetime) -> Any:
    found = select(Grid.code).join(Building, _is_in_grid())
    within = Grid.code.startswith(area, autoescape=True)
    return found.where(Building.id == building_id, within, _is_in_force(now)).order_by(func.length(Grid.code))
