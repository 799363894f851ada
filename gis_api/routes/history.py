"""What was done by whom, and whether the chain holds: for auditors and admins."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel

from gis_api.dependencies import Read, role_door
from gis_api.strict_routes import StrictRoute
from layers import history
from layers.access import Actor, Role, require_visible

router = APIRouter(tags=["history"], route_class=StrictRoute)
Auditor = Annotated[Actor, Depends(role_door(Role.auditor, Role.admin))]


class EntryOut(BaseModel):
    id: str
    at: datetime
    actor: str
    actor_kind: str | None
    role: str
    action: str
    subject: str
    area: str
    details: dict[str, Any]
    sealed: bool


class EntriesOut(BaseModel):
    entries: list[EntryOut]
    next: str | None


class ChainOut(BaseModel):
    lines: int
    sealed: int
    broken_at: int | None
    holds: bool
    why: str | None = None
    line: str | None = None


@router.get("/api/v1/history", summary="What was done, newest first")
def read_history(
    request: Request,
    tx: Read,
    by: Auditor,
    area: str | None = None,
    subject: Annotated[str | None, Query(max_length=200)] = None,
    action: Annotated[str | None, Query(max_length=100)] = None,
    before: Annotated[int | None, Query(ge=1, lt=2**63)] = None,
) -> EntriesOut:
    """Lines of the history within the area, a hundred at a time."""
    where = by.area if area is None else area
    require_visible(by, where)
    found = history.list_entries(tx, area=where, subject=subject, action=action, before=before)
    more = len(found) == history.PAGE
    asked: dict[str, Any] = dict(request.query_params)
    return EntriesOut(
        entries=[
            EntryOut(
                id=str(entry.id),
                at=entry.at,
                actor=entry.actor,
                actor_kind=entry.kind,
                role=entry.role,
                action=entry.action,
                subject=entry.subject,
                area=entry.area,
                details=entry.details,
                sealed=entry.sealed is not None,
            )
            for entry in found
        ],
        next=f"{request.url.path}?{urlencode(asked | {'before': found[-1].id})}" if more else None,
    )


@router.get("/api/v1/history/chain", summary="Does the chain hold")
def check_chain(tx: Read, _: Auditor) -> ChainOut:
    """Every sealed line's digest computed again, the chain's end, and the marks of lines that wait for their seal.

    `why`: `changed`, `missing`, `cut` (the end is gone), `headless`, `unmarked`; `line` is the id of an unsealed one.
    """
    lines, sealed = history.count_sealed(tx)
    found = history.check_chain(tx)
    if found is None:
        return ChainOut(lines=lines, sealed=sealed, broken_at=None, holds=True)
    line = None if found.line is None else str(found.line)
    return ChainOut(lines=lines, sealed=sealed, broken_at=found.at, holds=False, why=found.why, line=line)
