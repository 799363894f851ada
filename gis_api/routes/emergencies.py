"""Emergency mode of an area: on, off, who is lent, and the buildings of a grid in the order of calling ([D7])."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from gis_api.dependencies import Now, Read, Tx, role_door
from gis_api.errors import Problem
from gis_api.moments import Moment
from gis_api.strict_routes import StrictRoute
from layers import emergencies
from layers.access import Actor, Role
from layers.dispatch_rules import Policy
from layers.emergencies import CallOut, EmergencyAsked, EmergencyCard
from layers.ids import find_id
from layers.standings import Measure

router = APIRouter(tags=["incidents"], route_class=StrictRoute)
Switcher = Annotated[Actor, Depends(role_door(Role.dispatcher, Role.admin))]
# How many households a building has is for whoever calls there: leaders and auditors are told no home ([A2]).
Caller = Annotated[Actor, Depends(role_door(Role.dispatcher, Role.worker, Role.admin))]
Anybody = Annotated[Actor, Depends(role_door(*Role))]
Area = Annotated[str, Path(max_length=40, pattern=r"^[0-9A-Za-z-]+$", description="the code of an area or a grid")]
Number = Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[^\x00]*$")]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500, pattern=r"^[^\x00]*$")]


class EmergencyRule(BaseModel):
    """What counts in the area instead of the settings of dispatching; what is not given stays as it is set."""

    model_config = ConfigDict(extra="forbid")

    policy: Policy | None = Policy.nearest
    measure: Measure | None = None
    reach_m: Annotated[float | None, Field(gt=0, le=100_000, allow_inf_nan=False)] = None
    open_tasks: Annotated[int | None, Field(ge=1, le=100)] = None
    critical_tasks: Annotated[int | None, Field(ge=1, le=100)] = None
    check_in_minutes: Annotated[int | None, Field(ge=0, le=1440)] = None
    patrol_teams: Annotated[bool, Field(description="patrol teams are sent too")] = True


class EmergencyIn(BaseModel):
    """Why, until when at the latest, and who is to come: by name, or so many altogether, the nearest first."""

    model_config = ConfigDict(extra="forbid")

    reason: Reason
    until: Moment
    rule: EmergencyRule = EmergencyRule()
    helpers: Annotated[list[Number], Field(max_length=200)] = []
    reinforce: Annotated[int, Field(ge=0, le=200)] = 0


class CoverLeft(BaseModel):
    """How many are on duty in an area that somebody is taken from, and how many it takes at least."""

    area: str
    on_duty: int
    minimum: int


class HelperOut(BaseModel):
    """Somebody who is lent; `leaves` is told when they are taken."""

    worker: str
    name: str
    role: str
    area: str
    distance_m: float | None
    leaves: list[CoverLeft]


class KeptBackOut(BaseModel):
    """Somebody who was nearer and stays where they are, for their area would fall below its minimum."""

    worker: str
    name: str
    short: CoverLeft


class EmergencyOut(BaseModel):
    """An emergency; `missing` of those asked for could not be taken from anywhere."""

    area: str
    reason: str
    since: datetime
    until: datetime
    in_force: bool
    rule: dict[str, Any]
    by: str
    ended_by: str | None
    helpers: list[HelperOut]
    kept_back: list[KeptBackOut]
    missing: int


class EmergenciesOut(BaseModel):
    emergencies: list[EmergencyOut]


class CalledOut(BaseModel):
    """A building with its place in the order; `outcome` is null before somebody has been there."""

    place: int
    id: str
    name: str
    address: str
    floors: int | None
    households: int
    hazards: int
    position: dict[str, Any]
    outcome: Literal["answered", "nobody", "needs_help"] | None
    note: str
    at: datetime | None
    by: str | None


class CallOutOut(BaseModel):
    """The buildings of a grid in the order of calling, and how far that has come."""

    area: str
    grid: str
    buildings: list[CalledOut]
    called: int
    of: int
    households_reached: int
    households: int


class CallIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    outcome: Literal["answered", "nobody", "needs_help"]
    note: Annotated[str, Field(max_length=500, pattern=r"^[^\x00]*$")] = ""


@router.get("/api/v1/emergencies", summary="Areas in emergency mode")
def list_emergencies(
    tx: Read,
    now: Now,
    by: Anybody,
    ended: Annotated[bool, Query(description="also those that are over, the last first")] = False,
) -> EmergenciesOut:
    """What counts now in one's area or around it."""
    found = emergencies.list_emergencies(tx, now=now, ended=ended, by=by)
    return EmergenciesOut(emergencies=[_describe_emergency(one, now) for one in found])


