"""Signing in and out: a person's session is a cookie that scripts cannot read."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from gis_api.auth import BROWSER_COOKIE, COOKIE, Password, People, check_password, hash_password, refuse_foreign_origin
from gis_api.dependencies import CHALLENGE, AnyRole, Settings_, public
from gis_api.errors import Problem
from gis_api.hashing import Hashing
from gis_api.sign_ins import Attempt, SlowDown, Turns, network_of
from gis_api.strict_routes import StrictRoute
from layers.access import (
    BROWSER_LIFE,
    SESSION_LIFE,
    Actor,
    User,
    actor_of,
    close_sign_in,
    end_sign_ins,
    is_browser,
    knows_browser,
    open_sign_in,
    remember_browser,
)
from layers.db import reading, transaction
from layers.history import note

router = APIRouter(tags=["session"], route_class=StrictRoute)
LONGEST_TOKEN = 100


@dataclass(frozen=True, slots=True)
class Opened:
    """A session that was just opened: whose, its token, and that of the browser."""

    person: Actor
    token: str
    browser: str


class SignIn(BaseModel):
    """A person's name and password."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=200)
    password: str = Field(min_length=1, max_length=1_000)


class NewPassword(BaseModel):
    """The present password, and the one to come."""

    model_config = ConfigDict(extra="forbid")

    old: str = Field(min_length=1, max_length=1_000)
    new: Password


class Person(BaseModel):
    """Who is signed in, and what they may do where."""

    name: str
    role: str
    area: str
    language: str
    kind: str


@router.post("/api/v1/session", dependencies=[public], summary="Sign in")
async def sign_in(request: Request, response: Response, sent: SignIn, settings: Settings_) -> Person:
    """Open a session and set its cookie; 401 for a wrong name or password, 429 while one has to wait."""
    refuse_foreign_origin(request, request.method, trusted=settings.origins)
    browser = request.cookies.get(BROWSER_COOKIE)
    opened = await _try_password(request, sent.name, lambda engine: _open(engine, sent, browser))
    if opened is None:
        raise Problem(401, "wrong_password", headers=CHALLENGE)
    _set_cookies(request, response, opened)
    return _describe_person(opened.person)


@router.put("/api/v1/session/password", status_code=204, summary="Change one's own password")
async def change_password(request: Request, response: Response, by: AnyRole, sent: NewPassword) -> None:
    """Needs the present one, whose misses count like those of signing in. Every other session of the person ends, and
    this one goes on under a new cookie; 403 for a machine key."""
    if by.kind != "person":
        raise Problem(403, "keys_have_no_password")
    if sent.old == sent.new:
        raise Problem(422, "password_unchanged", errors=[(["new"], "password_unchanged")])
    browser = request.cookies.get(BROWSER_COOKIE)
    opened = await _try_password(request, by.name, lambda engine: _renew(engine, by, sent, browser))
    if opened is None:
        raise Problem(422, "old_password_wrong", errors=[(["old"], "old_password_wrong")])
    people: People = request.app.state.people
    people.ask_anew(by.name)
    _set_cookies(request, response, opened)


async def _try_password(request: Request, name: str, work: Callable[[Engine], Opened | None]) -> Opened | None:
    """What a try with a person's password gives, None for a wrong one: counted, in its turn, in a thread for it.

    Raises Problem 429 for whoever has to wait.
    """
    slow_down: SlowDown = request.app.state.slow_down
    turns: Turns = request.app.state.turns
    hashing: Hashing = request.app.state.hashing
    browser = await _find_known_browser(request, name)
    attempt = Attempt(name, network_of(request.client.host if request.client else ""), browser)
    rank = slow_down.rank(attempt)
    try:
        slow_down.begin(attempt)
    except Problem:
        await turns.hold_back()
        raise
    try:
        async with turns.take_turn(rank):
            opened = await hashing.run(work, request.app.state.engine)
    except BaseException:
        slow_down.take_back(attempt)  # nobody has looked at the password
        raise
    if opened is not None:
        slow_down.succeed(attempt)
    return opened


async def _find_known_browser(request: Request, name: str) -> str | None:
    """The token of the browser where the person has signed in there before; asked only where a browser has one."""
    token = request.cookies.get(BROWSER_COOKIE)
    if token is None or len(token) > LONGEST_TOKEN:
        return None
    return token if await run_in_threadpool(_knows, request.app.state.engine, token, name) else None


def _knows(engine: Engine, token: str, name: str) -> bool:
    with transaction(engine) as session:
        return knows_browser(session, token, name)


def _set_cookies(request: Request, response: Response, opened: Opened) -> None:
    secure = request.url.scheme == "https"
    for name, token, life in ((COOKIE, opened.token, SESSION_LIFE), (BROWSER_COOKIE, opened.browser, BROWSER_LIFE)):
        life_s = int(life.total_seconds())
        response.set_cookie(name, token, max_age=life_s, httponly=True, samesite="lax", secure=secure, path="/")
    response.headers["Cache-Control"] = "no-store"


@router.get("/api/v1/session", summary="Who am I")
async def who(by: AnyRole) -> Person:
    """Who is signed in, or whose key this is."""
    return _describe_person(by)


@router.delete("/api/v1/session", status_code=204, summary="Sign out")
def sign_out(request: Request, response: Response, _: AnyRole) -> None:
    """End the session everywhere; a key has none to end."""
    token = request.cookies.get(COOKIE)
    if token is not None:
        with transaction(request.app.state.engine) as session:
            close_sign_in(session, token)
        request.app.state.people.forget(token)
    response.delete_cookie(COOKIE, path="/")


def _open(engine: Engine, sent: SignIn, browser: str | None) -> Opened | None:
    """The person and the tokens of the new session and its browser, None where name and password do not fit.

    The password is checked with no transaction open: it takes a third of a second.
    """
    user = _find_user(engine, sent.name)
    if not check_password(sent.password, user) or user is None:
        return None
    with transaction(engine) as session:
        return _open_here(session, user, browser)


def _renew(engine: Engine, by: Actor, sent: NewPassword, browser: str | None) -> Opened | None:
    """The same under a new password, after which no other session of the person is open."""
    if not check_password(sent.old, _find_user(engine, by.name)):
        return None
    hashed = hash_password(sent.new)
    with transaction(engine) as session:
        user = session.get_one(User, by.name)
        user.password_hash = hashed
        end_sign_ins(session, by.name)
        note(session, "change_password", subject=f"user:{by.name}", area=user.area, by=by)
        return _open_here(session, user, browser)


def _find_user(engine: Engine, name: str) -> User | None:
    with reading(engine) as session:
        user = session.get(User, name)
        session.expunge_all()
    return user


def _open_here(session: Session, user: User, browser: str | None) -> Opened:
    # A browser keeps its token for all who use it; one that we did not give is not taken over.
    mine = browser if browser is not None and is_browser(session, browser) else secrets.token_urlsafe(32)
    remember_browser(session, mine, user.name)
    return Opened(actor_of(user), open_sign_in(session, user.name), mine)


def _describe_person(by: Actor) -> Person:
    return Person(name=by.name, role=by.role, area=by.area, language=by.language, kind=by.kind)
