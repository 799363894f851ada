"""Who may do what: the Actor, the roles, and the accounts of people and machines ([A1]).

Role at the door, area inside the verb: a door asks `Actor.role`, a verb calls `require_area` (an edit: 403) or
`require_visible` (a single thing: 404) with the code it is about.
"""

from __future__ import annotations

import enum
import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import CheckConstraint, ForeignKey, delete, exists, func, select, text
from sqlalchemy.dialects.postgresql import BYTEA, insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from layers.db import Base, code_column, id_column, now_column
from layers.errors import Conflict, Forbidden, NotFound

SESSION_LIFE = timedelta(hours=12)
# One name at a time, over all processes: an advisory lock with a number of our own.
NAMES_LOCK = 0x57414E4747450003 % 2**63
BROWSER_LIFE = timedelta(days=365)
DATUMS = ("wgs84", "cgcs2000", "gcj02", "bd09")


class Role(enum.StrEnum):
    """What a person or a machine key may be."""

    planner = "planner"
    dispatcher = "dispatcher"
    leader = "leader"
    worker = "worker"
    unit = "unit"
    admin = "admin"
    auditor = "auditor"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a signed-in person, a machine key, or the service itself; `area` is a code prefix ("" = everywhere)."""

    name: str
    role: str
    area: str = ""
    kind: str = "person"
    datum: str | None = None
    language: str = "zh-CN"
    worker_id: int | None = None
    # The department of somebody in the role unit; without one they see every case of their area.
    unit: str | None = None
    # A machine through which the workers' own devices report: what it says of them is as good as their own word.
    gateway: bool = False

    def holds(self, code: str | None) -> bool:
        """Whether a code lies within this actor's area (or above it, on the way up to the district)."""
        return bool(code is not None and code.startswith(self.area)) or self.area == ""


def service_actor(name: str) -> Actor:
    """The service acting by itself, over every area."""
    return Actor(name=name, role=Role.admin, area="", kind="service")


def require_area(by: Actor, code: str | None) -> None:
    """Raise Forbidden when somebody would change something outside their area."""
    if not by.holds(code):
        raise Forbidden("foreign_area", asked=code or "", area=by.area)


def require_visible(by: Actor, code: str | None) -> None:
    """Raise NotFound when a single thing lies outside the area of who asks: its existence is not told."""
    if not by.holds(code):
        raise NotFound("not_found")


class User(Base):
    """A person who can sign in."""

    __tablename__ = "users"
    __table_args__ = (CheckConstraint(f"role IN ({', '.join(repr(str(role)) for role in Role)})", name="role"),)

    name: Mapped[str] = code_column(primary_key=True)
    role: Mapped[str]
    area: Mapped[str] = code_column(server_default="")
    password_hash: Mapped[str]
    language: Mapped[str] = mapped_column(server_default="zh-CN")
    worker_id: Mapped[int | None]
    unit_code: Mapped[str | None] = code_column(nullable=True)
    active: Mapped[bool] = mapped_column(server_default="true")
    created_at: Mapped[datetime] = now_column()


class Key(Base):
    """A machine's key; only its SHA-256 is stored (the key itself is 256 random bits, so no slow hash is needed)."""

    __tablename__ = "keys"
    __table_args__ = (
        CheckConstraint(f"role IN ({', '.join(repr(str(role)) for role in Role)})", name="role"),
        CheckConstraint(f"datum IS NULL OR datum IN ({', '.join(map(repr, DATUMS))})", name="datum"),
    )

    id: Mapped[int] = id_column()
    name: Mapped[str] = code_column(unique=True)
    role: Mapped[str]
    area: Mapped[str] = code_column(server_default="")
    datum: Mapped[str | None]
    unit_code: Mapped[str | None] = code_column(nullable=True)
    gateway: Mapped[bool] = mapped_column(server_default="false")
    sha256: Mapped[bytes] = mapped_column(BYTEA, unique=True)
    created_at: Mapped[datetime] = now_column()
    revoked_at: Mapped[datetime | None]


