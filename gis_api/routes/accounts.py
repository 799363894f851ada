"""People and machine keys: for admins, within their area."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Request
from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from gis_api.auth import People, hash_password
from gis_api.dependencies import Admin, Read, Tx
from gis_api.strict_routes import StrictRoute
from layers import access, history
from layers.access import Key, Role, User
from layers.units import require_unit

router = APIRouter(tags=["accounts"], route_class=StrictRoute)
SHORTEST_PASSWORD = 10

Name = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\s\x00-\x1f\x7f](?:[^\x00-\x1f\x7f]*)$")]
Area = Annotated[str, Field(max_length=40, pattern=r"^[A-Za-z0-9_-]*$")]
Unit = Annotated[
    str | None, Field(max_length=60, pattern=r"^[^\x00]*$", description="the department, for the role unit")
]
UnitOut = Annotated[str | None, Field(validation_alias=AliasChoices("unit_code", "unit"))]
Password = Annotated[str, Field(min_length=SHORTEST_PASSWORD, max_length=1_000)]


class NewUser(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Name
    role: Role
    area: Area
    password: Password
    unit: Unit = None


class UserChange(BaseModel):
    model_config = ConfigDict(extra="forbid")

    active: bool | None = None
    password: Password | None = None
    language: Literal["zh-CN", "en"] | None = None


class UserOut(BaseModel):
    name: str
    role: str
    area: str
    unit: UnitOut = None
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


class KeyOut(BaseModel):
    name: str
    role: str
    area: str
    unit: UnitOut = None
    datum: str | None
    created_at: datetime


class FreshKey(KeyOut):
    """A key as it is told this one time."""

    key: str


def _user(user: User) -> UserOut:
    return UserOut.model_validate(user, from_attributes=True)


@router.get("/api/v1/users", summary="The people of one's area")
def list_users(tx: Read, by: Admin) -> dict[str, list[UserOut]]:
    """Everybody who can sign in within the area."""
    return {"users": [_user(user) for user in access.list_users(tx, by=by)]}


@router.post("/api/v1/users", status_code=201, summary="Add a person")
def add_user(tx: Tx, by: Admin, sent: NewUser) -> UserOut:
    """A new person; 409 where the name is taken, 403 for an area that is not one's own."""
    access.require_area(by, sent.area)
    require_unit(tx, sent.unit)
    password_hash = hash_password(sent.password)
    user = access.add_user(tx, sent.name, role=sent.role, area=sent.area, password_hash=password_hash, unit=sent.unit)
    history.note(tx, "add_user", subject=f"user:{sent.name}", area=sent.area, by=by, role_given=sent.role)
    tx.refresh(user)
    return _user(user)


@router.patch("/api/v1/users/{name:path}", summary="Lock or unlock a person, or give a new password")
def change_user(request: Request, tx: Tx, by: Admin, name: str, sent: UserChange) -> UserOut:
    """The person as changed; a lock and a new password end every open session within two seconds."""
    user = access.get_user(tx, name, by=by)
    people: People = request.app.state.people
    people.doubt(name)
    if sent.active is not None:
        user.active = sent.active
    if sent.language is not None:
        user.language = sent.language
    if sent.password is not None:
        user.password_hash = hash_password(sent.password)
    if sent.password is not None or sent.active is False:
        access.end_sign_ins(tx, name)
    changed = sorted(sent.model_fields_set)
    history.note(tx, "change_user", subject=f"user:{name}", area=user.area, by=by, changed=changed)
    return _user(user)


@router.get("/api/v1/keys", summary="The machine keys of one's area")
def list_keys(tx: Read, by: Admin) -> dict[str, list[KeyOut]]:
    """Every valid key's name and rights; the key itself is not kept."""
    return {"keys": [KeyOut.model_validate(key, from_attributes=True) for key in access.list_keys(tx, by=by)]}


@router.post("/api/v1/keys", status_code=201, summary="Add a machine key")
def add_key(tx: Tx, by: Admin, sent: NewKey) -> FreshKey:
    """The new key, told this one time; 409 where the name is taken."""
    access.require_area(by, sent.area)
    require_unit(tx, sent.unit)
    token = access.add_key(tx, sent.name, role=sent.role, area=sent.area, datum=sent.datum, unit=sent.unit)
    history.note(tx, "add_key", subject=f"key:{sent.name}", area=sent.area, by=by, role_given=sent.role)
    key = tx.query(Key).filter_by(name=sent.name).one()
    return FreshKey(**KeyOut.model_validate(key, from_attributes=True).model_dump(), key=token)


@router.delete("/api/v1/keys/{name:path}", status_code=204, summary="Revoke a machine key")
def revoke_key(tx: Tx, by: Admin, name: str) -> None:
    """End a key; every process knows within seconds."""
    access.revoke_key(tx, name, by=by)
    history.note(tx, "revoke_key", subject=f"key:{name}", area=by.area, by=by)
