"""Files of people: sent once, looked into, then imported as a job; grids become a draft plan."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

import orjson
from fastapi import APIRouter, Path, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from gis_api.answers import declare_answer
from gis_api.answers.cases import JobTold
from gis_api.dependencies import Planner, settings_of
from gis_api.errors import Problem, language_of
from gis_api.job_json import job_as_json
from gis_api.strict_routes import StrictRoute, holds_half_characters, refuse_lone_surrogates
from gis_api.uploads import Form, Received, is_form, receive
from layers import jobs
from layers.access import Actor, Role, require_area
from layers.db import transaction
from layers.errors import Forbidden
from layers.importing.report import UNION
from layers.registry import IMPORTED, OF_PLANNERS

router = APIRouter(tags=["imports"], route_class=StrictRoute)
KEEP_UPLOADS = 5
_FORM = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "properties": {
                    "file": {"type": "string", "format": "binary"},
                    **{
                        name: {"type": "string"}
                        for name in (
                            "upload",
                            "layer",
                            "district",
                            "datum",
                            "crs",
                            "table",
                            "encoding",
                            "mapping",
                            "frame",
                            "tz",
                        )
                    },
                    "sub_grids": {"type": "string", "enum": ["keep", "none", "ask"]},
                    "dry_run": {"type": "boolean"},
                },
            }
        }
    },
}


class Placed(BaseModel):
    """How to read a file: all of it may be left out where the file says it."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)
    upload: str | None = Field(None, max_length=100)
    district: str | None = Field(None, min_length=1, max_length=40)
    datum: Literal["wgs84", "cgcs2000", "gcj02", "bd09"] | None = None
    crs: str | None = Field(None, max_length=5_000)
    table: str | None = Field(None, max_length=2_000)
    encoding: str | None = Field(None, max_length=40)

    @field_validator("*", mode="before")
    @classmethod
    def drop_empty(cls, value: Any) -> Any:
        """An empty field of a form says nothing."""
        return None if value == "" else value


class Import(Placed):
    """What to import, and as what."""

    layer: str = Field(max_length=40, json_schema_extra={"enum": list(IMPORTED)})
    mapping: dict[str, str] = Field(default_factory=dict, max_length=100)
    frame: Literal["stored", "union"] = "stored"
    sub_grids: Literal["keep", "none", "ask"] = Field(
        "none", description="what becomes of sub-grids and overlays in force that a file of grids does not hold"
    )
    tz: str | None = Field(None, max_length=60)
    level: str | None = Field(None, max_length=20)
    source: str | None = Field(None, max_length=200)
    dry_run: bool = False

    @field_validator("mapping", mode="before")
    @classmethod
    def pairs(cls, value: Any) -> Any:
        """A JSON object, or `column=field` lines; nothing is no mapping."""
        if value is None or isinstance(value, dict):
            return value or {}
        try:
            told = json.loads(value)
        except RecursionError as error:
            raise ValueError("mapping_broken") from error
        except ValueError:
            lines = [line.rpartition("=") for line in str(value).splitlines() if line.strip()]
            told = {column: field for column, _, field in lines} if all(one[0] for one in lines) else None
        if not isinstance(told, dict) or not all(isinstance(field, str) for field in told.values()):
            raise ValueError("mapping_broken")
        if any(holds_half_characters(word) for pair in told.items() for word in pair):
            raise ValueError("mapping_broken")
        return told

    @field_validator("layer")
    @classmethod
    def require_known_layer(cls, value: str) -> str:
        """One of the layers."""
        if value not in IMPORTED:
            raise ValueError(f"not one of {', '.join(IMPORTED)}")
        return value


_Asked = TypeVar("_Asked", bound=Placed)


@router.post(
    "/api/v1/uploads",
    responses=declare_answer(JobTold, status=202),
    status_code=202,
    response_class=Response,
    openapi_extra={"requestBody": _FORM},
)
async def upload_file(request: Request, by: Planner) -> Response:
    """Send a file (multipart, field `file`); the job looks into it, stores nothing, and names the upload."""
    form = await _form_of(request)
    try:
        asked = _validate(Placed, form.fields)
        if form.file is None:
            raise Problem(422, "upload_missing", errors=[(["file"], "upload_missing")])
        return await run_in_threadpool(_inspect, request, form.file, asked, by)
    except BaseException:
        _drop(form.file)
        raise


@router.post(
    "/api/v1/uploads/{upload_id}/inspections",
    responses=declare_answer(JobTold, status=202),
    status_code=202,
    response_class=Response,
)
def inspect_again(
    request: Request, by: Planner, upload_id: Annotated[str, Path(max_length=100)], asked: Placed
) -> Response:
    """Look into an earlier upload again: another table, datum, CRS or district."""
    return _inspect(request, None, asked.model_copy(update={"upload": upload_id}), by)


