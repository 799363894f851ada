"""Dividing the ground of a plan by households: asked for here, done as a job ([S9])."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from gis_api.answers import declare_answer
from gis_api.answers import plans as answers
from gis_api.answers.cases import Jobs as JobList
from gis_api.answers.cases import JobTold
from gis_api.dependencies import Drafts, IfMatch, Planner, Read, Tx
from gis_api.errors import language_of
from gis_api.job_json import job_as_json, job_in_list
from gis_api.routes.plans.doors import JSON, PlanId, Seen
from gis_api.routes.plans.edits import Extent, tell_edit
from gis_api.routes.plans.once import Ticket_, find_answer
from gis_api.strict_routes import StrictRoute
from layers import history, jobs
from layers.access import require_area
from layers.dividing import DivisionAsked, apply_kept
from layers.division_comments import DivisionComment, add_comment, get_division, list_comments, list_divisions
from layers.errors import Conflict, Outdated
from layers.plans import PlanState, get_plan

router = APIRouter(tags=["plans"], route_class=StrictRoute)
# More would be more grids than a district has houses.
MOST_GRIDS = 20_000

Code = Annotated[str, Field(min_length=1, max_length=60)]
Number = Annotated[float, Field(gt=0, le=100_000, allow_inf_nan=False)]
Factor = Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False)]
Lon = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]
Lat = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
Profile = Literal["balanced", "even", "streets"]
JobId = Annotated[str, Path(max_length=100)]
Said = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2_000, pattern=r"^[^\x00]*$")]


class Division(BaseModel):
    """What to divide and how. `area` is a community, subdistrict, district or (for sub-grids) a grid; without
    `households` the community's own number counts, with `count` a number of grids."""

    model_config = ConfigDict(extra="forbid")
    area: Code
    households: Number | None = None
    tolerance: Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)] = 0.2
    level: Literal["grid", "sub_grid"] = "grid"
    keep: Annotated[list[Code], Field(max_length=MOST_GRIDS)] = Field(default_factory=list)
    count: Annotated[int, Field(ge=1, le=MOST_GRIDS)] | None = None
    sub_households: Number | None = None
    profiles: Annotated[list[Profile], Field(min_length=1, max_length=3)] = ["balanced"]
    weights: dict[Literal["households", "incidents", "lone_elders"], Factor] = {"households": 1.0}
    least_change: Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False)] | None = None
    streets_only: bool = False
    cut_stairwells: bool = False
    empty_m2: Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)] = 30_000.0
    offices: Annotated[list[tuple[Lon, Lat]], Field(max_length=2000)] = Field(default_factory=list)
    seed: Annotated[int, Field(ge=0, le=2**31)] = 1
    seconds: Annotated[float, Field(ge=1, le=600, allow_inf_nan=False)] = 120.0

    @field_validator("profiles")
    @classmethod
    def drop_repeats(cls, value: list[str]) -> list[str]:
        """A profile named twice is one proposal."""
        return list(dict.fromkeys(value))

    @model_validator(mode="after")
    def makes_sense(self) -> Division:
        """Some weight must count, and sub-grids are of grids and smaller than they are."""
        if not any(self.weights.values()):
            raise ValueError("some weight must be above 0")
        if self.sub_households is not None and self.level == "sub_grid":
            raise ValueError("sub-grids are not divided once more")
        if self.sub_households is not None and self.households is not None and self.sub_households >= self.households:
            raise ValueError("sub_households must be smaller than households")
        return self


@router.post(
    "/api/v1/plans/{plan_id}/divide",
    responses=declare_answer(JobTold, status=202),
    status_code=202,
    response_class=Response,
)
def divide_plan(
    request: Request,
    tx: Tx,
    by: Planner,
    plan_id: PlanId,
    version: Seen,
    body: Division,
    apply: Annotated[bool, Query(description="put the first proposal into the draft, as one edit")] = False,
) -> Response:
    """A job whose result is a proposal of grids with its figures, or one for each profile; nothing is changed.

    With `apply` the first one becomes one edit of the draft, at the version in If-Match or, without it, at the
    present one: whoever edits the draft meanwhile makes the job fail.
    """
    plan = get_plan(tx, plan_id, by=by)
    require_area(by, body.area)
    if version is not None and version != plan.version:
        raise Outdated("outdated_version", seen=version, latest=plan.version)
    if apply and plan.state != PlanState.draft:
        raise Conflict("not_a_draft", plan=plan_id, state=plan.state)
    task: dict[str, Any] = {**_read_wish(body).as_json(), "plan": plan_id, "apply": apply, "version": plan.version}
    task["district"] = plan.district
    job = jobs.add_job(tx, "division", task=task, area=plan.district, by=by)
    tx.flush()
    tx.refresh(job)
    answer = job_as_json(job, language_of(request))
    return Response(orjson.dumps(answer), 202, {"Location": f"/api/v1/jobs/{job.id}"}, JSON)


