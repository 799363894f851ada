"""Incidents: reported, dispatched, taken step by step to the end, and read."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema
from sqlalchemy.orm import Session

from gis_api.answers import cases as answers
from gis_api.answers import declare_answer
from gis_api.dependencies import AskedBox, Locator, Now, Read, Replicas_, Roster_, Tx, Zone, role_door
from gis_api.errors import Problem, language_of
from gis_api.geojson import ReportedPosition, position
from gis_api.idempotency import read_idempotency_key
from gis_api.incident_json import answer_to_report, case_of, describe_full_case, describe_likely
from gis_api.moments import AskedMoment, Moment
from gis_api.paging import cursor_of, link_after, moment_of
from gis_api.strict_routes import StrictRoute
from layers import dispatching, incidents
from layers.access import Actor, Role
from layers.categories import get_category
from layers.clocks import Light
from layers.dispatching import Decided, Memory, PartAsked, RawPosition, Report, StepAsked
from layers.errors import NotFound, Unacceptable
from layers.ids import find_id
from layers.incidents import RECALL_ANSWERS, STATES, STEPS, IncidentCard, IncidentsAsked, Sighting
from layers.moments import require_past
from layers.workers import ids_of

router = APIRouter(tags=["incidents"], route_class=StrictRoute)

Reporter = Annotated[Actor, Depends(role_door(Role.dispatcher, Role.worker, Role.admin))]
CaseReader = Annotated[Actor, Depends(role_door(Role.dispatcher, Role.worker, Role.unit, Role.admin, Role.auditor))]
StepTaker = Annotated[Actor, Depends(role_door(Role.dispatcher, Role.worker, Role.unit, Role.admin))]

Coordinate = Annotated[float, Field(strict=True)]
Metres = Annotated[float, Field(ge=0, le=100_000, allow_inf_nan=False)]
# PostgreSQL stores any text but the null character.
Text = Annotated[str, Field(max_length=4_000, pattern=r"^[^\x00]*$")]
Short = Annotated[str, Field(max_length=200, pattern=r"^[^\x00]*$")]


AskedStates = Annotated[
    list[str] | None, Query(description=f"one or several, also with commas between them: {', '.join(STATES)}")
]


class ReporterIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    kind: Literal["resident", "worker", "device", "department"]
    name: Short | None = None
    phone: Annotated[str | None, Field(max_length=40, pattern=r"^[^\x00]*$")] = None
    worker: Short | None = None


class IncidentIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    lon: Coordinate
    lat: Coordinate
    datum: str | None = None
    accuracy_m: Metres | None = None
    category: Short
    urgency: Literal["low", "normal", "high", "critical"] | None = None
    description: Text = ""
    channel: Literal["hotline", "wechat", "app", "patrol", "sensor", "department", "checkpoint"] = "hotline"
    occurred_at: Moment | None = None
    external_id: Annotated[Short | None, Field(min_length=1)] = None
    reporter: ReporterIn | None = None
    condition: Annotated[Short | None, Field(min_length=1, description="the code of a condition of the sheet")] = None


class ProofIn(BaseModel):
    """Where a device stood, when it measured that, and how well it says it did."""

    model_config = ConfigDict(extra="forbid")

    lon: Coordinate
    lat: Coordinate
    datum: str | None = None
    accuracy_m: Metres | None = None
    fixed_at: Moment | None = None


class PartIn(BaseModel):
    """One part of a case that is split, and whose it is to be: a worker, a department, or a worker of a department."""

    model_config = ConfigDict(extra="forbid")

    to: Annotated[Short | None, Field(description="a worker's number")] = None
    unit: Annotated[Short | None, Field(description="the code of a department")] = None
    note: Annotated[Text, Field(description="what is to be done; without it the description of the whole")] = ""
    lead: Annotated[bool, Field(description="whether its department answers for the whole; else that of the first")] = (
        False
    )


class StepIn(BaseModel):
    """`may` of an incident tells what each step demands; `lon, lat` beside a step stand for a `proof` of now."""

    model_config = ConfigDict(extra="forbid")

    step: Annotated[Short, WithJsonSchema({"type": "string", "enum": list(STEPS)})]
    note: Text = ""
    lon: Coordinate | None = None
    lat: Coordinate | None = None
    datum: str | None = None
    to: Annotated[Short | None, Field(description="a worker's number, or the id of another incident")] = None
    unit: Annotated[Short | None, Field(description="the code of a department")] = None
    proof: ProofIn | None = None
    confirm: Annotated[bool, Field(description="send somebody who is off duty all the same")] = False
    until: Annotated[Moment | None, Field(description="until when a pause lasts")] = None
    condition: Annotated[Short | None, Field(min_length=1, description="the code of a condition of the sheet")] = None
    parts: Annotated[list[PartIn] | None, Field(max_length=20, description="into what a case is split")] = None
    taken_at: Annotated[
        Moment | None, Field(description="when it was taken, where a phone without a line kept it: within a day")
    ] = None
    answer: Annotated[Short | None, Field(description=f"what the resident says: {', '.join(RECALL_ANSWERS)}")] = None


@router.post(
    "/api/v1/incidents",
    responses=declare_answer(answers.ReportAnswer, status=201) | declare_answer(answers.ReportAnswer),
    status_code=201,
    summary="Report an incident",
)
def report_incident(
    request: Request,
    tx: Tx,
    replicas: Replicas_,
    atlas: Locator,
    roster: Roster_,
    zone: Zone,
    now: Now,
    by: Reporter,
    sent: IncidentIn,
    idempotency_key: Annotated[str | None, Header()] = None,
    dry_run: bool = False,
) -> Response:
    """Located, ranked, assigned or waiting with a reason, and stored before it is answered.

    The same Idempotency-Key with the same body gives the stored answer (200, `replayed`); with another body 422.
    `dry_run` decides, stores nothing and needs no key.
    """
    memory = Memory(atlas, roster, zone)
    lang = language_of(request)
    if dry_run:
        decided = dispatching.decide(tx, memory, _report(tx, sent, by, atlas, now), now=now, by=by)
        told = answer_to_report(decided, None, replicas=replicas, lang=lang)
        return JSONResponse(told | {"duplicates": _describe_likely(tx, sent, decided, None, now, by)})
    key, client = _key(idempotency_key), f"{by.kind}:{by.name}"
    known = incidents.claim_key(tx, key, client=client, body_sha256=_digest(sent))
    if known is not None:
        return JSONResponse({**known, "replayed": True})
    done = dispatching.report(tx, memory, _report(tx, sent, by, atlas, now), now=now, by=by)
    answer = answer_to_report(done.decided, done, replicas=replicas, lang=lang)
    answer["duplicates"] = _describe_likely(tx, sent, done.decided, done.incident_id, now, by)
    incidents.keep_answer(tx, key, client=client, status=201, answer=answer)
    return JSONResponse(answer, 201, {"Location": f"/api/v1/incidents/{done.incident_id}"})


def _describe_likely(
    session: Session, sent: IncidentIn, decided: Decided, own_id: int | None, now: datetime, by: Actor
) -> list[dict[str, Any]]:
    """What the report may be a duplicate of, in short: the whole stands at `…/duplicates`."""
    place = (decided.lon, decided.lat)
    told = Sighting(*place, sent.category, now, accuracy_m=sent.accuracy_m, but=own_id)
    return [
        {
            **{name: one.card.fields[name] for name in ("state", "category", "description")},
            "id": str(one.card.id),
            "reported_at": one.card.fields["reported_at"].isoformat(),
            "distance_m": round(one.distance_m, 1),
        }
        for one in incidents.list_likely(session, told, by=by)
    ]


def _key(sent: str | None) -> str:
    """The client's own key for this report; without one a lost answer would make two incidents of one."""
    if sent is None or not sent.strip():
        raise Problem(400, "idempotency_key_missing", errors=[(["Idempotency-Key"], "idempotency_key_missing")])
    return read_idempotency_key(sent)


