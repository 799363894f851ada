"""Who is asking: a machine key or a person's session, as an Actor ([A1]).

Keys and open sessions are known from memory, so that lookups go on while PostgreSQL is away. Passwords are argon2: each
takes a third of a second and 64 MB, so two are worked out at a time, and who may try when is said in
`gis_api.sign_ins`.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from typing import Annotated
from urllib.parse import urlsplit

from pwdlib import PasswordHash
from pwdlib.exceptions import UnknownHashError
from pwdlib.hashers.argon2 import Argon2Hasher
from pydantic import Field
from sqlalchemy import Engine
from sqlalchemy import exc as sql
from starlette.requests import HTTPConnection

from gis_api.errors import Problem
from gis_api.replicas import Replicas
from layers.access import Actor, User, digest_of, find_person
from layers.db import reading
from layers.moments import read_clock

COOKIE = "wangge_session"
# By this cookie a browser is known in which somebody has signed in before; it opens nothing.
BROWSER_COOKIE = "wangge_browser"
SAFE_METHODS = ("GET", "HEAD", "OPTIONS", "TRACE")
# How long a session is believed without asking again: a sign-out or a blocked account works everywhere after this.
REMEMBERED_S = 2.0
# How long somebody whose account was changed here is asked for anew.
DOUBTED_S = 5.0
# How long it is believed when there is nobody to ask.
REMEMBERED_WITHOUT_DATABASE_S = 3_600.0
BELIEVED_WITHOUT_DATABASE = timedelta(seconds=REMEMBERED_WITHOUT_DATABASE_S)
MOST_REMEMBERED = 10_000
PASSWORDS = PasswordHash((Argon2Hasher(),))
# Over all threads of the process, whoever asks: forty at once would take 2.6 GB.
_TWO_AT_ONCE = threading.BoundedSemaphore(2)


SHORTEST_PASSWORD = 10
Password = Annotated[str, Field(min_length=SHORTEST_PASSWORD, max_length=1_000)]


def hash_password(password: str) -> str:
    """The argon2id hash to store; takes a third of a second."""
    with _TWO_AT_ONCE:
        return PASSWORDS.hash(password)


def check_password(password: str, user: User | None) -> bool:
    """Whether this is the person's password; takes as long when there is no such person."""
    known = user is not None and user.active
    try:
        with _TWO_AT_ONCE:
            right = PASSWORDS.verify(password, user.password_hash if user is not None else _make_decoy_hash())
    except UnknownHashError:
        return False
    return right and known


@cache
def _make_decoy_hash() -> str:
    """What is compared where there is no such person, so that a wrong name takes as long as a wrong password."""
    return PASSWORDS.hash(secrets.token_urlsafe())


def bearer_of(headers: Mapping[str, str]) -> str | None:
    """The key of an Authorization header, None where there is none."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


class People:
    """Who is behind a session: known from memory, so that a page goes on reading while PostgreSQL is away or hangs.

    A session that was just opened is asked for once, and remembered until memory has it too.
    """

    def __init__(self, engine: Engine, replicas: Replicas) -> None:
        self._engine = engine
        self._replicas = replicas
        self._known: dict[bytes, tuple[Actor, float]] = {}
        self._ended: dict[bytes, float] = {}
        self._doubted: dict[str, float] = {}

    def find_remembered(self, token: str) -> Actor | None:
        """The person behind a session token, as far as memory knows. Raises Problem 503 where PostgreSQL is away and
        memory cannot tell, for then nobody can."""
        digest = digest_of(token)
        if self._is_ended(digest):
            return None
        person = self._find_signed_in(digest) or self._find_asked(digest)
        if person is not None and self._is_doubted(person):
            return None
        if person is None and self._replicas.stale:
            raise Problem(503, "database_away", headers={"Retry-After": "2"})
        return person

    def find(self, token: str) -> Actor | None:
        """The person behind a session token that memory does not know; asks the database."""
        digest = digest_of(token)
        if self._is_ended(digest):
            return None
        try:
            with reading(self._engine) as session:
                person = find_person(session, token)
        except (sql.OperationalError, sql.TimeoutError) as error:
            raise Problem(503, "database_away", headers={"Retry-After": "2"}) from error
        self._remember(digest, person)
        return person

    def forget(self, token: str) -> None:
        """No longer believe a session that was ended."""
        digest = digest_of(token)
        self._known.pop(digest, None)
        if len(self._ended) >= MOST_REMEMBERED:
            self._ended.clear()
        self._ended[digest] = time.monotonic()

    def ask_anew(self, name: str) -> None:
        """Ask anew who this person is, for a while: the account was just changed, and memory may not know yet."""
        if len(self._doubted) >= MOST_REMEMBERED:
            self._doubted.clear()
        self._doubted[name] = time.monotonic()

    def _is_doubted(self, person: Actor) -> bool:
        return time.monotonic() - self._doubted.get(person.name, -1e9) < DOUBTED_S

    def _is_ended(self, digest: bytes) -> bool:
        """Whether it was ended here, and memory may not have heard of it yet."""
        ended_s = self._ended.get(digest)
        return ended_s is not None and time.monotonic() - ended_s < REMEMBERED_WITHOUT_DATABASE_S

    def _find_signed_in(self, digest: bytes) -> Actor | None:
        found, at = self._replicas.state.people.get(digest), self._replicas.updated_at
        now = read_clock()
        if found is None or at is None or now >= found[1] or now - at > BELIEVED_WITHOUT_DATABASE:
            return None
        return found[0]

    def _find_asked(self, digest: bytes) -> Actor | None:
        known = self._known.get(digest)
        believed_s = REMEMBERED_WITHOUT_DATABASE_S if self._replicas.stale else REMEMBERED_S
        return known[0] if known is not None and time.monotonic() - known[1] < believed_s else None

    def _remember(self, digest: bytes, person: Actor | None) -> None:
        if len(self._known) >= MOST_REMEMBERED:
            self._known.clear()
        if person is None:
            self._known.pop(digest, None)
        else:
            self._known[digest] = (person, time.monotonic())


def refuse_foreign_origin(connection: HTTPConnection, method: str, *, trusted: tuple[str, ...] = ()) -> None:
    """Raise Problem 403 when a page of somebody else writes with a person's cookie.

    Browsers send Origin with every write; a program without a browser sends none, and has no cookies to abuse.
    """
    origin = connection.headers.get("origin")
    if method in SAFE_METHODS or origin in trusted:
        return
    site = connection.headers.get("sec-fetch-site", "same-origin")
    own = origin is None or urlsplit(origin).netloc == connection.headers.get("host")
    if not own or site not in ("same-origin", "none"):
        raise Problem(403, "foreign_origin")