class SignIn(Base):
    """An open session of a person; the cookie holds the token, the table its SHA-256."""

    __tablename__ = "sign_ins"

    sha256: Mapped[bytes] = mapped_column(BYTEA, primary_key=True)
    user_name: Mapped[str] = mapped_column(ForeignKey("users.name", ondelete="CASCADE"), index=True)
    expires_at: Mapped[datetime]


class KnownBrowser(Base):
    """A browser in which a person has signed in: whoever guesses their password elsewhere does not keep it waiting."""

    __tablename__ = "known_browsers"

    sha256: Mapped[bytes] = mapped_column(BYTEA, primary_key=True)
    user_name: Mapped[str] = mapped_column(ForeignKey("users.name", ondelete="CASCADE"), primary_key=True, index=True)
    seen_at: Mapped[datetime] = now_column()


def digest_of(token: str) -> bytes:
    """The SHA-256 under which a key or a session token is stored."""
    return hashlib.sha256(token.encode()).digest()


def add_user(
    session: Session,
    name: str,
    *,
    role: str,
    area: str,
    password_hash: str,
    worker_id: int | None = None,
    unit: str | None = None,
) -> User:
    """The stored user; raises Conflict when the name is taken, by a person or a key."""
    _require_free(session, name)
    user = User(name=name, role=Role(role), area=area, password_hash=password_hash)
    user.worker_id, user.unit_code = worker_id, unit
    session.add(user)
    session.flush()
    return user


def add_key(
    session: Session,
    name: str,
    *,
    role: str,
    area: str,
    datum: str | None = None,
    unit: str | None = None,
    gateway: bool = False,
) -> str:
    """The new key's text, told this one time; raises Conflict when the name is taken, by a key or a person."""
    _require_free(session, name)
    token = "wg_" + secrets.token_urlsafe(32)
    key = Key(name=name, role=Role(role), area=area, datum=datum, unit_code=unit, sha256=digest_of(token))
    key.gateway = gateway
    session.add(key)
    session.flush()
    return token


def open_sign_in(session: Session, user_name: str) -> str:
    """The token of a new session of this person, good for twelve hours."""
    token = secrets.token_urlsafe(32)
    session.execute(delete(SignIn).where(SignIn.expires_at < func.now()))
    expires_at = session.scalar(select(func.now() + SESSION_LIFE))
    session.add(SignIn(sha256=digest_of(token), user_name=user_name, expires_at=expires_at))
    return token


def _require_free(session: Session, name: str) -> None:
    """Raise Conflict for a name that any person or key has or had: plans and history know people by their names.

    Under a lock, so that of a person and a key made at once one gets the name. Names are compared as they are read.
    """
    session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": NAMES_LOCK})
    for column in (User.name, Key.name):
        same = func.lower(func.normalize(column, text("NFKC"))) == func.lower(func.normalize(name, text("NFKC")))
        if session.scalar(select(column).where(same).limit(1)) is not None:
            raise Conflict("name_taken", name=name)


def knows_browser(session: Session, token: str, user_name: str) -> bool:
    """Whether this person has signed in in the browser with this token, within a year."""
    recent = KnownBrowser.seen_at > func.now() - BROWSER_LIFE
    found = select(KnownBrowser.sha256).where(
        KnownBrowser.sha256 == digest_of(token), KnownBrowser.user_name == user_name, recent
    )
    return session.scalar(found) is not None


def is_browser(session: Session, token: str) -> bool:
    """Whether this token was given to a browser by us."""
    found = select(KnownBrowser.sha256).where(KnownBrowser.sha256 == digest_of(token)).limit(1)
    return session.scalar(found) is not None


def remember_browser(session: Session, token: str, user_name: str) -> None:
    """Know the browser with this token for this person from now on."""
    values = {"sha256": digest_of(token), "user_name": user_name}
    added = insert(KnownBrowser).values(values)
    session.execute(
        added.on_conflict_do_update(
            index_elements=[KnownBrowser.sha256, KnownBrowser.user_name], set_={"seen_at": func.now()}
        )
    )


