"""What other systems may be told of, written down beside what happened, in the same transaction ([D12])."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Index, insert, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from layers.db import Base, code_column, id_column, now_column, table_of

PING = "ping"
# What can be asked for, and the lines of history that they tell of.
KINDS: Mapping[str, str] = {
    "incident.reported": "incident.reported",
    "incident.step": "incident.step",
    "plan.publish": "plan.published",
    "plan.archive": "plan.archived",
}
# What of a line's details goes out: states, codes and numbers. Reasons and notes are texts of people, and stay.
_TOLD = ("state", "step", "worker", "plan_version")


class OutgoingEvent(Base):
    """Something that happened, as others are told of it: no names, no phones, no texts that somebody wrote."""

    __tablename__ = "outgoing_events"
    __table_args__ = (Index("ix_outgoing_events_waiting", "id", postgresql_where=text("NOT spread")),)

    id: Mapped[int] = id_column()
    at: Mapped[datetime] = now_column()
    kind: Mapped[str]
    subject: Mapped[str]
    area: Mapped[str] = code_column(server_default="")
    told: Mapped[dict[str, Any]]
    spread: Mapped[bool] = mapped_column(server_default="false")


def put_event(session: Session, action: str, *, subject: str, area: str, details: Mapping[str, Any]) -> None:
    """Write down the event of a line of history in its transaction; nothing for a line that nobody is told of."""
    kind = KINDS.get(action)
    if kind is None:
        return
    told = {name: details[name] for name in _TOLD if details.get(name) is not None}
    row = {"kind": kind, "subject": subject.removeprefix("plan:"), "area": area, "told": told}
    session.execute(insert(table_of(OutgoingEvent)).values(row))
