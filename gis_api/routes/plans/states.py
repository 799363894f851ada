"""Plans: list, open, look at, submit, return, publish ([P1])."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

import orjson
from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from gis_api.answers import declare_answer
from gis_api.answers import plans as answers
from gis_api.answers.geojson import Features
from gis_api.dependencies import AskedBox, Drafts, IfMatch, Planner, Read, Tx, etag, role_door
from gis_api.moments import Moment
from gis_api.routes.plans.doors import GEOJSON, JSON, PRIVATE, PlanId, number_of
from gis_api.strict_routes import StrictRoute
from layers import planning, plans
from layers.access import Actor, Role
from layers.grids import GridLevel
from layers.planning import Against
from layers.plans import Plan, PlanState

router = APIRouter(tags=["plans"], route_class=StrictRoute)
Replayer = Annotated[Actor, Depends(role_door(Role.planner, Role.dispatcher, Role.admin))]


class NewPlan(BaseModel):
    """A draft of a district; with `based_on` null it begins with the frame only."""

    model_config = ConfigDict(extra="forbid")
    district: str = Field(max_length=40)
    based_on: str | None = Field("published", max_length=40, description='"published", a plan\'s id, or null')
    title: str = Field("", max_length=200)


class Submission(BaseModel):
    """The kinds of warnings that whoever submits knows of."""

    model_config = ConfigDict(extra="forbid")
    acknowledged: list[Annotated[str, Field(max_length=60)]] = Field(default_factory=list, max_length=100)


class Return(BaseModel):
    """Why a reviewer returns a plan."""

    model_config = ConfigDict(extra="forbid")
    reason: str = Field(min_length=1, max_length=4_000)


class Redone(BaseModel):
    """Grids that have been drawn again, or that nobody means to draw again."""

    model_config = ConfigDict(extra="forbid")
    codes: list[Annotated[str, Field(max_length=60)]] = Field(min_length=1, max_length=5_000)


class Publication(BaseModel):
    """When a plan comes into force; at once where nothing is said."""

    model_config = ConfigDict(extra="forbid")
    effective_at: Moment | None = None


class Replay(BaseModel):
    """From when on, and until when, incidents are taken."""

    model_config = ConfigDict(extra="forbid")
    since: Moment
    until: Moment | None = None


def _answer_plan(tx: Tx, plan: Plan, *, by: Actor, status: int = 200) -> Response:
    """The plan with its version as ETag."""
    body = orjson.dumps(planning.plan_as_json(tx, plan, by=by))
    return Response(body, status, {"ETag": etag(plan.version), **PRIVATE}, JSON)


@router.get("/api/v1/plans", responses=declare_answer(answers.Plans), response_class=Response)
def list_plans(
    request: Request,
    tx: Read,
    by: Planner,
    district: Annotated[str | None, Query(max_length=40)] = None,
    state: PlanState | None = None,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
    after: Annotated[str | None, Query(description="from a `next` link", max_length=40)] = None,
) -> Response:
    """The plans of the caller's area, newest first, page by page."""
    before = None if after is None else number_of(after)
    # One more than asked tells whether there is a next page.
    listed = plans.list_plans(tx, by=by, district=district, state=state, limit=limit + 1, before=before)
    link = None
    if len(listed) > limit:
        listed = listed[:limit]
        link = f"{request.url.path}?{urlencode({**request.query_params, 'after': listed[-1].id})}"
    return Response(orjson.dumps({"plans": planning.plans_as_json(tx, listed), "next": link}), media_type=JSON)


@router.post(
    "/api/v1/plans", responses=declare_answer(answers.Plan, status=201), response_class=Response, status_code=201
)
def create_plan(tx: Tx, by: Planner, new: NewPlan) -> Response:
    """A new draft with the grids of the plan it is based on."""
    based_on: planning.BasedOn = None if new.based_on is None else "published"
    if new.based_on not in (None, "published"):
        based_on = number_of(new.based_on or "")
    return _answer_plan(
        tx, planning.create(tx, new.district, based_on=based_on, by=by, title=new.title), by=by, status=201
    )


@router.get("/api/v1/plans/{plan_id}", responses=declare_answer(answers.Plan), response_class=Response)
def read_plan(tx: Read, by: Planner, plan_id: PlanId) -> Response:
    """One plan; its version is the ETag that every change must send back."""
    return _answer_plan(tx, plans.get_plan(tx, plan_id, by=by), by=by)


@router.get("/api/v1/plans/{plan_id}/grids", responses=declare_answer(Features, media=GEOJSON), response_class=Response)
def read_grids(
    tx: Read,
    by: Planner,
    plan_id: PlanId,
    box: AskedBox,
    level: GridLevel | None = None,
) -> Response:
    """The grids of a plan as GeoJSON, all or those that reach into a box; nine decimals, the stored positions."""
    features = planning.list_features(tx, plan_id, by=by, box=box, level=level)
    body = f'{{"type":"FeatureCollection","features":[{",".join(features)}]}}'
    return Response(body, media_type=GEOJSON, headers=PRIVATE)


