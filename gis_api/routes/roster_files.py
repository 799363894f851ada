"""Rosters from a spreadsheet: looked at first or stored, the whole file or nothing of it ([D1])."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from sqlalchemy import Engine

from gis_api import texts
from gis_api.answers import declare_answer
from gis_api.dependencies import Now, Zone, role_door, settings_of
from gis_api.errors import Problem, language_of
from gis_api.job_json import reason_of
from gis_api.roster_json import RosterStored, judge_roster
from gis_api.strict_routes import StrictRoute
from gis_api.uploads import is_form, receive
from layers import shifts
from layers.access import Actor, Role
from layers.db import transaction
from layers.importing.rosters import RosterFile, RowRefused, check_roster, read_roster

router = APIRouter(tags=["workers"], route_class=StrictRoute)
Writer = Annotated[Actor, Depends(role_door(Role.planner, Role.dispatcher, Role.admin))]
Kind = Literal["templates", "exceptions"]
_FORM = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {"file": {"type": "string", "format": "binary", "description": "xlsx or CSV"}},
            }
        }
    },
}


class RosterRowRefused(BaseModel):
    """A row from 1, the header not counted; `other` is the row that it overlaps, 0 one that is stored already."""

    row: int
    reason: str
    text: str
    other: int | None


class RosterImported(BaseModel):
    """`outcome` is what it brings, null while rows stand in its way."""

    kind: Kind
    rows: int
    dry_run: bool
    ok: bool
    refused: list[RosterRowRefused]
    outcome: RosterStored | None


@router.post(
    "/api/v1/shifts/import",
    responses=declare_answer(RosterImported, status=201) | declare_answer(RosterImported),
    status_code=201,
    response_class=Response,
    openapi_extra={"requestBody": _FORM},
    summary="Take in a roster from a spreadsheet",
)
async def import_roster(
    request: Request,
    by: Writer,
    now: Now,
    zone: Zone,
    kind: Annotated[Kind, Query()],
    replace: bool = False,
    dry_run: bool = False,
) -> Response:
    """Multipart with `file`: the shifts of a week, or leave and extra duty; all of it, or 422 naming every row that
    stands in the way.

    Times without an offset are those of the city's clock. With `replace` the templates that these workers have end the
    day before their first new day. With `dry_run` nothing is stored, and the answer (200) says what would be.
    """
    if not is_form(request):
        raise Problem(422, "upload_missing", errors=[(["file"], "upload_missing")])
    form = await receive(request, folder=settings_of(request).upload_folder)
    if form.file is None:
        raise Problem(422, "upload_missing", errors=[(["file"], "upload_missing")])
    named = form.file.path.with_suffix(Path(form.file.name).suffix.lower()[:10] or ".csv")
    form.file.path.rename(named)
    try:
        told = await run_in_threadpool(read_roster, named, kind, zone=zone)
    finally:
        named.unlink(missing_ok=True)
    engine, lang = request.app.state.engine, language_of(request)
    about: dict[str, Any] = {"replace": replace, "dry_run": dry_run, "now": now, "zone": zone, "lang": lang, "by": by}
    done = await run_in_threadpool(_take_in, engine, told, **about)
    return JSONResponse(done.model_dump(mode="json"), 200 if dry_run else 201)


def _take_in(
    engine: Engine,
    told: RosterFile,
    *,
    replace: bool,
    dry_run: bool,
    now: datetime,
    zone: ZoneInfo,
    lang: str,
    by: Actor,
) -> RosterImported:
    """Checked and stored in one transaction; raises Problem where rows stand in its way and it is no trial."""
    with transaction(engine) as session:
        check_roster(session, told, replace=replace, now=now, zone=zone, by=by)
        refused = [_describe_refused(one, lang) for one in told.refused]
        if refused and not dry_run:
            errors: list[tuple[list[str | int], str]] = [(["rows", one.row], one.text) for one in refused]
            raise Problem(422, "roster_refused", errors=errors, count=len(refused), first=refused[0].text)
        today = now.astimezone(zone).date()
        templates, exceptions = list(told.templates.values()), list(told.exceptions.values())

        def store() -> int:
            if told.kind == "templates":
                return shifts.add_templates(session, templates, ends=replace, today=today, zone=zone, by=by)
            return shifts.add_exceptions(session, exceptions, now=now, by=by)

        days = [datetime.combine(one.first_day, datetime.min.time(), zone) for one in templates]
        first = max(now, min([*days, *(one.start for one in exceptions)], default=now))
        outcome = None if refused else judge_roster(session, store, first, dry_run=dry_run, by=by)
    return RosterImported(
        kind=told.kind, rows=told.rows, dry_run=dry_run, ok=not refused, refused=refused, outcome=outcome
    )


def _describe_refused(one: RowRefused, lang: str) -> RosterRowRefused:
    """Row and reason in one sentence."""
    if one.reason == "roster_rows_overlap":
        key = "overlaps_stored" if not one.other else "overlaps_row"
        why = texts.text(f"rosters.{key}", lang, worker=one.detail, other=one.other)
    else:
        words = {"worker": one.detail, "hours": one.detail}
        known = texts.has(f"errors.{one.reason}")
        why = texts.text(f"errors.{one.reason}", lang, **words) if known else reason_of(one.reason, lang)
    detail = "" if one.detail in why or not one.detail else f" ({one.detail})"
    text = texts.text("rosters.row_refused", lang, row=one.row, why=why + detail)
    return RosterRowRefused(row=one.row, reason=one.reason, text=text, other=one.other)