def _digest(sent: IncidentIn) -> bytes:
    """The same for the same body, however its members are ordered or spaced."""
    told = json.dumps(sent.model_dump(mode="json", exclude_unset=True), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(told.encode("utf-8", "surrogatepass")).digest()


def _report(session: Session, sent: IncidentIn, by: Actor, atlas: Locator, now: datetime) -> Report:
    if sent.occurred_at is not None:
        require_past(sent.occurred_at, "occurred_at", now=now)
    place: ReportedPosition = position(
        sent.lon, sent.lat, datum=sent.datum, actor=by, bounds=atlas.bounds, accuracy_m=sent.accuracy_m
    )
    return Report(
        lon=place.lon,
        lat=place.lat,
        raw_lon=place.raw_lon,
        raw_lat=place.raw_lat,
        datum=place.datum,
        accuracy_m=sent.accuracy_m,
        category=sent.category,
        urgency=sent.urgency,
        description=sent.description,
        channel=sent.channel,
        occurred_at=sent.occurred_at,
        external_id=sent.external_id,
        reporter=_reporter(session, sent.reporter, by),
        condition=sent.condition,
    )


def _reporter(session: Session, sent: ReporterIn | None, by: Actor) -> dict[str, Any] | None:
    """Who reported: as stated, else the worker who sends it."""
    if sent is None:
        return {"kind": "worker", "worker_id": by.worker_id} if by.role == Role.worker else None
    named = sent.worker
    worker_id = ids_of(session, [named], by=by)[named] if named is not None else None
    if worker_id is None and sent.kind == "worker":
        worker_id = by.worker_id
    return {"kind": sent.kind, "name": sent.name, "phone": sent.phone, "worker_id": worker_id}


@router.get("/api/v1/incidents", responses=declare_answer(answers.Cases), summary="The incidents that one may see")
def list_incidents(
    request: Request,
    tx: Read,
    now: Now,
    by: CaseReader,
    box: AskedBox,
    state: Annotated[
        list[str] | None, Query(description=f"one or several, also by commas: {', '.join(STATES)}")
    ] = None,
    area: Annotated[str, Query(max_length=40)] = "",
    category: Annotated[str | None, Query(max_length=60)] = None,
    external_id: Annotated[str | None, Query(max_length=200, description="the id of whoever reported")] = None,
    since: AskedMoment | None = None,
    changed_since: Annotated[str | None, Query(max_length=100)] = None,
    overdue: bool = False,
    light: Annotated[list[Light] | None, Query(description="what its clock shows; may be repeated")] = None,
    late: Annotated[Literal["three_times"] | None, Query(description="late by three times its limit")] = None,
    living: Annotated[bool, Query(description="only those that have not come to their end")] = False,
    mine: Annotated[bool, Query(description="only those that one has in hand or has reported")] = False,
    order: Annotated[Literal["newest", "deadline"], Query(description="what comes first")] = "newest",
    count: Annotated[bool, Query(description="tell how many there are: living, overdue, waiting")] = False,
    after: Annotated[str | None, Query(max_length=100)] = None,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
) -> dict[str, Any]:
    """The newest report first; with `changed_since` (a moment, or what `next` says) the oldest change first.

    With `changed_since` there is always a `next`: ask it again later for what has changed until then.
    """
    moment, cursor = moment_of(changed_since) if changed_since is not None else (None, cursor_of(after))
    by_deadline = order == "deadline" and changed_since is None
    if category is not None:
        get_category(tx, category)
    asked = IncidentsAsked(
        states=_states(state),
        area=area,
        category=category,
        external_id=external_id,
        since=since,
        changed_since=moment,
        overdue_at=now if overdue else None,
        bbox=box,
        after=cursor,
        limit=limit,
        lights=tuple(light or ()),
        late_thrice=late is not None,
        now=now,
        living=living,
        mine=mine,
        by_deadline=by_deadline,
    )
    cards = incidents.list_incidents(tx, asked, by=by)
    link = _link(request, cards[-1], by_deadline=by_deadline) if cards else None
    if changed_since is not None:
        link = link or str(request.url.path) + "?" + str(request.url.query)
    elif len(cards) < limit:
        link = None
    told = [case_of(card, now=now, by=by, lang=language_of(request)) for card in cards]
    counts = incidents.count_incidents(tx, asked, now=now, by=by) if count else None
    return {"incidents": told, "next": link, "counts": counts}


def _link(request: Request, last: IncidentCard, *, by_deadline: bool) -> str:
    """The address of what comes after this incident, in the order that was asked for."""
    if "changed_since" in request.query_params:
        return link_after(request, "changed_since", last.fields["changed_at"], last.id)
    due_at = last.fields["due_at"] if by_deadline else None
    return link_after(request, "after", due_at or last.fields["reported_at"], last.id)


def _states(sent: list[str] | None) -> tuple[str, ...]:
    words = tuple(word for one in sent or () for word in one.split(",") if word)
    for word in words:
        if word not in STATES:
            raise Unacceptable("unknown_state", errors=[(["state"], "unknown_state")], states=", ".join(STATES))
    return words


@router.get(
    "/api/v1/incidents/{incident_id}",
    responses=declare_answer(answers.FullCase),
    summary="One incident with its timeline",
)
def read_incident(request: Request, tx: Read, now: Now, by: CaseReader, incident_id: str) -> dict[str, Any]:
    """The incident, its timeline, the latest decision about who goes, and the steps that may follow."""
    card = incidents.get_incident(tx, read_id(incident_id), by=by)
    return describe_full_case(tx, card, now=now, by=by, lang=language_of(request))


@router.get(
    "/api/v1/incidents/{incident_id}/duplicates",
    responses=declare_answer(answers.LikelyCases),
    summary="What an incident may be a duplicate of",
)
def read_duplicates(request: Request, tx: Read, now: Now, by: CaseReader, incident_id: str) -> dict[str, Any]:
    """Near in space and time, of the same category or for the same department, living or closed within a day."""
    card = incidents.get_incident(tx, read_id(incident_id), by=by)
    known = card.fields
    told = Sighting(card.lon, card.lat, known["category"], now, accuracy_m=known["accuracy_m"], but=card.id)
    found = incidents.list_likely(tx, told, by=by)
    return {"incidents": describe_likely(found, now=now, by=by, lang=language_of(request))}


@router.post(
    "/api/v1/incidents/{incident_id}/steps",
    responses=declare_answer(answers.FullCase),
    summary="Take the next step of an incident",
)
def take_step(
    request: Request,
    tx: Tx,
    atlas: Locator,
    roster: Roster_,
    zone: Zone,
    now: Now,
    by: StepTaker,
    incident_id: str,
    sent: StepIn,
) -> dict[str, Any]:
    """The incident after the step; 409 with the steps that may follow where this one may not."""
    asked = _step(sent, by, atlas)
    card = dispatching.take_step(tx, Memory(atlas, roster, zone), read_id(incident_id), asked=asked, now=now, by=by)
    return describe_full_case(tx, card, now=now, by=by, lang=language_of(request))


def _step(sent: StepIn, by: Actor, atlas: Locator) -> StepAsked:
    asked = StepAsked(sent.step, note=sent.note, to=sent.to, unit=sent.unit, confirm=sent.confirm, until=sent.until)
    parts = tuple(PartAsked(**part.model_dump()) for part in sent.parts or ())
    asked = replace(asked, condition=sent.condition, parts=parts, answer=sent.answer, taken_at=sent.taken_at)
    told = sent.proof or _read_stated_proof(sent)
    if told is None:
        return asked
    place = position(told.lon, told.lat, datum=told.datum, actor=by, bounds=atlas.bounds)
    raw = RawPosition(place.raw_lon, place.raw_lat, place.datum)
    asked = replace(asked, lon=place.lon, lat=place.lat, raw=raw)
    return replace(asked, accuracy_m=told.accuracy_m, fixed_at=told.fixed_at)


def _read_stated_proof(sent: StepIn) -> ProofIn | None:
    """The position that stands beside the step instead of in its proof."""
    if (sent.lon is None) != (sent.lat is None):
        missing = "lon" if sent.lon is None else "lat"
        raise Unacceptable("position_missing", errors=[([missing], "position_missing")])
    if sent.lon is None or sent.lat is None:
        return None
    return ProofIn(lon=sent.lon, lat=sent.lat, datum=sent.datum)


def read_id(sent: str) -> int:
    """Ids are opaque: whatever is none of ours is simply not there."""
    found = find_id(sent)
    if found is None:
        raise NotFound("not_found")
    return found
