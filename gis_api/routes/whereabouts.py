"""Who is where now: the live map of a desk, from memory, also while PostgreSQL is away."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from gis_api.answers import declare_answer
from gis_api.answers.cases import PositionsNow
from gis_api.dependencies import KnownRoster, Now, Replicas_, role_door
from gis_api.strict_routes import StrictRoute
from layers.access import Actor, Role, require_area
from layers.candidates import list_whereabouts

router = APIRouter(tags=["workers"], route_class=StrictRoute)
Desk = Annotated[Actor, Depends(role_door(Role.dispatcher, Role.admin))]


@router.get("/api/v1/positions", responses=declare_answer(PositionsNow), summary="Where everybody on duty is now")
async def read_positions(
    roster: KnownRoster, replicas: Replicas_, now: Now, by: Desk, area: Annotated[str, Query(max_length=40)] = ""
) -> dict[str, Any]:
    """Everybody on duty in the area, by staff number; a stale fix is replaced by the home point and says so."""
    wanted = area or by.area
    require_area(by, wanted)
    people = list_whereabouts(roster, area=wanted, at=now)
    told = [asdict(one) for one in people]
    return {"workers": told, "updated_at": replicas.people_known_at, "stale": replicas.stale}
