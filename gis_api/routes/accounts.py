"""People and machine keys: for admins, within their area."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Request
from pydantic import AliasChoices, BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from gis_api.auth import Password, People, hash_password
from gis_api.dependencies import Admin, Read, Tx
from gis_api.strict_routes import StrictRoute
from layers import access, history
from layers.access import Actor, Key, Role, User
from layers.units import require_unit
from layers.workers import ids_of, numbers_of

router = APIRouter(tags=["accounts"], route_class=StrictRoute)

Name = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\s\x00-\x1f\x7f](?:[^\x00-\x1f\x7f]*)$")]
Area = Annotated[str, Field(max_length=40, pattern=r"^[A-Za-z0-9_-]*$")]
Unit = Annotated[
    str | None, Field(max_length=60, pattern=r"^[^\x00]*$", description="the department, for the role unit")
]
UnitOut = Annotated[str | None, Field(validation_alias=AliasChoices("unit_code", "unit"))]
StaffNumber = Annotated[
    str | None,
    Field(max_length=60, pattern=r"^[^\x00]*$", description="the staff number of the worker whose account it is"),
]
Gateway = Annotated[
    bool, Field(description="workers' own devices report through it: their positions count as proof of a place")
]


class NewUser(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Name
    role: Role
    area: Area
    password: Password
    unit: Unit = None
    worker: StaffNumber = None


class UserChange(BaseModel):
    model_config = ConfigDict(extra="forbid")

    active: bool | None = None
    password: Password | None = None
    language: Literal["zh-CN", "en"] | None = None
    worker: StaffNumber = None


class UserOut(BaseModel):
    name: str
    role: str
    area: str
    unit: UnitOut = None
    worker: str | None = None
    language: str
    active: bool
    created_at: datetime


class NewKey(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Name
    role: Role
    area: Area
    datum: Literal["wgs84", "cgcs2000", "gcj02", "bd09"] | None = None
    unit: Unit = None
    gateway: Gateway = False


class KeyOut(BaseModel):
    name: str
    role: str
    area: str
    unit: UnitOut = None
    datum: str | None
    gateway: Gateway
    created_at: datetime


class FreshKey(KeyOut):
    """A key as it is told this one time."""

    key: str


def _describe_users(tx: Session, users: Sequence[User]) -> list[UserOut]:
    numbers = numbers_of(tx, {user.worker_id for user in users if user.worker_id is not None})
    shown = [UserOut.model_validate(user, from_attributes=True) for user in users]
    for user, one in zip(users, shown, strict=True):
        one.worker = numbers[user.worker_id].number if user.worker_id in numbers else None
    return shown


def _worker_id(tx: Session, number: str | None, by: Actor) -> int | None:
    return None if number is None else ids_of(tx, [number], by=by)[number]


@router.get("/api/v1/users", summary="The people of one's area")
def list_users(tx: Read, by: Admin) -> dict[str, list[UserOut]]:
    """Everybody who can sign in within the area."""
    return {"users": _describe_users(tx, access.list_users(tx, by=by))}


@router.get("/api/v1/users/{name:path}", summary="One person")
def get_user(tx: Read, by: Admin, name: str) -> UserOut:
    """One account, with the staff number that it is tied to."""
    return _describe_users(tx, [access.get_user(tx, name, by=by)])[0]


@router.post("/api/v1/users", status_code=201, summary="Add a person")
def add_user(tx: Tx, by: Admin, sent: NewUser) -> UserOut:
    """A new person; 409 where the name is taken, 403 for an area that is not one's own."""
    access.require_area(by, sent.area)
    require_unit(tx, sent.unit)
    worker_id = _worker_id(tx, sent.worker, by)
    hashed = hash_password(sent.password)
    user = access.add_user(
        tx, sent.name, role=sent.role, area=sent.area, password_hash=hashed, worker_id=worker_id, unit=sent.unit
    )
    told = {"role_given": sent.role} | ({} if sent.worker is None else {"worker": sent.worker})
    history.note(tx, "add_user", subject=f"user:{sent.name}", area=sent.area, by=by, **told)
    tx.refresh(user)
    return _describe_users(tx, [user])[0]


@router.patch("/api/v1/users/{name:path}", summary="Lock or unlock a person, give a new password, tie to a worker")
def change_user(request: Request, tx: Tx, by: Admin, name: str, sent: UserChange) -> UserOut:
    """The person as changed; a lock and a new password end every open session within two seconds.

    `worker` ties the account to a staff number, null unties it.
    """
    user = access.get_user(tx, name, by=by)
    people: People = request.app.state.people
    people.ask_anew(name)
    if sent.active is not None:
        user.active = sent.active
    if sent.language is not None:
        user.language = sent.language
    if sent.password is not None:
        user.password_hash = hash_password(sent.password)
    if "worker" in sent.model_fields_set:
        user.worker_id = _worker_id(tx, sent.worker, by)
    if sent.password is not None or sent.active is False:
        access.end_sign_ins(tx, name)
    changed = sorted(sent.model_fields_set)
    told = {"worker": sent.worker} if "worker" in sent.model_fields_set else {}
    history.note(tx, "change_user", subject=f"user:{name}", area=user.area, by=by, changed=changed, **told)
    return _describe_users(tx, [user])[0]


@router.get("/api/v1/keys", summary="The machine keys of one's area")
def list_keys(tx: Read, by: Admin) -> dict[str, list[KeyOut]]:
    """Every valid key's name and rights; the key itself is not kept."""
    return {"keys": [KeyOut.model_validate(key, from_attributes=True) for key in access.list_keys(tx, by=by)]}


@router.post("/api/v1/keys", status_code=201, summary="Add a machine key")
def add_key(tx: Tx, by: Admin, sent: NewKey) -> FreshKey:
    """The new key, told this one time; 409 where the name is taken."""
    access.require_area(by, sent.area)
    require_unit(tx, sent.unit)
    token = access.add_key(
        tx, sent.name, role=sent.role, area=sent.area, datum=sent.datum, unit=sent.unit, gateway=sent.gateway
    )
    told = {"role_given": sent.role} | ({"gateway": True} if sent.gateway else {})
    history.note(tx, "add_key", subject=f"key:{sent.name}", area=sent.area, by=by, **told)
    key = tx.query(Key).filter_by(name=sent.name).one()
    return FreshKey(**KeyOut.model_validate(key, from_attributes=True).model_dump(), key=token)


@router.delete("/api/v1/keys/{name:path}", status_code=204, summary="Revoke a machine key")
def revoke_key(tx: Tx, by: Admin, name: str) -> None:
    """End a key; every process knows within seconds."""
    area = access.revoke_key(tx, name, by=by)
    history.note(tx, "revoke_key", subject=f"key:{name}", area=area, by=by)
