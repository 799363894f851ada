"""Where a coordinate lies, who is in charge there, and under which plan: one point or a hundred thousand.

The common case of the first route never gets here: gis_api/fast_locate answers it before FastAPI does, from the same
desk. What is written here is the contract of both.
"""

from __future__ import annotations

from datetime import datetime
from functools import partial as partial_
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from gis_api.answers import BINARY, declare_answer
from gis_api.dependencies import Locating, Locator, Now, Replicas_
from gis_api.errors import Problem
from gis_api.fast_locate import ARROW, LARGE_BYTES, Desk, Question, answer_batch
from gis_api.geojson import position
from gis_api.moments import AskedMoment
from gis_api.strict_routes import StrictRoute
from layers.errors import Unacceptable

router = APIRouter(tags=["locate"], route_class=StrictRoute)
JSON = "application/json"
Datum = Literal["wgs84", "cgcs2000", "gcj02", "bd09"]


def _refuse_digit_groups(sent: object) -> object:
    """Refuse the digit groups of Python (1_18.2), which pydantic would read as a number."""
    if isinstance(sent, str) and "_" in sent:
        raise PydanticCustomError("float_parsing", "must be a number")
    return sent


Number = Annotated[float, BeforeValidator(_refuse_digit_groups)]


class Named(BaseModel):
    """A code and its name."""

    code: str
    name: str


class GridOut(Named):
    """A grid: base, or dedicated."""

    kind: Literal["base", "dedicated"]


class PathOut(Named):
    """One area on the way down from the district."""

    level: Literal["district", "subdistrict", "community"]


class DedicatedOut(Named):
    """A dedicated grid that holds the point."""

    exclusive: bool


class CandidateOut(BaseModel):
    """Another grid that touches the point, or lies within its accuracy."""

    code: str
    distance_m: float


class ResponsibleOut(BaseModel):
    """Somebody in charge, through which level."""

    worker: str
    name: str
    role: str
    level: str


class PositionOut(BaseModel):
    """The position that was looked up."""

    lon: float
    lat: float
    datum: Datum


class NoPlanOut(BaseModel):
    """There was no plan yet: that of the district came later."""

    district: str
    first_plan_at: datetime


class LocationOut(BaseModel):
    """The one answer about a point; `no_plan` stands beside `outside` where `at` lies before the first plan."""

    relation: Literal["inside", "border", "gap", "outside"]
    grid: GridOut | None
    sub_grid: Named | None
    path: list[PathOut]
    dedicated: list[DedicatedOut]
    candidates: list[CandidateOut]
    distance_to_border_m: float | None
    responsible: list[ResponsibleOut]
    position: PositionOut
    plan_version: int | None
    index_version: int
    updated_at: str
    stale: bool
    no_plan: NoPlanOut | None = None


class PointsIn(BaseModel):
    """Many points: two arrays of one length."""

    datum: Datum | None = None
    lon: list[float] = Field(max_length=100_000)
    lat: list[float] = Field(max_length=100_000)


class BatchOut(BaseModel):
    """One answer per point, in the order of the points."""

    grid: list[str | None]
    sub_grid: list[str | None]
    relation: list[Literal["inside", "border", "gap", "outside", "refused"]]
    plan_versions: dict[str, int]
    index_version: int
    updated_at: str | None
    stale: bool


@router.get(
    "/api/v1/locate",
    summary="Which grid holds this point, and who is in charge",
    response_class=Response,
    responses=declare_answer(LocationOut),
)
async def locate(
    request: Request,
    by: Locating,
    replicas: Replicas_,
    atlas: Locator,
    now: Now,
    lon: Annotated[Number, Query(description="Longitude in degrees.")],
    lat: Annotated[Number, Query(description="Latitude in degrees.")],
    datum: Annotated[str | None, Query(description="wgs84, cgcs2000, gcj02 or bd09; default: the key's.")] = None,
    accuracy_m: Annotated[Number | None, Query(description="Radius of doubt: lists all grids within it.")] = None,
    at: Annotated[AskedMoment | None, Query(description="As of this moment (RFC 3339 with offset).")] = None,
    show_datum: Annotated[Datum, Query(description="Datum in which the position is told.")] = "wgs84",
) -> Response:
    """One answer, always: `inside`, `border` (the smallest code is responsible), `gap` or `outside`."""
    _refuse_odd(accuracy_m)
    asked = position(lon, lat, datum=datum, actor=by, bounds=atlas.bounds, accuracy_m=accuracy_m)
    moment = at or now
    desk: Desk = request.app.state.desk
    page = desk.page(moment)
    if page is None:
        page = await run_in_threadpool(replicas.page, moment)
    answer = desk.answer(Question(asked, moment, show_datum), by, page)
    return Response(answer, media_type=JSON, headers={"Cache-Control": "no-store"})


@router.post(
    "/api/v1/locate",
    summary="Locate many points",
    response_class=Response,
    responses={200: {"model": BatchOut, "content": {ARROW: {"schema": BINARY}}}},
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {JSON: {"schema": PointsIn.model_json_schema()}, ARROW: {"schema": {"format": "binary"}}},
        }
    },
)
async def locate_many(
    request: Request,
    by: Locating,
    replicas: Replicas_,
    atlas: Locator,
    now: Now,
    partial: Annotated[bool, Query(description="Answer `refused` for bad points instead of 422.")] = False,
    datum: Annotated[str | None, Query(description="For Arrow bodies; JSON states it in the body.")] = None,
) -> Response:
    """Up to 100,000 points in two arrays, or as an Arrow stream with the columns `lon` and `lat`."""
    kind = request.headers.get("content-type", JSON).partition(";")[0].strip().lower()
    if kind not in (JSON, ARROW):
        raise Problem(415, "wrong_media_type")
    body, page = await request.body(), atlas.page(now)
    work = partial_(answer_batch, kind, body, datum, by=by, atlas=atlas, page=page, age=replicas.age, partial=partial)
    answer = await run_in_threadpool(work) if len(body) > LARGE_BYTES else work()
    return Response(answer, media_type=kind, headers={"Cache-Control": "no-store"})


def _refuse_odd(accuracy_m: float | None) -> None:
    if accuracy_m is not None and not 0.0 <= accuracy_m <= 10_000.0:
        raise Unacceptable("wrong_accuracy", errors=[(["accuracy_m"], "wrong_accuracy")], most=10_000)