@router.post(
    "/api/v1/imports",
    responses=declare_answer(JobTold, status=202),
    status_code=202,
    response_class=Response,
    openapi_extra={"requestBody": _FORM},
)
async def import_file(request: Request, by: Planner) -> Response:
    """Import a file (multipart: `file`, or the id of an earlier `upload`) into a layer; grids become a draft plan.

    The datum or CRS is stated unless the file says its CRS; `mapping` is a JSON object of file columns and fields. A
    file of base grids alone says what becomes of the sub-grids and overlays in force: `sub_grids` is `keep` (they come
    along, re-cut to the new borders), `none` (the default), or `ask` (the job is refused where there are any).
    """
    form = await _form_of(request)
    try:
        asked = _validate(Import, form.fields)
        return await run_in_threadpool(_import, request, form.file, asked, by)
    except BaseException:
        _drop(form.file)
        raise


async def _form_of(request: Request) -> Form:
    if is_form(request):
        return await receive(request, folder=settings_of(request).upload_folder)
    try:
        body = await request.body() or b"{}"
        told = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Problem(400, "malformed_json") from error
    refuse_lone_surrogates(told, body)
    if not isinstance(told, dict):
        raise Problem(422, "not_acceptable")
    return Form(told, None)


def _validate(model: type[_Asked], fields: Mapping[str, Any]) -> _Asked:
    try:
        asked = model.model_validate(dict(fields))
    except ValidationError as error:
        found = [
            {**one, "loc": ("body", *one["loc"])} for one in error.errors(include_url=False, include_context=False)
        ]
        raise RequestValidationError(found) from error
    if asked.crs and asked.datum:
        raise Problem(422, "crs_and_datum", errors=[(["crs"], "crs_and_datum")])
    return asked


def _inspect(request: Request, file: Received | None, asked: Placed, by: Actor) -> Response:
    district = _district(asked, by)
    with transaction(_engine(request)) as session:
        upload = _upload_of(session, file, asked, by)
        task = {**asked.model_dump(exclude_none=True, exclude={"upload"}), "upload": upload.id, "file": upload.name}
        job = jobs.add_job(session, "inspection", task=task, area=district or by.area, upload=upload.id, by=by)
        return _accept(request, session, job, by)


def _import(request: Request, file: Received | None, asked: Import, by: Actor) -> Response:
    if by.role != Role.admin and asked.layer not in OF_PLANNERS:
        raise Forbidden("layer_needs_admin", layer=asked.layer)
    district = _district(asked, by)
    require_area(by, district)
    with transaction(_engine(request)) as session:
        upload = _upload_of(session, file, asked, by)
        told = asked.model_dump(exclude_none=True, exclude={"upload", "frame"})
        frame = {"frame": UNION} if asked.frame == "union" else {}
        task = {**told, **frame, "upload": upload.id, "file": upload.name, "source": _source(asked, upload.name, by)}
        job = jobs.add_job(session, "import", task=task, area=district or by.area, upload=upload.id, by=by)
        return _accept(request, session, job, by)


def _district(asked: Placed, by: Actor) -> str | None:
    """The district that was said, else the actor's own where that is one."""
    if asked.datum and by.datum and asked.datum != by.datum:
        raise Problem(422, "datum_contradicts_key", datum=asked.datum, of_key=by.datum)
    if asked.district is not None:
        require_area(by, asked.district)
    return asked.district


def _source(asked: Import, name: str, by: Actor) -> str:
    """What scopes the ids of the file: never those of another district, whoever calls a file the same."""
    told = asked.source or name
    return told if by.area == "" or asked.layer == "grids" else f"{asked.district or by.area}/{told}"


def _upload_of(session: Session, file: Received | None, asked: Placed, by: Actor) -> jobs.Upload:
    if file is not None:
        return jobs.add_upload(session, file.id, name=file.name, size_bytes=file.size_bytes, sha256=file.sha256, by=by)
    if asked.upload is None:
        raise Problem(422, "upload_missing", errors=[(["file"], "upload_missing")])
    return jobs.get_upload(session, asked.upload, by=by)


def _accept(request: Request, session: Session, job: jobs.Job, by: Actor) -> Response:
    for surplus in jobs.forget_surplus(session, keep=KEEP_UPLOADS, by=by):
        (settings_of(request).upload_folder / surplus).unlink(missing_ok=True)
    session.refresh(job)
    body = orjson.dumps(job_as_json(job, language_of(request)))
    return Response(body, 202, {"Location": f"/api/v1/jobs/{job.id}"}, "application/json")


def _drop(file: Received | None) -> None:
    if file is not None:
        file.path.unlink(missing_ok=True)


def _engine(request: Request) -> Engine:
    engine: Engine = request.app.state.engine
    return engine
