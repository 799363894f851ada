"""Why this worker: the decision behind an assignment, with everybody who was considered, and made again."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from sqlalchemy.orm import Session

from gis_api.answers import cases as answers
from gis_api.answers import declare_answer
from gis_api.dependencies import KnownRoster, Read, role_door
from gis_api.incident_json import SEE_PHONES
from gis_api.routes.incidents import CaseReader, read_id
from gis_api.strict_routes import StrictRoute
from layers import dispatching, incidents
from layers.access import Actor
from layers.errors import NotFound
from layers.incidents import Decision

router = APIRouter(tags=["incidents"], route_class=StrictRoute)

Which = Annotated[str | None, Query(max_length=20, description="one of `ids`; without it the latest")]
WhoElse = Annotated[str | None, Query(max_length=60, description="a staff number; default: who was chosen")]
# Where somebody stood is for desks.
Desk = Annotated[Actor, Depends(role_door(*SEE_PHONES))]


@router.get(
    "/api/v1/incidents/{incident_id}/decision",
    responses=declare_answer(answers.DecisionTold),
    summary="Why this worker, with everybody who was considered",
)
def read_decision(tx: Read, by: CaseReader, incident_id: str, decision: Which = None) -> dict[str, Any]:
    """Every candidate and everybody who was turned down, with the reason; for a desk, where each of them stood."""
    ids, found = _find(tx, incident_id, decision, by)
    basis = found.basis or {}
    places = dispatching.places_of(found) if by.role in SEE_PHONES else {}
    return {
        "id": str(found.id),
        "ids": ids,
        "at": found.at.isoformat(),
        "policy": found.policy,
        "plan_version": found.plan_version,
        "index_version": found.index_version,
        "chosen": basis.get("chosen"),
        "waiting_reason": basis.get("waits"),
        "limits": basis.get("limits"),
        "candidates": [_add_position(one, places) for one in found.candidates],
        "rejected": [_add_position(one, places) for one in found.rejected],
        "replayable": found.basis is not None,
    }


@router.get(
    "/api/v1/incidents/{incident_id}/decision/way",
    responses=declare_answer(answers.WayTold),
    summary="The way on foot to whoever was chosen",
)
def read_way(
    tx: Read, roster: KnownRoster, by: Desk, incident_id: str, decision: Which = None, worker: WhoElse = None
) -> dict[str, Any]:
    """The way over the stored roads from the case to where the worker stood when it was decided.

    It is found anew each time and changes nothing of the decision. A straight line that stands in says why; 404 where
    nobody was chosen, or of a worker whose place is not known.
    """
    _, found = _find(tx, incident_id, decision, by)
    told = dispatching.find_way(found, roster, worker)
    if told is None:
        raise NotFound("not_found")
    way, aside = told.way, told.way.aside_m
    return {
        "worker": told.worker,
        "kind": str(way.kind),
        "line": {"type": "LineString", "coordinates": told.line},
        "length_m": round(way.length_m, 1),
        "straight_m": round(way.straight_m, 1),
        "offsets_m": None if aside is None else {"place": round(aside[0], 1), "worker": round(aside[1], 1)},
        "decided_m": told.decided_m,
        "measure": told.measure,
    }


@router.post(
    "/api/v1/incidents/{incident_id}/decision/replay",
    responses=declare_answer(answers.DecisionReplayed),
    summary="Make a decision again from what it depended on",
)
def replay_decision(tx: Read, by: CaseReader, incident_id: str, decision: Which = None) -> dict[str, Any]:
    """The ranking computed anew: `same` when it gives the stored decision byte for byte; 409 for one without basis."""
    _, found = _find(tx, incident_id, decision, by)
    made = dispatching.replay(found)
    told = {"id": str(found.id), "same": made.same, "sha256": made.stored_sha256, "again_sha256": made.again_sha256}
    return {**told, "stored": made.stored, "again": made.again}


def _find(session: Session, incident_id: str, wanted: str | None, by: Actor) -> tuple[list[str], Decision]:
    """The ids of all decisions of an incident that one may see, and the wanted one."""
    card = incidents.get_incident(session, read_id(incident_id), by=by)
    made = {str(one.id): one for one in incidents.list_decisions(session, card.id)}
    found = made.get(wanted) if wanted is not None else next(reversed(made.values()), None)
    if found is None:
        raise NotFound("not_found")
    return list(made), found


def _add_position(one: dict[str, Any], places: dict[str, tuple[float, float]]) -> dict[str, Any]:
    place = places.get(one.get("worker", ""))
    return {**one, "position": None if place is None else {"lon": place[0], "lat": place[1], "datum": "wgs84"}}
