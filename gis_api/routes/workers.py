"""Workers: who they are, and who is nearest to a place and on duty."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from gis_api import texts
from gis_api.answers import cases as answers
from gis_api.answers import declare_answer
from gis_api.dependencies import KnownRoster, Locator, Now, Read, Replicas_, Tx, Zone, role_door
from gis_api.errors import language_of
from gis_api.geojson import ReportedPosition, position
from gis_api.moments import AskedMoment
from gis_api.strict_routes import StrictRoute
from layers import leaving, workers
from layers.access import Actor, Role, require_visible
from layers.assignments import codes_served
from layers.candidates import Roster
from layers.db import transaction
from layers.dispatch_rules import Policy, Wish
from layers.dispatching import Memory, candidate_json, describe_rejected, place_of, rank_nearest
from layers.locating import Atlas
from layers.standings import Measure
from layers.workers import Found, WorkerCard, WorkerRole, mask_phone

router = APIRouter(tags=["workers"], route_class=StrictRoute)
# Who calls workers needs their number, and where to look for somebody without a fix.
SEE_PHONES = (Role.dispatcher, Role.admin)

Reader = Annotated[Actor, Depends(role_door(Role.dispatcher, Role.planner, Role.leader, Role.admin, Role.auditor))]
Writer = Annotated[Actor, Depends(role_door(Role.planner, Role.dispatcher, Role.admin))]
Seeker = Annotated[Actor, Depends(role_door(Role.dispatcher, Role.leader, Role.admin))]

Code = Annotated[str, Field(max_length=40, pattern=r"^[A-Za-z0-9_-]+$")]
Number = Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[^\s/?#\x00-\x1f\x7f]+$")]
Name = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]
Phone = Annotated[str, Field(max_length=40, pattern=r"^[0-9+() -]*$")]
Coordinate = Annotated[float, Field(strict=True)]


class Home(BaseModel):
    model_config = ConfigDict(extra="forbid")

    lon: Coordinate
    lat: Coordinate
    datum: str | None = None


class NewWorker(BaseModel):
    model_config = ConfigDict(extra="forbid")

    number: Number
    name: Name
    role: WorkerRole = WorkerRole.grid_worker
    area: Code
    phone: Phone | None = None
    unit: Code | None = None
    home: Home | None = None


class WorkerChange(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Name | None = None
    role: WorkerRole | None = None
    area: Code | None = None
    phone: Phone | None = None
    unit: Code | None = None
    home: Home | None = None
    active: bool | None = None


class WorkerOut(BaseModel):
    id: str
    number: str
    name: str
    role: str
    area: str
    unit: str | None
    active: bool
    grids: list[str]
    phone_masked: str | None
    phone: str | None = None
    home: dict[str, float] | None = None
    last_assigned_at: datetime | None


class WorkersOut(BaseModel):
    workers: list[WorkerOut]
    next: str | None


def _describe_worker(card: WorkerCard, grids: list[str], by: Actor) -> WorkerOut:
    trusted = by.role in SEE_PHONES
    return WorkerOut(
        id=card.number,
        number=card.number,
        name=card.name,
        role=card.role,
        area=card.area,
        unit=card.unit_code,
        active=card.active,
        grids=grids,
        phone_masked=mask_phone(card.phone),
        phone=card.phone if trusted else None,
        home={"lon": card.home[0], "lat": card.home[1]} if trusted and card.home else None,
        last_assigned_at=card.last_assigned_at,
    )


@router.get(
    "/api/v1/workers/nearest",
    responses=declare_answer(answers.Nearest),
    summary="Who is nearest to a place and on duty, and why",
)
def read_nearest(
    request: Request,
    replicas: Replicas_,
    atlas: Locator,
    roster: KnownRoster,
    now: Now,
    by: Seeker,
    lon: float,
    lat: float,
    datum: str | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 5,
    role: WorkerRole | None = None,
    at: AskedMoment | None = None,
    policy: Policy = Policy.own_grid_first,
    measure: Measure = Measure.straight,
) -> dict[str, Any]:
    """Candidates best first and everybody who stood before the last of them but may not go, each with the reason.

    `measure=walking` tells the ways along the stored roads; a candidate whose way they do not tell is `straight`, and
    who is parted by water or a railway without any way is turned down as `no_way`. From memory; only for a moment more
    than a day away the roster of that time is read from the database.
    """
    sent = position(lon, lat, datum=datum, actor=by, bounds=atlas.bounds)
    moment = at or now
    location = replicas.page(moment).locate(sent.lon, sent.lat, at=moment)
    place = place_of(location)
    if place.finest is not None:
        require_visible(by, place.finest)
    memory = Memory(atlas, roster if roster.covers(moment) else _roster_of(request, moment))
    wish = Wish(policy=policy, role=role and str(role), limit=limit, measure=measure)
    ranking = rank_nearest(memory, place, lon=sent.lon, lat=sent.lat, at=moment, wish=wish)
    desk = memory.roster.chart.find_desk(place, lon=sent.lon, lat=sent.lat)
    lang = language_of(request)
    return {
        "candidates": [
            {**candidate_json(one), "reason_text": texts.text(f"dispatch.{one.reason}", lang)}
            for one in ranking.candidates
        ],
        "rejected": [describe_rejected(one) for one in ranking.rejected],
        "rejected_by_reason": ranking.rejected_by_reason,
        "level": ranking.level,
        "duty_phone": desk and desk.phone,
        "duty_desk": desk and {"area": desk.area, "name": desk.name, "phone": desk.phone},
        "relation": location.relation,
        **_describe_no_plan(atlas, sent, moment, lang),
        "plan_version": location.plan_version,
        "updated_at": replicas.people_known_at,
        "stale": replicas.stale,
    }


def _describe_no_plan(atlas: Atlas, sent: ReportedPosition, at: datetime, lang: str) -> dict[str, Any]:
    """That there was no plan yet at that time, in words too; nothing where there was one."""
    first = atlas.find_first_plan(sent.lon, sent.lat, at=at)
    if first is None:
        return {}
    told = {"district": first[0], "first_plan_at": first[1].isoformat()}
    return {"no_plan": {**told, "text": texts.text("errors.no_plan_yet", lang, **told)}}


def _roster_of(request: Request, at: datetime) -> Roster:
    with transaction(request.app.state.engine) as session:
        return Roster.load(session, at)


@router.get("/api/v1/workers", summary="The workers of one's area")
def list_workers(
    request: Request,
    tx: Read,
    by: Reader,
    now: Now,
    area: Annotated[str, Query(max_length=40)] = "",
    role: WorkerRole | None = None,
    after: Annotated[str, Query(max_length=60)] = "",
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
) -> WorkersOut:
    """Active and former workers by staff number, a page at a time."""
    found = Found(area=area, role=role and str(role), after=after, limit=limit)
    cards = workers.list_workers(tx, found, by=by)
    grids = codes_served(tx, [card.id for card in cards], at=now)
    asked = dict(request.query_params)
    link = f"{request.url.path}?{urlencode(asked | {'after': cards[-1].number})}" if len(cards) == limit else None
    return WorkersOut(workers=[_describe_worker(card, grids[card.id], by) for card in cards], next=link)


@router.post("/api/v1/workers", status_code=201, summary="Add a worker")
def add_worker(tx: Tx, atlas: Locator, by: Writer, new: NewWorker) -> WorkerOut:
    """The new worker, who serves nothing and has no shift yet."""
    more = {"phone": new.phone, "unit_code": new.unit}
    if new.home is not None:
        more |= _home(new.home, by, atlas)
    card = workers.add_worker(tx, new.number, name=new.name, role=str(new.role), area=new.area, by=by, **more)
    return _describe_worker(card, [], by)


@router.get("/api/v1/workers/{number}", summary="One worker")
def read_worker(tx: Read, by: Reader, now: Now, number: str) -> WorkerOut:
    """The worker with the grids served now."""
    card = workers.get_worker(tx, number, by=by)
    return _describe_worker(card, codes_served(tx, [card.id], at=now)[card.id], by)


@router.patch("/api/v1/workers/{number}", summary="Change a worker")
def change_worker(
    tx: Tx, atlas: Locator, by: Writer, now: Now, zone: Zone, number: str, change: WorkerChange
) -> WorkerOut:
    """What is given is changed; `home`, `phone` and `unit` may be null to take them away.

    `active: false` is for whoever holds nothing any more: 409 `worker_holds_something` where tasks or grids are left,
    which `POST …/leaving` hands over.
    """
    if change.active is False:
        leaving.retire(tx, number, now=now, zone=zone, by=by)
    if change.active:
        leaving.take_back(tx, number, by=by)
    sent = change.model_dump(exclude_unset=True, exclude={"home", "unit"})
    changes = {name: value for name, value in sent.items() if value is not None or name == "phone"}
    if "unit" in change.model_fields_set:
        changes["unit_code"] = change.unit
    if "home" in change.model_fields_set:
        changes |= {"home": None} if change.home is None else _home(change.home, by, atlas)
    card = workers.change_worker(tx, number, changes, by=by)
    return _describe_worker(card, codes_served(tx, [card.id], at=now)[card.id], by)


def _home(home: Home, by: Actor, atlas: Locator) -> dict[str, Any]:
    sent = position(home.lon, home.lat, datum=home.datum, actor=by, bounds=atlas.bounds)
    return {"home": (sent.lon, sent.lat)}
