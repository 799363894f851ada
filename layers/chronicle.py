"""What happened to a plan, version by version: append-only, one line for each version after the first ([P3]).

The history of edits (`plan_edits`) is what undo walks along: lines are marked, dropped, begun anew. This one is for
people who look on and for clients that lost an answer: what was done since the version I saw, by whom, and was my own
edit among it. Every line wakes the processes that listen, from inside the transaction that wrote it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Text, UniqueConstraint, bindparam, func, insert, select
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA
from sqlalchemy.orm import Mapped, Session, mapped_column

from layers.access import Actor
from layers.db import Base
from layers.errors import NotFound, Unacceptable
from layers.freshness import PLANS
from layers.plans import Plan, find_locked


class PlanEvent(Base):
    """One line: what led to this version, who did it, and which grids differ since."""

    __tablename__ = "plan_events"
    __table_args__ = (UniqueConstraint("plan_id", "key"),)

    plan_id: Mapped[int] = mapped_column(ForeignKey("plans.id", ondelete="CASCADE"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    action: Mapped[str]
    op: Mapped[str | None]
    by: Mapped[str]
    author: Mapped[str | None]
    codes: Mapped[list[str]] = mapped_column(ARRAY(Text(collation="C")))
    households: Mapped[dict[str, Any]]
    added: Mapped[list[Any]]
    cleared: Mapped[list[Any]]
    key: Mapped[str | None]
    body_sha256: Mapped[bytes | None] = mapped_column(BYTEA)
    at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())


@dataclass(frozen=True, kw_only=True)
class Happening:
    """What a line says; `author` is whose edit was undone or redone, `households` code → before and after."""

    action: str
    op: str | None = None
    author: str | None = None
    codes: Sequence[str] = ()
    households: Mapping[str, tuple[int | None, int | None]] = field(default_factory=dict)
    added: Sequence[Mapping[str, Any]] = ()
    cleared: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True)
class Ticket:
    """An Idempotency-Key and the SHA-256 of the request that came with it."""

    key: str
    body_sha256: bytes


# For statements that write more than this line: an edit of a draft does. `line_of` gives the parameters, of which the
# last one is for whoever runs the statement: it must return WAKEN, else nobody who listens hears of the line.
LINE = insert(PlanEvent).values(
    {column.key: bindparam(f"event_{column.key}") for column in PlanEvent.__table__.columns if column.key != "at"}
)
WAKEN = func.pg_notify(PLANS, bindparam("event_told", type_=Text))
# One statement: to wake the others costs no way to the server of its own.
_NOTE = LINE.returning(WAKEN)


def line_of(
    plan_id: int, happening: Happening, *, version: int, by: Actor, ticket: Ticket | None = None
) -> dict[str, Any]:
    """The parameters with which `LINE` appends the line of a version, and with it the ticket of the request."""
    return {
        "event_plan_id": plan_id,
        "event_version": version,
        "event_action": happening.action,
        "event_op": happening.op,
        "event_by": by.name,
        "event_author": happening.author,
        "event_codes": sorted(happening.codes),
        "event_households": {code: list(pair) for code, pair in happening.households.items()},
        "event_added": list(happening.added),
        "event_cleared": list(happening.cleared),
        "event_key": None if ticket is None else ticket.key,
        "event_body_sha256": None if ticket is None else ticket.body_sha256,
        "event_told": json.dumps({"plan": plan_id, "version": version}),
    }


def note_happening(session: Session, plan_id: int, happening: Happening, *, version: int, by: Actor) -> None:
    """Append the line of a version, in the caller's transaction; whoever listens is woken when that commits."""
    session.connection().execute(_NOTE, line_of(plan_id, happening, version=version, by=by))


def note_turn(session: Session, plan: Plan, action: str, *, by: Actor) -> None:
    """Append the line of a plan that turned as a whole: submitted, returned, published."""
    note_happening(session, plan.id, Happening(action=action), version=plan.version, by=by)


def find_made(session: Session, plan_id: int, ticket: Ticket, *, by: Actor) -> int | None:
    """The version that came of an edit with this key, None when there is none: the edit is to carry the ticket then.

    The plan's row is locked first, so that of two requests with one key the second finds what the first one did. Raises
    Unacceptable for a key that was used by another person or with another body, NotFound where there is no such plan.
    """
    if find_locked(session, plan_id) is None:
        raise NotFound("no_such_plan", plan=plan_id)
    columns = (PlanEvent.version, PlanEvent.by, PlanEvent.body_sha256)
    made = session.execute(select(*columns).where(PlanEvent.plan_id == plan_id, PlanEvent.key == ticket.key)).first()
    if made is None:
        return None
    if made.by != by.name or made.body_sha256 != ticket.body_sha256:
        raise Unacceptable("key_used_with_another_body", errors=[(["Idempotency-Key"], "key_used_with_another_body")])
    version: int = made.version
    return version


def list_lines(session: Session, plan_id: int, *, after: int, most: int) -> list[PlanEvent]:
    """The lines after a version, oldest first, at most so many."""
    later = select(PlanEvent).where(PlanEvent.plan_id == plan_id, PlanEvent.version > after)
    return list(session.scalars(later.order_by(PlanEvent.version).limit(most)))


def announce(session: Session, message: Mapping[str, Any]) -> None:
    """Tell all processes something that nobody needs to remember, when the transaction commits; up to 8,000 bytes."""
    session.execute(select(func.pg_notify(PLANS, json.dumps(message, ensure_ascii=False))))