@router.get(
    "/api/v1/plans/{plan_id}/coverage", responses=declare_answer(answers.VersionedReport), response_class=Response
)
def read_coverage(tx: Read, drafts: Drafts, by: Planner, plan_id: PlanId) -> Response:
    """The report of a plan: every defect with its place and measure, errors and warnings."""
    report = planning.report_of(tx, drafts, plan_id, by=by)
    return Response(orjson.dumps(report), media_type=JSON, headers={"ETag": etag(report["version"])})


@router.get("/api/v1/plans/{plan_id}/diff", responses=declare_answer(answers.Difference), response_class=Response)
def read_difference(
    tx: Read, drafts: Drafts, by: Planner, plan_id: PlanId, against: Annotated[str, Query(max_length=40)] = "published"
) -> Response:
    """What differs between a plan and another one (or the published one), and what changes hands."""
    other: Against = "published" if against == "published" else number_of(against)
    return Response(orjson.dumps(planning.difference_of(tx, drafts, plan_id, against=other, by=by)), media_type=JSON)


@router.post("/api/v1/plans/{plan_id}/replay", responses=declare_answer(answers.Replayed), response_class=Response)
def replay_incidents(tx: Read, by: Replayer, plan_id: PlanId, body: Replay) -> Response:
    """How many of the incidents of a time would have gone to another grid under this plan, and to which.

    Dispatchers ask too, and see the places; planners see numbers by grid.
    """
    told = planning.replay(tx, plan_id, since=body.since, until=body.until, by=by)
    return Response(orjson.dumps(told), media_type=JSON, headers=PRIVATE)


@router.post("/api/v1/plans/{plan_id}/submit", responses=declare_answer(answers.Plan), response_class=Response)
def submit_plan(
    tx: Tx, drafts: Drafts, by: Planner, plan_id: PlanId, version: IfMatch, body: Submission | None = None
) -> Response:
    """Submit a draft; every kind of warning in its report must be acknowledged."""
    known = body.acknowledged if body is not None else []
    return _answer_plan(tx, planning.submit(tx, drafts, plan_id, version=version, acknowledged=known, by=by), by=by)


@router.post("/api/v1/plans/{plan_id}/withdraw", responses=declare_answer(answers.Plan), response_class=Response)
def withdraw_plan(tx: Tx, by: Planner, plan_id: PlanId, version: IfMatch) -> Response:
    """Take a submitted plan back to go on drawing; for its authors."""
    return _answer_plan(tx, planning.withdraw(tx, plan_id, version=version, by=by), by=by)


@router.post("/api/v1/plans/{plan_id}/return", responses=declare_answer(answers.Plan), response_class=Response)
def return_plan(tx: Tx, by: Planner, plan_id: PlanId, version: IfMatch, body: Return) -> Response:
    """Return a submitted plan to its authors with a reason; for a reviewer."""
    return _answer_plan(tx, planning.return_(tx, plan_id, version=version, reason=body.reason, by=by), by=by)


@router.post("/api/v1/plans/{plan_id}/archive", responses=declare_answer(answers.Plan), response_class=Response)
def archive_plan(tx: Tx, by: Planner, plan_id: PlanId, version: IfMatch) -> Response:
    """Put a draft aside; for its authors. It can be opened again as a new draft."""
    return _answer_plan(tx, planning.archive(tx, plan_id, version=version, by=by), by=by)


@router.get("/api/v1/plans/{plan_id}/rebase", responses=declare_answer(answers.Rebase), response_class=Response)
def read_rebase(tx: Read, drafts: Drafts, by: Planner, plan_id: PlanId) -> Response:
    """What putting a draft onto the latest plan would bring, and what is in conflict; nothing is changed."""
    told = planning.preview_rebase(tx, drafts, plan_id, by=by)
    return Response(orjson.dumps(told), media_type=JSON, headers={"ETag": etag(told["version"]), **PRIVATE})


@router.post("/api/v1/plans/{plan_id}/redone", responses=declare_answer(answers.Plan), response_class=Response)
def tick_redone(tx: Tx, by: Planner, plan_id: PlanId, version: IfMatch, body: Redone) -> Response:
    """Take grids off the list of what was left out by a rebase and is to be drawn again."""
    return _answer_plan(tx, planning.tick_redone(tx, plan_id, body.codes, version=version, by=by), by=by)


@router.post("/api/v1/plans/{plan_id}/publish", responses=declare_answer(answers.Plan), response_class=Response)
def publish_plan(tx: Tx, by: Planner, plan_id: PlanId, version: IfMatch, body: Publication | None = None) -> Response:
    """Put a submitted plan in force; for somebody who edited nothing in it."""
    at = body.effective_at if body is not None else None
    return _answer_plan(tx, planning.publish(tx, plan_id, version=version, effective_at=at, by=by), by=by)
