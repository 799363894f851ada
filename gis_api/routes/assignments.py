"""Assignments: who serves which grid, from when to when."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from gis_api.dependencies import Now, Read, Tx, role_door
from gis_api.moments import AskedMoment, Moment
from gis_api.strict_routes import StrictRoute
from layers import assignments
from layers.access import Actor, Role
from layers.assignments import Charge, ChargesAsked
from layers.errors import NotFound
from layers.ids import find_id
from layers.moments import require_soon
from layers.workers import WorkerRole

router = APIRouter(tags=["workers"], route_class=StrictRoute)
Reader = Annotated[Actor, Depends(role_door(Role.planner, Role.dispatcher, Role.leader, Role.admin, Role.auditor))]
Writer = Annotated[Actor, Depends(role_door(Role.planner, Role.admin))]


class NewAssignment(BaseModel):
    model_config = ConfigDict(extra="forbid")

    worker: Annotated[str, Field(min_length=1, max_length=60)]
    grid: Annotated[str, Field(max_length=40, pattern=r"^[A-Za-z0-9_-]+$")]
    role: WorkerRole = WorkerRole.grid_worker
    since: Moment | None = None
    until: Moment | None = None


class AssignmentEnd(BaseModel):
    model_config = ConfigDict(extra="forbid")

    until: Moment | None = None


class AssignmentOut(BaseModel):
    id: str
    worker: str
    name: str
    grid: str
    role: str
    since: datetime | None
    until: datetime | None


class AssignmentsOut(BaseModel):
    assignments: list[AssignmentOut]
    next: str | None


def _describe_charge(charge: Charge) -> AssignmentOut:
    told = {name: getattr(charge, name) for name in Charge.__slots__ if name != "id"}
    return AssignmentOut(id=str(charge.id), **told)


@router.get("/api/v1/assignments", summary="Who serves which grid")
def list_assignments(
    request: Request,
    tx: Read,
    by: Reader,
    now: Now,
    at: AskedMoment | None = None,
    area: Annotated[str, Query(max_length=40)] = "",
    grid: Annotated[str | None, Query(max_length=40)] = None,
    worker: Annotated[str | None, Query(max_length=60)] = None,
    after: Annotated[int, Query(ge=0, le=2**62)] = 0,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
) -> AssignmentsOut:
    """The assignments in force at a moment, a page at a time."""
    asked = ChargesAsked(at=at or now, area=area, grid=grid, worker=worker, after=after, limit=limit)
    found = assignments.list_assignments(tx, asked, by=by)
    more = dict(request.query_params)
    link = f"{request.url.path}?{urlencode(more | {'after': str(found[-1].id)})}" if len(found) == limit else None
    return AssignmentsOut(assignments=[_describe_charge(charge) for charge in found], next=link)


@router.post("/api/v1/assignments", status_code=201, summary="Put a worker in charge of a grid")
def add_assignment(tx: Tx, by: Writer, now: Now, new: NewAssignment) -> AssignmentOut:
    """From now or from a date, without an end or until one."""
    since = new.since or now
    require_soon(since, "since", now=now)
    charge = assignments.add_assignment(
        tx, new.worker, grid=new.grid, role=str(new.role), since=since, until=new.until, by=by
    )
    return _describe_charge(charge)


@router.patch("/api/v1/assignments/{assignment_id}", summary="End an assignment")
def end_assignment(tx: Tx, by: Writer, now: Now, assignment_id: str, end: AssignmentEnd) -> AssignmentOut:
    """It ends now, or at the moment given."""
    charge = find_id(assignment_id)
    if charge is None:
        raise NotFound("not_found")
    return _describe_charge(assignments.end_assignment(tx, charge, at=end.until or now, by=by))
