"""Signing in and out: a person's session is a cookie that scripts cannot read."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Engine

from gis_api.auth import COOKIE, Attempts, check_password, refuse_foreign_origin
from gis_api.dependencies import CHALLENGE, AnyRole, Settings_, public
from gis_api.errors import Problem
from gis_api.strict_routes import StrictRoute
from layers.access import SESSION_LIFE, Actor, User, actor_of, close_sign_in, open_sign_in
from layers.db import transaction

router = APIRouter(tags=["session"], route_class=StrictRoute)


class SignIn(BaseModel):
    """A person's name and password."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=200)
    password: str = Field(min_length=1, max_length=1_000)


class Person(BaseModel):
    """Who is signed in, and what they may do where."""

    name: str
    role: str
    area: str
    language: str
    kind: str


@router.post("/api/v1/session", dependencies=[public], summary="Sign in")
async def sign_in(request: Request, response: Response, sent: SignIn, settings: Settings_) -> Person:
    """Open a session and set its cookie; 401 for a wrong name or password, 429 after too many attempts."""
    refuse_foreign_origin(request, request.method, trusted=settings.origins)
    attempts: Attempts = request.app.state.attempts
    attempts.count(sent.name, request.client.host if request.client else "")
    opened = await run_in_threadpool(_open, request.app.state.engine, sent)
    if opened is None:
        raise Problem(401, "wrong_password", headers=CHALLENGE)
    attempts.clear(sent.name)
    person, token = opened
    life_s, secure = int(SESSION_LIFE.total_seconds()), request.url.scheme == "https"
    response.set_cookie(COOKIE, token, max_age=life_s, httponly=True, samesite="lax", secure=secure, path="/")
    response.headers["Cache-Control"] = "no-store"
    return _shown(person)


@router.get("/api/v1/session", summary="Who am I")
async def who(by: AnyRole) -> Person:
    """Who is signed in, or whose key this is."""
    return _shown(by)


@router.delete("/api/v1/session", status_code=204, summary="Sign out")
def sign_out(request: Request, response: Response, _: AnyRole) -> None:
    """End the session everywhere; a key has none to end."""
    token = request.cookies.get(COOKIE)
    if token is not None:
        with transaction(request.app.state.engine) as session:
            close_sign_in(session, token)
        request.app.state.people.forget(token)
    response.delete_cookie(COOKIE, path="/")


def _open(engine: Engine, sent: SignIn) -> tuple[Actor, str] | None:
    """The person and the new session's token, None where name and password do not fit.

    The password is checked with no transaction open: it takes a third of a second.
    """
    with transaction(engine) as session:
        user = session.get(User, sent.name)
        session.expunge_all()
    if not check_password(sent.password, user) or user is None:
        return None
    with transaction(engine) as session:
        return actor_of(user), open_sign_in(session, user.name)


def _shown(by: Actor) -> Person:
    return Person(name=by.name, role=by.role, area=by.area, language=by.language, kind=by.kind)
