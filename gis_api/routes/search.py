"""Finding a place by what people call it: the search box of every map."""

from __future__ import annotations

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Response

from gis_api.answers import cases as answers
from gis_api.answers import declare_answer
from gis_api.dependencies import Locating, Now, Read
from gis_api.errors import Problem
from gis_api.strict_routes import StrictRoute
from layers import searching
from layers.access import Actor, Role, require_visible
from layers.errors import NotFound
from layers.ids import find_id
from layers.searching import FoundByName, Within

router = APIRouter(tags=["search"], route_class=StrictRoute)
# Drafts are the planners' business until they are published.
SEE_DRAFTS = {Role.planner, Role.admin}
PRIVATE = {"Cache-Control": "private, no-cache"}


@router.get("/api/v1/search", responses=declare_answer(answers.FoundPlaces), response_class=Response)
def search(
    tx: Read,
    by: Locating,
    now: Now,
    q: Annotated[str, Query(max_length=100, description="a code, or a part of a name or address")],
    area: Annotated[str | None, Query(max_length=40, description="a code prefix; default: the caller's area")] = None,
    limit: Annotated[int, Query(ge=1, le=50)] = 12,
    plan: Annotated[str | None, Query(max_length=40, description="look among the grids of this plan")] = None,
) -> Response:
    """Grids, buildings, compounds, communities and streets by code, name or address, the best fits first.

    `match` says how well each fits: `code`, `code_prefix`, `name_prefix`, `substring`. Nothing about persons.
    """
    # One more than asked tells whether there are others.
    found = searching.search(tx, q, within=_read_within(by, area, plan=plan, at=now), limit=limit + 1, by=by)
    body = {"results": [_describe_found(one) for one in found[:limit]], "more": len(found) > limit}
    return Response(orjson.dumps(body), media_type="application/json", headers=PRIVATE)


def _read_within(by: Actor, area: str | None, *, plan: str | None, at: Any) -> Within:
    asked = by.area if area is None else area
    require_visible(by, asked)
    if plan is not None and by.role not in SEE_DRAFTS:
        raise Problem(403, "wrong_role", role=str(by.role))
    return Within(asked, at, None if plan is None else _number_of(plan))


def _number_of(plan_id: str) -> int:
    found = find_id(plan_id)
    if found is None:
        raise NotFound("no_such_plan", plan=plan_id)
    return found


def _describe_found(one: FoundByName) -> dict[str, Any]:
    return {
        "kind": one.kind,
        "id": one.id,
        "code": one.code,
        "name": one.name,
        "detail": one.detail,
        "match": one.match,
        "grid": one.grid,
        "path": [{"level": step.level, "code": step.code, "name": step.name} for step in one.path],
        "point": one.point,
        "bbox": one.box,
    }
