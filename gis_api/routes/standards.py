"""The city's standard sheet: a workbook in, looked at first or stored as a new version, and out again ([K5])."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi import Path as PathParameter
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from gis_api.answers import declare_answer, declare_media
from gis_api.answers.cases import Amount
from gis_api.dependencies import Admin, Read, role_door, settings_of
from gis_api.errors import Problem, language_of
from gis_api.sheet_words import words_of_refusal
from gis_api.strict_routes import StrictRoute
from gis_api.uploads import is_form, receive
from layers import standards
from layers.access import Actor, Role
from layers.clocks import LimitKind
from layers.db import transaction
from layers.errors import Unacceptable
from layers.standards import Reading, SheetChanges, StandardSheet, SubClass
from layers.units import list_units

router = APIRouter(tags=["incidents"], route_class=StrictRoute)
AnyRole = Depends(role_door(*Role))
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
Version = Annotated[int, PathParameter(ge=1, lt=2**31)]
MOST_NOTE = 500
_FORM = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {
                    "file": {"type": "string", "format": "binary", "description": "xlsx, a row for each condition"},
                    "note": {"type": "string", "maxLength": MOST_NOTE},
                },
            }
        }
    },
}


class LimitOut(BaseModel):
    """An amount of a kind ([K1]), and in words."""

    amount: Amount
    kind: LimitKind
    text: str


class ConditionOut(BaseModel):
    code: str
    case: str
    limit: LimitOut
    closes: str


class SubClassOut(BaseModel):
    """`unit` is the code of the responsible department, else of the supervising one, where that is known."""

    model_config = ConfigDict(populate_by_name=True)

    code: str
    class_name: Annotated[str, Field(alias="class")]
    name: str
    kind: Literal["component", "event", ""]
    supervising: str
    responsible: str
    unit: str | None
    basis: str
    conditions: list[ConditionOut]


class StandardOut(BaseModel):
    version: int
    sub_classes: int
    conditions: int
    note: str
    by: str
    at: datetime


class SheetOut(BaseModel):
    """One version whole; 0 and no sub-classes where none was ever taken in. `versions` are all, newest first."""

    version: int
    sub_classes: list[SubClassOut]
    versions: list[StandardOut]


class ChangesOut(BaseModel):
    """Codes of sub-classes and conditions against the version before."""

    added: list[str]
    changed: list[str]
    removed: list[str]


class RowRefusedOut(BaseModel):
    sheet: str
    row: int
    column: str
    reason: str
    text: str


class TakenOut(BaseModel):
    """What was taken in; after a dry run `version` is null, and `refused` says which rows stand in its way."""

    ok: bool
    dry_run: bool
    version: int | None
    rows: int
    sub_classes: int
    conditions: int
    changes: ChangesOut
    refused: list[RowRefusedOut]
    sheet: list[SubClassOut]


@router.get("/api/v1/standards", summary="The standard sheet", dependencies=[AnyRole])
def read_standards(
    request: Request, tx: Read, version: Annotated[int | None, Query(ge=1, lt=2**31)] = None
) -> SheetOut:
    """The newest version, or the one asked for, with all its conditions."""
    versions = [StandardOut.model_validate(one, from_attributes=True) for one in standards.list_standards(tx)]
    if version is not None and all(one.version != version for one in versions):
        raise Unacceptable("unknown_standard", errors=[(["version"], "unknown_standard")], version=version)
    asked = version or (versions[0].version if versions else 0)
    sheet = standards.get_sheet(tx, asked) if asked else StandardSheet(())
    units = standards.unit_codes(list_units(tx))
    return SheetOut(version=asked, sub_classes=_describe_sheet(sheet, units, language_of(request)), versions=versions)


@router.get(
    "/api/v1/standards/{version}.xlsx",
    responses=declare_media(XLSX),
    response_class=Response,
    summary="The standard sheet as a workbook",
    dependencies=[AnyRole],
)
def read_workbook(request: Request, tx: Read, version: Version) -> Response:
    """A row for each condition; sent in again it is the same sheet."""
    from layers.standards.workbook import book_of

    lang = language_of(request)
    content = book_of(standards.get_sheet(tx, version), lang=lang)
    name = f"standard-{version}.xlsx"
    headers = {"Cache-Control": "private, no-cache", "Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=XLSX, headers=headers)


@router.post(
    "/api/v1/standards",
    responses=declare_answer(TakenOut, status=201) | declare_answer(TakenOut),
    status_code=201,
    response_class=Response,
    openapi_extra={"requestBody": _FORM},
    summary="Take in a standard sheet",
)
async def add_standard(request: Request, by: Admin, dry_run: bool = False) -> Response:
    """Multipart with `file` (xlsx) and `note`: a new version, whole, or 422 naming every row that cannot be read.

    With `dry_run` nothing is stored, and the answer (200) says what would be, and what stands in its way. Living cases
    keep the version that they have.
    """
    if not is_form(request):
        raise Problem(422, "upload_missing", errors=[(["file"], "upload_missing")])
    form = await receive(request, folder=settings_of(request).upload_folder)
    if form.file is None:
        raise Problem(422, "upload_missing", errors=[(["file"], "upload_missing")])
    try:
        reading = await run_in_threadpool(_read, form.file.path)
    finally:
        form.file.path.unlink(missing_ok=True)
    lang = language_of(request)
    if reading.refused and not dry_run:
        raise refusal_of(reading, lang)
    remark = "".join(letter for letter in form.fields.get("note", "") if letter.isprintable())[:MOST_NOTE]
    told = await run_in_threadpool(
        _take_in, request.app.state.engine, reading, dry_run=dry_run, remark=remark, lang=lang, by=by
    )
    return JSONResponse(told.model_dump(mode="json", by_alias=True), 200 if dry_run else 201)


def _read(path: Path) -> Reading:
    from layers.standards.workbook import read_workbook as read

    return read(path.read_bytes())


def _take_in(engine: Any, reading: Reading, *, dry_run: bool, remark: str, lang: str, by: Actor) -> TakenOut:
    """What the sheet would be, stored where it is no trial."""
    sheet = reading.sheet or StandardSheet(())
    with transaction(engine) as session:
        last = standards.get_last_version(session)
        before = standards.get_sheet(session, last) if last else None
        compared = standards.compare_sheets(before, sheet) if reading.sheet else SheetChanges((), (), ())
        stored = None if dry_run else standards.put_sheet(session, sheet, remark=remark, by=by).version
        return TakenOut(
            ok=reading.sheet is not None,
            dry_run=dry_run,
            version=stored,
            rows=reading.rows,
            sub_classes=len(sheet.sub_classes),
            conditions=sheet.count,
            changes=ChangesOut.model_validate(compared, from_attributes=True),
            refused=[
                RowRefusedOut(sheet=one.sheet, row=one.row, column=one.column, reason=one.code, text=text)
                for one, text in ((one, words_of_refusal(one, lang)) for one in reading.refused)
            ],
            sheet=_describe_sheet(sheet, standards.unit_codes(list_units(session)), lang),
        )


def refusal_of(reading: Reading, lang: str) -> Problem:
    """Every row that cannot be read, in words: nothing of the workbook is stored."""
    errors: list[tuple[list[str | int], str]] = [
        (["rows", one.row, one.column or "row"], words_of_refusal(one, lang)) for one in reading.refused
    ]
    first = words_of_refusal(reading.refused[0], lang)
    return Problem(422, "standard_refused", errors=errors, count=len(errors), first=first)


def _describe_sheet(sheet: StandardSheet, units: Any, lang: str) -> list[SubClassOut]:
    return [_sub_class(one, standards.find_unit(one, units), lang) for one in sheet.sub_classes]


def _sub_class(one: SubClass, unit: str | None, lang: str) -> SubClassOut:
    conditions = [
        ConditionOut(
            code=condition.code,
            case=condition.case,
            limit=LimitOut(
                amount=condition.limit.amount,
                kind=condition.limit.kind,
                text=standards.write_limit(condition.limit, lang),
            ),
            closes=condition.closes,
        )
        for condition in one.conditions
    ]
    names = ("code", "class_name", "name", "kind", "supervising", "responsible", "basis")
    return SubClassOut(**{name: getattr(one, name) for name in names}, unit=unit, conditions=conditions)
