"""A worker who leaves: what they hold, and the one act that hands it over."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from gis_api.auth import People
from gis_api.dependencies import Admin, Locator, Now, Read, Roster_, Tx, Zone, role_door
from gis_api.roster_json import GapOut, gap_of
from gis_api.strict_routes import StrictRoute
from layers import leaving
from layers.access import Actor, Role
from layers.dispatching import Memory
from layers.leaving import Holdings, Left, MovedTask

router = APIRouter(tags=["workers"], route_class=StrictRoute)
Reader = Annotated[Actor, Depends(role_door(Role.planner, Role.dispatcher, Role.admin))]


class HeldTaskOut(BaseModel):
    """An incident in somebody's hands; `looks` where they are only sent to look at it."""

    incident: str
    state: str
    category: str
    urgency: str
    area: str
    looks: bool


class HeldGridOut(BaseModel):
    grid: str
    role: str
    since: datetime | None
    until: datetime | None


class HeldRosterOut(BaseModel):
    """How much of the roster is not over: single shifts, templates, leave and extra duty, turns of standing in."""

    shifts: int
    templates: int
    exceptions: int
    stands_in: int


class HoldingsOut(BaseModel):
    worker: str
    name: str
    active: bool
    tasks: list[HeldTaskOut]
    grids: list[HeldGridOut]
    roster: HeldRosterOut
    accounts: list[str]
    emergencies: Annotated[list[str], Field(description="areas in emergency mode to which they are lent")]
    drafts: Annotated[list[str], Field(description="drafts of plans in which something is decided for them")]


class LeavingIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    successor: Annotated[str | None, Field(min_length=1, max_length=60)] = None
    reason: Annotated[str, Field(max_length=500, pattern=r"^[^\x00]*$")] = ""
    confirm: Annotated[bool, Field(description="that something may be left without anybody")] = False


class MovedTaskOut(BaseModel):
    """`to` is null where nobody has it now; then it waits, for this reason."""

    incident: str
    to: str | None
    waiting_reason: str | None


class LeftOut(BaseModel):
    """What was handed over, or, after a trial, would be."""

    held: HoldingsOut
    successor: str | None
    dry_run: bool
    tasks: list[MovedTaskOut]
    unserved: Annotated[list[str], Field(description="grids of theirs that nobody serves now")]
    new_gaps: Annotated[list[GapOut], Field(description="too few on duty, in the two weeks to come, because of it")]


@router.get("/api/v1/workers/{number}/leaving", summary="What a worker holds who is to leave")
def read_holdings(tx: Read, by: Reader, now: Now, zone: Zone, number: str) -> HoldingsOut:
    """Open tasks, grids, what is left of the roster, accounts, and drafts that have something decided for them."""
    return _describe_holdings(leaving.find_holdings(tx, number, now=now, zone=zone, by=by))


@router.post("/api/v1/workers/{number}/leaving", summary="Have a worker leave, and hand over what they hold")
def leave(
    request: Request,
    tx: Tx,
    atlas: Locator,
    roster: Roster_,
    zone: Zone,
    now: Now,
    by: Admin,
    number: str,
    sent: LeavingIn,
    dry_run: bool = False,
) -> LeftOut:
    """All of it at once: tasks and grids go to the successor, the roster ends, accounts are closed.

    409 `left_without_anybody` names grids and tasks that nobody would have, unless that is confirmed. A task for which
    the successor has no free hand goes to the next candidate. With `dry_run` nothing is stored, and nothing refused for
    want of a successor: the answer says what would be.
    """
    asked = leaving.Leaving(sent.successor, sent.reason.strip(), sent.confirm or dry_run)
    savepoint = tx.begin_nested()
    left = leaving.leave(tx, Memory(atlas, roster, zone), number, asked, now=now, by=by)
    told = _describe_left(left, dry_run=dry_run)
    if dry_run:
        savepoint.rollback()
        return told
    savepoint.commit()
    people: People = request.app.state.people
    for name in left.holdings.accounts:
        people.ask_anew(name)
    return told


def _describe_holdings(held: Holdings) -> HoldingsOut:
    tasks = [
        HeldTaskOut(
            incident=str(task.incident),
            **{name: getattr(task, name) for name in ("state", "category", "urgency", "area", "looks")},
        )
        for task in held.tasks
    ]
    return HoldingsOut(
        worker=held.worker,
        name=held.name,
        active=held.active,
        tasks=tasks,
        grids=[HeldGridOut.model_validate(charge, from_attributes=True) for charge in held.charges],
        roster=HeldRosterOut(**held.roster),
        accounts=list(held.accounts),
        emergencies=list(held.emergencies),
        drafts=[str(plan) for plan in held.drafts],
    )


def _describe_left(left: Left, *, dry_run: bool) -> LeftOut:
    return LeftOut(
        held=_describe_holdings(left.holdings),
        successor=left.successor,
        dry_run=dry_run,
        tasks=[_describe_moved(task) for task in left.tasks],
        unserved=list(left.unserved),
        new_gaps=[gap_of(gap) for gap in left.new_gaps],
    )


def _describe_moved(task: MovedTask) -> MovedTaskOut:
    return MovedTaskOut(incident=str(task.incident), to=task.to, waiting_reason=task.waiting_reason)