def _read_wish(body: Division) -> DivisionAsked:
    told = body.model_dump()
    return DivisionAsked(
        **{**told, "keep": tuple(body.keep), "profiles": tuple(body.profiles), "offices": tuple(body.offices)}
    )


class Chosen(BaseModel):
    """Which of a job's proposals."""

    model_config = ConfigDict(extra="forbid")
    profile: Profile = "balanced"


@router.post(
    "/api/v1/plans/{plan_id}/divide/{job_id}/apply", responses=declare_answer(answers.Edited), response_class=Response
)
def apply_division(
    tx: Tx,
    drafts: Drafts,
    by: Planner,
    plan_id: PlanId,
    job_id: JobId,
    version: IfMatch,
    ticket: Ticket_,
    body: Chosen,
    report: Extent = "whole",
) -> Response:
    """Put a proposal that was looked at into the draft as it is, as one edit; nothing is searched again.

    What was edited elsewhere meanwhile does not matter; 409 `ground_has_changed` where the divided ground itself did.
    """
    made = find_answer(tx, drafts, plan_id, ticket, version=version, by=by)
    if made is not None:
        return made
    job = get_division(tx, plan_id, job_id, by=by)
    assert job.result is not None
    asked = DivisionAsked.from_json(job.task)
    done = apply_kept(
        tx, drafts, plan_id, job.result, asked=asked, profile=body.profile, version=version, by=by, ticket=ticket
    )
    return tell_edit(done, report)


@router.get("/api/v1/plans/{plan_id}/divide", responses=declare_answer(JobList))
def list_plan_divisions(request: Request, tx: Read, by: Planner, plan_id: PlanId) -> dict[str, Any]:
    """The finished divisions of a plan, whoever asked for them, the latest first, without their results."""
    get_plan(tx, plan_id, by=by)
    lang = language_of(request)
    return {"jobs": [job_in_list(job, lang) for job in list_divisions(tx, plan_id, by=by)], "next": None}


class Comment(BaseModel):
    """What to say of which proposal."""

    model_config = ConfigDict(extra="forbid")
    profile: Profile
    words: Said


@router.get("/api/v1/plans/{plan_id}/divide/{job_id}/comments", responses=declare_answer(answers.DivisionComments))
def list_division_comments(tx: Read, by: Planner, plan_id: PlanId, job_id: JobId) -> dict[str, Any]:
    """What planners said of a division's proposals, the oldest first."""
    job = get_division(tx, plan_id, job_id, by=by)
    return {"comments": [_comment_as_json(one) for one in list_comments(tx, job.id)]}


@router.post(
    "/api/v1/plans/{plan_id}/divide/{job_id}/comments",
    responses=declare_answer(answers.DivisionCommentTold, status=201),
    status_code=201,
    response_class=Response,
)
def comment_division(tx: Tx, by: Planner, plan_id: PlanId, job_id: JobId, body: Comment) -> Response:
    """Say something of a proposal to everybody who may divide this plan; it is kept as long as the proposals are."""
    job = get_division(tx, plan_id, job_id, by=by)
    comment = add_comment(tx, job, body.profile, body.words, by=by)
    history.note(
        tx, "plan.comment_division", subject=f"plan:{plan_id}", area=job.area, by=by, job=job.id, profile=body.profile
    )
    return Response(orjson.dumps(_comment_as_json(comment)), 201, media_type=JSON)


def _comment_as_json(comment: DivisionComment) -> dict[str, Any]:
    return {
        "id": comment.id,
        "profile": comment.profile,
        "words": comment.words,
        "by": comment.by,
        "at": comment.at.isoformat(),
    }
