"""What was done, by whom: append-only and hash-chained ([A4]).

`note` appends inside the caller's transaction, without a lock; one writer per second (`seal`) chains what has arrived.
A chain written inside each transaction would make all writers queue. Until then the database keeps a mark of each line
(a trigger, in the same transaction), so that one changed or taken away before it is sealed is missed; and it keeps the
head of the chain, so that its end is missed too.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, bindparam, delete, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import BYTEA
from sqlalchemy.orm import Mapped, Session, mapped_column

from layers.access import Actor
from layers.db import Base, code_column, id_column, now_column, table_of
from layers.outgoing import put_event

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
    # Person, key or service; null on lines of before, whose digests do not cover the area either.
    kind: Mapped[str | None]
    role: Mapped[str]
    action: Mapped[str] = mapped_column(index=True)
    subject: Mapped[str] = mapped_column(index=True)
    area: Mapped[str] = code_column(server_default="")
    details: Mapped[dict[str, Any]]
    sealed: Mapped[int | None] = mapped_column(unique=True)
    digest: Mapped[bytes | None] = mapped_column(BYTEA)


class HistoryMark(Base):
    """What a line was when it was written; made by a trigger, gone when the line is sealed."""

    __tablename__ = "history_marks"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    sha256: Mapped[bytes] = mapped_column(BYTEA)


class HistoryHead(Base):
    """The one row that says how far the chain goes."""

    __tablename__ = "history_head"
    __table_args__ = (CheckConstraint("one", name="one"),)

    one: Mapped[bool] = mapped_column(primary_key=True, server_default="true")
    sealed: Mapped[int]
    digest: Mapped[bytes] = mapped_column(BYTEA)


# For statements that write more than this line: an edit of a draft does. `line_of` gives the parameters.
LINE = insert(HistoryEntry).values(
    {name: bindparam(f"history_{name}") for name in ("action", "subject", "area", "actor", "kind", "role", "details")}
)


def line_of(action: str, *, subject: str, area: str, by: Actor, details: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters with which `LINE` appends one line, the same that `note` appends."""
    return {
        "history_action": action,
        "history_subject": subject,
        "history_area": area,
        "history_actor": by.name,
        "history_kind": by.kind,
        "history_role": by.role,
        "history_details": dict(details),
    }


def note(session: Session, action: str, *, subject: str, area: str = "", by: Actor, **details: Any) -> None:
    """Append one line to the history, in the caller's transaction, and the event that others are told of, if any."""
    who = {"actor": by.name, "kind": by.kind, "role": by.role}
    line = {"action": action, "subject": subject, "area": area, "details": details, **who}
    session.execute(insert(table_of(HistoryEntry)).values(line))
    put_event(session, action, subject=subject, area=area, details=details)


# A line as it was written, by its mark.
_UNTOUCHED = text("history_marks.sha256 = history_mark(history)")


def seal(session: Session, *, most: int = 5_000) -> int:
    """The number of lines that were chained: each line's digest covers the line before it and its own content.

    A line that is not what its mark says is left out for ever, and `check_chain` tells of it.
    """
    session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": SEAL_LOCK})
    head = session.scalars(select(HistoryHead).execution_options(populate_existing=True)).one_or_none()
    if head is None or _find_lost_end(session, head) is not None:
        return 0  # what goes on from a chain that was cut would hide the cut
    untouched = select(HistoryEntry).join(HistoryMark, HistoryMark.id == HistoryEntry.id).where(_UNTOUCHED)
    waiting = session.scalars(
        untouched.where(HistoryEntry.sealed.is_(None)).order_by(HistoryEntry.id).limit(most)
    ).all()
    number, digest = head.sealed, head.digest
    for entry in waiting:
        number, digest = number + 1, _digest(digest, entry)
        session.execute(update(HistoryEntry).where(HistoryEntry.id == entry.id).values(sealed=number, digest=digest))
    if waiting:
        session.execute(delete(HistoryMark).where(HistoryMark.id.in_([entry.id for entry in waiting])))
        session.execute(update(HistoryHead).values(sealed=number, digest=digest))
    return len(waiting)


@dataclass(frozen=True, slots=True)
class Break:
    """Where the history does not hold: the number in the chain, and why.

    `changed` or `missing` in the chain, `cut` at its end, `headless` where nothing says how far it goes; `line` is the
    id of a line that is not sealed yet and was `changed` or is `missing`, or was written past the mark (`unmarked`).
    """

    at: int
    why: str
    line: int | None = None


def check_chain(session: Session) -> Break | None:
    """The first thing that does not hold in the whole history, sealed or not; None when all does."""
    digest, kinds_told = GENESIS, False
    entries = session.scalars(
        select(HistoryEntry).where(HistoryEntry.sealed.is_not(None)).order_by(HistoryEntry.sealed)
    )
    expected = 0
    for expected, entry in enumerate(entries, start=1):
        if entry.sealed != expected:
            return Break(expected, "missing")
        digest = _digest(digest, entry)
        # Lines without a kind are older than all others: later none can be told as one of them.
        if entry.digest != digest or (kinds_told and entry.kind is None):
            return Break(expected, "changed")
        kinds_told = entry.kind is not None
    head = session.scalars(select(HistoryHead)).one_or_none()
    if head is None:
        return Break(expected + 1, "headless")
    return _find_lost_end(session, head) or _find_unmarked(session, head)


def _find_lost_end(session: Session, head: HistoryHead) -> Break | None:
    """The break where the chain does not end as its head says."""
    last = select(HistoryEntry.sealed, HistoryEntry.digest).where(HistoryEntry.sealed.is_not(None))
    row = session.execute(last.order_by(HistoryEntry.sealed.desc()).limit(1)).one_or_none()
    number, digest = (row.sealed, row.digest) if row is not None else (0, GENESIS)
    return None if (number, digest) == (head.sealed, head.digest) else Break(min(number, head.sealed) + 1, "cut")


_UNMARKED = text("""
    SELECT coalesce(m.id, h.id) AS line, CASE
        WHEN h.id IS NULL THEN 'missing' WHEN m.id IS NULL THEN 'unmarked' ELSE 'changed' END AS why
    FROM history_marks m FULL JOIN (SELECT id, history_mark(history) AS sha256 FROM history WHERE sealed IS NULL) h
        USING (id)
    WHERE h.id IS NULL OR m.id IS NULL OR h.sha256 <> m.sha256
    ORDER BY 1 LIMIT 1
""")


def _find_unmarked(session: Session, head: HistoryHead) -> Break | None:
    """The break where a line that waits for its seal is not what was written."""
    row = session.execute(_UNMARKED).one_or_none()
    return None if row is None else Break(head.sealed + 1, row.why, row.line)


def _digest(previous: bytes, entry: HistoryEntry) -> bytes:
    content = [entry.id, entry.at.isoformat(), entry.actor, entry.role, entry.action, entry.subject, entry.details]
    if entry.kind is not None:
        content += [entry.area, entry.kind]
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