def close_sign_in(session: Session, token: str) -> None:
    """End a session; an unknown one is already ended."""
    session.execute(delete(SignIn).where(SignIn.sha256 == digest_of(token)))


def find_person(session: Session, token: str) -> Actor | None:
    """The person behind a session token, None when it is unknown, expired or the person is not active."""
    statement = (
        select(User)
        .join(SignIn, SignIn.user_name == User.name)
        .where(SignIn.sha256 == digest_of(token), SignIn.expires_at > func.now(), User.active)
    )
    user = session.scalar(statement)
    return None if user is None else actor_of(user)


def list_signed_in(session: Session, *, most: int = 20_000) -> dict[bytes, tuple[Actor, datetime]]:
    """Who is behind each open session, by its SHA-256, and until when; of very many the latest ones.

    Processes keep it in memory, so that somebody who reads needs no database.
    """
    statement = (
        select(SignIn.sha256, SignIn.expires_at, User)
        .join(User, SignIn.user_name == User.name)
        .where(SignIn.expires_at > func.now(), User.active)
        .order_by(SignIn.expires_at.desc())
        .limit(most)
    )
    return {digest: (actor_of(user), expires_at) for digest, expires_at, user in session.execute(statement)}


def actor_of(user: User) -> Actor:
    """The actor that a stored user becomes when signed in."""
    return Actor(
        name=user.name,
        role=user.role,
        area=user.area,
        language=user.language,
        worker_id=user.worker_id,
        unit=user.unit_code,
    )


def list_key_actors(session: Session) -> dict[bytes, Actor]:
    """Every valid machine key's SHA-256 and the actor it stands for; processes keep it in memory."""
    keys = session.scalars(select(Key).where(Key.revoked_at.is_(None)))
    return {key.sha256: _actor_of_key(key) for key in keys}


def _actor_of_key(key: Key) -> Actor:
    return Actor(
        name=key.name,
        role=key.role,
        area=key.area,
        kind="key",
        datum=key.datum,
        unit=key.unit_code,
        gateway=key.gateway,
    )


def list_users(session: Session, *, by: Actor) -> list[User]:
    """The people of an admin's area, by name."""
    return list(session.scalars(select(User).where(func.starts_with(User.area, by.area)).order_by(User.name)))


def get_user(session: Session, name: str, *, by: Actor) -> User:
    """One person; raises NotFound, also for somebody of another area."""
    user = session.get(User, name)
    if user is None:
        raise NotFound("not_found", name=name)
    require_visible(by, user.area)
    return user


def end_sign_ins(session: Session, user_name: str) -> None:
    """End every open session of a person, and know none of their browsers: what a new password asks for."""
    session.execute(delete(SignIn).where(SignIn.user_name == user_name))
    session.execute(delete(KnownBrowser).where(KnownBrowser.user_name == user_name))


def forget_sign_ins(session: Session) -> int:
    """The number of expired sessions removed."""
    expired = delete(SignIn).where(SignIn.expires_at < func.now())
    return len(session.execute(expired.returning(SignIn.user_name)).all())


def has_users(session: Session) -> bool:
    """Whether anybody can sign in."""
    return bool(session.scalar(select(exists().where(User.active))))


def list_keys(session: Session, *, by: Actor) -> list[Key]:
    """The machine keys of an admin's area that are not revoked, by name; never the key itself."""
    mine = func.starts_with(Key.area, by.area)
    return list(session.scalars(select(Key).where(mine, Key.revoked_at.is_(None)).order_by(Key.name)))


def revoke_key(session: Session, name: str, *, by: Actor) -> str:
    """The area of a machine's key, which ends; raises NotFound where there is no valid one of that name in the area."""
    key = session.scalar(select(Key).where(Key.name == name, Key.revoked_at.is_(None)))
    if key is None:
        raise NotFound("not_found", name=name)
    require_visible(by, key.area)
    key.revoked_at = func.now()
    return key.area
