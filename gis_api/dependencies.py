"""What a route may ask for, as one Annotated alias each.

    @router.post("/api/v1/plans")
    def create(tx: Tx, by: Planner, now: Now) -> Created: ...

Every route has a door: one of the role aliases, or `Public` with a reason.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from fastapi import Depends, Header, Query, Request
from fastapi.concurrency import run_in_threadpool
from sqlalchemy.orm import Session

from gis_api.auth import COOKIE, People, bearer_of, refuse_foreign_origin
from gis_api.errors import Problem
from gis_api.geojson import box_in_wgs84, datum_of
from gis_api.paging import Box, box_of
from gis_api.replicas import Replicas
from gis_api.settings import Settings
from layers.access import Actor, Role, digest_of
from layers.candidates import Roster
from layers.db import read_one_moment, reading, transaction
from layers.errors import Unavailable
from layers.evaluation import EvaluationMemory
from layers.heat import HeatMemory
from layers.locating import Atlas
from layers.moments import read_clock
from layers.painting import PatchShelf
from layers.planning import DraftMemory

CHALLENGE = {"WWW-Authenticate": 'Bearer realm="wangge"'}


def settings_of(request: Request) -> Settings:
    """The settings of this application."""
    settings: Settings = request.app.state.settings
    return settings


def replicas_of(request: Request) -> Replicas:
    """What this process keeps in memory."""
    replicas: Replicas = request.app.state.replicas
    return replicas


def now_of(request: Request) -> datetime:
    """This moment, as the application tells it."""
    return moment_in(request.app.state)


def moment_in(state: Any) -> datetime:
    """This moment; tests put their own clock into `app.state.clock`."""
    clock: Callable[[], datetime] | None = getattr(state, "clock", None)
    return clock() if clock is not None else read_clock()


# A session takes its connection where it is first used, in the thread of the endpoint: to begin costs no thread.
async def _open_transaction(request: Request) -> AsyncIterator[Session]:
    block = transaction(request.app.state.engine)
    session = block.__enter__()
    try:
        yield session
    except BaseException as error:
        await _end_beside(block.__exit__, type(error), error, error.__traceback__)
        raise
    await _end_beside(block.__exit__, None, None, None)


async def _read(request: Request) -> AsyncIterator[Session]:
    block = reading(request.app.state.reading)
    session = block.__enter__()
    try:
        yield session
    finally:
        await _end_beside(block.__exit__, None, None, None)


async def _moment(request: Request) -> AsyncIterator[Session]:
    block = read_one_moment(request.app.state.reading)
    session = await run_in_threadpool(block.__enter__)
    try:
        yield session
    finally:
        await _end_beside(block.__exit__, None, None, None)


async def _end_beside(end: Callable[..., object], *given: object) -> None:
    """End a transaction in a thread of its own: all others may be waiting for the connection that only this frees."""
    await run_sync(end, *given, limiter=CapacityLimiter(1))


# scope="function": the end of the block (the commit!) runs before the answer is sent. With the default scope a
# client would hear 201 before the commit, and a failing commit would lose what was acknowledged.
Tx = Annotated[Session, Depends(_open_transaction, scope="function")]
Read = Annotated[Session, Depends(_read, scope="function")]
# Several statements that have to tell of one moment.
MomentRead = Annotated[Session, Depends(_moment, scope="function")]


# `async def`, though nothing is awaited: FastAPI would take a plain function to a thread and back, 80 µs each.
async def _settings(request: Request) -> Settings:
    return settings_of(request)


async def _replicas(request: Request) -> Replicas:
    return replicas_of(request)


async def _heat_memory(request: Request) -> HeatMemory:
    memory: HeatMemory = request.app.state.heat_memory
    return memory


async def _drafts(request: Request) -> DraftMemory:
    drafts: DraftMemory = request.app.state.drafts
    return drafts


async def _patches(request: Request) -> PatchShelf:
    kept: PatchShelf = request.app.state.patches
    return kept


async def _now(request: Request) -> datetime:
    return now_of(request)


async def _zone(request: Request) -> ZoneInfo:
    return settings_of(request).zone


async def _evaluation_memory(request: Request) -> EvaluationMemory:
    memory: EvaluationMemory = request.app.state.evaluation_memory
    return memory


Now = Annotated[datetime, Depends(_now)]
Zone = Annotated[ZoneInfo, Depends(_zone)]
Settings_ = Annotated[Settings, Depends(_settings)]
HeatMemory_ = Annotated[HeatMemory, Depends(_heat_memory)]
Patches = Annotated[PatchShelf, Depends(_patches)]
EvaluationMemory_ = Annotated[EvaluationMemory, Depends(_evaluation_memory)]
Drafts = Annotated[DraftMemory, Depends(_drafts)]
Replicas_ = Annotated[Replicas, Depends(_replicas)]


async def _get_locator(replicas: Replicas_) -> Atlas:
    atlas = replicas.state.atlas
    if atlas is None:
        raise Unavailable("not_ready", retry_after_s=1)
    return atlas


async def _get_roster(replicas: Replicas_) -> Roster:
    roster = replicas.state.roster
    if roster is None:
        raise Unavailable("not_ready", retry_after_s=1)
    return roster


async def _roster(replicas: Replicas_) -> Roster:
    """Nobody is sent by a roster of before the process began: whoever decides comes back in a second."""
    if replicas.state.roster_kept_at is not None:
        raise Unavailable("not_ready", retry_after_s=1)
    return await _get_roster(replicas)


Locator = Annotated[Atlas, Depends(_get_locator)]
Roster_ = Annotated[Roster, Depends(_roster)]
KnownRoster = Annotated[Roster, Depends(_get_roster)]


async def find_actor(request: Request) -> Actor | None:
    """Whoever asks: a key, a signed-in person, or None. Raises Problem for a wrong key or a page of somebody else."""
    token = bearer_of(request.headers)
    actor = _get_key_holder(request, token) if token is not None else await _find_signed_in(request)
    request.state.actor = actor
    return actor


def _get_key_holder(request: Request, token: str) -> Actor:
    replicas = replicas_of(request)
    actor = replicas.keys.get(digest_of(token))
    if actor is None and not replicas.ready:
        raise Unavailable("not_ready", retry_after_s=1)
    if actor is None:
        raise Problem(401, "unknown_key", headers=CHALLENGE)
    return actor


async def _find_signed_in(request: Request) -> Actor | None:
    token = request.cookies.get(COOKIE)
    if token is None:
        return None
    people: People = request.app.state.people
    person = await find_signed_in(people, token)
    if person is not None:
        refuse_foreign_origin(request, request.method, trusted=settings_of(request).origins)
    return person


async def find_signed_in(people: People, token: str) -> Actor | None:
    """The person behind a session: from memory, else asked for in a thread."""
    return people.find_remembered(token) or await run_in_threadpool(people.find, token)


MaybePerson = Annotated[Actor | None, Depends(find_actor)]


async def _box(
    actor: MaybePerson,
    bbox: Annotated[str | None, Query(max_length=200, description="west,south,east,north in degrees")] = None,
    datum: Annotated[str | None, Query(description="the datum of the bbox; default: the key's")] = None,
) -> Box | None:
    if actor is None:
        return None  # the door of the route answers
    sent = box_of(bbox)
    return None if sent is None else box_in_wgs84(sent, datum_of(actor, datum))


AskedBox = Annotated[Box | None, Depends(_box)]


def role_door(*roles: Role) -> Callable[..., Any]:
    """A dependency that lets these roles in and gives the Actor: 401 for nobody, 403 for another role.

    The roles stand on it as `.roles`, which is how the tests read the access matrix off the routes.
    """

    async def door(actor: MaybePerson) -> Actor:
        if actor is None:
            raise Problem(401, "not_signed_in", headers=CHALLENGE)
        if actor.role not in roles:
            raise Problem(403, "wrong_role", role=str(actor.role))
        return actor

    door.roles = frozenset(roles)  # type: ignore[attr-defined]
    return door


async def _let_everybody_in() -> None:
    """Everybody may come in; marks a route whose openness is meant."""


_let_everybody_in.roles = None  # type: ignore[attr-defined]
public = Depends(_let_everybody_in)

_Planner = role_door(Role.planner, Role.admin)
_Dispatcher = role_door(Role.dispatcher, Role.admin)
_Leader = role_door(Role.leader, Role.planner, Role.dispatcher, Role.admin)
_Locating = role_door(Role.dispatcher, Role.planner, Role.leader, Role.worker, Role.admin)
_Admin = role_door(Role.admin)
_AnyRole = role_door(*Role)

Planner = Annotated[Actor, Depends(_Planner)]
Dispatcher = Annotated[Actor, Depends(_Dispatcher)]
Leader = Annotated[Actor, Depends(_Leader)]
Locating = Annotated[Actor, Depends(_Locating)]
Admin = Annotated[Actor, Depends(_Admin)]
AnyRole = Annotated[Actor, Depends(_AnyRole)]

_VERSION = re.compile(r'"(0|[1-9][0-9]{0,8})"')


def _read_if_match(if_match: str | None) -> int:
    if if_match is None:
        raise Problem(428, "version_missing")
    return version_of(if_match)


def version_of(if_match: str) -> int:
    """The version that an If-Match header names; raises Problem for anything but one quoted number."""
    found = _VERSION.fullmatch(if_match.strip())
    if found is None:
        raise Problem(422, "wrong_version", errors=[(["If-Match"], "wrong_version")])
    return int(found[1])


async def _version(
    if_match: Annotated[str | None, Header(description='The version seen, quoted: "12".')] = None,
) -> int:
    return _read_if_match(if_match)


IfMatch = Annotated[int, Depends(_version)]


def etag(version: int) -> str:
    """A version as an ETag."""
    return f'"{version}"'
