"""What was done, by whom: append-only and hash-chained ([A4]).

`note` appends inside the caller's transaction, without a lock; one writer per second (`seal`) chains what has arrived.
A chain written inside each transaction would make all writers queue.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import BYTEA
from sqlalchemy.orm import Mapped, Session, mapped_column

from layers.access import Actor
from layers.db import Base, code_column, id_column, now_column

GENESIS = b"\x00" * 32
# Lines of one answer; a reader goes on from the last one's id.
PAGE = 100
# One sealer at a time, over all processes: an advisory lock with a number of our own.
SEAL_LOCK = 0x57414E4747450001 % 2**63


class HistoryEntry(Base):
    """One line of history; `sealed` numbers the chain and is null until the sealer has passed."""

    __tablename__ = "history"

    id: Mapped[int] = id_column()
    at: Mapped[datetime] = now_column()
    actor: Mapped[str]
    role: Mapped[str]
    action: Mapped[str] = mapped_column(index=True)
    subject: Mapped[str] = mapped_column(index=True)
    area: Mapped[str] = code_column(server_default="")
    details: Mapped[dict[str, Any]]
    sealed: Mapped[int | None] = mapped_column(unique=True)
    digest: Mapped[bytes | None] = mapped_column(BYTEA)


# For statements that write more than this line: an edit of a draft does. `line_of` gives the parameters.
LINE = insert(HistoryEntry).values(
    {name: bindparam(f"history_{name}") for name in ("action", "subject", "area", "actor", "role", "details")}
)


def line_of(action: str, *, subject: str, area: str, by: Actor, details: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters with which `LINE` appends one line, the same that `note` appends."""
    return {
        "history_action": action,
        "history_subject": subject,
        "history_area": area,
        "history_actor": by.name,
        "history_role": by.role,
        "history_details": dict(details),
    }


def note(session: Session, action: str, *, subject: str, area: str = "", by: Actor, **details: Any) -> None:
    """Append one line to the history, in the caller's transaction."""
    session.add(HistoryEntry(action=action, subject=subject, area=area, actor=by.name, role=by.role, details=details))


def seal(session: Session, *, most: int = 5_000) -> int:
    """The number of lines that were chained: each line's digest covers the line before it and its own content."""
    session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": SEAL_LOCK})
    last = session.execute(
        select(HistoryEntry.sealed, HistoryEntry.digest)
        .where(HistoryEntry.sealed.is_not(None))
        .order_by(HistoryEntry.sealed.desc())
        .limit(1)
    ).first()
    number, digest = (last.sealed or 0, last.digest or GENESIS) if last else (0, GENESIS)
    waiting = session.scalars(
        select(HistoryEntry).where(HistoryEntry.sealed.is_(None)).order_by(HistoryEntry.id).limit(most)
    ).all()
    for entry in waiting:
        number, digest = number + 1, _digest(digest, entry)
        session.execute(update(HistoryEntry).where(HistoryEntry.id == entry.id).values(sealed=number, digest=digest))
    return len(waiting)


def find_break(session: Session) -> int | None:
    """The number of the first line whose digest does not follow from the one before it; None when the chain holds."""
    digest = GENESIS
    entries = session.scalars(
        select(HistoryEntry).where(HistoryEntry.sealed.is_not(None)).order_by(HistoryEntry.sealed)
    )
    for expected, entry in enumerate(entries, start=1):
        digest = _digest(digest, entry)
        if entry.sealed != expected or entry.digest != digest:
            return expected
    return None


def _digest(previous: bytes, entry: HistoryEntry) -> bytes:
    content = [entry.id, entry.at.isoformat(), entry.actor, entry.role, entry.action, entry.subject, entry.details]
    return hashlib.sha256(previous + json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).digest()


def list_entries(
    session: Session, *, area: str, subject: str | None = None, action: str | None = None, before: int | None = None
) -> list[HistoryEntry]:
    """The latest hundred lines about an area (a code prefix), newest first, from an id downwards."""
    statement = select(HistoryEntry).where(func.starts_with(HistoryEntry.area, area))
    if subject is not None:
        statement = statement.where(HistoryEntry.subject == subject)
    if action is not None:
        statement = statement.where(HistoryEntry.action == action)
    if before is not None:
        statement = statement.where(HistoryEntry.id < before)
    return list(session.scalars(statement.order_by(HistoryEntry.id.desc()).limit(PAGE)))


def list_lines_of(session: Session, subject: str, *, actions: Collection[str]) -> list[HistoryEntry]:
    """All lines about one subject that tell of these actions, oldest first."""
    statement = select(HistoryEntry).where(HistoryEntry.subject == subject, HistoryEntry.action.in_(actions))
    return list(session.scalars(statement.order_by(HistoryEntry.id)))


def count_sealed(session: Session) -> tuple[int, int]:
    """The number of all lines, and of those that are in the chain."""
    row = session.execute(select(func.count(), func.count(HistoryEntry.sealed))).one()
    return int(row[0]), int(row[1])
