"""Who is on a risky task and has to say that they are well, and of whom nobody has heard."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

from gis_api.dependencies import Now, Read, role_door
from gis_api.incident_json import SEE_PHONES
from gis_api.strict_routes import StrictRoute
from layers import incidents
from layers.access import Actor, Role
from layers.incidents import CheckIn
from layers.workers import mask_phone

router = APIRouter(tags=["incidents"], route_class=StrictRoute)
Told = Annotated[Actor, Depends(role_door(Role.dispatcher, Role.leader, Role.worker, Role.admin))]


class PersonOut(BaseModel):
    """A worker; the phone is in full for desks, and for whoever was told that somebody is not heard."""

    worker: str
    name: str
    phone_masked: str | None
    phone: str | None


class CheckInOut(BaseModel):
    """Whose word is awaited, at which case, until when; `leader` leads the grid there. Leaders are told no category."""

    incident: str
    category: str | None
    urgency: str
    state: str
    area: str
    worker: PersonOut
    leader: PersonOut | None
    minutes: int
    heard_at: datetime
    deadline: datetime
    overdue: bool
    missed_at: datetime | None


class CheckInsOut(BaseModel):
    check_ins: list[CheckInOut]


@router.get("/api/v1/check-ins", summary="Who on a risky task has to say that they are well")
def list_check_ins(
    tx: Read,
    now: Now,
    by: Told,
    overdue: Annotated[bool, Query(description="only those who were not heard in time")] = False,
) -> CheckInsOut:
    """What is due first, within one's area; a worker sees their own and those of the grids that they lead.

    The timer runs where `check_in_minutes` of the rules of dispatching asks for it, from the moment in which a worker
    accepts or arrives, and begins anew with the step `check_in`.
    """
    found = incidents.list_check_ins(tx, now=now, overdue=overdue, by=by)
    return CheckInsOut(check_ins=[_describe_check_in(one, now, by) for one in found])


def _describe_check_in(one: CheckIn, now: datetime, by: Actor) -> CheckInOut:
    late = one.due_at <= now
    whole = by.role in SEE_PHONES or (late and (one.leads or by.role == Role.leader))
    leader = None
    if one.leader is not None and one.leader_name is not None:
        leader = _person(one.leader, one.leader_name, one.leader_phone, whole=whole)
    return CheckInOut(
        incident=str(one.incident_id),
        category=None if by.role == Role.leader else one.category,
        urgency=one.urgency,
        state=one.state,
        area=one.area,
        worker=_person(one.worker, one.name, one.phone, whole=whole),
        leader=leader,
        minutes=one.minutes,
        heard_at=one.heard_at,
        deadline=one.due_at,
        overdue=late,
        missed_at=one.missed_at,
    )


def _person(worker: str, name: str, phone: str | None, *, whole: bool) -> PersonOut:
    return PersonOut(worker=worker, name=name, phone_masked=mask_phone(phone), phone=phone if whole else None)
