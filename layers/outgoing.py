"""What others are told of, written down beside what happened, in the same transaction ([D12]).

An event gets its number after it was committed, from one process at a time (`layers.outbox.spread`): whoever has been
told of a number has seen all smaller ones, however long the transaction of any of them took. An id, which is drawn
before the commit, promises no such thing.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, func, insert, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from layers.db import Base, code_column, id_column, now_column, table_of
from layers.freshness import EVENTS

PING = "ping"
# What can be asked for, and the lines of history that they tell of.
KINDS: Mapping[str, str] = {
    "incident.reported": "incident.reported",
    "incident.step": "incident.step",
    "incident.check_in_missed": "incident.check_in_missed",
    "plan.publish": "plan.published",
    "plan.archive": "plan.archived",
}
# What of a line's details goes out: states, codes and numbers. Reasons and notes are texts of people, and stay.
_TOLD = ("state", "step", "worker", "plan_version")


class OutgoingEvent(Base):
    """Something that happened, as others are told of it: no names, no phones, no texts that somebody wrote."""

    __tablename__ = "outgoing_events"
    __table_args__ = (
        Index("ix_outgoing_events_waiting", "id", postgresql_where=text("NOT spread")),
        Index("uq_outgoing_events_number", "number", unique=True),
    )

    id: Mapped[int] = id_column()
    at: Mapped[datetime] = now_column()
    kind: Mapped[str]
    subject: Mapped[str]
    area: Mapped[str] = code_column(server_default="")
    told: Mapped[dict[str, Any]]
    spread: Mapped[bool] = mapped_column(server_default="false")
    # None until it is spread, and for good where it is for one address alone.
    number: Mapped[int | None] = mapped_column(BigInteger)


def put_event(session: Session, action: str, *, subject: str, area: str, details: Mapping[str, Any]) -> None:
    """Write down the event of a line of history in its transaction; nothing for a line that nobody is told of."""
    kind = KINDS.get(action)
    if kind is None:
        return
    told = {name: details[name] for name in _TOLD if details.get(name) is not None}
    row = {"kind": kind, "subject": subject.removeprefix("plan:"), "area": area, "told": told}
    # One statement: to wake whoever listens, at the commit, costs no way to the server of its own.
    session.execute(insert(table_of(OutgoingEvent)).values(row).returning(func.pg_notify(EVENTS, "")))