@router.put(
    "/api/v1/emergencies/{area}", summary="Switch an area to emergency mode", responses={201: {"model": EmergencyOut}}
)
def switch_on(tx: Tx, now: Now, by: Switcher, area: Area, sent: EmergencyIn, response: Response) -> EmergencyOut:
    """201 when it begins now; the same again is 200 and changes nothing, something else changes what counts.

    Reinforcements never take an area below its minimum cover (`PUT /api/v1/on-duty/cover/{area}`): whoever is named is
    refused, of those counted the next nearest comes, and `kept_back` tells who was not taken. It ends by itself.
    """
    rule = sent.rule.model_dump(mode="json", exclude_none=True)
    asked = EmergencyAsked(sent.reason, sent.until, rule, tuple(sent.helpers), sent.reinforce)
    card, begins = emergencies.switch_on(tx, area, asked, now=now, by=by)
    response.status_code = 201 if begins else 200
    return _describe_emergency(card, now)


@router.delete("/api/v1/emergencies/{area}", summary="End the emergency mode of an area")
def switch_off(tx: Tx, now: Now, by: Switcher, area: Area) -> EmergencyOut:
    """All is as if it had not been; one that is over already stays as it ended."""
    return _describe_emergency(emergencies.switch_off(tx, area, now=now, by=by), now)


@router.get("/api/v1/emergencies/{area}/calls", summary="The buildings of a grid in the order of calling")
def read_calls(
    tx: Read, now: Now, by: Caller, area: Area, grid: Annotated[str, Query(min_length=1, max_length=40)]
) -> CallOutOut:
    """Open hazards first, then households and floors; with what came of each call and how far it has come."""
    return _describe_call_out(emergencies.list_calls(tx, area, grid, now=now, by=by))


@router.put(
    "/api/v1/emergencies/{area}/calls/{building_id}",
    status_code=204,
    response_class=Response,
    summary="Tell what came of calling at a building",
)
def call_building(
    tx: Tx, now: Now, by: Caller, area: Area, building_id: Annotated[str, Path(max_length=40)], sent: CallIn
) -> Response:
    """Later news take the place of earlier ones."""
    found = find_id(building_id)
    if found is None:
        raise Problem(404, "not_found")
    emergencies.call_building(tx, area, found, outcome=sent.outcome, remark=sent.note, now=now, by=by)
    return Response(status_code=204)


def _describe_emergency(card: EmergencyCard, now: datetime) -> EmergencyOut:
    return EmergencyOut(
        area=card.area,
        reason=card.reason,
        since=card.since,
        until=card.until,
        in_force=card.lasts(now),
        rule=dict(card.rule),
        by=card.by,
        ended_by=card.ended_by,
        helpers=[
            HelperOut(
                worker=one.worker,
                name=one.name,
                role=one.role,
                area=one.home_area,
                distance_m=one.distance_m,
                leaves=[CoverLeft.model_validate(left, from_attributes=True) for left in one.leaves],
            )
            for one in card.helpers
        ],
        kept_back=[KeptBackOut.model_validate(one, from_attributes=True) for one in card.kept_back],
        missing=card.missing,
    )


_SHOWN = ("place", "name", "address", "floors", "households", "hazards", "outcome", "note", "at", "by")


def _describe_call_out(found: CallOut) -> CallOutOut:
    return CallOutOut(
        area=found.area,
        grid=found.grid,
        buildings=[
            CalledOut(
                **{
                    name: getattr(one, name) for name in ("place", "name", "address", "floors", "households", "hazards")
                },
                **{name: getattr(one, name) for name in ("outcome", "note", "at", "by")},
                id=str(one.id),
                position={"lon": one.lon, "lat": one.lat, "datum": "wgs84"},
            )
            for one in found.buildings
        ],
        called=found.called,
        of=len(found.buildings),
        households_reached=found.households_reached,
        households=sum(one.households for one in found.buildings),
    )
