"""Who is asking: a machine key or a person's session, as an Actor ([A1]).

Keys are known from memory, so that lookups go on while PostgreSQL is away; sessions are asked for once and remembered
for a few seconds. Passwords are argon2; checking one takes a third of a second, so attempts are counted first.
"""

from __future__ import annotations

import secrets
import time
from collections import deque
from collections.abc import Mapping
from functools import cache
from urllib.parse import urlsplit

from pwdlib import PasswordHash
from pwdlib.exceptions import UnknownHashError
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import Engine
from sqlalchemy import exc as sql
from sqlalchemy.orm import Session
from starlette.requests import HTTPConnection

from gis_api.errors import Problem
from layers.access import Actor, User, digest_of, find_person

COOKIE = "wangge_session"
SAFE_METHODS = ("GET", "HEAD", "OPTIONS", "TRACE")
# How long a session is believed without asking again: a sign-out or a blocked account works everywhere after this.
REMEMBERED_S = 2.0
# How long it is believed when there is nobody to ask.
REMEMBERED_WITHOUT_DATABASE_S = 3_600.0
MOST_REMEMBERED = 10_000
PASSWORDS = PasswordHash((Argon2Hasher(),))


def hash_password(password: str) -> str:
    """The argon2id hash to store; takes a third of a second."""
    return PASSWORDS.hash(password)


def check_password(password: str, user: User | None) -> bool:
    """Whether this is the person's password; takes as long when there is no such person."""
    known = user is not None and user.active
    try:
        right = PASSWORDS.verify(password, user.password_hash if user is not None else _nobody())
    except UnknownHashError:
        return False
    return right and known


@cache
def _nobody() -> str:
    """What is compared where there is no such person, so that a wrong name takes as long as a wrong password."""
    return PASSWORDS.hash(secrets.token_urlsafe())


def bearer_of(headers: Mapping[str, str]) -> str | None:
    """The key of an Authorization header, None where there is none."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


class People:
    """The open sessions that this process has asked for lately."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._known: dict[bytes, tuple[Actor, float]] = {}

    def find_remembered(self, token: str) -> Actor | None:
        """The person behind a session token, if it was asked for within the last seconds."""
        known = self._known.get(digest_of(token))
        return known[0] if known is not None and time.monotonic() - known[1] < REMEMBERED_S else None

    def find(self, token: str) -> Actor | None:
        """The person behind a session token; asks the database, and memory where the database is away."""
        digest = digest_of(token)
        try:
            with Session(self._engine) as session:
                person = find_person(session, token)
        except (sql.OperationalError, sql.TimeoutError):
            return self._find_without_database(digest)
        self._remember(digest, person)
        return person

    def forget(self, token: str) -> None:
        """No longer believe a session that was ended."""
        self._known.pop(digest_of(token), None)

    def _remember(self, digest: bytes, person: Actor | None) -> None:
        if len(self._known) >= MOST_REMEMBERED:
            self._known.clear()
        if person is None:
            self._known.pop(digest, None)
        else:
            self._known[digest] = (person, time.monotonic())

    def _find_without_database(self, digest: bytes) -> Actor | None:
        known = self._known.get(digest)
        if known is not None and time.monotonic() - known[1] < REMEMBERED_WITHOUT_DATABASE_S:
            return known[0]
        raise Problem(503, "database_away", headers={"Retry-After": "2"})


class Attempts:
    """How often somebody may try: so many attempts a minute for one name, five times as many for one address."""

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._seen: dict[str, deque[float]] = {}

    def count(self, name: str, address: str) -> None:
        """Count one attempt; raises Problem 429, which says when to try again, where there were too many."""
        for key, most in ((f"name {name}", self._per_minute), (f"address {address}", 5 * self._per_minute)):
            self._count(key, most)

    def clear(self, name: str) -> None:
        """Forget a person's attempts after one that was right."""
        self._seen.pop(f"name {name}", None)

    def _count(self, key: str, most: int) -> None:
        now = time.monotonic()
        if len(self._seen) >= MOST_REMEMBERED:
            self._seen = {name: seen for name, seen in self._seen.items() if seen and now - seen[-1] < 60.0}
        seen = self._seen.setdefault(key, deque(maxlen=most))
        if len(seen) == most and now - seen[0] < 60.0:
            wait_s = max(1, round(60.0 - (now - seen[0])))
            raise Problem(429, "too_many_sign_ins", headers={"Retry-After": str(wait_s)}, wait_s=wait_s)
        seen.append(now)


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
