"""What goes with a plan: its certificate, who serves its grids from then on, what workers hand over ([P1], [P6])."""

from __future__ import annotations

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from gis_api.answers import declare_answer, declare_media
from gis_api.answers import plans as answers
from gis_api.dependencies import Drafts, IfMatch, Now, Planner, Read, Tx, etag
from gis_api.errors import language_of
from gis_api.papers import XLSX
from gis_api.routes.plans.doors import JSON, PRIVATE, PlanId, number_of
from gis_api.strict_routes import StrictRoute
from layers import planning
from layers.planning import Against
from layers.workers import WorkerRole

router = APIRouter(tags=["plans"], route_class=StrictRoute)

AskedAgainst = Annotated[str, Query(max_length=40, description='a plan\'s id, or "published": the latest one')]


class Post(BaseModel):
    """One worker in one role."""

    model_config = ConfigDict(extra="forbid")
    worker: Annotated[str, Field(min_length=1, max_length=60)]
    role: WorkerRole = WorkerRole.grid_worker


class GridPosts(BaseModel):
    """Who shall serve one grid: nobody for an empty list, the proposal for null."""

    model_config = ConfigDict(extra="forbid")
    grid: Annotated[str, Field(min_length=1, max_length=60)]
    posts: list[Post] | None = Field(max_length=50)


class Successors(BaseModel):
    """Decisions about grids; those that are not named keep theirs."""

    model_config = ConfigDict(extra="forbid")
    grids: list[GridPosts] = Field(min_length=1, max_length=2_000)


def parse_against(against: str) -> Against:
    """The plan to compare with."""
    return "published" if against == "published" else number_of(against)


@router.get(
    "/api/v1/plans/{plan_id}/certificate", responses=declare_answer(answers.Certificate), response_class=Response
)
def read_certificate(tx: Read, by: Planner, plan_id: PlanId) -> Response:
    """The coverage certificate of a published plan; 404 before its publication.

    `rows_sha256` can be computed again from `GET …/grids`: SHA-256 over all grids in the byte order of their codes, of
    code NUL parent NUL kind NUL and the shape as little-endian WKB of a MultiPolygon.
    """
    _, certificate = planning.certificate_of(tx, plan_id, by=by)
    return Response(orjson.dumps(certificate), media_type=JSON, headers=PRIVATE)


@router.get(
    "/api/v1/plans/{plan_id}/successors", responses=declare_answer(answers.SuccessorsTold), response_class=Response
)
def read_successors(tx: Read, drafts: Drafts, by: Planner, plan_id: PlanId) -> Response:
    """Who serves each new or changed grid from the moment on at which the plan comes into force."""
    told = planning.successors_as_json(tx, drafts, plan_id, by=by)
    return Response(orjson.dumps(told), headers={"ETag": etag(told["version"]), **PRIVATE}, media_type=JSON)


@router.put(
    "/api/v1/plans/{plan_id}/successors", responses=declare_answer(answers.SuccessorsTold), response_class=Response
)
def decide_successors(
    tx: Tx, drafts: Drafts, by: Planner, plan_id: PlanId, version: IfMatch, body: Successors
) -> Response:
    """Decide who shall serve some grids of a draft; takes effect with its publication."""
    decisions: list[Any] = [
        (one.grid, None if one.posts is None else [(post.worker, str(post.role)) for post in one.posts])
        for one in body.grids
    ]
    planning.decide(tx, drafts, plan_id, decisions, version=version, by=by)
    told = planning.successors_as_json(tx, drafts, plan_id, by=by)
    return Response(orjson.dumps(told), headers={"ETag": etag(told["version"]), **PRIVATE}, media_type=JSON)


@router.get("/api/v1/plans/{plan_id}/handover", responses=declare_answer(answers.Handover), response_class=Response)
def list_handover(
    tx: Read, drafts: Drafts, by: Planner, now: Now, plan_id: PlanId, against: AskedAgainst = "published"
) -> Response:
    """Everybody who takes or hands over something, with sums: the contents of the workbook in short."""
    whole = planning.build_handover(tx, drafts, plan_id, against=parse_against(against), now=now, by=by)
    return Response(orjson.dumps(_shorten(whole)), media_type=JSON, headers=PRIVATE)


@router.get("/api/v1/plans/{plan_id}/handover.xlsx", responses=declare_media(XLSX), response_class=Response)
def read_handover(
    request: Request,
    tx: Read,
    drafts: Drafts,
    by: Planner,
    now: Now,
    plan_id: PlanId,
    against: AskedAgainst = "published",
    worker: Annotated[str | None, Query(max_length=60, description="one worker's part")] = None,
) -> Response:
    """The handover list as a workbook, of everybody or of one worker; no personal data of residents is in it."""
    from gis_api.papers.workbook import build_handover_book

    found = planning.build_handover(tx, drafts, plan_id, against=parse_against(against), now=now, by=by, worker=worker)
    name = f"handover-{plan_id}" + ("" if worker is None else "-worker") + ".xlsx"
    headers = {**PRIVATE, "Content-Disposition": f'attachment; filename="{name}"'}
    return Response(build_handover_book(found, lang=language_of(request)), media_type=XLSX, headers=headers)


def _shorten(whole: planning.Handover) -> dict[str, Any]:
    sums: dict[str, dict[str, Any]] = {
        number: {"worker": number, "name": name, "taken": _make_empty(), "handed": _make_empty()}
        for number, name in whole.workers().items()
    }
    for duty in whole.duties:
        sums[duty.worker][duty.direction]["grids"].append(duty.grid)
    for passing in whole.passings:
        mine = sums[passing.move.worker][passing.move.direction]
        for key in ("buildings", "households", "incidents", "hazards"):
            mine[key] += getattr(passing, key)
    unserved = [{"grid": code, "name": name, "households": number} for code, name, number in whole.unserved]
    return {"workers": list(sums.values()), "unserved": unserved}


def _make_empty() -> dict[str, Any]:
    return {"grids": [], "buildings": 0, "households": 0, "incidents": 0, "hazards": 0}
